//! Looking at a spool from outside, and moving items aside, as the operator's command does.

use std::path::Path;

use chrono::{DateTime, Utc};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::durable::sync_directory;
use crate::error::Holder;
use crate::file_system::{FileSystem, SystemFiles};
use crate::lock::{self, FileLock};
use crate::mark::{self, Mark};
use crate::name::Stamp;
use crate::{Error, ItemName, Spool};

/// One day in microseconds: no time zone is further from UTC.
const DAY: usize = 86_400_000_000;

impl ItemName {
    /// The time that the name stands for; `None` for one that was made by hand.
    #[must_use]
    pub fn timestamp(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.stamp()?.0)
    }
}

impl Spool {
    /// Makes every later name greater than those that wait in `other`, also than names that other
    /// programs made in local time. For a directory that another program has used as a queue, or whose
    /// items are to be moved here (S3).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the directory cannot be read or the mark not be written.
    pub fn continue_after(&self, other: &Self) -> Result<(), Error> {
        let (directory, others) = (self.directory()?, other.directory()?);
        let boot_id = mark::boot_id();
        let mut mark = Mark::lock(&directory, &boot_id)?;
        let now = Stamp::of(self.clock().now());
        if let Some(stamp) = mark::after_waiting(&others, now, DAY)? {
            mark.reserve(stamp, 1)?;
        }
        Ok(())
    }

    /// Who consumes this spool at the moment.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the lock file cannot be read.
    pub fn holder(&self) -> Result<Option<Holder>, Error> {
        FileLock::holder(&self.dir().join(lock::FILE))
    }
}

/// Moves a file to a place that is free, durably.
///
/// # Errors
///
/// [`Error::Io`]: there is no such file, the place is taken, or a directory cannot be written. The
/// file is at one of the two places at any moment.
pub fn relocate(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), Error> {
    relocate_in(&SystemFiles, from.as_ref(), to.as_ref())
}

fn relocate_in(files: &dyn FileSystem, from: &Path, to: &Path) -> Result<(), Error> {
    // S3: never replaces an existing item.
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
        .map_err(Error::io("move a file to", to))?;
    for directory in [to.parent(), from.parent()].into_iter().flatten() {
        // S1: the new place first, so that a power loss leaves the file twice rather than nowhere.
        sync_directory(files, directory)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;
    use crate::simulation::Simulation;

    #[test]
    fn a_canonical_name_tells_its_time() {
        let name = ItemName::from_str("2026-11-21-17-35-07-000042.json").unwrap();
        let time = name.timestamp().unwrap();
        assert_eq!(time.to_rfc3339(), "2026-11-21T17:35:07.000042+00:00");
        assert_eq!(ItemName::from_str("by-hand.json").unwrap().timestamp(), None);
    }

    #[test]
    fn the_holder_is_known_while_it_holds_and_not_after() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        assert_eq!(spool.holder().unwrap(), None);
        let consumer = spool.consumer("tester").unwrap();
        let holder = spool.holder().unwrap().unwrap();
        assert_eq!(holder.program.as_deref(), Some("tester"));
        assert_eq!(holder.pid, Some(std::process::id()));
        drop(consumer);
        assert_eq!(spool.holder().unwrap(), None);
    }

    #[test]
    fn s3_later_names_are_greater_than_those_of_other_programs() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        // The mark of an earlier use.
        spool.enqueue(b"{}").unwrap();
        let ahead = |seconds: i64, form: &str| {
            (Utc::now() + chrono::TimeDelta::seconds(seconds)).format(form).to_string()
        };
        let names = [
            ahead(3600, "%Y-%m-%d-%H-%M-%S-%6f.json"),
            ahead(7200, "%Y-%m-%d-%H-%M-%S-%9f.json"),
            ahead(7200, "%Y-%m-%d-%H-%M-%S.json"),
            "by-hand.json".to_owned(),
            "9999-12-31-23-59-59-999999.json".to_owned(),
        ];
        for name in &names {
            std::fs::write(folder.path().join(name), "{}").unwrap();
        }
        spool.continue_after(&spool).unwrap();
        let next = spool.enqueue(b"{}").unwrap();
        for name in names.iter().take(3) {
            assert!(next.as_str() > name.as_str(), "{next} {name}");
        }
        assert!(next.as_str() < "9999", "{next}");
    }

    #[test]
    fn s3_relocate_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&from, "new").unwrap();
        std::fs::write(&to, "old").unwrap();
        assert!(relocate(&from, &to).is_err());
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "old");
        std::fs::remove_file(&to).unwrap();
        relocate(&from, &to).unwrap();
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "new");
        assert!(!from.exists());
    }

    #[test]
    fn s1_relocate_makes_the_new_place_durable_before_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (from, to) = (root.join("queue"), root.join("held"));
        for directory in [&from, &to] {
            std::fs::create_dir(directory).unwrap();
        }
        std::fs::write(from.join("a.json"), "{}").unwrap();
        let files = Simulation::default();
        relocate_in(&files, &from.join("a.json"), &to.join("a.json")).unwrap();
        assert_eq!(files.synced_directories(), [to, from]);
    }
}
