//! Why a file of the administrator cannot be used.

use std::path::PathBuf;

use super::AuthorityName;

/// A file of the administrator that cannot be used. The text holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {} cannot be used: {reason}", what(authority.as_ref()), path.display())]
pub struct Problem {
    /// The authority whose file it is; `None`: the file is that of all.
    pub authority: Option<AuthorityName>,
    /// The file.
    pub path: PathBuf,
    /// What is wrong, and what to do.
    pub reason: String,
}

fn what(authority: Option<&AuthorityName>) -> String {
    match authority {
        Some(name) => format!("the configuration of school authority '{name}'"),
        None => "the configuration".into(),
    }
}
