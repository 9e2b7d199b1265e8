//! What happens in a spool directory, as the kernel reports it.
//!
//! A report is only a hint that a name is worth a look; what is true of it is decided by looking.
//! So reports may come late, twice, or be lost in a queue that overflowed (then all names are worth
//! a look), and nothing goes wrong.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use crate::ItemName;

/// More names than this are cheaper to list than to look at one by one.
const MOST_NAMES: usize = 65_536;

/// Wakes a consumer out of [`Consumer::wait`](crate::Consumer::wait), from any thread.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Mailbox>);

impl Waker {
    /// Makes the present or the next wait return [`Wake::Woken`](crate::Wake::Woken).
    pub fn wake(&self) {
        self.0.post(|reports| reports.is_woken = true);
    }
}

/// What was reported since the consumer last looked.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    /// Names worth a look, and whether their content may have changed.
    pub(crate) names: BTreeMap<ItemName, bool>,
    /// All names are worth a look.
    pub(crate) must_scan: bool,
    pub(crate) is_woken: bool,
}

impl Reports {
    fn note(&mut self, name: ItemName, is_written: bool) {
        if self.must_scan {
            return;
        }
        *self.names.entry(name).or_default() |= is_written;
        if self.names.len() > MOST_NAMES {
            self.scan();
        }
    }

    /// Forgets the names, because all are worth a look.
    pub(crate) fn scan(&mut self) {
        self.names.clear();
        self.must_scan = true;
    }
}

/// Where the kernel's reports and wake-up calls wait for the consumer.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    reports: Mutex<Reports>,
    arrival: Condvar,
}

impl Mailbox {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Reports> {
        // The reports are hints; those of a thread that panicked are as good as any.
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wait<'a>(
        &self,
        reports: MutexGuard<'a, Reports>,
        most: Option<Duration>,
    ) -> MutexGuard<'a, Reports> {
        match most {
            Some(most) => {
                self.arrival.wait_timeout(reports, most).unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.arrival.wait(reports).unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn post(&self, change: impl FnOnce(&mut Reports)) {
        change(&mut self.lock());
        self.arrival.notify_all();
    }
}

/// An inotify watch on one directory, or the lack of one.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) mailbox: Arc<Mailbox>,
    watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Watches `directory` for `mailbox`. Everything there is worth a look from now on.
    pub(crate) fn start(directory: &Path, mailbox: Arc<Mailbox>) -> Self {
        mailbox.lock().scan();
        let recipient = Arc::clone(&mailbox);
        let root = directory.to_owned();
        let watcher = notify::recommended_watcher(move |report| receive(&recipient, &root, report))
            .and_then(|mut watcher| {
                watcher.watch(directory, RecursiveMode::NonRecursive)?;
                Ok(watcher)
            });
        if let Err(error) = &watcher {
            tracing::warn!(
                "Cannot follow changes in {}: {error}. Looking at it regularly instead",
                directory.display()
            );
        }
        Self { mailbox, watcher: watcher.ok() }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.watcher.is_some()
    }

    #[cfg(test)]
    pub(crate) fn stop(&mut self) {
        self.watcher = None;
    }

    pub(crate) fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.mailbox))
    }
}

fn receive(mailbox: &Mailbox, root: &PathBuf, report: notify::Result<Event>) {
    let event = match report {
        Ok(event) if !event.need_rescan() => event,
        // The kernel's queue overflowed, or could not be read.
        Ok(_) | Err(_) => return mailbox.post(Reports::scan),
    };
    let is_written = match event.kind {
        // Our own reading, and the report that joins two others.
        EventKind::Access(
            AccessKind::Open(_) | AccessKind::Close(AccessMode::Read) | AccessKind::Read,
        )
        | EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => return,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => false,
        _ => true,
    };
    for path in &event.paths {
        if path == root {
            // The directory itself was moved, removed or changed its permissions.
            mailbox.post(Reports::scan);
        } else if let Some(name) =
            path.file_name().and_then(|name| ItemName::of_file(name.as_bytes()))
        {
            mailbox.post(|reports| reports.note(name, is_written));
        }
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, Flag};

    use super::*;

    fn report(kind: EventKind, file_name: &str) -> notify::Result<Event> {
        Ok(Event::new(kind).add_path(Path::new("/spool").join(file_name)))
    }

    fn received(report: notify::Result<Event>) -> Reports {
        let mailbox = Mailbox::default();
        receive(&mailbox, &PathBuf::from("/spool"), report);
        mailbox.reports.into_inner().unwrap()
    }

    #[test]
    fn s7_all_names_are_worth_a_look_after_the_kernel_lost_reports() {
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(received(Ok(overflow)).must_scan);
        assert!(received(Err(notify::Error::generic("read"))).must_scan);
    }

    #[test]
    fn s9_a_flood_of_names_does_not_fill_the_memory() {
        let mailbox = Mailbox::default();
        for number in 0..=MOST_NAMES {
            let event = report(EventKind::Create(CreateKind::File), &format!("{number}.json"));
            receive(&mailbox, &PathBuf::from("/spool"), event);
        }
        let reports = mailbox.lock();
        assert!(reports.must_scan && reports.names.is_empty());
    }

    #[test]
    fn only_items_are_noted_and_not_what_we_do_ourselves() {
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        for other in [".last", ".in-1-1", "a.json.tmp", "old"] {
            assert!(received(report(written, other)).names.is_empty(), "{other}");
        }
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        assert!(received(report(opened, "a.json")).names.is_empty());
        assert!(received(report(written, "a.json")).names["a.json"]);
    }
}
