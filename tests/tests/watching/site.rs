//! Everything that runs in a test of random changes: it is changed, disturbed, and compared with the
//! directory.

#![allow(clippy::print_stderr, reason = "how far it got is worth knowing when it fails")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::consumer::{
    Consumer, Objects, differences, expected_context, found_context, installation, snapshots, truth,
};
use super::evidence::{History, account, evidence};
use super::random_tree::{Random, Tree};
use idspool_tests::{Daemon, Installation, Sandbox, SessionLog, Slapd, Syncprov, poll};

/// How long consumers may need to get everything.
const SOON: Duration = Duration::from_secs(120);

/// How often the directory is read anew meanwhile.
const AGAIN: Duration = Duration::from_secs(2);

/// The context of OX that all random users are in.
const CONTEXT: i64 = 10;

/// What is run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub log: SessionLog,
    /// Where the converter finds the groups of users.
    pub groups_from: &'static str,
    /// With `idspool-ox` and a stand-in OX server, in place of a stand-in for a consumer.
    pub ox: bool,
}

/// Who takes what is converted.
enum Recipient {
    StandIn(Consumer),
    Ox { sandbox: Sandbox, program: Option<Daemon> },
}

/// Everything that runs.
struct Site {
    plan: Plan,
    slapd: Slapd,
    idspool: Installation,
    watcher: Option<Daemon>,
    converter: Option<Daemon>,
    recipient: Recipient,
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
    fn new(plan: Plan, seed: u64) -> Self {
        let slapd = Slapd::builder().syncprov(Syncprov::On(plan.log)).start().unwrap();
        let sandbox = plan.ox.then(|| Sandbox::start(&[]).unwrap());
        let url = sandbox.as_ref().map_or("http://127.0.0.1:1", Sandbox::url);
        let idspool = installation(&slapd, plan.groups_from, url);
        let recipient = match sandbox {
            Some(sandbox) => Recipient::Ox { sandbox, program: None },
            None => Recipient::StandIn(Consumer::start(idspool.ox_queue())),
        };
        let mut site = Self {
            plan,
            recipient,
            slapd,
            idspool,
            watcher: None,
            converter: None,
            random: Random::new(seed),
            tree: match plan.groups_from {
                _ if plan.ox => Tree::for_ox(),
                "memberof" => Tree::for_memberof(),
                _ => Tree::default(),
            },
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
        match refused {
            0 => self.tree.confirm(),
            _ => self.tree.reconcile(&self.slapd.cli().dns().unwrap()),
        }
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
            0 | 1 => self.kill(|site| Some(&mut site.watcher), "watcher"),
            2 => self.kill(|site| Some(&mut site.converter), "converter"),
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
            5 | 6 => self.kill(Self::ox, "idspool-ox"),
            _ => {}
        }
        // Some stay away for a while.
        if self.random.below(2) == 0 {
            self.start();
        }
    }

    fn ox(&mut self) -> Option<&mut Option<Daemon>> {
        match &mut self.recipient {
            Recipient::Ox { program, .. } => Some(program),
            Recipient::StandIn(_) => None,
        }
    }

    fn kill(&mut self, program: fn(&mut Self) -> Option<&mut Option<Daemon>>, name: &str) {
        if let Some(daemon) = program(self).and_then(Option::take) {
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
        let idspool = &self.idspool;
        if let Recipient::Ox { program: program @ None, .. } = &mut self.recipient {
            *program = Some(idspool.start("idspool-ox", &[]).unwrap());
            self.note("! idspool-ox started".to_owned());
        }
    }

    /// What consumers hold.
    fn objects(&self) -> Objects {
        match &self.recipient {
            Recipient::StandIn(consumer) => consumer.objects(),
            Recipient::Ox { .. } => snapshots(&self.idspool),
        }
    }

    fn truth(&self) -> Objects {
        truth(&self.slapd, self.plan.groups_from)
    }

    /// Waits until OX has the users and groups that it should have.
    fn compare_ox(&mut self, expected: &Objects, context: &str) {
        let Recipient::Ox { sandbox, .. } = &self.recipient else { return };
        let expected = expected_context(expected, CONTEXT);
        let is_same = || (found_context(sandbox, CONTEXT) == expected).then_some(());
        if poll(SOON, is_same).is_some() {
            return;
        }
        let found = found_context(sandbox, CONTEXT);
        let mut words: Vec<String> = found.0.symmetric_difference(&expected.0).cloned().collect();
        for (name, members) in found.1.iter().chain(&expected.1) {
            for other in [found.1.get(name), expected.1.get(name)] {
                let nobody = BTreeSet::new();
                let mut others = members.symmetric_difference(other.unwrap_or(&nobody)).peekable();
                if others.peek().is_some() {
                    words.push(format!("cn={name}"));
                    words.extend(others.map(|uid| format!("uid={uid}")));
                }
            }
        }
        self.collect_logs();
        let account = account(&words, &self.history, &self.logs);
        assert_eq!(found, expected, "{context}: OX differs\n{account}");
    }

    fn collect_logs(&mut self) {
        let ox = self.ox().and_then(|program| program.as_ref().map(Daemon::lines));
        for daemon in [&self.watcher, &self.converter].into_iter().flatten() {
            self.logs.extend(daemon.lines());
        }
        self.logs.extend(ox.into_iter().flatten());
    }

    /// Waits until consumers hold what the directory holds; returns how many objects that are.
    fn compare(&mut self, context: &str) -> usize {
        self.start();
        let until = Instant::now() + SOON;
        let mut expected = self.truth();
        loop {
            let is_same = self.wait_for(&expected, Instant::now() + AGAIN);
            // refint goes on in the background: what was read before it was done is not the truth.
            let now = self.truth();
            let earlier = std::mem::replace(&mut expected, now);
            let changed = differences(&earlier, &expected);
            if is_same && changed.is_empty() {
                self.compare_ox(&expected, context);
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
        let differences = differences(&self.objects(), &expected);
        self.collect_logs();
        let (ldap, logs) = (self.slapd.cli(), &self.logs);
        panic!(
            "{context}: {} objects are not as in the directory:\n{}",
            differences.len(),
            evidence(&differences, &ldap, &self.idspool, &self.history, logs)
        );
    }

    fn wait_for(&self, expected: &Objects, until: Instant) -> bool {
        loop {
            if differences(&self.objects(), expected).is_empty() {
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

/// Random changes, and comparisons in between.
pub fn run(plan: Plan, operations: u64, seed: u64) {
    let mut site = Site::new(plan, seed);
    let (mut done, mut refused, mut objects) = (0, 0, 0);
    while done < operations {
        // What comes later repairs what was missed before, so look often, and after few changes.
        let until = done + 80;
        while done < until {
            let (made, without) = site.change(30);
            (done, refused) = (done + made, refused + without);
            site.disturb();
        }
        let context = format!("{plan:?}, seed {seed}, after {done} operations");
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
        "{plan:?}, seed {seed}: {done} operations, {refused} refused, {objects} objects, {took} s"
    );
}

/// Operations and seed of a test that makes so many unless told otherwise.
pub fn settings(operations: u64) -> (u64, u64) {
    (number("IDSPOOL_CHAOS_OPERATIONS", operations), number("IDSPOOL_CHAOS_SEED", 4533))
}
