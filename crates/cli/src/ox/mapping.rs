//! `idspool ox mapping`.

use std::io::Write;

use anyhow::{Result, bail};
use clap::Args;
use idspool_service::{Config, Exit};

/// Arguments of the sub-command.
#[derive(Debug, Args)]
pub struct Arguments {}

/// Carries it out.
pub(crate) fn run(
    _config: &Config,
    _arguments: &Arguments,
    _as_json: bool,
    _out: &mut dyn Write,
) -> Result<Exit> {
    bail!("this version does not have the command yet")
}
