//! What was found.

use std::collections::BTreeMap;
use std::path::PathBuf;

use idspool_provisioner::findings::{self, Finding};
use serde::Serialize;

/// What is there, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// School authorities that have a file.
    pub authorities: u64,
    /// Schools that belong to one of them.
    pub schools: u64,
    /// Users of whom something is remembered.
    pub users: u64,
    /// Groups of which something is remembered. Nothing of it is needed.
    pub groups: u64,
    /// Changes in the in queue.
    pub in_queue: u64,
    /// Changes in each out queue.
    pub out_queues: BTreeMap<String, u64>,
    /// Waiting files of the listener.
    pub listener_items: u64,
}

/// The answer of [`super::inspect`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The directory of the ID Connector.
    pub source: PathBuf,
    /// What is there.
    pub counts: Counts,
    /// What was found, the gravest first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether a person has to do something.
    pub fn needs_a_person(&self) -> bool {
        findings::needs_a_person(&self.findings)
    }
}
