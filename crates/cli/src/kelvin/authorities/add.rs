//! Adding a school authority.

use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use idspool_kelvin::admin::authorities::{Authorities, Standard};
use idspool_kelvin::conf::{self, AuthorityName, Plugin};
use idspool_service::Exit;
use serde_json::{Map, Value, json};

use super::{password, warn};
use crate::format;

/// Bytes of the largest document.
const LARGEST: u64 = 16 << 20;

/// Arguments of `add`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// JSON file of the authority; `-`: standard input. Options replace what it says.
    #[arg(conflicts_with = "like")]
    file: Option<PathBuf>,
    /// Begin with the settings of this authority, all but URL, account and password.
    #[arg(long, value_name = "NAME")]
    like: Option<AuthorityName>,
    /// Its name.
    #[arg(long)]
    name: Option<AuthorityName>,
    /// Address of its server: https://HOST/ucsschool/kelvin/v1/
    #[arg(long)]
    url: Option<String>,
    /// The Kelvin account.
    #[arg(long)]
    username: Option<String>,
    /// File with the password of the account; `-`: standard input.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// kelvin or kelvin-partial-group-sync.
    #[arg(long, value_parser = ["kelvin", "kelvin-partial-group-sync"])]
    plugin: Option<String>,
    /// Send password hashes.
    #[arg(long)]
    sync_password_hashes: bool,
    /// Begin to work on its queue at once.
    #[arg(long)]
    active: bool,
    /// Take it even if nothing can be sent to it yet.
    #[arg(long)]
    incomplete: bool,
}

/// Adds it.
pub(super) fn run(
    authorities: &Authorities,
    arguments: &Arguments,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let document = document(authorities, arguments)?;
    let standard = if arguments.incomplete { Standard::WellFormed } else { Standard::Servable };
    let (name, warnings) = authorities.add(&document, standard)?;
    let file = authorities.layout().authority(&name);
    if as_json {
        let answer = json!({
            "done": "added", "name": name.as_str(), "file": file, "warnings": warnings,
        });
        writeln!(out, "{answer}")?;
        return Ok(Exit::Done);
    }
    writeln!(
        out,
        "school authority '{name}' is added: {}",
        format::line(&file.display().to_string())
    )?;
    if !authorities.mapping()?.values().any(|owner| owner == name.as_str()) {
        let name = format::line(name.as_str());
        writeln!(out, "give it schools with: idspool kelvin authorities map SCHOOL {name}")?;
    }
    warn(&warnings);
    Ok(Exit::Done)
}

fn document(authorities: &Authorities, arguments: &Arguments) -> Result<Map<String, Value>> {
    let mut document = match (&arguments.file, &arguments.like) {
        (Some(file), _) => read(file)?,
        (None, Some(other)) => like(authorities.document(other)?),
        (None, None) => usual(),
    };
    let from_file = arguments.file.is_some();
    if let Some(name) = &arguments.name {
        document.insert("name".into(), name.as_str().into());
    } else if !from_file {
        bail!(
            "--name is missing: an authority without a file needs --name, --url, --username and --password-file"
        );
    }
    if let Some(url) = &arguments.url {
        document.insert("url".into(), url.as_str().into());
    }
    if arguments.active {
        document.insert("active".into(), true.into());
    }
    if let Some(plugin) = &arguments.plugin {
        rename_plugin(&mut document, plugin)?;
    }
    let mut settings = Map::new();
    if let Some(username) = &arguments.username {
        settings.insert("username".into(), username.as_str().into());
    }
    if let Some(file) = &arguments.password_file {
        let file = Some(file.as_path()).filter(|file| *file != Path::new("-"));
        settings.insert("password".into(), password(file)?.expose().into());
    }
    if arguments.sync_password_hashes {
        settings.insert("sync_password_hashes".into(), true.into());
    }
    if !settings.is_empty() {
        config(&mut document)?.append(&mut settings);
    }
    Ok(document)
}

fn read(file: &Path) -> Result<Map<String, Value>> {
    let place = || format!("{} cannot be used", file.display());
    if file != Path::new("-") {
        let read = conf::read_object(file).map_err(|reason| anyhow!(reason)).with_context(place)?;
        return read.with_context(|| format!("there is no file {}", file.display()));
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(LARGEST).read_to_end(&mut bytes).with_context(place)?;
    conf::parse_object(&bytes).map_err(|reason| anyhow!("standard input cannot be used: {reason}"))
}

/// Another authority's document without what is its own.
fn like(mut document: Map<String, Value>) -> Map<String, Value> {
    document.remove("url");
    document.insert("active".into(), false.into());
    let configs = document.get_mut("plugin_configs").and_then(Value::as_object_mut);
    for config in configs.into_iter().flat_map(|configs| configs.values_mut()) {
        if let Some(config) = config.as_object_mut() {
            config.remove("username");
            config.remove("password");
        }
    }
    document
}

/// The mapping of the documentation. `e-mail` is not in it: it is a list, and the server takes one address.
fn usual() -> Map<String, Value> {
    let document = json!({
        "active": false,
        "plugins": [Plugin::Kelvin.name()],
        "plugin_configs": {Plugin::Kelvin.name(): {
            "mapping": {
                "users": {
                    "birthday": "birthday", "disabled": "disabled", "firstname": "firstname",
                    "lastname": "lastname", "mailPrimaryAddress": "email", "roles": "roles",
                    "school": "school", "school_classes": "school_classes", "schools": "schools",
                    "ucsschoolRecordUID": "record_uid", "ucsschoolSourceUID": "source_uid",
                    "userexpiry": "expiration_date", "username": "name",
                },
                "school_classes": {
                    "description": "description", "name": "name", "school": "school", "users": "users",
                },
            },
        }},
    });
    document.as_object().cloned().unwrap_or_default()
}

/// The configuration of the one plugin that the document names.
fn config(document: &mut Map<String, Value>) -> Result<&mut Map<String, Value>> {
    let plugin = named_plugin(document)?;
    document
        .entry("plugin_configs")
        .or_insert_with(|| Map::new().into())
        .as_object_mut()
        .and_then(|configs| {
            configs.entry(plugin).or_insert_with(|| Map::new().into()).as_object_mut()
        })
        .context("plugin_configs must be an object of objects")
}

fn named_plugin(document: &Map<String, Value>) -> Result<String> {
    let names = document.get("plugins").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    match names {
        [Value::String(name)] => Ok(name.clone()),
        _ => bail!("the file does not name exactly one plugin: say which with --plugin"),
    }
}

fn rename_plugin(document: &mut Map<String, Value>, plugin: &str) -> Result<()> {
    let before = named_plugin(document).ok();
    document.insert("plugins".into(), json!([plugin]));
    let configs = document.entry("plugin_configs").or_insert_with(|| Map::new().into());
    let configs = configs.as_object_mut().context("plugin_configs must be an object")?;
    if let Some(before) = before.filter(|before| before != plugin && !configs.contains_key(plugin))
        && let Some(config) = configs.remove(&before)
    {
        configs.insert(plugin.to_owned(), config);
    }
    Ok(())
}
