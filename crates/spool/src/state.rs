//! The fault state of a consumer: `.state.json`, and its form for monitoring.
//!
//! Formats: members may be added to `.state.json`; a reader ignores those it does not know.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ItemName;

/// What has to happen before a faulty item can succeed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultClass {
    /// A bug of idspool.
    Ours,
    /// The item needs a person.
    Permanent,
    /// Trying again can help.
    Transient,
}

/// A fault at which a consumer stands.
///
/// Recorded with [`Consumer::record_fault`](crate::Consumer::record_fault).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The faulty item; `None` when the fault is not that of one item.
    pub item: Option<ItemName>,
    /// Whether trying again can help.
    pub class: FaultClass,
    /// What was being done, to which object, and what went wrong.
    pub message: String,
    /// What the administrator can do.
    pub remedy: Option<String>,
    /// When the consumer tries again by itself.
    pub next_attempt: Option<DateTime<Utc>>,
}

/// How a consumer stands, as its state file says.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct SpoolState {
    /// Consecutive faults since the last success; 0 is healthy.
    pub errors: u64,
    /// Text of the last fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Absolute path of the faulty item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<PathBuf>,
    /// Since when the consumer stands at this item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Attempts at this item so far.
    pub attempts: u64,
    /// When the next attempt comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<DateTime<Utc>>,
    /// Class of the last fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<FaultClass>,
    /// What the administrator can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl SpoolState {
    /// Whether the last item succeeded, or none was ever taken.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.errors == 0
    }

    /// The line that `get_current_error` of the OX Connector prints: one JSON object of strings,
    /// `{"errors": "0"}` when healthy, else with `message` and `filename` as far as known.
    ///
    /// Spacing and escapes are those of Python's `json.dumps`, because scripts compare the text.
    #[must_use]
    pub fn current_error(&self) -> String {
        let mut line = format!("{{\"errors\": \"{}\"", self.errors);
        if !self.is_healthy() {
            let filename = self.filename.as_deref().map(|path| path.to_string_lossy());
            let members = [
                ("message", self.message.as_deref().filter(|text| !text.is_empty())),
                ("filename", filename.as_deref()),
            ];
            for (key, value) in members {
                if let Some(value) = value {
                    line.push_str(&format!(", \"{key}\": "));
                    push_json_string(&mut line, value);
                }
            }
        }
        line.push('}');
        line
    }

    /// The state after one more fault.
    pub(crate) fn after_fault(
        &self,
        fault: &Fault,
        filename: Option<PathBuf>,
        now: DateTime<Utc>,
    ) -> Self {
        let is_same_item = !self.is_healthy() && self.filename == filename;
        Self {
            errors: self.errors.saturating_add(1),
            message: Some(fault.message.clone()).filter(|text| !text.is_empty()),
            filename,
            since: self.since.filter(|_| is_same_item).or(Some(now)),
            attempts: if is_same_item { self.attempts.saturating_add(1) } else { 1 },
            next_attempt: fault.next_attempt,
            class: Some(fault.class),
            remedy: fault.remedy.clone(),
        }
    }
}

/// Appends a JSON string with everything but ASCII escaped, as `json.dumps` does by default.
fn push_json_string(line: &mut String, text: &str) {
    line.push('"');
    for character in text.chars() {
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            '\u{8}' => line.push_str("\\b"),
            '\u{c}' => line.push_str("\\f"),
            ' '..='~' => line.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    line.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn fault(message: &str) -> Fault {
        Fault {
            item: None,
            class: FaultClass::Transient,
            message: message.into(),
            remedy: None,
            next_attempt: None,
        }
    }

    #[test]
    fn current_error_prints_what_python_prints() {
        assert_eq!(SpoolState::default().current_error(), r#"{"errors": "0"}"#);
        let state = SpoolState {
            errors: 10,
            message: Some("Größe \"x\"\n\u{7f}\u{1f600}".into()),
            filename: Some("/data/listener/2023-12-11-11-22-22-856263.json".into()),
            ..SpoolState::default()
        };
        assert_eq!(
            state.current_error(),
            "{\"errors\": \"10\", \"message\": \"Gr\\u00f6\\u00dfe \\\"x\\\"\\n\\u007f\\ud83d\\ude00\", \
             \"filename\": \"/data/listener/2023-12-11-11-22-22-856263.json\"}"
        );
    }

    #[test]
    fn current_error_leaves_out_what_is_unknown() {
        let state = SpoolState::default().after_fault(&fault(""), None, at(1));
        assert_eq!(state.current_error(), r#"{"errors": "1"}"#);
    }

    #[test]
    fn attempts_and_since_belong_to_the_item_and_errors_to_the_run() {
        let (one, two) = (Some(PathBuf::from("/q/1.json")), Some(PathBuf::from("/q/2.json")));
        let first = SpoolState::default().after_fault(&fault("a"), one.clone(), at(1));
        let again = first.after_fault(&fault("b"), one, at(2));
        assert_eq!((again.errors, again.attempts, again.since), (2, 2, Some(at(1))));
        let other = again.after_fault(&fault("c"), two, at(3));
        assert_eq!((other.errors, other.attempts, other.since), (3, 1, Some(at(3))));
    }

    #[test]
    fn a_reader_ignores_members_it_does_not_know() {
        let state: SpoolState = serde_json::from_str(r#"{"errors": 2, "later": {}}"#).unwrap();
        assert_eq!(state.errors, 2);
    }
}
