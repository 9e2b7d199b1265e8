//! The loop: take, look up, hand over for writing, remove what is done; stop at obstacles.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use idspool_directory::{Backoff, Credentials, Directory, Interrupt, Settings};
use idspool_service::{Config, ConfigError, Exit, GroupsFrom};
use idspool_spool::{Consumer, ItemName, Spool, Wake, Waker};

use crate::lookup::look_up;
use crate::obstacle::Obstacle;
use crate::round::{Taking, take};
use crate::target::Target;
use crate::writer::{MappingStage, Report, Round, WritingStage};

/// Rounds that are looked up and not yet written, at most: one being mapped, one being written, one
/// waiting for either.
const IN_FLIGHT: usize = 3;

/// How long to stand at a faulty item before looking at it again although nobody touched it.
const ITEM_PAUSE: Duration = Duration::from_secs(30);

/// When to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// When told to.
    Daemon,
    /// When everything that was there is done, or something stands in the way.
    Once,
}

/// Why the converter cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No consumer is enabled.
    #[error("no consumer is enabled: set ox.enabled or kelvin.enabled to true")]
    NoConsumer,
    /// The connection to LDAP is configured in a way that cannot work.
    #[error("cannot {0}")]
    Directory(#[from] idspool_directory::Error),
    /// A spool cannot be used.
    #[error("cannot {0}")]
    Spool(#[from] idspool_spool::Error),
    /// The operating system gives us no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
}

impl StartError {
    /// The exit status that goes with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Spool(idspool_spool::Error::Locked { .. }) => Exit::Locked,
            Self::Spool(_) | Self::Thread(_) => Exit::Stopped,
            Self::Config(_) | Self::NoConsumer | Self::Directory(_) => Exit::Usage,
        }
    }
}

/// Asks a running converter to stop, from any thread.
#[derive(Debug, Clone)]
pub struct Stop {
    requested: Arc<AtomicBool>,
    waker: Waker,
    interrupt: Interrupt,
}

impl Stop {
    /// What is being written is finished; nothing new is begun.
    pub fn stop(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.interrupt.interrupt();
        self.waker.wake();
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Listener files that are done.
    pub items: u64,
    /// LDAP searches that were sent.
    pub requests: u64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The exit status.
    pub exit: Exit,
    /// What was done until then.
    pub statistics: Statistics,
}

/// The converter, holding the lock of the listener's spool.
#[derive(Debug)]
pub struct Converter {
    consumer: Consumer,
    directory: Directory,
    targets: Vec<Target>,
    groups_from: GroupsFrom,
    country_from_state: bool,
    group_size: usize,
    stop: Stop,
}

impl Converter {
    /// Opens all spools and takes the lock. LDAP is not contacted yet.
    ///
    /// # Errors
    /// Something is wrong that no waiting will mend.
    pub fn new(config: &Config) -> Result<Self, StartError> {
        let directory = Directory::new(settings(&config.directory)?)?;
        if !config.ox.enabled && !config.kelvin.enabled {
            return Err(StartError::NoConsumer);
        }
        let consumer = Spool::create(&config.listener.spool)?.consumer("idspool-converter")?;
        let targets = Target::all(config)?;
        let stop = Stop {
            requested: Arc::default(),
            waker: consumer.waker(),
            interrupt: directory.interrupt(),
        };
        Ok(Self {
            consumer,
            directory,
            targets,
            groups_from: config.directory.groups_from,
            country_from_state: config.directory.country_from_state,
            group_size: config.converter.group_size.max(1),
            stop,
        })
    }

    /// A handle that stops [`Converter::run`].
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Works until `mode` says that it is over, or until asked to stop.
    ///
    /// # Errors
    /// Only [`StartError::Thread`]; whatever stands in the way later is logged, recorded in the
    /// state file, and ends in an exit status.
    pub fn run(self, mode: Mode) -> Result<Outcome, StartError> {
        let (round_sender, rounds) = mpsc::sync_channel(IN_FLIGHT);
        let (mapped_sender, mapped) = mpsc::sync_channel(IN_FLIGHT);
        let (report_sender, reports) = mpsc::channel();
        let mapping = MappingStage {
            targets: self.targets.clone(),
            country_from_state: self.country_from_state,
        };
        let writing = WritingStage { targets: self.targets.clone() };
        thread::scope(|scope| {
            let mapping = thread::Builder::new()
                .name("mapping".into())
                .spawn_scoped(scope, move || mapping.run(&rounds, &mapped_sender))
                .map_err(StartError::Thread)?;
            let writing = thread::Builder::new()
                .name("writing".into())
                .spawn_scoped(scope, move || writing.run(&mapped, &report_sender))
                .map_err(StartError::Thread)?;
            let mut work = Work {
                converter: self,
                rounds: round_sender,
                reports,
                in_flight: VecDeque::new(),
                unremoved: Vec::new(),
                generation: 0,
                items: 0,
                standing_at: None,
                backoff: Backoff::default(),
            };
            let exit = work.run(mode);
            let statistics =
                Statistics { items: work.items, requests: work.converter.directory.requests() };
            // This closes the channel, which ends the threads one after the other. One that panicked
            // has been reported as what stands in the way.
            drop(work);
            let _ = (mapping.join(), writing.join());
            Ok(Outcome { exit, statistics })
        })
    }
}

fn settings(config: &idspool_service::Directory) -> Result<Settings, ConfigError> {
    let mut settings = Settings::new(&config.url, &config.base_dn);
    settings.start_tls = config.start_tls;
    settings.ca_certificates.clone_from(&config.ca_certificates);
    settings.timeout = config.timeout();
    settings.batch_size = config.batch_size;
    if let (Some(dn), Some(password)) = (&config.bind_dn, config.bind_password()?) {
        settings.credentials = Some(Credentials::new(dn, password.expose()));
    }
    Ok(settings)
}

/// A running converter.
struct Work {
    converter: Converter,
    rounds: SyncSender<Round>,
    reports: Receiver<Report>,
    /// Items of the rounds that the two threads have, oldest round first.
    in_flight: VecDeque<Vec<ItemName>>,
    /// Done, but the file could not be removed. They are not taken again, which would fill the
    /// consumers' spools with repetitions.
    unremoved: Vec<ItemName>,
    generation: u64,
    items: u64,
    /// What the log said last about the obstacle we stand at.
    standing_at: Option<String>,
    backoff: Backoff,
}

/// What one step came to.
enum Step {
    /// Something was done; go on.
    Forward,
    /// Nothing waits.
    Idle,
    /// We were asked to stop, and nothing is under way.
    Stopped,
}

impl Work {
    fn run(&mut self, mode: Mode) -> Exit {
        loop {
            match self.step() {
                Ok(Step::Forward) => {}
                Ok(Step::Stopped) => return Exit::Done,
                Ok(Step::Idle) => {
                    self.clear_fault();
                    if mode == Mode::Once {
                        return Exit::Done;
                    }
                    self.wait_for_items();
                }
                Err(_) if self.is_stopping() => {
                    // What is written and cannot be removed is converted once more by the next run.
                    while self.in_flight.pop_front().is_some() && self.reports.recv().is_ok() {}
                    return Exit::Done;
                }
                Err(obstacle) => {
                    let is_last = match obstacle {
                        Obstacle::Unsettled { .. } => false,
                        Obstacle::Ours(_) => true,
                        _ => mode == Mode::Once,
                    };
                    self.stand_at(&obstacle, is_last);
                    if is_last {
                        return Exit::Stopped;
                    }
                }
            }
        }
    }

    /// Begins one round, or finishes one.
    ///
    /// The obstacle of an item is only returned when no round is under way, so that it is the first
    /// item that waits, and everything before it is done.
    fn step(&mut self) -> Result<Step, Obstacle> {
        loop {
            match self.reports.try_recv() {
                Ok(report) => self.absorb(report)?,
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Err(THREAD_ENDED),
            }
        }
        // What could not be removed before.
        self.remove_done()?;
        if self.is_stopping() {
            return Ok(if self.finish_one()? { Step::Forward } else { Step::Stopped });
        }
        if self.in_flight.len() >= IN_FLIGHT {
            self.finish_one()?;
            return Ok(Step::Forward);
        }
        match self.begin() {
            Ok(true) => Ok(Step::Forward),
            Ok(false) => Ok(if self.finish_one()? { Step::Forward } else { Step::Idle }),
            Err(obstacle) => {
                let was_under_way = !self.in_flight.is_empty();
                while self.finish_one()? {}
                // What was done meanwhile may have removed the obstacle.
                if was_under_way && !self.is_stopping() { Ok(Step::Forward) } else { Err(obstacle) }
            }
        }
    }

    /// Takes the next items, looks them up and hands them on. `false`: nothing waits.
    fn begin(&mut self) -> Result<bool, Obstacle> {
        let converter = &mut self.converter;
        converter
            .consumer
            .refresh()
            .map_err(|error| Obstacle::Spool { doing: "follow the listener's spool", error })?;
        let busy: BTreeSet<&ItemName> = self.in_flight.iter().flatten().collect();
        let names: Vec<ItemName> = converter
            .consumer
            .backlog()
            .iter()
            .filter(|name| !busy.contains(name))
            .take(converter.group_size)
            .cloned()
            .collect();
        if names.is_empty() {
            return Ok(false);
        }
        let Taking { taken, gone, obstacle } = take(converter.consumer.spool(), names);
        // Where the kernel reports nothing, the backlog would show them until the next slow poll.
        converter
            .consumer
            .done_group(&gone)
            .map_err(|error| Obstacle::Spool { doing: "follow the listener's spool", error })?;
        if taken.is_empty() {
            return obstacle.map_or(Ok(true), Err);
        }
        let targets = &converter.targets;
        let is_wanted = |module| targets.iter().any(|target| target.wants(module));
        let found = look_up(&mut converter.directory, &taken, converter.groups_from, is_wanted)
            .map_err(Obstacle::Directory)?;
        self.in_flight.push_back(taken.iter().map(|taken| taken.name.clone()).collect());
        let round = Round { generation: self.generation, taken, found };
        self.rounds.send(round).map_err(|_| THREAD_ENDED)?;
        Ok(true)
    }

    /// Waits until the oldest round is written. `false`: there is none.
    fn finish_one(&mut self) -> Result<bool, Obstacle> {
        if self.in_flight.is_empty() {
            return Ok(false);
        }
        let report = self.reports.recv().map_err(|_| THREAD_ENDED)?;
        self.absorb(report)?;
        Ok(true)
    }

    fn absorb(&mut self, report: Report) -> Result<(), Obstacle> {
        self.in_flight.pop_front();
        self.items += report.done.len() as u64;
        let has_progress = !report.done.is_empty();
        self.unremoved.extend(report.done);
        let removed = self.remove_done();
        let Some(obstacle) = report.obstacle else {
            if has_progress && removed.is_ok() {
                self.clear_fault();
            }
            return removed;
        };
        // Everything that was under way behind it is given back.
        while !self.in_flight.is_empty() {
            let _given_back = self.reports.recv().map_err(|_| THREAD_ENDED)?;
            self.in_flight.pop_front();
        }
        self.generation += 1;
        removed.and(Err(obstacle))
    }

    fn remove_done(&mut self) -> Result<(), Obstacle> {
        if self.unremoved.is_empty() {
            return Ok(());
        }
        self.converter
            .consumer
            .done_group(&self.unremoved)
            .map_err(|error| Obstacle::Spool { doing: "remove converted listener files", error })?;
        self.unremoved.clear();
        Ok(())
    }

    fn is_stopping(&self) -> bool {
        self.converter.stop.requested.load(Ordering::SeqCst)
    }

    /// Says once what stands in the way, and waits until it may be gone.
    fn stand_at(&mut self, obstacle: &Obstacle, is_last: bool) {
        let spool = self.converter.consumer.spool().clone();
        let message = obstacle.message(&spool);
        let pause = match obstacle {
            Obstacle::Unsettled { settles_in, .. } => {
                tracing::debug!("{message}");
                self.wait_out(*settles_in, obstacle.item());
                return;
            }
            Obstacle::Item { .. } => ITEM_PAUSE,
            _ => self.backoff.pause(),
        };
        if let Err(error) = self.converter.consumer.record_fault(&obstacle.fault(&spool, pause)) {
            tracing::debug!("Cannot record the fault: {error}");
        }
        if self.standing_at.as_deref() != Some(message.as_str()) {
            tracing::error!("{message}");
            self.standing_at = Some(message);
        }
        if !is_last {
            self.wait_out(pause, obstacle.item());
        }
    }

    fn clear_fault(&mut self) {
        self.backoff.reset();
        if self.standing_at.take().is_some() {
            tracing::info!("Going on");
        }
        if let Err(error) = self.converter.consumer.record_success() {
            tracing::warn!("Cannot record that the fault is gone: {error}");
        }
    }

    fn wait_for_items(&mut self) {
        // An error here is one of the next refresh, too.
        let _ = self.converter.consumer.wait(None);
    }

    /// Waits for `pause`, or until somebody touches the item, or a stop is asked for. That other
    /// items come in changes nothing: they are behind the obstacle.
    fn wait_out(&mut self, pause: Duration, item: Option<&ItemName>) {
        let until = Instant::now() + pause;
        while !self.is_stopping() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            match self.converter.consumer.wait(Some(left)) {
                Ok(Wake::Changed) => {}
                Ok(Wake::TimedOut | Wake::Woken) | Err(_) => continue,
            }
            match self.converter.consumer.refresh() {
                Ok(changes) => {
                    let touched = |name: &ItemName| item.is_some_and(|item| name <= item);
                    if changes.appeared.iter().any(touched)
                        || changes.disappeared.iter().any(touched)
                        || changes.changed.iter().any(touched)
                    {
                        return;
                    }
                }
                // The wait above takes its time before it reports a stalled spool again.
                Err(error) => tracing::debug!("{error}"),
            }
        }
    }
}

const THREAD_ENDED: Obstacle = Obstacle::Ours("a thread of the converter ended");
