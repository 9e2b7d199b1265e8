//! What a consumer does where the kernel reports nothing, where the file system refuses, and what
//! its work costs. The rest of its behaviour is tested from outside, in `tests/consumer.rs`.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use tempfile::TempDir;

use crate::clock::SystemClock;
use crate::simulation::{Lacks, Simulation, Trouble};
use crate::{Changes, Consumer, Error, Fault, FaultClass, ItemName, Spool, Wake};

/// Longer than any event takes, shorter than anybody waits for a test.
const LONG: Duration = Duration::from_secs(20);

fn name(text: &str) -> ItemName {
    text.parse().unwrap()
}

/// A consumer that the kernel tells nothing, as on a network file system.
fn deaf(spool: &Spool) -> Consumer {
    let mut consumer = spool.consumer("test").unwrap();
    consumer.stop_watching();
    consumer.set_poll_interval(Duration::from_millis(5));
    consumer
}

/// Waits until `refresh` has something to tell.
fn next_changes(consumer: &mut Consumer) -> Changes {
    let deadline = Instant::now() + LONG;
    while Instant::now() < deadline {
        assert_ne!(consumer.wait(Some(LONG)).unwrap(), Wake::TimedOut);
        let changes = consumer.refresh().unwrap();
        if !changes.is_empty() {
            return changes;
        }
    }
    panic!("nothing changed");
}

#[test]
fn what_was_enqueued_is_seen_at_once_when_asked_for() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let mut consumer = deaf(&spool);
    assert!(consumer.refresh().unwrap().is_empty());
    fs::write(folder.path().join("a.json"), "{}").unwrap();
    assert!(consumer.refresh().unwrap().is_empty(), "nobody reported it");
    consumer.list_at_next_refresh();
    assert_eq!(consumer.refresh().unwrap().appeared, [name("a.json")]);
}

#[test]
fn s7_a_slow_poll_finds_what_the_kernel_does_not_report() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let mut consumer = deaf(&spool);
    assert!(consumer.refresh().unwrap().is_empty());
    fs::write(folder.path().join("a.json"), "{}").unwrap();
    assert_eq!(next_changes(&mut consumer).appeared, [name("a.json")]);
    fs::remove_file(folder.path().join("a.json")).unwrap();
    assert_eq!(next_changes(&mut consumer).disappeared, [name("a.json")]);
}

#[test]
fn s7_a_slow_poll_finds_an_edit_of_the_faulty_item() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.json");
    fs::write(&path, "{").unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let mut consumer = deaf(&spool);
    consumer.refresh().unwrap();
    let fault = Fault {
        item: Some(name("a.json")),
        class: FaultClass::Permanent,
        message: "not JSON".into(),
        remedy: None,
        next_attempt: None,
    };
    consumer.record_fault(&fault).unwrap();
    for content in ["{}", "[]"] {
        fs::write(&path, content).unwrap();
        assert_eq!(next_changes(&mut consumer).changed, [name("a.json")]);
    }
}

#[test]
fn s9_a_quiet_directory_is_not_listed_again() {
    let folder = TempDir::new().unwrap();
    let files = Arc::new(Simulation::new(None, Lacks::default()));
    let spool = Spool::with(folder.path().into(), files.clone(), Arc::new(SystemClock)).unwrap();
    let mut consumer = deaf(&spool);
    // The time stamp of a directory tells changes apart only when it is some seconds old.
    let past = std::time::SystemTime::now() - Duration::from_secs(60);
    fs::File::open(folder.path()).unwrap().set_modified(past).unwrap();
    consumer.refresh().unwrap();
    let before = files.steps();
    assert_eq!(consumer.wait(Some(Duration::from_millis(50))).unwrap(), Wake::TimedOut);
    // Only the directory was opened, some times, and never listed: a refresh finds nothing to do.
    let polls = files.steps() - before;
    assert!(polls >= 1);
    let before = files.steps();
    assert!(consumer.refresh().unwrap().is_empty());
    assert_eq!(files.steps() - before, 0);
}

#[test]
fn s9_one_more_item_costs_the_same_however_many_wait() {
    let cost = |waiting: usize| {
        let folder = TempDir::new().unwrap();
        for number in 0..waiting {
            fs::write(folder.path().join(format!("{number}.json")), "").unwrap();
        }
        let files = Arc::new(Simulation::new(None, Lacks::default()));
        let spool =
            Spool::with(folder.path().into(), files.clone(), Arc::new(SystemClock)).unwrap();
        let mut consumer = spool.consumer("test").unwrap();
        assert_eq!(consumer.refresh().unwrap().appeared.len(), waiting);
        // From outside the simulation, so that only the consumer's steps are counted.
        let outside = Spool::open(folder.path()).unwrap();
        let before = files.steps();
        let name = outside.enqueue(b"{}").unwrap();
        assert_eq!(next_changes(&mut consumer).appeared, [name]);
        files.steps() - before
    };
    // The directory is opened, and the new name looked at.
    assert_eq!((cost(10), cost(2000)), (2, 2));
}

#[test]
fn s8_a_directory_that_cannot_be_read_is_reported_and_read_when_it_can() {
    for step in 0.. {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("a.json"), "").unwrap();
        let trouble = Some((step, Trouble::Once(Errno::ACCESS)));
        let files = Arc::new(Simulation::new(trouble, Lacks::default()));
        let spool = Spool::with(folder.path().into(), files.clone(), Arc::new(SystemClock));
        let Ok(spool) = spool else {
            continue;
        };
        let mut consumer = spool.consumer("test").unwrap();
        match consumer.refresh() {
            Ok(changes) => {
                assert_eq!(changes.appeared, [name("a.json")]);
                assert!(!files.had_trouble());
                assert!(step >= 3, "only {step} steps were seen");
                return;
            }
            Err(error) => {
                assert!(matches!(error, Error::Io { .. }), "{error}");
                assert_eq!(consumer.wait(Some(LONG)).unwrap(), Wake::Changed);
                assert_eq!(consumer.refresh().unwrap().appeared, [name("a.json")]);
            }
        }
    }
}

#[test]
fn a_draft_that_was_abandoned_is_removed_and_a_fresh_one_is_not() {
    let folder = TempDir::new().unwrap();
    let (old, new) = (folder.path().join(".in-1-1"), folder.path().join(".tmp-1-2"));
    fs::write(&old, "half").unwrap();
    fs::write(&new, "half").unwrap();
    let past = std::time::SystemTime::now() - Duration::from_secs(601);
    fs::File::options().write(true).open(&old).unwrap().set_modified(past).unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    spool.consumer("test").unwrap().refresh().unwrap();
    assert!(!old.exists());
    assert!(new.exists());
}
