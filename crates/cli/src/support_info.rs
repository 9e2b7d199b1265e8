//! `idspool support-info`: what a report of a fault needs besides log lines, as one JSON object.
//!
//! Settings are shown as the file has them: passwords never stand in it. Variables of the environment are
//! named without their values, since one of them is a password.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use idspool_kelvin::{Layout, conf};
use idspool_service::{Config, Exit, KEYS};
use serde_json::{Map, Value, json};

use crate::watcher::Watcher;
use crate::{explain, status};

/// The programs whose versions matter.
const PROGRAMS: [&str; 5] =
    ["idspool", "idspool-listener", "idspool-converter", "idspool-ox", "idspool-kelvin"];

/// Prints it.
pub(crate) fn print(config: &Config, out: &mut dyn Write) -> Result<Exit> {
    let answer = json!({
        "versions": versions(),
        "system": system(),
        "config_file": config.source,
        "settings": settings(config.source.as_deref())?,
        "variables": variables(),
        "queues": status::to_json(config)?,
        "watcher": Watcher::of(config)?.map(|watcher| watcher.to_json()),
        "faults": explain::faults(config)?,
        "snapshots": snapshots(&config.ox.queue().join("old")),
        "kelvin": kelvin(config),
    });
    writeln!(out, "{answer:#}")?;
    Ok(Exit::Done)
}

/// What each program that is installed beside this one says of itself.
fn versions() -> Map<String, Value> {
    let own = std::env::current_exe().ok();
    let folder = own.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let version = |program: &str| {
        let output = Command::new(folder.join(program)).arg("--version").output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        Some(text.split_whitespace().last()?.to_owned())
    };
    PROGRAMS.iter().map(|program| ((*program).to_owned(), version(program).into())).collect()
}

fn system() -> Value {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    json!({ "name": name.map(|name| name.trim_matches('"')), "kernel": kernel.trim() })
}

/// The settings of the file.
fn settings(file: Option<&Path>) -> Result<Value> {
    let Some(file) = file else { return Ok(json!({})) };
    let failed = || format!("failed to read {}", file.display());
    let text = fs::read_to_string(file).with_context(failed)?;
    let table: toml::Table = text.parse().with_context(failed)?;
    let mut settings = serde_json::to_value(table).with_context(failed)?;
    hide_logins(&mut settings);
    Ok(settings)
}

/// Takes login and password out of URLs.
fn hide_logins(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((scheme, rest)) = text.split_once("://")
                && let Some((_, host)) = rest.rsplit_once('@')
            {
                *text = format!("{scheme}://***@{host}");
            }
        }
        Value::Object(table) => table.values_mut().for_each(hide_logins),
        _ => {}
    }
}

/// Names of the variables that change a setting.
fn variables() -> Vec<&'static str> {
    let names = KEYS.iter().map(|key| key.variable).chain(["OX_MASTER_PASSWORD"]);
    names.filter(|name| std::env::var_os(name).is_some()).collect()
}

/// The school authorities without account and mapping, and what each was given.
fn kelvin(config: &Config) -> Value {
    if !config.kelvin.enabled {
        return Value::Null;
    }
    let layout = Layout::new(&config.kelvin);
    let loaded = match conf::load(&layout) {
        Ok(loaded) => loaded,
        Err(problem) => return json!({ "problem": problem.to_string() }),
    };
    let mut authorities: Vec<Value> = Vec::new();
    for entry in &loaded.authorities {
        authorities.push(match entry {
            Ok(authority) => json!({
                "name": authority.name.as_str(),
                "active": authority.active,
                "url": without_login(&authority.url),
                "plugin": authority.plugin.name(),
                "sync_password_hashes": authority.sync_password_hashes,
                "schools": loaded.mapping.schools_of(&authority.name).len(),
                "snapshots": snapshots(&layout.out_queue(&authority.name).join("old")),
            }),
            Err(problem) => json!({ "problem": problem.to_string() }),
        });
    }
    json!({ "authorities": authorities, "warnings": loaded.warnings })
}

fn without_login(url: &str) -> String {
    let mut url = Value::from(url);
    hide_logins(&mut url);
    url.as_str().unwrap_or_default().to_owned()
}

fn snapshots(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries.filter(|entry| is_snapshot(entry.as_ref().ok())).count()
}

fn is_snapshot(entry: Option<&fs::DirEntry>) -> bool {
    entry.is_some_and(|entry| entry.path().extension().is_some_and(|end| end == "json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_in_urls_are_hidden() {
        let mut value =
            json!({"ox": {"soap_server": "https://admin:hush@ox.example.org", "language": "a@b"}});
        hide_logins(&mut value);
        assert_eq!(
            value,
            json!({"ox": {"soap_server": "https://***@ox.example.org", "language": "a@b"}})
        );
    }
}
