//! `idspool kelvin`: what an administrator does about UCS@school school authorities.

use std::io::Write;

use anyhow::Result;
use clap::Subcommand;
use idspool_service::{Config, Exit};

mod adopt;
mod authorities;
mod counters;
mod schedule;
mod trash;

/// `idspool kelvin …`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// School authorities, and which school belongs to which.
    Authorities(authorities::Arguments),
    /// Provision users, classes or whole schools again.
    Schedule(schedule::Arguments),
    /// Tell what was not handed to any school authority, and why, as counted since the beginning.
    Counters,
    /// Take over the directory of a UCS@school ID Connector.
    Adopt(adopt::Arguments),
    /// Remove old files from the trash that an ID Connector has left in the in queue.
    CleanTrash(trash::Arguments),
}

/// Carries out one of the sub-commands.
pub(crate) fn run(
    config: &Config,
    command: &Command,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    match command {
        Command::Authorities(arguments) => authorities::run(config, arguments, as_json, out),
        Command::Schedule(arguments) => schedule::run(config, arguments, as_json, out),
        Command::Counters => counters::print(config, as_json, out),
        Command::Adopt(arguments) => adopt::run(config, arguments, as_json, out),
        Command::CleanTrash(arguments) => trash::clean(config, arguments, as_json, out),
    }
}

#[expect(clippy::print_stderr, reason = "standard output is the command's answer")]
fn complain(text: &str) {
    eprintln!("idspool: {}", crate::format::line(text));
}
