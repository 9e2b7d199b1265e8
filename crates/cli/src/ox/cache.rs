//! `idspool ox cache`: the internal ids in the snapshots, as `update-ox-db-cache` and
//! `remove-from-ox-db-cache` (ox-provisioning 9.1, 9.2).

use std::io::Write;
use std::num::NonZeroUsize;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use idspool_ox::admin::cache::{self, Chunk};
use idspool_service::{Config, Exit, logging, shutdown};
use serde_json::json;

use super::screen::{Screen, ended};

/// Arguments of the sub-command.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// `idspool ox cache …`.
#[derive(Debug, Subcommand)]
enum Command {
    /// Look up the internal ids of OX users whose snapshots have none.
    ///
    /// After OX was restored from a backup: first with --delete, then without. Users that have an id are
    /// left alone, so an interrupted run goes on where it was. idspool-ox has to be stopped meanwhile
    /// (exit status 3 while it runs). Users that are not in OX, and contexts without an entry in
    /// contexts.json, are no errors.
    Rebuild(RebuildArguments),
    /// Forget which object has this DN; its snapshot stays.
    ///
    /// For an object that is gone from the directory and whose snapshot was removed, when a group that
    /// lists it stops the queue. idspool-ox may be running.
    Forget {
        /// The DN, in any spelling.
        dn: String,
    },
}

#[derive(Debug, Args)]
struct RebuildArguments {
    /// Remove the ids of all OX users. OX is not called.
    #[arg(long)]
    delete: bool,
    /// Fetch all users of a context at its first user, which is faster when most ids are missing.
    #[arg(long, conflicts_with = "delete")]
    build_cache: bool,
    /// Users that are fetched with one call.
    #[arg(long, value_name = "N", default_value = "1000", requires = "build_cache")]
    build_cache_size: NonZeroUsize,
}

/// Carries it out.
pub(crate) fn run(
    config: &Config,
    arguments: &Arguments,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    logging::init("WARNING")?;
    match &arguments.command {
        Command::Rebuild(arguments) => rebuild(config, arguments, as_json, out),
        Command::Forget { dn } => forget(config, dn, as_json, out),
    }
}

/// The exit status is 1 when snapshots could not be used, OX refused to answer about a context, or the
/// work was not finished.
fn rebuild(
    config: &Config,
    arguments: &RebuildArguments,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let stop = shutdown::install(|| ()).context("failed to catch signals")?;
    let mut screen = Screen::new(&mut *out, as_json);
    let result = if arguments.delete {
        cache::delete_ids(&config.ox, &stop, &mut screen)
    } else {
        let chunk = arguments.build_cache.then_some(Chunk(arguments.build_cache_size));
        cache::find_ids(&config.ox, chunk, &stop, &mut screen)
    };
    drop(screen);
    let summary = match result {
        Ok(summary) => summary,
        Err(error) => return ended(error),
    };
    if as_json {
        writeln!(out, "{}", json!(summary))?;
    }
    Ok(if summary.unusable + summary.refused == 0 { Exit::Done } else { Exit::Stopped })
}

/// The exit status is 0 also when the DN was not known, as it always was.
fn forget(config: &Config, dn: &str, as_json: bool, out: &mut dyn Write) -> Result<Exit> {
    let known = cache::forget(&config.ox, dn)?;
    match (as_json, known) {
        (true, _) => writeln!(out, "{}", json!({ "dn": dn, "removed": known }))?,
        (false, true) => writeln!(out, "Removing {dn}")?,
        (false, false) => writeln!(out, "{dn} not found")?,
    }
    Ok(Exit::Done)
}
