//! Random changes while everything is killed at random; at the end consumers hold what the directory
//! holds, to the value.
//!
//! `IDSPOOL_CHAOS_OPERATIONS` sets how many changes are made, `IDSPOOL_CHAOS_SEED` which ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

mod watching;

use std::time::{Duration, Instant};

use idspool_tests::{Daemon, Installation, SessionLog, Slapd, Syncprov};
use watching::consumer::{Consumer, Objects, differences, installation, truth};
use watching::evidence::{History, evidence};
use watching::random_tree::{Random, Tree};

/// How long consumers may need to get everything.
const SOON: Duration = Duration::from_secs(120);

/// How often the directory is read anew meanwhile.
const AGAIN: Duration = Duration::from_secs(2);

/// Everything that runs.
struct Site {
    slapd: Slapd,
    idspool: Installation,
    watcher: Option<Daemon>,
    converter: Option<Daemon>,
    consumer: Consumer,
    random: Random,
    tree: Tree,
    begin: Instant,
    history: History,
    /// Of programs that were killed.
    logs: Vec<String>,
    /// How often the directory went on changing by itself while it was compared.
    unsettled: usize,
}

impl Site {
    fn new(log: SessionLog, seed: u64) -> Self {
        let slapd = Slapd::builder().syncprov(Syncprov::On(log)).start().unwrap();
        let idspool = installation(&slapd);
        let mut site = Self {
            consumer: Consumer::start(idspool.ox_queue()),
            slapd,
            idspool,
            watcher: None,
            converter: None,
            random: Random::new(seed),
            tree: Tree::default(),
            begin: Instant::now(),
            history: History::new(),
            logs: Vec::new(),
            unsettled: 0,
        };
        let ldif = site.tree.plant(&mut site.random);
        site.modify(&ldif);
        site
    }

    fn note(&mut self, what: String) {
        self.history.push((self.begin.elapsed().as_secs_f64(), what));
    }

    /// Returns how many were refused.
    fn modify(&mut self, ldif: &str) -> usize {
        for change in ldif.split_inclusive("\n\n") {
            self.note(change.to_owned());
        }
        let refused = self.slapd.cli().modify_on(ldif).unwrap();
        self.note(format!("! {refused} of these were refused"));
        refused
    }

    /// Up to so many changes; returns how many were made, and how many of them were refused.
    fn change(&mut self, most: u64) -> (u64, usize) {
        let count = 1 + self.random.below(most);
        let ldif: String = (0..count).map(|_| self.tree.change(&mut self.random)).collect();
        (count, self.modify(&ldif))
    }

    fn disturb(&mut self) {
        match self.random.below(12) {
            0 | 1 => self.kill(|site| &mut site.watcher, "watcher"),
            2 => self.kill(|site| &mut site.converter, "converter"),
            3 => {
                self.note("! slapd killed".to_owned());
                self.slapd.kill().unwrap();
                self.slapd.restart().unwrap();
                self.note("! slapd started".to_owned());
            }
            4 => {
                self.note("! slapd stopped".to_owned());
                self.slapd.restart().unwrap();
                self.note("! slapd started".to_owned());
            }
            _ => {}
        }
        // Some stay away for a while.
        if self.random.below(2) == 0 {
            self.start();
        }
    }

    fn kill(&mut self, program: fn(&mut Self) -> &mut Option<Daemon>, name: &str) {
        if let Some(daemon) = program(self).take() {
            self.note(format!("! {name} killed"));
            self.logs.extend(daemon.kill().unwrap().lines);
        }
    }

    fn start(&mut self) {
        if self.watcher.is_none() {
            self.note("! watcher started".to_owned());
            self.watcher = Some(self.idspool.start("idspool-listener", &["watch"]).unwrap());
        }
        if self.converter.is_none() {
            self.note("! converter started".to_owned());
            self.converter = Some(self.idspool.start("idspool-converter", &[]).unwrap());
        }
    }

    /// Waits until consumers hold what the directory holds; returns how many objects that are.
    fn compare(&mut self, context: &str) -> usize {
        self.start();
        let until = Instant::now() + SOON;
        let mut expected = truth(&self.slapd);
        loop {
            let is_same = self.wait_for(&expected, Instant::now() + AGAIN);
            // refint goes on in the background: what was read before it was done is not the truth.
            let earlier = std::mem::replace(&mut expected, truth(&self.slapd));
            let changed = differences(&earlier, &expected);
            if is_same && changed.is_empty() {
                return expected.len();
            }
            for change in changed {
                self.unsettled += 1;
                self.note(format!("! read too early: {}", change.describe()));
            }
            if Instant::now() > until {
                break;
            }
        }
        let differences = differences(&self.consumer.objects(), &expected);
        for daemon in [&self.watcher, &self.converter].into_iter().flatten() {
            self.logs.extend(daemon.lines());
        }
        let (ldap, logs) = (self.slapd.cli(), &self.logs);
        panic!(
            "{context}: {} objects are not as in the directory:\n{}",
            differences.len(),
            evidence(&differences, &ldap, &self.idspool, &self.history, logs)
        );
    }

    fn wait_for(&self, expected: &Objects, until: Instant) -> bool {
        loop {
            if differences(&self.consumer.objects(), expected).is_empty() {
                return true;
            }
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect(variable))
}

fn run(log: SessionLog, operations: u64, seed: u64) {
    let mut site = Site::new(log, seed);
    let (mut done, mut refused, mut objects) = (0, 0, 0);
    while done < operations {
        // What comes later repairs what was missed before, so look often, and after few changes.
        let until = done + 80;
        while done < until {
            let (made, without) = site.change(30);
            (done, refused) = (done + made, refused + without);
            site.disturb();
        }
        let context = format!("{log:?}, seed {seed}, after {done} operations");
        site.compare(&context);
        for _ in 0..2 {
            let (made, without) = site.change(4);
            (done, refused) = (done + made, refused + without);
            objects = site.compare(&format!("{context} and {made} quiet ones"));
        }
    }
    assert!(objects > 60, "the directory has become empty");
    assert!(refused as u64 * 5 < done, "{refused} of {done} changes were refused");
    let took = site.begin.elapsed().as_secs();
    eprintln!(
        "{log:?}, seed {seed}: {done} operations, {refused} refused, {objects} objects, {took} s"
    );
}

#[test]
fn consumers_end_up_with_what_the_directory_holds() {
    let operations = number("IDSPOOL_CHAOS_OPERATIONS", 800);
    let seed = number("IDSPOOL_CHAOS_SEED", 4533);
    run(SessionLog::Changes(200), operations / 2, seed);
    run(SessionLog::Without, operations / 2, seed + 1);
}
