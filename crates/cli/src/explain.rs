//! `idspool explain`: a fault in words.

use std::io::Write;

use anyhow::{Result, bail};
use clap::Args;
use idspool_service::{Config, Exit};

/// Arguments of the command.
#[derive(Debug, Args)]
pub struct Arguments {
    /// File name or path of the item; by default the one at which a queue stands.
    pub item: Option<String>,
}

/// Carries it out.
pub(crate) fn print(
    _config: &Config,
    _arguments: &Arguments,
    _out: &mut dyn Write,
) -> Result<Exit> {
    bail!("this version does not have the command yet")
}
