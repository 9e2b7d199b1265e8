//! What was found in a data directory.

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
    /// The first few.
    pub examples: Vec<String>,
    /// What to do.
    pub remedy: &'static str,
}

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
        self.findings.iter().any(|finding| finding.level == Level::Action)
    }
}

/// Findings while they are collected.
#[derive(Debug, Default)]
pub(super) struct Findings(BTreeMap<&'static str, Finding>);

impl Findings {
    /// One more of a kind.
    pub(super) fn add(&mut self, topic: &'static Topic, example: impl Into<String>) {
        self.add_many(topic, 1, example);
    }

    /// `count` more of a kind, with one example for all of them.
    pub(super) fn add_many(
        &mut self,
        topic: &'static Topic,
        count: u64,
        example: impl Into<String>,
    ) {
        let finding = self.0.entry(topic.name).or_insert_with(|| Finding {
            topic: topic.name,
            level: topic.level,
            count: 0,
            message: topic.message,
            examples: Vec::new(),
            remedy: topic.remedy,
        });
        finding.count += count;
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
