//! All threads of the process: one that routes, one per authority. Begins them, ends them when the configuration
//! or a signal says so, and begins them again when one has come to an end that it should not have.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use idspool_provisioner::{Mode, pause_after};
use idspool_service::Exit;
use tracing::{error, info};

use super::equipment::Equip;
use super::follow::Follow;
use super::outcome::{LONG, Outcome};
use super::router::Routing;
use super::standing::{Job, Standing};
use super::stop::Stop;
use super::thread::{Announce, Running, Thread, Who};
use super::worker::{self, Worker};
use crate::Layout;
use crate::conf::{self, AuthorityName};
use crate::routing::Current;

/// How long what is under way is waited for at the end; then it is broken off. What it was comes again at the next
/// start, as after a crash (S5).
const GRACE: Duration = Duration::from_millis(400);
/// The same for one authority whose configuration changed.
const LONG_GRACE: Duration = Duration::from_secs(2);
/// How long a thread may take to end after that. It may be making a connection, which nobody can break off.
const LAST_GRACE: Duration = Duration::from_millis(400);
/// How long a report of a changed file waits for others: editors make several changes of one.
const SETTLING: Duration = Duration::from_millis(100);

/// How often files that cannot be read are tried again without a report.
const DOUBT: Duration = Duration::from_secs(5);

/// What happens.
#[derive(Debug)]
pub(crate) enum Event {
    /// A signal asks for the end.
    Stop,
    /// A file of the configuration may have changed.
    Changed,
    /// A thread came to its end.
    Ended(Who),
}

/// What is to be done, and with what.
pub(crate) struct Task {
    pub(crate) layout: Layout,
    pub(crate) mode: Mode,
    /// `None`: nothing is routed.
    pub(crate) router: Option<Box<dyn Routing>>,
    /// Which authorities are worked on.
    pub(crate) selection: Selection,
    pub(crate) equip: Arc<dyn Equip>,
    pub(crate) current: Current,
}

/// Which authorities are worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    All,
    None,
    One(AuthorityName),
}

impl Selection {
    fn has(&self, name: &AuthorityName) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::One(one) => one == name,
        }
    }
}

/// See the module.
pub(crate) struct Supervisor {
    task: Task,
    router: Option<Arc<dyn Routing>>,
    standing: Standing,
    threads: BTreeMap<Who, Thread>,
    outcomes: Vec<Outcome>,
    sender: Sender<Event>,
    events: Receiver<Event>,
}

impl Supervisor {
    /// `standing` holds what was read at the start.
    pub(crate) fn new(mut task: Task, standing: Standing) -> Self {
        let (sender, events) = channel();
        let router = task.router.take().map(Arc::from);
        task.current.replace(Arc::clone(standing.loaded()));
        Self {
            task,
            router,
            standing,
            threads: BTreeMap::new(),
            outcomes: Vec::new(),
            sender,
            events,
        }
    }

    /// Where events go.
    pub(crate) fn sender(&self) -> Sender<Event> {
        self.sender.clone()
    }

    /// Until all is done, or the end is asked for.
    pub(crate) fn run(mut self) -> Exit {
        let exit = match self.task.mode {
            Mode::Daemon => self.serve(),
            Mode::Once => self.once(),
        };
        self.finish();
        exit
    }

    fn serve(&mut self) -> Exit {
        let changed = self.sender();
        let mut follow = Follow::start(&self.task.layout, move || {
            let _ended = changed.send(Event::Changed);
        });
        self.begin_router();
        self.apply();
        loop {
            let mut wait = follow.interval();
            if self.standing.is_doubtful() {
                wait = wait.min(DOUBT);
            } else if !self.standing.is_current() {
                // Files that were being written when they were read.
                wait = wait.min(SETTLING);
            }
            let wait = self.next_due().map_or(wait, |due| due.min(wait));
            match self.events.recv_timeout(wait) {
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return Exit::Done,
                Ok(Event::Ended(who)) => drop(self.ended(&who)),
                Ok(Event::Changed) | Err(RecvTimeoutError::Timeout) => {
                    if !self.standing.is_current() && !self.settle() {
                        return Exit::Done;
                    }
                    follow.again(&self.task.layout);
                }
            }
            self.begin_due();
        }
    }

    /// Reads the configuration anew. `false`: the end is asked for.
    fn settle(&mut self) -> bool {
        let until = Instant::now() + SETTLING;
        loop {
            match self.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Event::Stop) => return false,
                Ok(Event::Ended(who)) => drop(self.ended(&who)),
                Ok(Event::Changed) => {}
                Err(_) => break,
            }
        }
        self.standing.take_over(conf::load(&self.task.layout), &self.task.layout);
        self.task.current.replace(Arc::clone(self.standing.loaded()));
        self.apply();
        if let Some(running) = self.threads.get(&Who::Router).and_then(|t| t.running.as_ref()) {
            running.stop.nudge();
        }
        true
    }

    /// Routes what waits, then works on every authority until nothing waits there, or it stands.
    fn once(&mut self) -> Exit {
        self.begin_router();
        if !self.all_ended() {
            return Exit::Done;
        }
        if self.outcomes.contains(&Outcome::Locked) {
            return Exit::Locked;
        }
        self.apply();
        if !self.all_ended() {
            return Exit::Done;
        }
        if self.outcomes.contains(&Outcome::Stopped) {
            Exit::Stopped
        } else if self.outcomes.contains(&Outcome::Locked) {
            Exit::Locked
        } else {
            Exit::Done
        }
    }

    /// Waits for the threads. `false`: the end is asked for.
    fn all_ended(&mut self) -> bool {
        while self.threads.values().any(|thread| thread.running.is_some()) {
            match self.events.recv() {
                Ok(Event::Stop) | Err(_) => return false,
                Ok(Event::Ended(who)) => {
                    let outcome = self.ended(&who);
                    self.outcomes.push(outcome.unwrap_or(Outcome::Stopped));
                }
                Ok(Event::Changed) => {}
            }
        }
        true
    }

    /// Brings the authorities' threads to what the configuration says.
    fn apply(&mut self) {
        let mut jobs = self.standing.jobs();
        jobs.retain(|name, _| self.task.selection.has(name));
        for (who, thread) in &mut self.threads {
            let Who::Authority(name) = who else { continue };
            let wanted = jobs.get(name);
            if let Some(running) = &mut thread.running
                && running.job.as_ref() != wanted
            {
                running.stop.request();
                running.breaks_at.get_or_insert_with(|| Instant::now() + LONG_GRACE);
            }
            if thread.wanted.as_ref() != wanted {
                thread.wanted = wanted.cloned();
                (thread.ends, thread.due) = (0, None);
            }
        }
        for (name, job) in jobs {
            let who = Who::Authority(name);
            let thread = self.threads.entry(who.clone()).or_default();
            thread.wanted = Some(job);
            if thread.running.is_none() {
                self.begin(&who);
            }
        }
    }

    fn begin_router(&mut self) {
        if self.router.is_some() {
            self.threads.entry(Who::Router).or_default();
            self.begin(&Who::Router);
        }
    }

    fn begin(&mut self, who: &Who) {
        let stop = Stop::default();
        let (job, work) = match self.work(who, &stop) {
            Some(work) => work,
            None => return,
        };
        let announce = Announce(self.sender(), who.clone());
        let begun = thread::Builder::new().name(who.thread_name()).spawn(move || {
            let _announce = announce;
            work()
        });
        let Some(thread) = self.threads.get_mut(who) else { return };
        match begun {
            Ok(handle) => {
                thread.due = None;
                let begun = Instant::now();
                thread.running =
                    Some(Running { job, stop, begun, breaks_at: None, thread: handle });
            }
            Err(problem) => {
                thread.ends += 1;
                thread.due = Some(Instant::now() + pause_after(thread.ends));
                error!("{who}: a thread could not be started: {problem}");
                self.outcomes.push(Outcome::Stopped);
            }
        }
    }

    #[expect(clippy::type_complexity, reason = "the work of a thread is a closure")]
    fn work(
        &self,
        who: &Who,
        stop: &Stop,
    ) -> Option<(Option<Job>, Box<dyn FnOnce() -> Outcome + Send>)> {
        let (stop, mode) = (stop.clone(), self.task.mode);
        match who {
            Who::Router => {
                let router = Arc::clone(self.router.as_ref()?);
                Some((None, Box::new(move || router.run(mode, &stop))))
            }
            Who::Authority(name) => {
                let job = self.threads.get(who)?.wanted.clone()?;
                let worker = Worker {
                    name: name.clone(),
                    job: job.clone(),
                    queue: self.task.layout.out_queue(name),
                    schools: Arc::clone(self.standing.schools()),
                    equip: Arc::clone(&self.task.equip),
                    stop,
                    mode,
                };
                Some((Some(job), Box::new(move || worker.run())))
            }
        }
    }

    /// Takes note of the end of a thread. `None`: it broke off.
    fn ended(&mut self, who: &Who) -> Option<Outcome> {
        let thread = self.threads.get_mut(who)?;
        let running = thread.running.take()?;
        let outcome = running.thread.join().ok();
        if self.task.mode == Mode::Once {
            return outcome;
        }
        match (&thread.wanted, who) {
            (None, Who::Authority(name)) => {
                worker::forgive(&self.task.layout.out_queue(name));
                self.threads.remove(who);
            }
            // Another job waits for the end of this one.
            _ if running.stop.is_requested() => self.begin(who),
            _ => {
                let is_new = running.begun.elapsed() > LONG;
                thread.ends = if is_new { 1 } else { thread.ends + 1 };
                let pause = pause_after(thread.ends);
                thread.due = Some(Instant::now() + pause);
                error!(
                    "{who} came to an unexpected end, which is a fault of idspool: please report it \
                     with the lines before this one. It is begun again in {} sec",
                    pause.as_secs()
                );
            }
        }
        outcome
    }

    fn next_due(&self) -> Option<Duration> {
        let breaks = |thread: &Thread| thread.running.as_ref().and_then(|run| run.breaks_at);
        let due = self.threads.values().flat_map(|thread| [thread.due, breaks(thread)]);
        Some(due.flatten().min()?.saturating_duration_since(Instant::now()))
    }

    /// Begins again what is to be, and breaks off what was given its time.
    fn begin_due(&mut self) {
        let now = Instant::now();
        for running in self.threads.values_mut().filter_map(|thread| thread.running.as_mut()) {
            if running.breaks_at.is_some_and(|at| at <= now) {
                running.breaks_at = None;
                running.stop.break_off();
            }
        }
        let due: Vec<Who> = self
            .threads
            .iter()
            .filter(|(_, thread)| thread.due.is_some_and(|due| due <= now))
            .map(|(who, _)| who.clone())
            .collect();
        for who in due {
            self.begin(&who);
        }
    }

    /// Ends all threads.
    fn finish(&mut self) {
        self.each_running(Stop::request);
        self.wait_for_ends(GRACE);
        self.each_running(Stop::break_off);
        self.wait_for_ends(LAST_GRACE);
        for (who, thread) in &self.threads {
            if thread.running.is_some() {
                info!("Not waiting for {who}, which is in the middle of a request.");
            }
        }
    }

    fn each_running(&self, call: impl Fn(&Stop)) {
        let running = self.threads.values().filter_map(|thread| thread.running.as_ref());
        running.for_each(|running| call(&running.stop));
    }

    fn wait_for_ends(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while self.threads.values().any(|thread| thread.running.is_some()) {
            match self.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Event::Ended(who)) => {
                    if let Some(thread) = self.threads.get_mut(&who) {
                        thread.running = None;
                    }
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}
