//! Changes as JSON lines: all of them are right, or the first wrong one is named.

use std::io::BufRead;

use idspool_udm::ListenerItem;
use serde::Deserialize;

use crate::change::{Refused, change};

/// Input that is read at most. All lines are one group, so all of them are in memory at once; this
/// is about a million changes.
pub const MAX_INPUT: u64 = 512 * 1024 * 1024;

/// The input cannot be taken; nothing of it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// Reading failed.
    #[error("read changes from standard input: {0}")]
    Read(#[source] std::io::Error),
    /// More input than fits into one group.
    #[error("read changes from standard input: it is longer than {MAX_INPUT} bytes; split it")]
    TooLong,
    /// A line is not a JSON object with the expected keys.
    #[error("line {line} of the input: {problem}; nothing was enqueued")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A line describes a change that cannot be right.
    #[error("line {line} of the input: {problem}; nothing was enqueued")]
    Refused {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: Refused,
    },
}

/// What a line must look like. Unknown keys are refused: a misspelt key would change the meaning.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    entry_uuid: String,
    dn: String,
    object_type: String,
    command: String,
    #[serde(default)]
    resync: bool,
}

/// Reads all lines. Blank lines do not count.
///
/// # Errors
/// The first line that cannot be taken.
pub fn read_changes(input: impl BufRead) -> Result<Vec<ListenerItem>, LineError> {
    let mut input = input.take(MAX_INPUT + 1);
    let mut changes = Vec::new();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let read = input.read_until(b'\n', &mut bytes).map_err(LineError::Read)?;
        if input.limit() == 0 {
            return Err(LineError::TooLong);
        }
        if read == 0 {
            break;
        }
        match parse_line(&bytes) {
            Ok(None) => {}
            Ok(Some(item)) => changes.push(item),
            Err(LineProblem::Syntax(problem)) => return Err(LineError::Syntax { line, problem }),
            Err(LineProblem::Refused(problem)) => return Err(LineError::Refused { line, problem }),
        }
    }
    Ok(changes)
}

/// Why one line cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineProblem {
    /// It is not a JSON object with the expected keys.
    #[error("{0}")]
    Syntax(String),
    /// It describes a change that cannot be right.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// The change that one line describes; none if it is blank.
pub(crate) fn parse_line(bytes: &[u8]) -> Result<Option<ListenerItem>, LineProblem> {
    match bytes.trim_ascii().first() {
        None => return Ok(None),
        Some(b'{') => {}
        // serde would take a list of the values as well, in the order of the fields above.
        Some(_) => return Err(LineProblem::Syntax("expected a JSON object".to_owned())),
    }
    let Line { entry_uuid, dn, object_type, command, resync } =
        serde_json::from_slice(bytes).map_err(|error| LineProblem::Syntax(without_line(&error)))?;
    Ok(Some(change(&entry_uuid, &dn, &object_type, &command, resync)?))
}

/// serde counts lines within what it was given, which is always the first one.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line ") {
        Some((problem, _)) => format!("{problem} at column {}", error.column()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(dn: &str) -> String {
        format!(
            r#"{{"entry_uuid":"0f3c9c6a-0000-103f-8000-000000000001","dn":"{dn}","object_type":"users/user","command":"modify"}}"#
        )
    }

    #[test]
    fn lines_become_changes_in_their_order() {
        let input = format!("{}\n\n{}\r\n{}", line("cn=a"), line("cn=b"), line("cn=c"));
        let changes = read_changes(input.as_bytes()).unwrap();
        let dns: Vec<_> = changes.iter().map(|change| change.dn.as_str()).collect();
        assert_eq!(dns, ["cn=a", "cn=b", "cn=c"]);
        assert!(read_changes(&b""[..]).unwrap().is_empty());
    }

    #[test]
    fn the_first_wrong_line_is_named() {
        for (wrong, problem) in [
            ("{".to_owned(), "EOF"),
            ("[1]".to_owned(), "expected a JSON object"),
            (line("not a DN"), "dn"),
            (line("cn=x").replace("modify", "m"), "command"),
            (line("cn=x").replace("\"command\"", "\"comand\""), "comand"),
            (line("cn=x").replace("{", "{\"resync\":1,"), "boolean"),
            (format!("{} {}", line("cn=x"), line("cn=y")), "trailing"),
        ] {
            let input = format!("{}\n\n{wrong}\n{}\n", line("cn=a"), line("cn=b"));
            let error = read_changes(input.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("line 3 ") && error.contains(problem), "{error}");
        }
        let error = read_changes(&b"{\"\xff\n"[..]).unwrap_err().to_string();
        assert!(error.starts_with("line 1 "), "{error}");
    }
}
