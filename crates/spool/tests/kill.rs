//! Real producers and a real consumer are killed with SIGKILL again and again. Every item that a
//! producer acknowledged must reach the consumer, whole and in order (promises S1, S2, S3, S5).
//!
//! The test starts itself as those processes, therefore it has a `main` of its own. An effect is
//! durable once it is in the pipe to the test, which is not killed.
//!
//! `IDSPOOL_KILL_ROUNDS` makes it longer, `IDSPOOL_KILL_SEED` repeats a run.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test")]
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use idspool_spool::{ItemName, Spool};

/// Two producers are killed in each round, and the consumer in each but the last.
const ROUNDS: u64 = 12;

/// A producer is killed after up to this many acknowledgements of one item or one group.
const MOST_ACKNOWLEDGEMENTS: u64 = 100;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1..).unwrap_or_default() {
        [role, dir, start] if role == "produce" => produce(Path::new(dir), start),
        [role, dir] if role == "consume" => consume(Path::new(dir)),
        // A test runner asks for the names of the tests.
        [flag, ..] if flag == "--list" => println!("s1_nothing_acknowledged_is_lost: test"),
        _ => s1_nothing_acknowledged_is_lost(),
    }
}

/// Long enough that half of it would be noticed.
fn content(producer: &str, number: u64) -> String {
    format!("{producer} {number} {}", number.to_string().repeat(400))
}

/// Enqueues for ever, single items and groups in turn, and prints what is acknowledged.
fn produce(dir: &Path, start: &str) {
    let spool = Spool::open(dir).unwrap();
    let (producer, first) = start.split_once(':').unwrap();
    let mut number: u64 = first.parse().unwrap();
    loop {
        let name = spool.enqueue(content(producer, number).as_bytes()).unwrap();
        report(&[(name, number)]);
        number += 1;
        let numbers: Vec<u64> = (number..number + 30).collect();
        let contents: Vec<String> = numbers.iter().map(|&item| content(producer, item)).collect();
        let names = spool.enqueue_group(&contents).unwrap();
        number += 30;
        report(&names.into_iter().zip(numbers).collect::<Vec<_>>());
    }
}

fn report(acknowledged: &[(ItemName, u64)]) {
    let lines: Vec<String> =
        acknowledged.iter().map(|(name, number)| format!("{name} {number}")).collect();
    // One write, so that a killed producer leaves whole lines.
    let _ = io::stdout().write_all((lines.join("\n") + "\n").as_bytes());
}

/// Takes items for ever; prints each before it is done, and a blank line when none waits.
fn consume(dir: &Path) {
    let mut consumer = Spool::open(dir).unwrap().consumer("kill test").unwrap();
    loop {
        consumer.refresh().unwrap();
        let waiting: Vec<ItemName> = consumer.backlog().iter().cloned().collect();
        for name in waiting {
            let item = consumer.spool().read(&name, 1 << 20).unwrap();
            println!("{name} {}", String::from_utf8(item.bytes).unwrap());
            consumer.done(&name).unwrap();
        }
        println!();
        consumer.wait(Some(Duration::from_secs(1))).unwrap();
    }
}

struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> String {
        self.lines.next().expect("the process ended by itself").unwrap()
    }

    /// SIGKILL; returns what it still had written.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        let rest = self.lines.map(Result::unwrap).collect();
        self.child.wait().unwrap();
        rest
    }
}

/// A small generator of its own, so that a seed repeats the choice of moments.
struct Moments(u64);

impl Moments {
    fn up_to(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most + 1
    }
}

#[derive(Default)]
struct Books {
    /// Name and content of what was acknowledged.
    acknowledged: BTreeMap<ItemName, String>,
    /// What the consumer printed, in that order.
    consumed: Vec<(ItemName, String)>,
    killed: u64,
}

impl Books {
    fn acknowledge(&mut self, producer: &str, line: &str) -> u64 {
        let (name, number) = line.split_once(' ').unwrap();
        let number = number.parse().unwrap();
        let before = self.acknowledged.insert(name.parse().unwrap(), content(producer, number));
        assert_eq!(before, None, "{name} was given twice");
        number
    }

    /// `false` for the line that says that nothing waits.
    fn consume(&mut self, line: &str) -> bool {
        if let Some((name, content)) = line.split_once(' ') {
            self.consumed.push((name.parse().unwrap(), content.to_owned()));
        }
        !line.is_empty()
    }

    fn check(&self) {
        let mut latest: Option<&ItemName> = None;
        let mut numbers: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, text) in &self.consumed {
            let mut words = text.splitn(3, ' ');
            let (producer, number) = (words.next().unwrap(), words.next().unwrap());
            let number: u64 = number.parse().unwrap();
            assert_eq!(*text, content(producer, number), "{name} is not whole");
            if let Some(acknowledged) = self.acknowledged.get(name) {
                assert_eq!(acknowledged, text, "{name} holds another item");
            }
            // An item that was taken but not done when the consumer died comes once more, first.
            let is_repeated = latest == Some(name);
            assert!(is_repeated || latest < Some(name), "{name} came after {latest:?}");
            let earlier = numbers.insert(producer, number);
            assert!(is_repeated || earlier < Some(number), "{producer} {number} after {earlier:?}");
            latest = Some(name);
        }
        let seen: BTreeMap<_, _> = self.consumed.iter().cloned().collect();
        for name in self.acknowledged.keys() {
            assert!(seen.contains_key(name), "{name} was acknowledged and lost");
        }
    }
}

fn s1_nothing_acknowledged_is_lost() {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse().ok());
    let rounds = number("IDSPOOL_KILL_ROUNDS").unwrap_or(ROUNDS);
    let seed = number("IDSPOOL_KILL_SEED").unwrap_or_else(|| u64::from(std::process::id()) | 1);
    println!("kill test: seed {seed}, {rounds} rounds");
    let folder = tempfile::tempdir().unwrap();
    let dir: PathBuf = folder.path().join("spool");
    Spool::create(&dir).unwrap();
    let dir = dir.to_str().unwrap();
    let (mut books, mut moments) = (Books::default(), Moments(seed));
    let mut next = BTreeMap::from([("a", 0), ("b", 0)]);
    for _ in 0..rounds {
        let mut consumer = Process::start(&["consume", dir]);
        let mut producers: Vec<(&str, Process)> = ["a", "b"]
            .map(|id| (id, Process::start(&["produce", dir, &format!("{id}:{}", next[id])])))
            .into();
        // The consumer writes into a pipe of 64 KiB, so it is read as the producers go on.
        for (id, producer) in &mut producers {
            for _ in 0..moments.up_to(MOST_ACKNOWLEDGEMENTS) {
                next.insert(*id, books.acknowledge(id, &producer.next()));
                books.consume(&consumer.next());
            }
        }
        for (id, producer) in producers {
            for line in producer.kill() {
                next.insert(id, books.acknowledge(id, &line));
            }
            // What was in progress may be there or not; numbers go on behind it.
            next.entry(id).and_modify(|number| *number += 100);
        }
        for _ in 0..moments.up_to(MOST_ACKNOWLEDGEMENTS) {
            if !books.consume(&consumer.next()) {
                break;
            }
        }
        for line in consumer.kill() {
            // The last line may be half of one: then the item was not done.
            if line.is_empty() || is_complete(&line) {
                books.consume(&line);
            }
        }
        books.killed += 3;
    }
    let mut consumer = Process::start(&["consume", dir]);
    while books.consume(&consumer.next()) {}
    consumer.kill();
    books.check();
    let left = Spool::open(dir).unwrap().names().unwrap();
    assert!(left.is_empty(), "left: {left:?}");
    assert!(books.acknowledged.len() as u64 > rounds * 20, "too few items were acknowledged");
    println!(
        "kill test: {} processes killed, {} items acknowledged, {} consumed",
        books.killed,
        books.acknowledged.len(),
        books.consumed.len()
    );
}

fn is_complete(line: &str) -> bool {
    let mut words = line.splitn(4, ' ');
    let _name = words.next();
    match (words.next(), words.next().and_then(|number| number.parse().ok())) {
        (Some(producer), Some(number)) => line.ends_with(&content(producer, number)),
        _ => false,
    }
}
