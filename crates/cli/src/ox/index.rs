//! `idspool ox index`: the index over the snapshots, as `rebuild-old.db` (ox-provisioning 9.3).

use std::io::Write;

use anyhow::Result;
use clap::{Args, Subcommand};
use idspool_ox::admin::cache;
use idspool_service::{Config, Exit, logging};
use serde_json::json;

use super::screen::{Screen, ended};

/// Arguments of the sub-command.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// `idspool ox index …`.
#[derive(Debug, Subcommand)]
enum Command {
    /// Make the index anew from all snapshots.
    ///
    /// idspool-ox keeps the index up to date by itself, and makes one that is missing or damaged; this is
    /// for doubt. idspool-ox has to be stopped meanwhile (exit status 3 while it runs).
    Rebuild {
        /// Make the index anew. This is what happens without an option as well.
        #[arg(long, conflicts_with = "fix_existing_keys")]
        complete_rebuild: bool,
        /// Only remove DNs whose snapshot is gone.
        #[arg(long)]
        fix_existing_keys: bool,
    },
}

/// Carries it out. The exit status is 1 when snapshots could not be used.
pub(crate) fn run(
    config: &Config,
    arguments: &Arguments,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    logging::init("WARNING")?;
    let Command::Rebuild { fix_existing_keys, .. } = &arguments.command;
    let mut screen = Screen::new(&mut *out, as_json);
    let result = if *fix_existing_keys {
        let fixed = cache::fix_index(&config.ox, &mut screen);
        fixed.map(|fixed| (json!({ "removed": fixed.removed }), 0))
    } else {
        let rebuilt = cache::rebuild_index(&config.ox, &mut screen);
        rebuilt.map(|found| {
            (json!({ "read": found.read, "unusable": found.unreadable }), found.unreadable)
        })
    };
    drop(screen);
    let (answer, unusable) = match result {
        Ok(done) => done,
        Err(error) => return ended(error),
    };
    if as_json {
        writeln!(out, "{answer}")?;
    }
    Ok(if unusable == 0 { Exit::Done } else { Exit::Stopped })
}
