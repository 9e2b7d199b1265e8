//! The operator's command: how the queues stand, what is in them, and the way past a faulty item.
//!
//! It works on files alone, whether the daemons run or not. Everything that it prints has a form for
//! machines, `--json`, to which members may be added in later versions.

mod arguments;
mod config;
mod current_error;
mod explain;
mod findings;
mod format;
mod kelvin;
mod ox;
mod progress;
mod queue;
mod spools;
mod status;
mod support_info;
mod watcher;

use std::io::Write;

use anyhow::{Context as _, Result};
use idspool_service::{Config, Exit};

pub use arguments::Arguments;
use arguments::{Command, ConfigCommand};

/// Carries out one command line, writing its answer to `out`.
///
/// # Errors
/// The configuration cannot be used, a queue cannot be read, an item that was named does not exist,
/// or `out` cannot be written.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Exit> {
    if let Command::Completions { shell } = &arguments.command {
        arguments::completions(*shell, out);
        return Ok(Exit::Done);
    }
    if let Command::Man { folder } = &arguments.command {
        arguments::man_pages(folder)?;
        return Ok(Exit::Done);
    }
    let loaded = Config::load(arguments.config.as_deref());
    if let Command::Config { command: ConfigCommand::Check } = &arguments.command {
        return config::check(loaded, arguments.json, out);
    }
    let config = loaded.context("failed to load the configuration")?;
    match &arguments.command {
        Command::Status => status::print(&config, arguments.json, out),
        Command::CurrentError { queue } => current_error::print(&config, queue.as_deref(), out),
        Command::Queue { command } => queue::run(&config, command, arguments.json, out),
        Command::Ox { command } => ox::run(&config, command, arguments.json, out),
        Command::Kelvin { command } => kelvin::run(&config, command, arguments.json, out),
        Command::Explain(explained) => explain::print(&config, explained, arguments.json, out),
        Command::SupportInfo => support_info::print(&config, out),
        Command::Config { command: ConfigCommand::Keys } => config::keys(arguments.json, out),
        Command::Config { command: ConfigCommand::Check }
        | Command::Completions { .. }
        | Command::Man { .. } => Ok(Exit::Done),
    }
}
