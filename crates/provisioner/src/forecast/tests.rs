use std::io::{self, Write};
use std::path::PathBuf;

use idspool_spool::ItemName;
use idspool_udm::ItemHead;
use serde_json::json;

use super::{Foreseen, Report, Summary, text};
use crate::recipient::Fault;
use crate::rehearsal::Step;

#[derive(Default)]
struct Letters {
    sent: Vec<&'static str>,
    warnings: Vec<String>,
}

impl Foreseen for Letters {
    const NOUN: &'static str = "letter";

    fn operations(&self) -> Vec<&'static str> {
        self.sent.clone()
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }
}

fn name(second: u8) -> ItemName {
    format!("2026-11-21-17-35-{second:02}-123456.json").parse().unwrap()
}

fn head() -> ItemHead {
    ItemHead {
        id: "e1".to_owned(),
        udm_object_type: "users/user".to_owned(),
        dn: "uid=anna\n,dc=x".to_owned(),
        deleted: true,
        resync: false,
    }
}

fn step(second: u8, result: Result<(), Fault>) -> Step {
    Step {
        name: name(second),
        path: PathBuf::new(),
        head: Some(head()),
        is_copy: false,
        overtaken: None,
        follows: Vec::new(),
        result,
    }
}

fn fault() -> Fault {
    Fault::permanent("it is torn").with_remedy("mend it")
}

fn told(summary: &mut Summary, step: Step, foreseen: Letters) -> (String, serde_json::Value) {
    let report = Report::new(step, foreseen, summary.stands_at());
    summary.add(&report);
    let mut out = Vec::new();
    let sent = |out: &mut dyn Write, letters: &Letters| -> io::Result<()> {
        letters.sent.iter().try_for_each(|sent| writeln!(out, "  {sent}"))
    };
    text::item(&mut out, &report, sent).unwrap();
    (String::from_utf8(out).unwrap(), report.to_json([("own", json!(report.fault_to_json()))]))
}

#[test]
fn items_and_their_sum_are_told_in_the_words_of_the_recipient() {
    let summary = &mut Summary::new::<Letters>(true);
    let letters = Letters { sent: vec!["write", "write"], warnings: vec!["odd".to_owned()] };
    let (text, json) = told(summary, step(1, Ok(())), letters);
    let first = "2026-11-21-17-35-01-123456.json  users/user deleted  uid=anna\\n,dc=x\n";
    assert_eq!(text, format!("{first}  write\n  write\n  warning: odd\n"));
    assert_eq!(json["outcome"], "letters");
    assert_eq!(json["waits_behind"], json!(null));

    let (text, json) = told(summary, step(2, Err(fault())), Letters::default());
    assert!(text.ends_with("  FAULT (permanent): it is torn\n    what to do: mend it\n"), "{text}");
    assert!(!text.contains("no letter"), "{text}");
    assert_eq!(json["outcome"], "fault");
    assert_eq!(
        json["own"],
        json!({"class": "permanent", "message": "it is torn", "remedy": "mend it"})
    );

    let third =
        Step { is_copy: true, overtaken: Some(name(0)), follows: vec![head()], ..step(3, Ok(())) };
    let (text, json) = told(summary, third, Letters::default());
    assert_eq!(
        text,
        "2026-11-21-17-35-03-123456.json (would be queued again)  users/user deleted  uid=anna\\n,dc=x\n\
         \x20 waits behind 2026-11-21-17-35-02-123456.json\n\
         \x20 queues users/user uid=anna\\n,dc=x again\n\
         \x20 no letter\n\
         \x20 warning: 2026-11-21-17-35-00-123456.json is of the same object, goes before this item and was \
         left out: what it changes is not foreseen here\n"
    );
    assert_eq!(json["outcome"], "no_letters");
    assert_eq!(json["waits_behind"], name(2).as_str());

    summary.is_limited = true;
    let mut out = Vec::new();
    text::summary(&mut out, summary, "nobody was asked").unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "3 items: 1 with letters, 1 without, 1 faulty\n\
         letters: write 2\n\
         the queue would stand at 2026-11-21-17-35-02-123456.json, with 1 of these items behind it\n\
         more items wait: the limit was reached\n\
         nobody was asked\n"
    );
    assert_eq!(
        summary.to_json([("own", json!(1))]),
        json!({"summary": {
            "items": 3, "with_letters": 1, "without_letters": 1, "faulty": 1, "warnings": 2,
            "letters": {"write": 2}, "stands_at": name(2).as_str(), "behind": 1, "limited": true,
            "offline": true, "own": 1,
        }})
    );
}

#[test]
fn long_lists_are_counted() {
    let names: Vec<String> = (0..23).map(|number| format!("n{number}")).collect();
    let text = text::names('+', &names);
    assert!(text.starts_with(" +n0 +n1 ") && text.ends_with(" +n19 +(3 more)"), "{text}");
}
