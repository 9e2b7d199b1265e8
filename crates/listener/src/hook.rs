//! `idspool-listener hook`: from arguments to files.

use std::io::BufReader;
use std::path::PathBuf;

use idspool_service::{Config, ConfigError};
use idspool_spool::Spool;
use idspool_udm::ListenerItem;

use crate::arguments::Hook;
use crate::change::{Refused, change};
use crate::lines::{LineError, read_changes};
use crate::stream::stream;

/// Why nothing was enqueued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The arguments describe a change that cannot be right.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Standard input has a line that cannot be taken.
    #[error(transparent)]
    Lines(#[from] LineError),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The spool cannot be written.
    #[error(transparent)]
    Spool(#[from] idspool_spool::Error),
    /// The one who asked no longer listens, or standard input cannot be read.
    #[error("answer changes from standard input: {0}")]
    Stream(#[source] std::io::Error),
}

impl Error {
    /// Whether the one who called has to call differently; otherwise the same call may work later.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Config(_) => true,
            Self::Lines(error) => !matches!(error, LineError::Read(_)),
            Self::Spool(_) | Self::Stream(_) => false,
        }
    }
}

/// Checks, then enqueues; returns how many changes.
///
/// # Errors
/// Nothing was enqueued.
pub fn run(arguments: Hook) -> Result<usize, Error> {
    if arguments.stream {
        let spool = Spool::create(spool_directory(arguments.spool, arguments.config)?)?;
        return stream(std::io::stdin().lock(), std::io::stdout().lock(), &spool)
            .map_err(Error::Stream);
    }
    // Everything is checked before the spool is touched, so that a refused change leaves no trace.
    let changes = if arguments.stdin {
        read_changes(BufReader::with_capacity(64 * 1024, std::io::stdin().lock()))?
    } else {
        let text = |argument: Option<String>| argument.unwrap_or_default();
        vec![change(
            &text(arguments.entry_uuid),
            &text(arguments.dn),
            &text(arguments.object_type),
            &text(arguments.command),
            false,
        )?]
    };
    let spool = spool_directory(arguments.spool, arguments.config)?;
    if changes.is_empty() {
        return Ok(0);
    }
    enqueue(&Spool::create(spool)?, &changes)?;
    Ok(changes.len())
}

fn spool_directory(given: Option<PathBuf>, config: Option<PathBuf>) -> Result<PathBuf, Error> {
    match given {
        // Where both are given, a configuration that cannot be used is still worth refusing.
        Some(spool) if config.is_none() => Ok(spool),
        given => {
            let config = Config::load(config.as_deref())?;
            Ok(given.unwrap_or(config.listener.spool))
        }
    }
}

/// Puts changes into the spool, in this order; they are safe on disk when this returns.
///
/// # Errors
/// The spool cannot be written; then none of them counts as enqueued.
pub fn enqueue(spool: &Spool, changes: &[ListenerItem]) -> Result<(), idspool_spool::Error> {
    let contents: Vec<Vec<u8>> = changes.iter().map(ListenerItem::to_bytes).collect();
    match contents.as_slice() {
        [] => Ok(()),
        [only] => spool.enqueue(only).map(drop),
        many => spool.enqueue_group(many).map(drop),
    }
}
