//! What was found.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::topic::Topic;

/// Examples that are kept of each kind of finding.
const EXAMPLES: usize = 10;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Note,
    /// Worth a look.
    Warning,
    /// A person has to do something.
    Action,
}

/// One kind of thing that was found, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its name, for machines.
    pub topic: &'static str,
    /// How much it matters.
    pub level: Level,
    /// How many there are.
    pub count: u64,
    /// What it is.
    pub message: &'static str,
    /// The first few. No secrets.
    pub examples: Vec<String>,
    /// What to do.
    pub remedy: &'static str,
}

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
        self.findings.iter().any(|finding| finding.level == Level::Action)
    }
}

/// Findings while they are collected.
#[derive(Debug, Default)]
pub(super) struct Findings(BTreeMap<&'static str, Finding>);

impl Findings {
    /// One more of a kind.
    pub(super) fn add(&mut self, topic: &'static Topic, example: impl Into<String>) {
        let finding = self.0.entry(topic.name).or_insert_with(|| Finding {
            topic: topic.name,
            level: topic.level,
            count: 0,
            message: topic.message,
            examples: Vec::new(),
            remedy: topic.remedy,
        });
        finding.count += 1;
        if finding.examples.len() < EXAMPLES {
            finding.examples.push(example.into());
        }
    }

    pub(super) fn into_list(self) -> Vec<Finding> {
        let mut list: Vec<Finding> = self.0.into_values().collect();
        for finding in &mut list {
            // Folders are listed in any order; answers should not differ from run to run.
            finding.examples.sort_unstable();
        }
        list.sort_by_key(|finding| (std::cmp::Reverse(finding.level), finding.topic));
        list
    }
}
