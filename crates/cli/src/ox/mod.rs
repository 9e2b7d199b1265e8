//! `idspool ox`: what an administrator does to the data directory of OX.

use std::io::Write;

use anyhow::Result;
use clap::Subcommand;
use idspool_service::{Config, Exit};

mod adopt;
mod cache;
mod check_sync;
mod index;
mod mapping;
mod screen;

/// `idspool ox …`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Change which property of the directory goes into which field of OX.
    Mapping(mapping::Arguments),
    /// The cache of internal ids.
    Cache(cache::Arguments),
    /// The index over the snapshots.
    Index(index::Arguments),
    /// Compare directory, snapshots and OX.
    CheckSync(check_sync::Arguments),
    /// Take over the data directory of an OX Connector.
    Adopt(adopt::Arguments),
}

/// Carries out one of the sub-commands.
pub(crate) fn run(
    config: &Config,
    command: &Command,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    match command {
        Command::Mapping(arguments) => mapping::run(config, arguments, as_json, out),
        Command::Cache(arguments) => cache::run(config, arguments, as_json, out),
        Command::Index(arguments) => index::run(config, arguments, as_json, out),
        Command::CheckSync(arguments) => check_sync::run(config, arguments, as_json, out),
        Command::Adopt(arguments) => adopt::run(config, arguments, as_json, out),
    }
}
