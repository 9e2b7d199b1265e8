//! `idspool ox mapping from-ucr`.

use std::io::{IsTerminal as _, Read as _, Write};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use idspool_ox::admin::mapping::{MappingAdmin, Translation, UcrMapping};
use idspool_service::Exit;
use serde_json::json;

use super::{modified, modify, warn};

/// More than all of UCR.
const LONGEST: u64 = 16 << 20;

/// Where the variables come from.
#[derive(Debug, Args)]
pub(super) struct UcrArguments {
    /// Value of ox/listener/user/ldap/attributes/mapping/ldap2ox.
    #[arg(
        long,
        value_name = "PAIRS",
        env = "ox_listener_user_ldap_attributes_mapping_ldap2ox",
        hide_env_values = true
    )]
    ldap2ox: Option<String>,
    /// Value of ox/listener/user/ldap/attributes/mapping/ldap2oxmulti.
    #[arg(
        long,
        value_name = "PAIRS",
        env = "ox_listener_user_ldap_attributes_mapping_ldap2oxmulti",
        hide_env_values = true
    )]
    ldap2oxmulti: Option<String>,
    /// Change the mapping here and now in place of printing the command.
    #[arg(long)]
    apply: bool,
}

impl UcrArguments {
    fn mapping(&self) -> Result<UcrMapping> {
        if self.ldap2ox.is_some() || self.ldap2oxmulti.is_some() {
            return Ok(UcrMapping {
                ldap2ox: self.ldap2ox.clone().unwrap_or_default(),
                ldap2oxmulti: self.ldap2oxmulti.clone().unwrap_or_default(),
            });
        }
        let stdin = std::io::stdin();
        if stdin.is_terminal() {
            bail!(
                "nothing to translate: give --ldap2ox and --ldap2oxmulti, or pipe `ucr dump` into the command"
            );
        }
        let mut dump = Vec::new();
        stdin
            .lock()
            .take(LONGEST)
            .read_to_end(&mut dump)
            .context("failed to read the output of `ucr dump` from standard input")?;
        // Variables that do not concern us may hold anything.
        Ok(UcrMapping::from_dump(&String::from_utf8_lossy(&dump)))
    }
}

/// Prints the command that says the same as the variables, or does it. The exit status is 1 when a part
/// has no counterpart.
pub(super) fn run(
    admin: &MappingAdmin,
    arguments: &UcrArguments,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let Translation { edits, unknown } = arguments.mapping()?.translate()?;
    for pair in &unknown {
        warn(&format!("'{pair}' has no counterpart: there is no such OX property any more"));
    }
    let apply = arguments.apply && !edits.is_empty();
    let command = edits.to_arguments();
    if as_json {
        let done = if apply { modified(admin, &edits, admin.modify(&edits)?) } else { json!(null) };
        writeln!(out, "{}", json!({ "arguments": command, "unknown": unknown, "applied": done }))?;
    } else if edits.is_empty() {
        writeln!(out, "Nothing to do.")?;
    } else if apply {
        modify(admin, &edits, as_json, out)?;
    } else {
        let quoted: Vec<_> = command.iter().map(|argument| quoted(argument)).collect();
        writeln!(
            out,
            "Run the following command on the ox-connector server to update attribute mapping:\n\
             idspool ox mapping modify {}",
            quoted.join(" ")
        )?;
    }
    Ok(if unknown.is_empty() { Exit::Done } else { Exit::Stopped })
}

/// As one word of a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
