//! The one consumer of a spool: what waits, what changed, what is done.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use rustix::fs::fstat;

use crate::enqueue::{self, Directory};
use crate::file_system::Kind;
use crate::health::Health;
use crate::lock::ConsumerLock;
use crate::watch::{Waker, Watch};
use crate::{Error, Fault, ItemName, Spool, SpoolState, durable};

/// How often to look at the directory although no change was reported: changes made by another
/// host of a network file system are not. Costs one `fstat` while nothing changed.
const SLOW_POLL: Duration = Duration::from_secs(30);

/// The same where nothing is ever reported.
const FAST_POLL: Duration = Duration::from_secs(1);

/// How long a wait after a fault of the directory lasts before the next attempt.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// A directory's time stamp does not tell changes apart that come within one tick of the clock,
/// which is 10 ms on the slowest kernels; two seconds is what FAT keeps.
const TICK: Duration = Duration::from_secs(2);

/// A file that was being written this long ago was left behind by a process that died. One that
/// is alive after all finds its file gone, and its enqueue reports that.
const ABANDONED_AFTER: Duration = Duration::from_secs(600);

/// What happened to the items since the last [`Consumer::refresh`], each list in order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes {
    /// Items that were not there before.
    pub appeared: Vec<ItemName>,
    /// Items that are gone, other than those that [`Consumer::done`] removed.
    pub disappeared: Vec<ItemName>,
    /// Items that somebody may have edited or replaced.
    pub changed: Vec<ItemName>,
}

impl Changes {
    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.appeared.is_empty() && self.disappeared.is_empty() && self.changed.is_empty()
    }
}

/// Why [`Consumer::wait`] returned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wake {
    /// Something may have changed in the directory; [`Consumer::refresh`] tells what.
    Changed,
    /// The time is over.
    TimedOut,
    /// A [`Waker`] was used.
    Woken,
}

/// The consumer of a spool, one at a time (promise S6).
///
/// Starts with an empty backlog: the first [`Self::refresh`] reports all that waits as appeared.
#[derive(Debug)]
pub struct Consumer {
    spool: Spool,
    program: String,
    lock: ConsumerLock,
    watch: Watch,
    backlog: BTreeSet<ItemName>,
    /// Things named like items that are no regular files; each is warned of once.
    oddities: BTreeSet<ItemName>,
    health: Health,
    poll_interval: Duration,
    next_poll: Instant,
    scanned: Option<Scanned>,
    is_stalled: bool,
}

/// The directory's time stamp at the last scan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Scanned {
    modified: (i64, u64),
    /// Later changes are sure to change the time stamp.
    is_distinct: bool,
}

impl Consumer {
    pub(crate) fn new(spool: Spool, program: &str) -> Result<Self, Error> {
        let now = DateTime::<Utc>::from(spool.clock().now());
        let lock = ConsumerLock::take(spool.dir(), program, now)?;
        let watch = Watch::start(spool.dir(), Arc::default());
        let poll_interval = if watch.is_live() { SLOW_POLL } else { FAST_POLL };
        Ok(Self {
            health: Health::load(&spool)?,
            spool,
            program: program.to_owned(),
            lock,
            watch,
            backlog: BTreeSet::new(),
            oddities: BTreeSet::new(),
            poll_interval,
            next_poll: Instant::now() + poll_interval,
            scanned: None,
            is_stalled: false,
        })
    }

    /// The spool.
    #[must_use]
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// How often to look at the directory although no change was reported; 30 seconds unless set.
    pub fn set_poll_interval(&mut self, interval: Duration) {
        self.poll_interval = interval;
        self.next_poll = Instant::now() + interval;
    }

    /// The waiting items in the order of work, as of the last [`Self::refresh`].
    #[must_use]
    pub fn backlog(&self) -> &BTreeSet<ItemName> {
        &self.backlog
    }

    /// Brings the backlog up to date and returns what changed. Each file costs one look when it
    /// appears and one for each later change, however many others wait.
    ///
    /// # Errors
    ///
    /// [`Error::DirectoryGone`], [`Error::Locked`] (when the directory was replaced and another
    /// consumer works in the new one) or [`Error::Io`]. The backlog stays as it is; the next call
    /// tries again, and [`Self::wait`] returns when that may help.
    pub fn refresh(&mut self) -> Result<Changes, Error> {
        let result = self.follow_directory().and_then(|()| self.apply_reports());
        self.is_stalled = result.is_err();
        if self.is_stalled {
            self.watch.mailbox.lock().scan();
            self.next_poll = Instant::now() + RETRY_PAUSE;
        }
        result
    }

    /// Makes the next [`Self::refresh`] list the directory. Without it, an item that was enqueued a moment
    /// ago may be seen a moment later only, when the kernel's report of it arrives.
    pub fn list_at_next_refresh(&mut self) {
        self.watch.mailbox.lock().scan();
    }

    /// Blocks until something may have changed in the directory, a [`Waker`] is used, or `timeout`
    /// has passed; `None` is for ever.
    ///
    /// # Errors
    ///
    /// None at present; faults of the directory are reported by [`Self::refresh`].
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<Wake, Error> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mailbox = Arc::clone(&self.watch.mailbox);
        loop {
            let mut reports = mailbox.lock();
            if std::mem::take(&mut reports.is_woken) {
                return Ok(Wake::Woken);
            }
            // The items that this consumer removed itself are reported, too.
            reports.names.retain(|name, is_written| *is_written || self.backlog.contains(name));
            if !self.is_stalled && (reports.must_scan || !reports.names.is_empty()) {
                return Ok(Wake::Changed);
            }
            let now = Instant::now();
            if now >= self.next_poll {
                drop(reports);
                if self.poll() {
                    return Ok(Wake::Changed);
                }
                continue;
            }
            if deadline.is_some_and(|deadline| now >= deadline) {
                return Ok(Wake::TimedOut);
            }
            let until = deadline.map_or(self.next_poll, |deadline| deadline.min(self.next_poll));
            drop(mailbox.wait(reports, Some(until.saturating_duration_since(now))));
        }
    }

    /// A handle that ends [`Self::wait`] from another thread.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.watch.waker()
    }

    /// Removes an item whose effects are durable (promise S5). It may be gone already.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; the item stays in the backlog.
    pub fn done(&mut self, name: &ItemName) -> Result<(), Error> {
        self.spool.remove(name)?;
        self.backlog.remove(name);
        Ok(())
    }

    /// Removes many items whose effects are durable, in this order.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; that item and those behind it stay in the backlog.
    pub fn done_group(&mut self, names: &[ItemName]) -> Result<(), Error> {
        let directory = self.spool.directory()?;
        for name in names {
            match directory.files.unlink(directory.handle.as_fd(), name.as_str()) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &self.spool.path_of(name))(error));
                }
                _ => self.backlog.remove(name),
            };
        }
        Ok(())
    }

    /// Writes into the state file that the consumer stands at a fault.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the state file cannot be replaced; the count goes on in memory.
    pub fn record_fault(&self, fault: &Fault) -> Result<(), Error> {
        self.health.record_fault(&self.spool, fault)
    }

    /// Writes into the state file that all is well; does nothing when it says so already.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the state file cannot be replaced.
    pub fn record_success(&self) -> Result<(), Error> {
        self.health.record_success(&self.spool)
    }

    /// The state as last recorded by this consumer or the one before.
    #[must_use]
    pub fn state(&self) -> SpoolState {
        self.health.state()
    }

    /// Lets the kernel report nothing more.
    #[cfg(test)]
    pub(crate) fn stop_watching(&mut self) {
        self.watch.stop();
    }

    /// Makes sure that the directory we watch and lock is the one at the spool's path.
    fn follow_directory(&mut self) -> Result<(), Error> {
        let path = self.spool.dir();
        match self.lock.is_of(path) {
            Ok(true) => Ok(()),
            Ok(false) => {
                // Another directory was put there. Nothing is known of what is in it.
                let now = DateTime::<Utc>::from(self.spool.clock().now());
                self.lock = ConsumerLock::take(path, &self.program, now)?;
                self.watch = Watch::start(path, Arc::clone(&self.watch.mailbox));
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::DirectoryGone { path: path.to_owned() })
            }
            Err(error) => Err(Error::io("look at", path)(error)),
        }
    }

    fn apply_reports(&mut self) -> Result<Changes, Error> {
        let (must_scan, names) = {
            let mut reports = self.watch.mailbox.lock();
            (std::mem::take(&mut reports.must_scan), std::mem::take(&mut reports.names))
        };
        if must_scan {
            return self.scan();
        }
        let mut changes = Changes::default();
        if names.is_empty() {
            return Ok(changes);
        }
        let directory = self.spool.directory()?;
        for (name, is_written) in names {
            let kind = directory
                .files
                .kind(directory.handle.as_fd(), name.as_str())
                .map_err(|cause| Error::io("look at", &self.spool.path_of(&name))(cause))?;
            match kind {
                Some(Kind::Regular) if !self.backlog.contains(&name) => {
                    self.backlog.insert(name.clone());
                    changes.appeared.push(name);
                }
                Some(Kind::Regular) if is_written => changes.changed.push(name),
                Some(Kind::Regular) => {}
                Some(Kind::Other) | None => {
                    if kind.is_some() && self.oddities.insert(name.clone()) {
                        warn_of_oddity(&self.spool, &name);
                    }
                    if self.backlog.remove(&name) {
                        changes.disappeared.push(name);
                    }
                }
            }
        }
        Ok(changes)
    }

    /// Lists the directory and compares.
    fn scan(&mut self) -> Result<Changes, Error> {
        let directory = self.spool.directory()?;
        let scanned = self.time_stamp(&directory)?;
        let mut names: Vec<ItemName> = Vec::with_capacity(self.backlog.len());
        let mut oddities = BTreeSet::new();
        let mut drafts = Vec::new();
        directory
            .files
            .list(directory.handle.as_fd(), &mut |name, kind| {
                if let Some(name) = ItemName::of_file(name) {
                    match kind {
                        Kind::Regular => names.push(name),
                        Kind::Other => drop(oddities.insert(name)),
                    }
                } else if is_draft(name) && kind == Kind::Regular {
                    drafts.push(String::from_utf8_lossy(name).into_owned());
                }
            })
            .map_err(Error::io("list", directory.path))?;
        for draft in &drafts {
            remove_if_abandoned(&self.spool, draft);
        }
        names.sort_unstable();
        for name in oddities.difference(&self.oddities) {
            warn_of_oddity(&self.spool, name);
        }
        self.oddities = oddities;
        let mut changes = Changes::default();
        changes.changed.extend(self.health.take_edited(&self.spool));
        if self.backlog.is_empty() {
            changes.appeared.clone_from(&names);
            self.backlog = names.into_iter().collect();
        } else {
            let is_listed = |name: &ItemName| names.binary_search(name).is_ok();
            changes.disappeared =
                self.backlog.iter().filter(|name| !is_listed(name)).cloned().collect();
            for name in &changes.disappeared {
                self.backlog.remove(name);
            }
            for name in names {
                if !self.backlog.contains(&name) {
                    self.backlog.insert(name.clone());
                    changes.appeared.push(name);
                }
            }
        }
        changes.changed.retain(|name| self.backlog.contains(name));
        self.scanned = Some(scanned);
        self.next_poll = Instant::now() + self.poll_interval;
        Ok(changes)
    }

    fn time_stamp(&self, directory: &Directory<'_>) -> Result<Scanned, Error> {
        let stat = fstat(&directory.handle).map_err(Error::io("look at", directory.path))?;
        let seconds = u64::try_from(stat.st_mtime).unwrap_or_default();
        let modified = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        let age = modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
        Ok(Scanned {
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            is_distinct: age.is_some_and(|age| age > TICK),
        })
    }

    /// The safety net: whether the directory or the faulty item changed without a report.
    fn poll(&mut self) -> bool {
        self.next_poll = Instant::now() + self.poll_interval;
        if self.is_stalled {
            self.next_poll = Instant::now() + RETRY_PAUSE;
            // Nothing to tell until the directory can at least be opened.
            return self.spool.directory().is_ok();
        }
        let stamp = self.spool.directory().and_then(|directory| self.time_stamp(&directory)).ok();
        let is_unchanged = stamp.is_some_and(|stamp| {
            self.scanned
                .is_some_and(|scanned| scanned.is_distinct && scanned.modified == stamp.modified)
        }) && matches!(self.lock.is_of(self.spool.dir()), Ok(true))
            && !self.health.is_edited(&self.spool);
        if !is_unchanged {
            self.watch.mailbox.lock().scan();
        }
        !is_unchanged
    }
}

fn warn_of_oddity(spool: &Spool, name: &ItemName) {
    tracing::warn!(
        "Ignoring {}: it is named like an item, but is no regular file",
        spool.path_of(name).display()
    );
}

fn is_draft(name: &[u8]) -> bool {
    [enqueue::DRAFT_PREFIX, durable::DRAFT_PREFIX]
        .iter()
        .any(|prefix| name.starts_with(prefix.as_bytes()))
}

/// Removes what producers that died have left of an item they were writing.
fn remove_if_abandoned(spool: &Spool, draft: &str) {
    let path = spool.dir().join(draft);
    let age = std::fs::symlink_metadata(&path)
        .and_then(|data| data.modified())
        .ok()
        .and_then(|modified| spool.clock().now().duration_since(modified).ok());
    if age.is_some_and(|age| age > ABANDONED_AFTER) {
        // It takes room and nothing else; a file that cannot be removed is no reason to stop.
        let _ = std::fs::remove_file(&path);
    }
}
