//! Every operation of an enqueue fails once, fails for ever, or is the last before the process dies
//! or the power goes. Nothing acknowledged may be lost, nothing be out of order, nothing be half.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;
use tempfile::TempDir;

use crate::durable;
use crate::simulation::{Lacks, Remains, SetClock, Simulation, Trouble};
use crate::{Error, ItemName, Spool};

/// 2026-11-21, in microseconds since 1970.
const NOW: u64 = 1_795_000_000_000_000;

const COMPLETE: Lacks = Lacks { unnamed_files: false, naming: false, sync_of_all: false };

/// Every path through the code that writes items.
const FILE_SYSTEMS: [Lacks; 4] = [
    COMPLETE,
    Lacks { unnamed_files: true, ..COMPLETE },
    Lacks { naming: true, ..COMPLETE },
    Lacks { sync_of_all: true, ..COMPLETE },
];

/// Sizes of the groups that a run enqueues: one item, a few synced one by one, many synced at once.
type Sizes = &'static [usize];
const SINGLES: Sizes = &[1, 1, 1];
const FEW_THEN_MANY: Sizes = &[3, 6];

/// What a run tried to enqueue, and what came of it.
struct Run {
    files: Arc<Simulation>,
    directory: TempDir,
    /// Contents in the order of enqueueing.
    tried: Vec<String>,
    acknowledged: Vec<(ItemName, String)>,
    refused: Vec<String>,
    errors: Vec<Error>,
}

fn run(sizes: Sizes, lacks: Lacks, trouble: Option<(usize, Trouble)>) -> Run {
    let directory = TempDir::new().unwrap();
    let files = Arc::new(Simulation::new(trouble, lacks));
    let mut run = Run {
        files: Arc::clone(&files),
        directory,
        tried: Vec::new(),
        acknowledged: Vec::new(),
        refused: Vec::new(),
        errors: Vec::new(),
    };
    let clock = Arc::new(SetClock::at(NOW));
    let path = run.directory.path().to_owned();
    let Ok(spool) = Spool::with(path, files, clock) else {
        return run;
    };
    for (number, &size) in sizes.iter().enumerate() {
        let contents: Vec<String> =
            (0..size).map(|item| format!("whole {number} {item} end")).collect();
        run.tried.extend(contents.iter().cloned());
        match spool.enqueue_group(&contents) {
            Ok(names) => run.acknowledged.extend(names.into_iter().zip(contents)),
            Err(error) => {
                run.errors.push(error);
                run.refused.extend(contents);
            }
        }
    }
    run
}

impl Run {
    /// The promises that hold whatever happened.
    fn check(&self, remains: &Remains, context: &str) {
        for (name, content) in &self.acknowledged {
            let found = remains.get(name.as_str()).map(|bytes| String::from_utf8_lossy(bytes));
            assert_eq!(found.as_deref(), Some(content.as_str()), "acknowledged {name}, {context}");
        }
        let mut contents = items(remains);
        for content in &contents {
            assert!(self.tried.contains(content), "half an item {content:?}, {context}");
        }
        let position = |content: &String| self.tried.iter().position(|tried| tried == content);
        assert!(contents.is_sorted_by_key(position), "out of order: {contents:?}, {context}");
        contents.dedup();
        assert_eq!(contents.len(), items(remains).len(), "twice: {contents:?}, {context}");
    }
}

fn items(remains: &Remains) -> Vec<String> {
    remains
        .iter()
        .filter(|(name, _)| name.parse::<ItemName>().is_ok())
        .map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
        .collect()
}

fn remains_in(directory: &Path) -> Remains {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn drafts(remains: &Remains) -> Vec<&String> {
    remains.keys().filter(|name| name.starts_with(".in-") || name.starts_with(".tmp-")).collect()
}

/// Calls `check` for the trouble at every step there is; returns how many there are.
fn at_every_step(
    sizes: Sizes,
    lacks: Lacks,
    trouble: Trouble,
    mut check: impl FnMut(&Run, &str),
) -> usize {
    for step in 0.. {
        let run = run(sizes, lacks, Some((step, trouble)));
        if !run.files.had_trouble() {
            assert!(run.errors.is_empty(), "{:?}", run.errors);
            return step;
        }
        check(&run, &format!("{trouble:?} at step {step}, {lacks:?}"));
    }
    unreachable!("a run ends");
}

fn all_runs(trouble: Trouble, mut check: impl FnMut(&Run, &str)) {
    for lacks in FILE_SYSTEMS {
        for sizes in [SINGLES, FEW_THEN_MANY] {
            let steps = at_every_step(sizes, lacks, trouble, &mut check);
            assert!(steps >= 30, "only {steps} steps were seen");
        }
    }
}

#[test]
fn s1_durable_after_power_loss_at_every_step() {
    all_runs(Trouble::Crash, |run, context| {
        for remains in run.files.after_power_loss() {
            run.check(&remains, context);
        }
    });
    for lacks in FILE_SYSTEMS {
        let complete = run(FEW_THEN_MANY, lacks, None);
        for remains in complete.files.after_power_loss() {
            complete.check(&remains, "after the last step");
        }
        assert_eq!(complete.acknowledged.len(), 9);
    }
}

#[test]
fn s1_durable_after_kill_at_every_step() {
    all_runs(Trouble::Crash, |run, context| {
        run.check(&remains_in(run.directory.path()), context);
    });
}

#[test]
fn s3_names_go_on_after_every_power_loss_although_the_clock_is_back_in_1970() {
    for lacks in FILE_SYSTEMS {
        at_every_step(FEW_THEN_MANY, lacks, Trouble::Crash, |run, context| {
            // Restoring files is slow, and the views differ little.
            for remains in run.files.after_power_loss().into_iter().rev().take(3) {
                let restored = TempDir::new().unwrap();
                for (name, bytes) in &remains {
                    fs::write(restored.path().join(name), bytes).unwrap();
                }
                let clock = Arc::new(SetClock::at(0));
                let mut spool = Spool::open_with_clock(restored.path(), clock).unwrap();
                spool.pretend_boot("the next boot");
                let name = spool.enqueue(b"later").unwrap();
                assert_eq!(spool.names().unwrap().last(), Some(&name), "{context}");
            }
        });
    }
}

#[test]
fn s3_names_go_on_after_every_kill_although_the_clock_is_back_in_1970() {
    for lacks in FILE_SYSTEMS {
        at_every_step(FEW_THEN_MANY, lacks, Trouble::Crash, |run, context| {
            let clock = Arc::new(SetClock::at(0));
            let spool = Spool::open_with_clock(run.directory.path(), clock).unwrap();
            // Done meanwhile, so only the mark knows of them.
            for name in spool.names().unwrap() {
                spool.remove(&name).unwrap();
            }
            let name = spool.enqueue(b"later").unwrap();
            assert!(run.acknowledged.iter().all(|(earlier, _)| *earlier < name), "{context}");
        });
    }
}

#[test]
fn s3_a_mark_that_was_removed_while_its_lock_was_waited_for_does_not_count() {
    let steps = at_every_step(SINGLES, COMPLETE, Trouble::MarkRemoved, |run, context| {
        assert!(run.errors.is_empty(), "{:?}, {context}", run.errors);
        let clock = Arc::new(SetClock::at(0));
        let spool = Spool::open_with_clock(run.directory.path(), clock).unwrap();
        for name in spool.names().unwrap() {
            spool.remove(&name).unwrap();
        }
        let name = spool.enqueue(b"later").unwrap();
        assert!(run.acknowledged.iter().all(|(earlier, _)| *earlier < name), "{context}");
    });
    assert!(steps >= 30, "only {steps} steps were seen");
}

#[test]
fn s3_an_item_made_by_hand_is_never_replaced() {
    for lacks in FILE_SYSTEMS {
        let directory = TempDir::new().unwrap();
        let files = Arc::new(Simulation::new(None, lacks));
        let clock = Arc::new(SetClock::at(NOW));
        let spool = Spool::with(directory.path().into(), files, clock).unwrap();
        let before = spool.enqueue(b"before").unwrap().stamp().unwrap();
        let by_hand = [1, 2, 5].map(|micros| before.after(micros).unwrap().name().to_string());
        for name in &by_hand {
            fs::write(directory.path().join(name), "by hand").unwrap();
        }
        let names = spool.enqueue_group(&["a", "b", "c", "d", "e", "f"]).unwrap();
        assert!(names.is_sorted());
        let remains = remains_in(directory.path());
        assert_eq!(items(&remains).len(), 10, "{lacks:?}");
        for name in &by_hand {
            assert_eq!(remains[name], b"by hand", "{lacks:?}");
        }
    }
}

#[test]
fn s8_a_fault_leaves_nothing_behind_and_the_next_enqueue_works() {
    for errno in [Errno::NOSPC, Errno::IO, Errno::ROFS, Errno::ACCESS] {
        all_runs(Trouble::Once(errno), |run, context| {
            let remains = remains_in(run.directory.path());
            run.check(&remains, context);
            let found = items(&remains);
            for content in &run.refused {
                assert!(!found.contains(content), "refused {content} is there, {context}");
            }
            assert_eq!(drafts(&remains), Vec::<&String>::new(), "{context}");
            assert!(run.errors.len() <= 1, "went on failing: {:?}, {context}", run.errors);
            for error in &run.errors {
                let text = error.to_string();
                let directory = run.directory.path().display().to_string();
                assert!(text.contains(&directory) && text.contains('('), "{text}");
            }
        });
    }
}

#[test]
fn s8_nothing_is_acknowledged_while_the_disk_is_full_or_read_only() {
    for errno in [Errno::NOSPC, Errno::IO, Errno::ROFS] {
        all_runs(Trouble::Forever(errno), |run, context| {
            run.check(&remains_in(run.directory.path()), context);
            for remains in run.files.after_power_loss() {
                run.check(&remains, context);
            }
        });
    }
}

#[test]
fn s2_short_writes_are_completed() {
    all_runs(Trouble::ShortWrite, |run, context| {
        let remains = remains_in(run.directory.path());
        run.check(&remains, context);
        for content in &run.refused {
            assert!(!items(&remains).contains(content), "{context}");
        }
    });
}

#[test]
fn a_failed_sync_is_reported_and_not_repeated() {
    let (mut faults, mut whole) = (BTreeSet::new(), 0);
    at_every_step(SINGLES, COMPLETE, Trouble::Once(Errno::IO), |run, _| {
        whole += usize::from(run.errors.is_empty());
        faults.extend(run.errors.iter().map(|error| match error {
            Error::Io { operation, .. } => *operation,
            other => panic!("{other}"),
        }));
    });
    assert!(faults.contains("sync an item in"), "{faults:?}");
    assert!(faults.contains("sync the directory"), "{faults:?}");
    // Only opening the spool at the very first may fail without an enqueue that reports it.
    assert_eq!(whole, 1);
}

#[test]
fn s1_replace_leaves_the_old_or_the_new_version() {
    let replaced = |trouble| {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("contexts.json");
        let before = Simulation::new(None, COMPLETE);
        durable::replace_in(&before, &path, b"old version", 0o600).unwrap();
        assert!(
            before
                .after_power_loss()
                .iter()
                .all(|remains| remains["contexts.json"] == b"old version")
        );

        let files = Simulation::new(trouble, COMPLETE);
        let first = durable::replace_in(&files, &path, b"old version", 0o600);
        let second = first.and_then(|()| durable::replace_in(&files, &path, b"new version", 0o640));
        (directory, files, second)
    };
    for trouble in
        [Trouble::Crash, Trouble::Once(Errno::NOSPC), Trouble::Once(Errno::IO), Trouble::ShortWrite]
    {
        for step in 0.. {
            let (directory, files, result) = replaced(Some((step, trouble)));
            let context = format!("{trouble:?} at step {step}");
            for remains in files.after_power_loss() {
                let found = remains.get("contexts.json").map(Vec::as_slice);
                if result.is_ok() {
                    assert_eq!(found, Some(&b"new version"[..]), "{context}");
                } else {
                    let versions = [None, Some(&b"old version"[..]), Some(b"new version")];
                    assert!(versions.contains(&found), "{found:?}, {context}");
                }
            }
            let remains = remains_in(directory.path());
            let found = remains["contexts.json"].as_slice();
            assert!([&b"old version"[..], b"new version"].contains(&found), "{context}");
            if !matches!(trouble, Trouble::Crash) {
                assert_eq!(drafts(&remains), Vec::<&String>::new(), "{context}");
            }
            if !files.had_trouble() {
                assert!(result.is_ok() && step >= 12, "{result:?}, {step} steps");
                break;
            }
        }
    }
}

#[test]
fn s1_the_directory_of_a_spool_is_durable_itself() {
    let directory = TempDir::new().unwrap();
    let files = Simulation::new(None, COMPLETE);
    let root = directory.path().canonicalize().unwrap();
    durable::create_dirs_in(&files, &root.join("a/b")).unwrap();
    assert_eq!(files.synced_directories(), [root.clone(), root.join("a")]);
}
