//! The watcher as the outside sees it: made from settings, run, stopped.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use idspool_directory::{Backoff, Directory, Error, Interrupt, SyncMode};
use idspool_service::Exit;
use idspool_spool::{FileLock, Spool, durable};

use super::error::WatchError;
use super::index::Index;
use super::readings;
use super::settings::WatchSettings;
use super::standing::{self, Record};
use super::work::{Session, Work};

/// Messages that are taken in together. Waiting items become durable together, too, so more is
/// faster, and less is sooner on its way.
const BATCH: usize = 1024;

/// A server may think for a long time before a refresh begins to come.
const SILENCE: u32 = 20;

/// The same fault is said again after that long.
const REMINDER: Duration = Duration::from_secs(600);

/// When to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchMode {
    /// When told to.
    Daemon,
    /// When everything that has changed is enqueued.
    Once,
}

/// Follows a directory and enqueues what changes.
#[derive(Debug)]
pub struct Watcher {
    source: Directory,
    work: Work,
    stop: WatchStop,
    record: Record,
    _lock: FileLock,
}

/// Asks a running watcher to stop, from any thread.
#[derive(Debug, Clone)]
pub struct WatchStop {
    requested: Arc<(Mutex<bool>, Condvar)>,
    interrupts: [Interrupt; 2],
}

impl WatchStop {
    /// What is being handed over is finished; nothing new is begun.
    pub fn stop(&self) {
        let (requested, changed) = &*self.requested;
        *requested.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
        self.interrupts.iter().for_each(Interrupt::interrupt);
    }

    fn is_requested(&self) -> bool {
        *self.requested.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits that long, or until somebody asks to stop.
    fn wait(&self, pause: Duration) {
        let (requested, changed) = &*self.requested;
        let guard = requested.lock().unwrap_or_else(PoisonError::into_inner);
        let _either = changed.wait_timeout_while(guard, pause, |requested| !*requested);
    }
}

impl Watcher {
    /// Takes the lock and opens the index. The directory is not contacted yet.
    ///
    /// With `adopt`, what is there at the first refresh counts as known to the consumers: only what
    /// changes afterwards is enqueued.
    ///
    /// # Errors
    /// Something is wrong that no waiting will mend, or another watcher is at work.
    pub fn new(settings: WatchSettings, adopt: bool) -> Result<Self, WatchError> {
        let source = Directory::new(settings.directory.clone())?;
        let lookup = Directory::new(settings.directory.clone())?;
        let spool = Spool::create(&settings.spool)?;
        let lock = standing::lock(&settings.spool)?;
        let record = Record::new(&settings);
        let index = Index::open(&settings.spool)?;
        durable::create_dirs(readings::folder(&settings.spool))?;
        let stop = WatchStop {
            requested: Arc::default(),
            interrupts: [source.interrupt(), lookup.interrupt()],
        };
        let work = Work { settings, index, spool, lookup, adopt };
        Ok(Self { source, work, stop, record, _lock: lock })
    }

    /// A handle that stops [`Watcher::run`].
    pub fn stop(&self) -> WatchStop {
        self.stop.clone()
    }

    /// Works until `mode` says that it is over, or until asked to stop. Faults are logged, and, but
    /// for those that no waiting will mend, outlived.
    pub fn run(mut self, mode: WatchMode) -> Exit {
        let mut backoff = Backoff::default();
        let mut said = Said::default();
        let mut is_renewed = false;
        loop {
            let outcome = self.follow(mode, &mut backoff, &mut said);
            if self.stop.is_requested() {
                return Exit::Done;
            }
            let error = match outcome {
                Ok(()) => return Exit::Done,
                Err(error) => error,
            };
            if error.is_behind() {
                // What a replica lacks that is being filled would look deleted.
                let refused = match self.work.may_compare(&error) {
                    Ok(true) => self.work.cookie_refused(),
                    other => other,
                };
                match refused {
                    Ok(true) => {
                        tracing::warn!("{error}; comparing everything that is there");
                        continue;
                    }
                    Ok(false) => {}
                    Err(error) => said.say(&error),
                }
            }
            // Once: a disk that damages it again is not to be mended like that.
            if error.is_damage() && !is_renewed {
                is_renewed = true;
                match self.work.index.renew() {
                    Ok(()) => continue,
                    Err(error) => said.say(&error),
                }
            }
            self.record.failed(&error);
            if mode == WatchMode::Once || error.is_final() {
                tracing::error!("{error}");
                return error.exit();
            }
            said.say(&error);
            self.stop.wait(backoff.pause());
        }
    }

    /// One synchronisation, until it fails or is over.
    fn follow(
        &mut self,
        mode: WatchMode,
        backoff: &mut Backoff,
        said: &mut Said,
    ) -> Result<(), WatchError> {
        let Self { source, work, stop, record, .. } = self;
        let (mut session, searches) = work.begin()?;
        work.check_state(&searches)?;
        let sync_mode = match mode {
            WatchMode::Daemon => SyncMode::Persist,
            WatchMode::Once => SyncMode::Refresh,
        };
        let silence = work.settings.directory.timeout * SILENCE;
        let url = work.settings.directory.url.clone();
        let mut sync = source.synchronise(searches, sync_mode)?;
        let mut messages = Vec::with_capacity(BATCH);
        while !stop.is_requested() {
            let wait = if session.is_watching() {
                Some(work.next_look()?.unwrap_or(readings::PAUSE).min(readings::PAUSE))
            } else {
                Some(silence)
            };
            messages.clear();
            if !sync.is_over() {
                sync.receive(&mut messages, BATCH, wait)?;
                if messages.is_empty() && !session.is_watching() && !sync.is_over() {
                    let doing = "refresh what is there";
                    return Err(Error::Timeout { doing, url, limit: silence }.into());
                }
            }
            work.take(&mut session, &messages, || stop.is_requested())?;
            if !session.is_refreshed() {
                continue;
            }
            if session.is_watching() {
                work.check_readings(false)?;
                let count = work.hand_over(&mut session)?;
                if count > 0 {
                    tracing::debug!("Enqueued {count} changes");
                }
                record.caught_up();
            } else {
                work.finish_refresh(&mut session)?;
                // Before the readings: one that cannot be removed keeps nothing back.
                let mut count = work.hand_over(&mut session)?;
                work.check_readings(true)?;
                backoff.reset();
                count += work.hand_over(&mut session)?;
                *said = Said::default();
                report(mode, count, &url);
                record.caught_up();
            }
            if sync.is_over() && is_over(work, &mut session, stop)? {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Waits for what the server is still at work on.
fn is_over(work: &mut Work, session: &mut Session, stop: &WatchStop) -> Result<bool, WatchError> {
    while let Some(wait) = work.next_awaited()? {
        if stop.is_requested() {
            return Ok(true);
        }
        stop.wait(wait);
        work.hand_over(session)?;
    }
    Ok(true)
}

fn report(mode: WatchMode, count: u64, url: &str) {
    match (mode, count) {
        // Cron sends a mail for every word.
        (WatchMode::Once, 0) => tracing::debug!("Nothing has changed at {url}"),
        (WatchMode::Once, _) => tracing::info!("Enqueued {count} changes from {url}"),
        (WatchMode::Daemon, _) => {
            tracing::info!("Following {url}: enqueued {count} changes, waiting for the next");
        }
    }
}

/// What was said since it went well last, so that a fault that lasts does not fill the log.
#[derive(Debug, Default)]
struct Said {
    text: String,
    at: Option<Instant>,
}

impl Said {
    fn say(&mut self, error: &WatchError) {
        let text = error.to_string();
        let is_new = text != self.text || self.at.is_none_or(|at| at.elapsed() > REMINDER);
        if is_new {
            tracing::error!("{text}; trying again");
            *self = Self { text, at: Some(Instant::now()) };
        } else {
            tracing::debug!("{text}; trying again");
        }
    }
}
