//! What was found in the directory of a program that is to be replaced: what it means, how often, what to do.

use std::collections::BTreeMap;

use serde::Serialize;

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

/// One kind of thing that can be found; see [`topics`](crate::topics).
#[derive(Debug)]
pub struct Topic {
    /// Its name, for machines.
    pub name: &'static str,
    /// How much it matters.
    pub level: Level,
    /// What it is.
    pub message: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// Makes a [`Topic`] of each line: constant, [`Level`], name, what it is, what to do. `ALL` has all of them, for
/// tests.
#[macro_export]
macro_rules! topics {
    ($($constant:ident $level:ident $name:literal $message:literal $remedy:literal;)*) => {
        $(pub(super) static $constant: $crate::findings::Topic = $crate::findings::Topic {
            name: $name,
            level: $crate::findings::Level::$level,
            message: $message,
            remedy: $remedy,
        };)*
        #[cfg(test)]
        pub(super) static ALL: &[&$crate::findings::Topic] = &[$(&$constant),*];
    };
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

/// Whether a person has to do something.
#[must_use]
pub fn needs_a_person(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.level == Level::Action)
}

/// Findings while they are collected.
#[derive(Debug, Default)]
pub struct Findings(BTreeMap<&'static str, Finding>);

impl Findings {
    /// One more of a kind.
    pub fn add(&mut self, topic: &'static Topic, example: impl Into<String>) {
        self.add_many(topic, 1, example);
    }

    /// `count` more of a kind, with one example for all of them.
    pub fn add_many(&mut self, topic: &'static Topic, count: u64, example: impl Into<String>) {
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

    /// All of them, the gravest first.
    #[must_use]
    pub fn into_list(self) -> Vec<Finding> {
        let mut list: Vec<Finding> = self.0.into_values().collect();
        for finding in &mut list {
            // Folders are listed in any order; answers should not differ from run to run.
            finding.examples.sort_unstable();
        }
        list.sort_by_key(|finding| (std::cmp::Reverse(finding.level), finding.topic));
        list
    }
}
