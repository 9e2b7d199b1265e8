//! The process: from configuration to exit status.

use std::path::PathBuf;

use idspool_service::{Config, Exit, logging};

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The configuration file.
    pub config: Option<PathBuf>,
    /// In place of `kelvin.data_dir`.
    pub data: Option<PathBuf>,
    /// Take what is there, then end.
    pub once: bool,
    /// Say nothing but warnings and faults.
    pub quiet: bool,
}

/// Runs the provisioner until it is done or asked to stop.
///
/// # Errors
/// Only what is wrong with configuration or environment: [`Exit::Usage`]. Everything later is in the
/// log and the exit status.
pub fn run(options: &Options) -> anyhow::Result<Exit> {
    let config = Config::load(options.config.as_deref())?;
    logging::init(config.kelvin.log_level.as_str())?;
    Ok(Exit::Done)
}
