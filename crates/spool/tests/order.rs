//! Names never go back and never replace, whatever the clock, other producers and administrators do
//! (promise S3).

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use idspool_spool::{Clock, Error, ItemName, Spool};
use proptest::prelude::*;
use tempfile::TempDir;

/// 2026-11-21, in microseconds since 1970.
const NOW: u64 = 1_795_000_000_000_000;

/// A clock that stands where the test puts it.
#[derive(Debug)]
struct SetClock(Mutex<u64>);

impl SetClock {
    fn at(micros: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(micros)))
    }

    fn set(&self, micros: u64) {
        *self.0.lock().unwrap() = micros;
    }
}

impl Clock for SetClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(*self.0.lock().unwrap())
    }
}

fn canonical(micros: u64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(micros.try_into().unwrap()).unwrap();
    time.format("%Y-%m-%d-%H-%M-%S-%6f.json").to_string()
}

#[derive(Clone, Debug)]
enum Step {
    /// The clock jumps to this many microseconds after `NOW`.
    Clock(u64),
    /// A group, by one of two producers that know nothing of each other.
    Enqueue { producer: usize, count: usize },
    /// The first item is done.
    Done,
    /// Somebody makes an item with a canonical name this many microseconds after `NOW`.
    ByHand(u64),
    /// Somebody removes the mark; only what is in the directory counts then.
    RemoveMark,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Few different times, so that names meet.
    let step = prop_oneof![
        2 => (0..12u64).prop_map(Step::Clock),
        5 => (0..2usize, 1..7usize)
            .prop_map(|(producer, count)| Step::Enqueue { producer, count }),
        2 => Just(Step::Done),
        2 => (0..40u64).prop_map(Step::ByHand),
        1 => Just(Step::RemoveMark),
    ];
    prop::collection::vec(step, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn s3_the_directory_behaves_like_a_sorted_list(steps in steps()) {
        let folder = TempDir::new().unwrap();
        let clock = SetClock::at(NOW);
        let open = || Spool::open_with_clock(folder.path(), clock.clone()).unwrap();
        let producers = [open(), open()];
        let mut model: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut greatest: Option<ItemName> = None;
        let mut has_mark = true;
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Clock(micros) => clock.set(NOW + micros),
                Step::Enqueue { producer, count } => {
                    let contents: Vec<_> =
                        (0..count).map(|item| format!("{number}/{item}").into_bytes()).collect();
                    if !has_mark {
                        // Only the names that wait at this moment can be known.
                        greatest = model.keys().next_back().map(|name| name.parse().unwrap());
                        has_mark = true;
                    }
                    let names = producers[producer].enqueue_group(&contents).unwrap();
                    prop_assert_eq!(names.len(), count);
                    for (name, content) in names.into_iter().zip(contents) {
                        prop_assert!(greatest.as_ref() < Some(&name), "{name} after {greatest:?}");
                        prop_assert!(name.is_canonical());
                        prop_assert!(model.insert(name.to_string(), content).is_none());
                        greatest = Some(name);
                    }
                }
                Step::Done => {
                    if let Some((name, _)) = model.pop_first() {
                        prop_assert!(producers[0].remove(&name.parse().unwrap()).unwrap());
                    }
                }
                Step::ByHand(micros) => {
                    let name = canonical(NOW + micros);
                    fs::write(folder.path().join(&name), b"by hand").unwrap();
                    model.insert(name, b"by hand".to_vec());
                }
                Step::RemoveMark => {
                    let _ = fs::remove_file(folder.path().join(".last"));
                    has_mark = false;
                }
            }
            let names = producers[1].names().unwrap();
            prop_assert!(names.iter().map(ItemName::as_str).eq(model.keys().map(String::as_str)));
        }
        for (name, content) in &model {
            let item = producers[0].read(&name.parse().unwrap(), 100).unwrap();
            prop_assert_eq!(&item.bytes, content);
        }
    }
}

#[test]
fn s3_threads_in_the_same_microsecond_get_names_of_their_own_in_order() {
    let folder = TempDir::new().unwrap();
    let clock = SetClock::at(NOW);
    let shared = Spool::open_with_clock(folder.path(), clock.clone()).unwrap();
    let names: Vec<Vec<ItemName>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|number| {
                // Two threads share a spool, two have their own, as processes do.
                let spool = match number {
                    0 | 1 => shared.clone(),
                    _ => Spool::open_with_clock(folder.path(), clock.clone()).unwrap(),
                };
                scope.spawn(move || {
                    let one = |_| spool.enqueue(b"one").unwrap();
                    let mut names: Vec<ItemName> = (0..10).map(one).collect();
                    names.extend(spool.enqueue_group(&[b"many"; 20]).unwrap());
                    names
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for names in &names {
        assert!(names.is_sorted());
    }
    let all: BTreeSet<&ItemName> = names.iter().flatten().collect();
    assert_eq!(all.len(), 4 * 30);
    assert!(shared.names().unwrap().iter().eq(all));
}

#[test]
fn s3_an_item_made_by_hand_is_not_replaced() {
    let folder = TempDir::new().unwrap();
    let clock = SetClock::at(NOW);
    let spool = Spool::open_with_clock(folder.path(), clock).unwrap();
    spool.enqueue(b"{}").unwrap();
    for micros in 1..4 {
        fs::write(folder.path().join(canonical(NOW + micros)), "by hand").unwrap();
    }
    let name = spool.enqueue(b"{}").unwrap();
    assert_eq!(name.as_str(), canonical(NOW + 4));
    let by_hand = fs::read_to_string(folder.path().join(canonical(NOW + 1))).unwrap();
    assert_eq!(by_hand, "by hand");
}

#[test]
fn s3_a_mark_that_cannot_be_read_is_made_anew_from_the_names() {
    for nonsense in ["", "2026", "x".repeat(91).as_str(), "\0\0\0"] {
        let folder = TempDir::new().unwrap();
        let clock = SetClock::at(NOW);
        let spool = Spool::open_with_clock(folder.path(), clock.clone()).unwrap();
        let before = spool.enqueue(b"{}").unwrap();
        fs::write(folder.path().join(".last"), nonsense).unwrap();
        clock.set(0);
        assert!(spool.enqueue(b"{}").unwrap() > before, "{nonsense:?}");
    }
}

#[test]
fn s3_a_mark_that_was_written_half_way_still_counts() {
    let folder = TempDir::new().unwrap();
    let clock = SetClock::at(NOW);
    let spool = Spool::open_with_clock(folder.path(), clock.clone()).unwrap();
    let before = spool.enqueue(b"{}").unwrap();
    spool.remove(&before).unwrap();
    let path = folder.path().join(".last");
    // The month is new and the day is old: no date at all.
    let mut mark = fs::read(&path).unwrap();
    mark[..10].copy_from_slice(b"2027-02-31");
    fs::write(&path, mark).unwrap();
    clock.set(0);
    assert!(spool.enqueue(b"{}").unwrap() > before);
}

#[test]
fn s3_the_end_of_all_names_is_an_error_and_names_a_remedy() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    fs::write(folder.path().join("9999-12-31-23-59-59-999999.json"), "{}").unwrap();
    let error = spool.enqueue(b"{}").unwrap_err();
    assert!(matches!(error, Error::NamesExhausted { .. }), "{error}");
    assert!(error.to_string().contains("9999"), "{error}");
}

#[test]
fn items_and_directories_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("a/b");
    let spool = Spool::create(&root).unwrap();
    let name = spool.enqueue(b"{}").unwrap();
    let _consumer = spool.consumer("test").unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&root), 0o700);
    assert_eq!(mode(root.parent().unwrap()), 0o700);
    for file in [name.as_str(), ".last", ".lock"] {
        assert_eq!(mode(&root.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_group_larger_than_a_batch_keeps_its_order() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let contents: Vec<String> = (0..1100).map(|number| number.to_string()).collect();
    let names = spool.enqueue_group(&contents).unwrap();
    assert_eq!(spool.names().unwrap(), names);
    for (name, content) in names.iter().zip(&contents) {
        assert_eq!(spool.read(name, 10).unwrap().bytes, content.as_bytes());
    }
    assert!(spool.enqueue_group::<&[u8]>(&[]).unwrap().is_empty());
}
