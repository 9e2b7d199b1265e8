//! `idspool ox mapping`: which UDM property fills which field of an OX user (ox-provisioning 8.2).
//!
//! Lines and order of effects are those of `change_attribute_mapping.py`.

use std::io::Write;

use anyhow::Result;
use clap::{Args, Subcommand};
use idspool_ox::admin::mapping::{Edits, MappingAdmin, Origin};
use idspool_service::{Config, Exit};
use idspool_udm::Module;
use idspool_udm::mapping::properties;
use serde_json::{Value, json};

mod edits;
mod from_ucr;

/// Arguments of the sub-command.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// `idspool ox mapping …`.
#[derive(Debug, Subcommand)]
enum Command {
    /// Change entries of the mapping. All --set take effect first, then all --unset, all
    /// --set-alternatives and all --unset-alternatives; the file is written once at the end.
    ///
    /// A running idspool-ox follows with the next user that it takes. Users that are in OX already
    /// change when they are provisioned again.
    Modify(edits::EditArguments),
    /// Write the default mapping to the file.
    #[command(visible_alias = "restore_default")]
    RestoreDefault,
    /// Print the mapping in force.
    Dump,
    /// Translate the mapping of the App Center's OX App Suite, which stands in two UCR variables.
    ///
    /// The variables come from the options, from the environment, or from the output of `ucr dump` on
    /// standard input:  ucr dump | idspool ox mapping from-ucr
    FromUcr(from_ucr::UcrArguments),
}

/// Carries it out.
pub(crate) fn run(
    config: &Config,
    arguments: &Arguments,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let admin = MappingAdmin::new(&config.ox.data_dir);
    match &arguments.command {
        Command::Modify(edits) => modify(&admin, &edits.0, as_json, out),
        Command::RestoreDefault => {
            admin.restore_default()?;
            if as_json {
                writeln!(out, "{}", json!({ "done": "restored", "file": admin.path() }))?;
            } else {
                writeln!(out, "Restoring default configuration.")?;
            }
            Ok(Exit::Done)
        }
        Command::Dump => dump(&admin, as_json, out),
        Command::FromUcr(arguments) => from_ucr::run(&admin, arguments, as_json, out),
    }
}

fn modify(admin: &MappingAdmin, edits: &Edits, as_json: bool, out: &mut dyn Write) -> Result<Exit> {
    let origin = admin.modify(edits)?;
    if as_json {
        writeln!(out, "{}", modified(admin, edits, origin))?;
    } else {
        writeln!(out, "Modifying mapping")?;
        if origin == Origin::BuiltIn {
            writeln!(out, "{NOT_FOUND}")?;
        }
    }
    warn_of_unknown(edits);
    Ok(Exit::Done)
}

const NOT_FOUND: &str = "Current configuration not found. Using default mapping.";

fn modified(admin: &MappingAdmin, edits: &Edits, origin: Origin) -> Value {
    json!({
        "done": "modified",
        "file": admin.path(),
        "from_default": origin == Origin::BuiltIn,
        "unknown_udm_properties": unknown(edits),
    })
}

fn dump(admin: &MappingAdmin, as_json: bool, out: &mut dyn Write) -> Result<Exit> {
    let (text, origin) = admin.dump()?;
    if !as_json {
        writeln!(out, "Dump current configuration.")?;
        if origin != Origin::File {
            writeln!(out, "{NOT_FOUND}")?;
        }
    }
    if origin == Origin::BuiltInForBadFile {
        warn(&format!("{} is not JSON: idspool-ox does not use it", admin.path().display()));
    }
    out.write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

/// UDM properties that no user from our converter has. They are no mistake where somebody else writes
/// the items.
fn unknown(edits: &Edits) -> Vec<&str> {
    let is_known = |name: &str| properties(Module::User).any(|property| property.name == name);
    edits.sources().filter(|name| !is_known(name)).collect()
}

fn warn_of_unknown(edits: &Edits) {
    for name in unknown(edits) {
        warn(&format!(
            "idspool-converter reads no property '{name}' of users: the field stays empty unless something else \
             puts the property into the items"
        ));
    }
}

fn warn(text: &str) {
    #[expect(clippy::print_stderr, reason = "standard output is the command's answer")]
    {
        eprintln!("idspool: warning: {text}");
    }
}
