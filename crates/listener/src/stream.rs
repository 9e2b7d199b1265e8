//! Changes from a program that stays, such as a listener module: each line is answered as soon as it
//! is safe on disk, so that the one who reports it may forget it.
//!
//! Lines that wait together are one group of the spool: one by one each costs a sync, in a crowd
//! hundreds share it.

use std::io::{self, BufRead, BufReader, Read, Write};

use idspool_spool::Spool;
use idspool_udm::ListenerItem;
use serde::Serialize;

use crate::hook::enqueue;
use crate::lines::{LineProblem, parse_line};

/// What is read at once; also the most that becomes one group.
const BUFFER: usize = 64 * 1024;

/// Longest line. A DN has no business being longer.
const LONGEST: u64 = 1024 * 1024;

/// One answer, one line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    /// Safe on disk.
    Enqueued(bool),
    /// It cannot be right; sending it again gives the same answer.
    Refused(String),
    /// The spool cannot be written; it may be sent again.
    Failed(String),
}

/// Takes changes until the input ends; returns how many were enqueued.
///
/// # Errors
/// Input or output cannot be used. What was answered holds.
pub(crate) fn stream(input: impl Read, mut output: impl Write, spool: &Spool) -> io::Result<usize> {
    let mut input = BufReader::with_capacity(BUFFER, input);
    let mut total = 0;
    let mut line = Vec::new();
    loop {
        let mut changes: Vec<ListenerItem> = Vec::new();
        // What a line is answered; `None` for the next one of `changes`.
        let mut answers: Vec<Option<Answer>> = Vec::new();
        loop {
            line.clear();
            if (&mut input).take(LONGEST + 1).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            match understand(&line) {
                Ok(None) => {}
                Ok(Some(item)) => {
                    changes.push(item);
                    answers.push(None);
                }
                Err(problem) => answers.push(Some(Answer::Refused(problem.to_string()))),
            }
            if line.len() as u64 > LONGEST && !line.ends_with(b"\n") {
                // What follows is the rest of this line, and no change of its own.
                skip_line(&mut input)?;
            }
            if !input.buffer().contains(&b'\n') {
                break;
            }
        }
        let is_end = line.is_empty();
        let failure = enqueue(spool, &changes).err().map(|error| error.to_string());
        if failure.is_none() {
            total += changes.len();
        }
        for answer in answers {
            let answer = answer.unwrap_or_else(|| match &failure {
                None => Answer::Enqueued(true),
                Some(problem) => Answer::Failed(problem.clone()),
            });
            serde_json::to_writer(&mut output, &answer)?;
            output.write_all(b"\n")?;
        }
        output.flush()?;
        if is_end {
            return Ok(total);
        }
    }
}

fn understand(line: &[u8]) -> Result<Option<ListenerItem>, LineProblem> {
    if line.len() as u64 > LONGEST {
        return Err(LineProblem::Syntax(format!("the line is longer than {LONGEST} bytes")));
    }
    parse_line(line)
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (length, is_done) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(length);
        if is_done {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(dn: &str) -> String {
        let uuid = "0f3c9c6a-0000-103f-8000-000000000001";
        format!(
            "{{\"entry_uuid\":\"{uuid}\",\"dn\":\"{dn}\",\"object_type\":\"users/user\",\"command\":\"modify\"}}\n"
        )
    }

    fn answered(input: &[u8]) -> (Vec<String>, Vec<String>) {
        let root = tempfile::tempdir().unwrap();
        let spool = Spool::create(root.path()).unwrap();
        let mut output = Vec::new();
        let total = stream(input, &mut output, &spool).unwrap();
        let names = spool.names().unwrap();
        assert_eq!(names.len(), total);
        let dn = |bytes: &[u8]| ListenerItem::parse(bytes).unwrap().dn;
        let dns = names.iter().map(|name| dn(&spool.read(name, 1 << 20).unwrap().bytes)).collect();
        let answers = String::from_utf8(output).unwrap();
        (answers.lines().map(str::to_owned).collect(), dns)
    }

    #[test]
    fn each_line_is_answered_in_order_and_a_wrong_one_keeps_no_other_out() {
        let input = [&line("cn=a"), "\n", &line("no DN"), "[]\n", &line("cn=b"), &line("cn=c")];
        let (answers, dns) = answered(input.concat().as_bytes());
        assert_eq!(dns, ["cn=a", "cn=b", "cn=c"]);
        let starts: Vec<_> = answers.iter().map(|answer| &answer[..9]).collect();
        assert_eq!(starts, ["{\"enqueue", "{\"refused", "{\"refused", "{\"enqueue", "{\"enqueue"]);
        assert!(answers[1].contains("no DN") && answers[2].contains("JSON object"));
        assert_eq!(answers[0], "{\"enqueued\":true}");
    }

    #[test]
    fn a_line_without_end_is_refused_in_bounded_memory_and_what_follows_is_taken() {
        let long = line(&format!("cn={}", "x".repeat(3 * 1024 * 1024)));
        let (answers, dns) = answered([long, line("cn=b")].concat().as_bytes());
        assert_eq!(dns, ["cn=b"]);
        assert!(answers.len() == 2 && answers[0].contains("longer than"), "{answers:?}");
    }

    #[test]
    fn more_than_fits_into_one_group_is_taken_whole_and_in_order() {
        let expected: Vec<_> = (0..2000).map(|number| format!("cn={number:04}")).collect();
        let input: String = expected.iter().map(|dn| line(dn)).collect();
        let (answers, dns) = answered(input.as_bytes());
        assert_eq!((answers.len(), dns), (2000, expected));
        // A last line that is not ended counts as well.
        assert_eq!(answered(line("cn=a").trim_end().as_bytes()).1, ["cn=a"]);
    }
}
