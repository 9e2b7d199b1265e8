//! `idspool-listener hook --stream` as a process: answers come at once, and say what is true.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use idspool_spool::Spool;

struct Stream {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Stream {
    fn start(spool: &Path) -> Stream {
        let mut child = Command::new(env!("CARGO_BIN_EXE_idspool-listener"))
            .args(["hook", "--stream", "--spool"])
            .arg(spool)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Stream { child, input, output: BufReader::new(output) }
    }

    fn ask(&mut self, dn: &str) -> String {
        let line = format!(
            "{{\"entry_uuid\":\"0f3c9c6a-0000-103f-8000-000000000001\",\"dn\":\"{dn}\",\
             \"object_type\":\"users/user\",\"command\":\"add\"}}\n"
        );
        self.input.write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        answer
    }
}

#[test]
fn an_answer_comes_while_the_input_stays_open_and_after_the_item_is_there() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("listener");
    let mut stream = Stream::start(&folder);
    for count in 1..=20 {
        assert_eq!(stream.ask(&format!("cn={count}")), "{\"enqueued\":true}\n");
        assert_eq!(Spool::open(&folder).unwrap().names().unwrap().len(), count);
    }
    assert!(stream.ask("nonsense").starts_with("{\"refused\":"));
    drop(stream.input);
    assert_eq!(stream.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_spool_that_cannot_be_written_is_answered_and_works_again_later() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("listener");
    let mut stream = Stream::start(&folder);
    assert_eq!(stream.ask("cn=a"), "{\"enqueued\":true}\n");
    let away = root.path().join("away");
    std::fs::rename(&folder, &away).unwrap();
    std::fs::write(&folder, "a file where the spool should be").unwrap();
    let answer = stream.ask("cn=b");
    let failed = answer.starts_with("{\"failed\":") && answer.contains(folder.to_str().unwrap());
    assert!(failed, "{answer}");
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    assert_eq!(stream.ask("cn=b"), "{\"enqueued\":true}\n");
    assert_eq!(Spool::open(&folder).unwrap().names().unwrap().len(), 2);
    drop(stream.input);
    assert_eq!(stream.child.wait().unwrap().code(), Some(0));
}
