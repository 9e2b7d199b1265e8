//! `idspool current-error`: the error state as `get_current_error` prints it (ox-provisioning 2.7).

use std::io::Write;

use anyhow::Result;
use idspool_service::{Config, Exit};
use idspool_spool::SpoolState;

use crate::spools;

/// Prints one line of JSON. The exit status is 0 also when there is an error, as it always was:
/// monitoring reads the line.
pub(crate) fn print(config: &Config, queue: Option<&str>, out: &mut dyn Write) -> Result<Exit> {
    let queue = queue.unwrap_or(if config.ox.enabled { "ox" } else { "kelvin" });
    let mut state = SpoolState::default();
    for queue in spools::selected(config, Some(queue))? {
        if let Some(spool) = queue.open()? {
            state = spool.state()?;
        }
    }
    writeln!(out, "{}", state.current_error())?;
    Ok(Exit::Done)
}
