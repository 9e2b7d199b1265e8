//! The school users of our own directory, for `kelvin-partial-group-sync` (id-connector 4.4).

use std::collections::HashMap;
use std::fmt;

use idspool_udm::school::Role;

/// Our directory could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("look up school users in the directory: {reason}")]
pub struct SourceError {
    /// What went wrong, with the server.
    pub reason: String,
}

/// Looks school users up by their login names.
pub trait SchoolUsers: Send + Sync + fmt::Debug {
    /// The roles of those that are school users; who is none is left out. Names compare without letter case; the
    /// keys are the names as they were asked for.
    ///
    /// # Errors
    /// The directory cannot be asked.
    fn roles(&self, names: &[&str]) -> Result<HashMap<String, Vec<Role>>, SourceError>;
}
