//! What was found in a data directory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use idspool_provisioner::findings::{self, Finding};
use serde::Serialize;

/// Objects of one type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TypeCount {
    /// Snapshots.
    pub snapshots: u64,
    /// Those of objects that OX has, as far as the snapshot says.
    pub active: u64,
    /// Active ones that carry the internal id of OX.
    pub with_id: u64,
    /// Waiting items.
    pub waiting: u64,
    /// Waiting items that remove their object.
    pub waiting_removals: u64,
}

/// What is there, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// By type of object.
    pub types: BTreeMap<String, TypeCount>,
    /// Waiting items, whether understood or not.
    pub waiting: u64,
    /// Waiting files of the listener.
    pub listener_items: u64,
}

/// The answer of [`super::inspect`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The data directory.
    pub source: PathBuf,
    /// What is there.
    pub counts: Counts,
    /// What was found, the gravest first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether a person has to do something.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        findings::needs_a_person(&self.findings)
    }
}
