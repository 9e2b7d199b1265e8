//! What a consumer sees of what producers and administrators do.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use fs2::FileExt;
use idspool_spool::{
    Changes, Clock, Consumer, Error, Fault, FaultClass, ItemName, Spool, SpoolState, Wake, durable,
};
use tempfile::TempDir;

/// Longer than any event takes.
const LONG: Duration = Duration::from_secs(20);

fn name(text: &str) -> ItemName {
    text.parse().unwrap()
}

fn names(texts: &[&str]) -> Vec<ItemName> {
    texts.iter().map(|text| name(text)).collect()
}

fn consumer(folder: &Path) -> Consumer {
    let mut consumer = Spool::open(folder).unwrap().consumer("test").unwrap();
    // The tests are about what the kernel reports; a poll must not help.
    consumer.set_poll_interval(Duration::from_secs(3600));
    consumer
}

/// Runs the command in the directory, then collects changes until `is_enough`.
fn after(
    consumer: &mut Consumer,
    shell: &str,
    mut is_enough: impl FnMut(&Changes) -> bool,
) -> Changes {
    let folder = consumer.spool().dir().to_owned();
    let status = Command::new("sh").arg("-ec").arg(shell).current_dir(folder).status().unwrap();
    assert!(status.success(), "{shell}");
    let mut all = Changes::default();
    let deadline = Instant::now() + LONG;
    while !is_enough(&all) {
        assert!(Instant::now() < deadline, "after {shell}: only {all:?}");
        assert_ne!(consumer.wait(Some(LONG)).unwrap(), Wake::TimedOut, "{shell}: {all:?}");
        let changes = consumer.refresh().unwrap();
        all.appeared.extend(changes.appeared);
        all.disappeared.extend(changes.disappeared);
        all.changed.extend(changes.changed);
    }
    all
}

fn appeared(count: usize) -> impl FnMut(&Changes) -> bool {
    move |changes| changes.appeared.len() >= count
}

fn disappeared(count: usize) -> impl FnMut(&Changes) -> bool {
    move |changes| changes.disappeared.len() >= count
}

fn backlog(consumer: &Consumer) -> Vec<&str> {
    consumer.backlog().iter().map(ItemName::as_str).collect()
}

#[test]
fn s7_shell_tools_are_an_interface() {
    let outside = TempDir::new().unwrap();
    let folder = TempDir::new_in(outside.path()).unwrap();
    fs::write(folder.path().join("2023-12-11-11-22-22.json"), "{}").unwrap();
    let mut consumer = consumer(folder.path());
    let first = consumer.refresh().unwrap();
    assert_eq!(first.appeared, names(&["2023-12-11-11-22-22.json"]));

    after(&mut consumer, "echo {} > ../b.json; mv ../b.json .", appeared(1));
    after(&mut consumer, "cp b.json a.json", appeared(1));
    after(&mut consumer, "ln a.json c.json", appeared(1));
    assert_eq!(backlog(&consumer), ["2023-12-11-11-22-22.json", "a.json", "b.json", "c.json"]);

    after(&mut consumer, "rm 2023-12-11-11-22-22.json", disappeared(1));
    after(&mut consumer, "mv b.json ..", disappeared(1));
    after(&mut consumer, "mv c.json c.json.off", disappeared(1));
    assert_eq!(backlog(&consumer), ["a.json"]);

    let edited = |changes: &Changes| changes.changed.contains(&name("a.json"));
    after(&mut consumer, "echo '{\"id\": 1}' > a.json", edited);
    after(&mut consumer, "echo >> a.json", edited);
    after(&mut consumer, "touch a.json", edited);
    // As editors do it: a new file in the place of the old one.
    after(&mut consumer, "echo {} > a.json.new; mv a.json.new a.json", edited);
    assert_eq!(backlog(&consumer), ["a.json"]);
}

#[test]
fn s7_what_is_no_item_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let mut consumer = consumer(folder.path());
    consumer.refresh().unwrap();
    let shell = "mkdir old dir.json; touch old/a.json .state.json .x.json a.json.tmp b.JSON c; \
                 ln -s /etc/passwd link.json; mkfifo pipe.json; touch last.json";
    let changes = after(&mut consumer, shell, appeared(1));
    assert_eq!(changes.appeared, names(&["last.json"]));
    assert_eq!(consumer.spool().names().unwrap(), names(&["last.json"]));
    for other in ["link.json", "dir.json", "pipe.json"] {
        let error = consumer.spool().read(&name(other), 100).unwrap_err();
        assert!(matches!(error, Error::NotAFile { .. }), "{other}: {error}");
        assert!(folder.path().join(other).symlink_metadata().is_ok());
    }
}

#[test]
fn s7_a_flood_is_seen_whole_and_in_order() {
    let folder = TempDir::new().unwrap();
    let mut consumer = consumer(folder.path());
    consumer.refresh().unwrap();
    let spool = consumer.spool().clone();
    let mut expected = Vec::new();
    for _ in 0..4 {
        expected.extend(spool.enqueue_group(&[b"{}"; 500]).unwrap());
    }
    let changes = after(&mut consumer, "true", appeared(expected.len()));
    assert_eq!(changes.appeared.len(), expected.len());
    assert!(consumer.backlog().iter().eq(&expected));
}

#[test]
fn s7_a_directory_that_is_removed_and_made_again_is_followed() {
    let outside = TempDir::new().unwrap();
    let path = outside.path().join("spool");
    let spool = Spool::create(&path).unwrap();
    spool.enqueue(b"{}").unwrap();
    let mut consumer = consumer(&path);
    consumer.refresh().unwrap();

    fs::remove_dir_all(&path).unwrap();
    let error = consumer.refresh().unwrap_err();
    assert!(matches!(error, Error::DirectoryGone { .. }), "{error}");
    assert!(error.to_string().contains("create it again"), "{error}");
    // There is no use in asking again before it is back.
    assert_eq!(consumer.wait(Some(Duration::from_millis(20))).unwrap(), Wake::TimedOut);

    fs::create_dir(&path).unwrap();
    let item = spool.enqueue(b"{}").unwrap();
    assert_eq!(consumer.wait(Some(LONG)).unwrap(), Wake::Changed);
    let changes = consumer.refresh().unwrap();
    assert_eq!(changes.disappeared.len(), 1);
    assert_eq!(changes.appeared, [item]);
    // The new directory is locked and watched like the old one.
    assert!(matches!(spool.consumer("second"), Err(Error::Locked { .. })));
    after(&mut consumer, "touch z.json", appeared(1));
}

#[test]
fn s7_a_directory_that_is_put_in_the_place_of_another_is_followed() {
    let outside = TempDir::new().unwrap();
    let path = outside.path().join("spool");
    Spool::create(&path).unwrap();
    let mut consumer = consumer(&path);
    consumer.refresh().unwrap();
    let shell = "mkdir ../new; touch ../new/a.json; mv ../spool ../away; mv ../new ../spool";
    after(&mut consumer, shell, appeared(1));
    assert_eq!(backlog(&consumer), ["a.json"]);
}

#[test]
fn s6_a_second_consumer_is_kept_out_and_told_by_whom() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let first = spool.consumer("idspool-ox").unwrap();
    let error = spool.consumer("second").unwrap_err();
    let text = error.to_string();
    let Error::Locked { holder, .. } = error else { panic!("{error}") };
    assert_eq!(holder.pid, Some(std::process::id()));
    assert!(holder.since.is_some());
    assert!(text.contains("held by idspool-ox, process "), "{text}");

    fs::remove_file(folder.path().join(".lock")).unwrap();
    assert!(matches!(spool.consumer("second"), Err(Error::Locked { .. })), "after rm .lock");
    drop(first);
    spool.consumer("second").unwrap();
}

#[test]
fn s6_the_lock_file_alone_keeps_a_consumer_out() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let file = File::create(folder.path().join(".lock")).unwrap();
    FileExt::lock_exclusive(&file).unwrap();
    let text = spool.consumer("second").unwrap_err().to_string();
    assert!(text.contains("held by another process"), "{text}");
}

#[derive(Debug)]
struct Fixed(SystemTime);

impl Clock for Fixed {
    fn now(&self) -> SystemTime {
        self.0
    }
}

#[test]
fn s2_an_item_that_was_just_written_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.json");
    let settles_in = |content: &str, age: f64| {
        fs::write(&path, content).unwrap();
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let now = if age < 0.0 {
            modified - Duration::from_secs_f64(-age)
        } else {
            modified + Duration::from_secs_f64(age)
        };
        let spool = Spool::open_with_clock(folder.path(), Arc::new(Fixed(now))).unwrap();
        let item = spool.read(&name("a.json"), 100).unwrap();
        assert_eq!(item.is_settled(), item.settles_in().is_zero());
        item.settles_in()
    };
    for content in ["", "{\"id\""] {
        assert_eq!(settles_in(content, 1.0), Duration::from_secs(2));
        assert_eq!(settles_in(content, 3.0), Duration::ZERO);
        assert_eq!(settles_in(content, -1.0), Duration::from_secs(3));
        // The clock was wrong when the file was written; nobody waits for an hour.
        assert_eq!(settles_in(content, -3600.0), Duration::ZERO);
    }
}

#[test]
fn s8_reading_is_bounded() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let item = spool.enqueue(b"12345").unwrap();
    assert!(spool.read(&item, 5).unwrap().is_whole());
    let error = spool.read(&item, 4).unwrap_err();
    assert!(matches!(error, Error::TooLarge { size: 5, limit: 4, .. }), "{error}");
    let head = spool.read_prefix(&item, 2).unwrap();
    assert_eq!((head.bytes.as_slice(), head.size, head.is_whole()), (&b"12"[..], 5, false));
    spool.remove(&item).unwrap();
    assert!(matches!(spool.read(&item, 5), Err(Error::NotFound { .. })));
    assert!(!spool.remove(&item).unwrap());
}

#[test]
fn s5_an_item_stays_until_it_is_done() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let items = spool.enqueue_group(&[b"1", b"2", b"3", b"4"]).unwrap();
    let mut first = consumer(folder.path());
    first.refresh().unwrap();
    first.done(&items[0]).unwrap();
    fs::remove_file(spool.path_of(&items[1])).unwrap();
    first.done_group(&items[1..3]).unwrap();
    assert!(first.backlog().iter().eq(&items[3..]));
    // As after a crash: what was not done is there for the next.
    drop(first);
    let mut second = consumer(folder.path());
    assert_eq!(second.refresh().unwrap().appeared, items[3..]);
}

#[test]
fn what_the_consumer_removed_itself_does_not_wake_it() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let item = spool.enqueue(b"{}").unwrap();
    let mut consumer = consumer(folder.path());
    consumer.refresh().unwrap();
    consumer.done(&item).unwrap();
    assert_eq!(consumer.wait(Some(Duration::from_millis(50))).unwrap(), Wake::TimedOut);
    assert!(consumer.refresh().unwrap().is_empty());
}

#[test]
fn a_waker_ends_the_wait_from_another_thread() {
    let folder = TempDir::new().unwrap();
    let mut consumer = consumer(folder.path());
    consumer.refresh().unwrap();
    let waker = consumer.waker();
    thread::spawn(move || waker.wake());
    assert_eq!(consumer.wait(None).unwrap(), Wake::Woken);
    // One call, one wake-up; and it is not lost when nobody waits.
    assert_eq!(consumer.wait(Some(Duration::ZERO)).unwrap(), Wake::TimedOut);
    consumer.waker().wake();
    assert_eq!(consumer.wait(None).unwrap(), Wake::Woken);
}

#[test]
fn s8_the_state_file_tells_of_a_fault_until_the_next_success() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let item = spool.enqueue(b"{").unwrap();
    let first = spool.consumer("test").unwrap();
    let state_file = folder.path().join(".state.json");
    first.record_success().unwrap();
    assert!(!state_file.exists(), "written although nothing changed");

    let fault = Fault {
        item: Some(item.clone()),
        class: FaultClass::Permanent,
        message: "not JSON".into(),
        remedy: Some("remove the file".into()),
        next_attempt: None,
    };
    first.record_fault(&fault).unwrap();
    first.record_fault(&fault).unwrap();
    let state = spool.state().unwrap();
    assert_eq!((state.errors, state.attempts), (2, 2));
    let path = spool.path_of(&item);
    assert_eq!(
        state.current_error(),
        format!(
            "{{\"errors\": \"2\", \"message\": \"not JSON\", \"filename\": \"{}\"}}",
            path.display()
        )
    );
    drop(first);

    let second = spool.consumer("test").unwrap();
    second.record_fault(&fault).unwrap();
    assert_eq!(spool.state().unwrap().errors, 3, "the count goes on after a restart");
    second.record_success().unwrap();
    assert_eq!(spool.state().unwrap(), SpoolState::default());
    assert_eq!(spool.state().unwrap().current_error(), r#"{"errors": "0"}"#);
}

#[test]
fn s8_a_damaged_state_file_is_named_and_replaced_by_the_next_success() {
    let folder = TempDir::new().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    fs::write(folder.path().join(".state.json"), "{").unwrap();
    let error = spool.state().unwrap_err();
    assert!(error.to_string().contains(".state.json"), "{error}");
    spool.consumer("test").unwrap().record_success().unwrap();
    assert_eq!(spool.state().unwrap(), SpoolState::default());
}

#[test]
fn s8_a_missing_directory_is_named_with_what_to_do() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("absent");
    let text = Spool::open(&path).unwrap_err().to_string();
    assert!(
        text.contains(path.to_str().unwrap()) && text.contains("create the directory"),
        "{text}"
    );
}

#[test]
fn s1_replace_sets_the_mode_whatever_was_there() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "old").unwrap();
    for mode in [0o666, 0o600] {
        durable::replace(&path, b"new", mode).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, mode);
    }
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
