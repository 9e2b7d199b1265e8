//! What can keep a comparison from being made.

use idspool_provisioner::Fault;

use crate::halt::Halt;
use crate::ox::OxError;

/// Why the sides cannot be compared. Differences are no errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory cannot be asked.
    #[error("cannot {0}")]
    Directory(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Snapshots or their index cannot be read.
    #[error(transparent)]
    Objects(#[from] idspool_provisioner::Error),
    /// A queue cannot be read or written.
    #[error("failed to {0}")]
    Queue(#[from] idspool_spool::Error),
    /// OX cannot be asked, or a file that says how cannot be read.
    #[error("{message}{}", remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default())]
    Ox {
        /// What was being done and what went wrong.
        message: String,
        /// What the administrator can do.
        remedy: Option<String>,
    },
    /// A stop was requested.
    #[error("stopped on request: nothing is known of what was not told yet")]
    Stopped,
    /// The answer cannot be printed.
    #[error("failed to print: {0}")]
    Output(#[from] std::io::Error),
    /// The configuration.
    #[error(transparent)]
    Settings(#[from] crate::SettingsError),
    /// The SOAP client.
    #[error(transparent)]
    Client(#[from] idspool_ox_soap::Error),
}

impl Error {
    /// The directory cannot be asked.
    pub fn directory(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Directory(Box::new(error))
    }
}

impl From<Halt> for Error {
    fn from(halt: Halt) -> Self {
        match halt.into_fault() {
            Ok(Fault { message, remedy, .. }) => Self::Ox { message, remedy },
            Err(skip) => Self::Ox { message: skip.to_string(), remedy: None },
        }
    }
}

impl From<OxError> for Error {
    fn from(error: OxError) -> Self {
        Self::from(Halt::from(error))
    }
}
