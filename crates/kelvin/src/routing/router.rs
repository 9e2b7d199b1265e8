//! The loop: a round after the other; stop at what is in the way, and go on when it is gone.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;
use idspool_directory::{Backoff, Interrupt};
use idspool_provisioner::{Ended, Mode};
use idspool_spool::{Consumer, ItemName, Spool, Wake, Waker};
use idspool_udm::EntryUuid;
use idspool_udm::school::Containers;
use idspool_udm::value;

use super::Reason;
use super::current::{Current, Routes};
use super::fan_out::{FanOut, OutQueues};
use super::hashes::HashSource;
use super::obstacle::Obstacle;
use super::round::{Planned, Round, Taking};
use super::state::RoutingState;
use crate::Layout;
use crate::conf::{Loaded, Stamp};

/// How long to stand at a faulty item before looking at it again although nobody touched it.
const ITEM_PAUSE: Duration = Duration::from_secs(30);

/// How long to wait for somebody to read files that have changed.
const NEWS: Duration = Duration::from_secs(5);

/// Routing cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RouterError {
    /// The in queue cannot be used; [`idspool_spool::Error::Locked`]: somebody else routes.
    #[error("cannot {0}")]
    InQueue(#[from] idspool_spool::Error),
}

/// Hands the items of the in queue to the out queues. Holds the lock of the in queue.
#[derive(Debug)]
pub struct Router {
    layout: Layout,
    containers: Containers,
    current: Current,
    hashes: Option<Box<dyn HashSource>>,
    consumer: Consumer,
    /// `None`: not opened yet, or it could not be.
    state: Option<RoutingState>,
    out: OutQueues,
    /// A round that is not done.
    fan_out: Option<FanOut>,
    loaded: Arc<Loaded>,
    /// How the files look that changed since and were not taken over.
    ignored: Option<Stamp>,
    routes: Routes,
    stop: Stop,
    /// What the log said is missing before anything can be routed.
    lacks: Option<&'static str>,
    /// What the log said last about what is in the way.
    standing_at: Option<String>,
    backoff: Backoff,
}

/// Asks a router to stop, or to look at its configuration, from any thread.
#[derive(Clone)]
pub struct Stop {
    requested: Arc<AtomicBool>,
    waker: Waker,
    interrupt: Option<Interrupt>,
}

impl Stop {
    /// What is being written is finished; nothing new is begun.
    pub fn stop(&self) {
        self.requested.store(true, Ordering::SeqCst);
        if let Some(interrupt) = &self.interrupt {
            interrupt.interrupt();
        }
        self.waker.wake();
    }

    /// The configuration was replaced: what waits for that goes on at once.
    pub fn wake(&self) {
        self.waker.wake();
    }

    fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stop").field(&self.requested).finish()
    }
}

/// What one step came to.
enum Step {
    /// Something was done; go on.
    Forward,
    /// Nothing waits, or nobody is there to take it.
    Idle,
}

impl Router {
    /// Opens the in queue and takes its lock. Without a source of hashes, users are sent without those that did
    /// not come with their items.
    ///
    /// # Errors
    /// The in queue cannot be used, or somebody else routes. What is wrong with anything else is told when it is
    /// needed: in the log and in the state of the in queue.
    pub fn new(
        layout: Layout,
        containers: Containers,
        current: Current,
        hashes: Option<Box<dyn HashSource>>,
    ) -> Result<Self, RouterError> {
        let consumer = Spool::create(layout.in_queue())?.consumer("idspool-kelvin")?;
        let stop = Stop {
            requested: Arc::default(),
            waker: consumer.waker(),
            interrupt: hashes.as_ref().and_then(|hashes| hashes.interrupt()),
        };
        let loaded = current.get();
        Ok(Self {
            out: OutQueues::new(layout.clone()),
            routes: Routes::of(&loaded),
            layout,
            containers,
            current,
            hashes,
            consumer,
            state: None,
            fan_out: None,
            loaded,
            ignored: None,
            stop,
            lacks: None,
            standing_at: None,
            backoff: Backoff::default(),
        })
    }

    /// A handle for other threads.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Works until `mode` says that it is over, or until asked to stop. Whatever stands in the way is logged and
    /// recorded in the state of the in queue.
    pub fn run(mut self, mode: Mode) -> Ended {
        loop {
            if self.stop.is_requested() {
                return Ended::Requested;
            }
            match self.step() {
                Ok(Step::Forward) => self.clear_fault(),
                Ok(Step::Idle) => {
                    self.clear_fault();
                    if mode == Mode::Once {
                        return Ended::Done;
                    }
                    // An error here is one of the next refresh, too.
                    let _ = self.consumer.wait(None);
                }
                Err(_) if self.stop.is_requested() => return Ended::Requested,
                Err(obstacle) => {
                    let is_last =
                        mode == Mode::Once && !matches!(obstacle, Obstacle::Unsettled { .. });
                    self.stand_at(&obstacle, is_last);
                    if is_last {
                        return Ended::Stopped;
                    }
                }
            }
        }
    }

    /// Routes one round, or goes on with one that could not be finished.
    fn step(&mut self) -> Result<Step, Obstacle> {
        self.follow();
        if self.fan_out.is_some() {
            self.proceed()?;
            return Ok(Step::Forward);
        }
        let failed = |error| Obstacle::InQueue { doing: "follow the in queue", error };
        self.consumer.refresh().map_err(failed)?;
        if self.consumer.backlog().is_empty() {
            return Ok(Step::Idle);
        }
        let lacks = self.routes.lacks();
        if let Some(what) = lacks {
            // They must not be consumed without anybody to get them (id-connector 1.4).
            if self.lacks != lacks {
                tracing::warn!("{what}: leaving the in queue as it is.");
            }
            self.lacks = lacks;
            return Ok(Step::Idle);
        }
        self.lacks = None;
        self.await_news();
        let state = match self.state.take() {
            Some(state) => state,
            None => RoutingState::open(&self.layout.routing_state()).map_err(Obstacle::State)?,
        };
        let state = self.state.insert(state);
        let taking = Taking {
            spool: self.consumer.spool(),
            state,
            routes: &self.routes,
            queues: &self.layout,
            containers: &self.containers,
            now: Utc::now(),
        };
        let Round { mut planned, gone, obstacle } = taking.take(self.consumer.backlog().iter());
        // Where the kernel reports nothing, the backlog would show them until the next slow poll.
        self.consumer.done_group(&gone).map_err(failed)?;
        if planned.is_empty() {
            return obstacle.map_or(Ok(Step::Forward), Err);
        }
        self.add_hashes(&mut planned)?;
        self.fan_out = Some(FanOut::new(planned, &self.routes));
        self.proceed()?;
        Ok(Step::Forward)
    }

    /// Takes the configuration of this moment.
    fn follow(&mut self) {
        let loaded = self.current.get();
        if !Arc::ptr_eq(&loaded, &self.loaded) {
            self.routes = Routes::of(&loaded);
            self.loaded = loaded;
            self.ignored = None;
        }
    }

    /// A change that comes right behind one of the files goes by what they say now: by what they said before, it
    /// could go to nobody. Who reads them needs a moment.
    fn await_news(&mut self) {
        if !self.ignored.as_ref().unwrap_or(&self.loaded.stamp).has_changed() {
            return;
        }
        self.wait_out(NEWS, None);
        self.follow();
        // They cannot be used, or nobody follows them: what held before goes on.
        if self.loaded.stamp.has_changed() {
            self.ignored = Some(self.loaded.stamp.renewed());
        }
    }

    fn proceed(&mut self) -> Result<(), Obstacle> {
        let (Some(mut fan_out), Some(state)) = (self.fan_out.take(), self.state.as_mut()) else {
            return Ok(());
        };
        let done =
            fan_out.proceed(&mut self.out, state, &mut self.consumer, &self.routes, Utc::now());
        if done.is_err() {
            self.fan_out = Some(fan_out);
        }
        done
    }

    /// Looks up what came without hashes and is wanted with them.
    fn add_hashes(&mut self, planned: &mut [Planned]) -> Result<(), Obstacle> {
        let bare: Vec<&mut Planned> =
            planned.iter_mut().filter(|planned| planned.lacks_hashes(&self.routes)).collect();
        if bare.is_empty() {
            return Ok(());
        }
        let uuid = |planned: &Planned| planned.item.id.parse::<EntryUuid>().ok();
        let mut users: Vec<EntryUuid> = bare.iter().filter_map(|planned| uuid(planned)).collect();
        users.sort_unstable();
        users.dedup();
        let found = match &mut self.hashes {
            Some(source) => source.hashes(&users).map_err(Obstacle::Directory)?,
            None => Default::default(),
        };
        for planned in bare {
            let passwords = uuid(planned).and_then(|uuid| found.get(&uuid).cloned());
            if passwords.is_none() {
                let name = value::first_text(planned.item.property("username"));
                let name = name.unwrap_or(&planned.item.dn);
                let line = format!("Could not get password hashes of '{name}'.");
                planned.plan.lines.push((tracing::Level::ERROR, line));
                planned.plan.counted.push(Reason::NoPasswordHashes);
            }
            planned.item.user_passwords = passwords;
        }
        Ok(())
    }

    /// Says once what stands in the way, and waits until it may be gone.
    fn stand_at(&mut self, obstacle: &Obstacle, is_last: bool) {
        let queue = self.consumer.spool().clone();
        let message = obstacle.message(&queue);
        let pause = match obstacle {
            Obstacle::Unsettled { settles_in, .. } => {
                tracing::debug!("{message}");
                self.wait_out(*settles_in, obstacle.item());
                return;
            }
            Obstacle::Item { .. } => ITEM_PAUSE,
            _ => self.backoff.pause(),
        };
        if let Err(error) = self.consumer.record_fault(&obstacle.fault(&queue, pause)) {
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
        if let Err(error) = self.consumer.record_success() {
            tracing::warn!("Cannot record that the fault is gone: {error}");
        }
    }

    /// Waits for `pause`, or until somebody touches the item, replaces the configuration or asks for a stop. That
    /// other items come in changes nothing: they are behind.
    fn wait_out(&mut self, pause: Duration, item: Option<&ItemName>) {
        let until = Instant::now() + pause;
        while !self.stop.is_requested() && Arc::ptr_eq(&self.loaded, &self.current.get()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            match self.consumer.wait(Some(left)) {
                Ok(Wake::Changed) => {}
                Ok(Wake::TimedOut | Wake::Woken) | Err(_) => continue,
            }
            match self.consumer.refresh() {
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
