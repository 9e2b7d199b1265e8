//! How a watcher stands, for those who look from outside: `.watch.json` beside the index.
//!
//! Members may be added; a reader ignores those that it does not know.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use idspool_spool::{Error, FileLock, Holder};
use serde::{Deserialize, Serialize};

use super::error::WatchError;
use super::settings::WatchSettings;

const FILE: &str = ".watch.json";
const LOCK: &str = ".watch.lock";
const PROGRAM: &str = "idspool-listener watch";

/// How often it is said that everything is known. Monitoring that looks every few minutes sees no
/// difference to more often.
const RENEWAL: Duration = Duration::from_secs(60);

/// How the watcher of a spool stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WatchStanding {
    /// URL of the server that is followed.
    pub server: String,
    /// DNs below which it is followed.
    pub bases: Vec<String>,
    /// When everything that the server had told was enqueued, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caught_up: Option<DateTime<Utc>>,
    /// Consecutive faults since then; 0 is healthy.
    pub errors: u64,
    /// When the first of these was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// What the last of these was, with the remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl WatchStanding {
    /// What the last watcher of a spool has left; `None`: there was none.
    ///
    /// # Errors
    /// The file cannot be read, or is none of a watcher.
    pub fn read(spool: &Path) -> Result<Option<Self>, std::io::Error> {
        match fs::read(spool.join(FILE)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Who watches for a spool at the moment.
    ///
    /// # Errors
    /// The lock file cannot be read.
    pub fn holder(spool: &Path) -> Result<Option<Holder>, Error> {
        FileLock::holder(&spool.join(LOCK))
    }

    /// Whether it went well the last time.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.errors == 0
    }
}

/// Takes the right to watch for a spool.
pub(super) fn lock(spool: &Path) -> Result<FileLock, Error> {
    FileLock::take(&spool.join(LOCK), PROGRAM, Utc::now())
}

/// Writes down how the watcher stands. That must not keep it from its work, so faults are only logged.
#[derive(Debug)]
pub(super) struct Record {
    folder: PathBuf,
    standing: WatchStanding,
    written: Option<Instant>,
}

impl Record {
    /// Goes on from what an earlier watcher of the same server has left.
    pub(super) fn new(settings: &WatchSettings) -> Self {
        let (server, bases) = (settings.directory.url.clone(), settings.bases.clone());
        let earlier = WatchStanding::read(&settings.spool).unwrap_or_else(|error| {
            tracing::debug!("Cannot read {FILE}: {error}");
            None
        });
        let standing = WatchStanding { server, bases, ..earlier.unwrap_or_default() };
        Self { folder: settings.spool.clone(), standing, written: None }
    }

    /// Everything that the server has told is enqueued.
    pub(super) fn caught_up(&mut self) {
        let is_recent = self.written.is_some_and(|written| written.elapsed() < RENEWAL);
        if self.standing.is_healthy() && is_recent {
            return;
        }
        let standing = &mut self.standing;
        standing.caught_up = Some(Utc::now());
        (standing.errors, standing.since, standing.message) = (0, None, None);
        self.write();
    }

    pub(super) fn failed(&mut self, error: &WatchError) {
        let standing = &mut self.standing;
        standing.errors = standing.errors.saturating_add(1);
        standing.since = standing.since.or(Some(Utc::now()));
        standing.message = Some(error.to_string());
        self.write();
    }

    fn write(&mut self) {
        self.written = Some(Instant::now());
        let (path, draft) = (self.folder.join(FILE), self.folder.join(format!("{FILE}.new")));
        let write = || -> Result<(), Box<dyn std::error::Error>> {
            let mut file = idspool_spool::open_or_create(&draft)?;
            file.set_len(0)?;
            serde_json::to_writer(&mut file, &self.standing)?;
            file.write_all(b"\n")?;
            Ok(fs::rename(&draft, &path)?)
        };
        if let Err(error) = write() {
            tracing::debug!("Cannot write {}: {error}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(folder: &Path) -> Record {
        let standing = WatchStanding { server: "ldap://x".into(), ..WatchStanding::default() };
        Record { folder: folder.to_owned(), standing, written: None }
    }

    #[test]
    fn faults_are_counted_until_it_goes_well() {
        let folder = tempfile::tempdir().unwrap();
        let read = || WatchStanding::read(folder.path()).unwrap().unwrap();
        assert_eq!(WatchStanding::read(folder.path()).unwrap(), None);
        let mut record = record(folder.path());
        record.failed(&WatchError::NoEntry("dc=x".into()));
        let first = read();
        record.failed(&WatchError::NoEntry("dc=y".into()));
        let second = read();
        assert_eq!((first.errors, second.errors, second.since), (1, 2, first.since));
        assert_eq!(second.message.as_deref(), Some("no entry dc=y"));
        record.caught_up();
        assert!(read().is_healthy() && read().caught_up.is_some() && read().message.is_none());
        // Within a minute it is not said again.
        fs::remove_file(folder.path().join(FILE)).unwrap();
        record.caught_up();
        assert_eq!(WatchStanding::read(folder.path()).unwrap(), None);
    }

    #[test]
    fn a_folder_that_cannot_be_written_keeps_nobody_from_work() {
        let folder = tempfile::tempdir().unwrap();
        // In the way of the draft; root may write anywhere else.
        fs::create_dir(folder.path().join(format!("{FILE}.new"))).unwrap();
        record(folder.path()).failed(&WatchError::NoEntry("dc=x".into()));
        assert_eq!(WatchStanding::read(folder.path()).unwrap(), None);
    }

    #[test]
    fn one_watcher_keeps_another_out_and_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path()).unwrap();
        let error = lock(folder.path()).unwrap_err();
        assert!(error.to_string().contains(PROGRAM), "{error}");
        let holder = WatchStanding::holder(folder.path()).unwrap().unwrap();
        assert_eq!(holder.pid, Some(std::process::id()));
        drop(held);
        assert_eq!(WatchStanding::holder(folder.path()).unwrap(), None);
        lock(folder.path()).unwrap();
    }
}
