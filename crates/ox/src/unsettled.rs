//! Objects with a delivery that broke off after its first change: what OX has of them is not known, so
//! what is noted of their last delivery does not count.
//!
//! The process knows it while it runs. When the delivery ends with a fault it is put on disk as well, in
//! `unfinished/<entry uuid>.unsettled`: an administrator may remove the faulty item and start again, and
//! a later item that asks for the old state must not be taken for delivered. The file holds what is
//! known of OX all the same; mostly nothing.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Mutex;

use idspool_provisioner::Fault;
use idspool_spool::durable;
use tracing::warn;

use crate::small_file;

const SUFFIX: &str = ".unsettled";
/// More than a note of an account of 100,000 users.
const LARGEST: u64 = 16 << 20;

/// The objects, by entry UUID.
pub(crate) struct Unsettled {
    folder: PathBuf,
    /// With what is on disk.
    ids: Mutex<HashMap<String, OnDisk>>,
    is_rehearsal: bool,
}

/// What the file of an object holds.
enum OnDisk {
    /// There is none.
    Nothing,
    /// From an earlier process; not read yet.
    Something,
    Text(String),
}

impl Unsettled {
    /// Sees what an earlier process left.
    pub(crate) fn open(folder: PathBuf) -> Result<Self, Fault> {
        let mut ids = HashMap::new();
        match fs::read_dir(&folder) {
            Ok(files) => {
                for file in files.flatten() {
                    let name = file.file_name();
                    let id = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
                    ids.extend(id.map(|id| (id.to_owned(), OnDisk::Something)));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Fault::transient(format!("list {}: {error}", folder.display())));
            }
        }
        Ok(Self { folder, ids: Mutex::new(ids), is_rehearsal: false })
    }

    /// The same for a dry run: nothing is written.
    pub(crate) fn rehearsing(folder: PathBuf) -> Result<Self, Fault> {
        Ok(Self { is_rehearsal: true, ..Self::open(folder)? })
    }

    /// A change of the object begins.
    pub(crate) fn begin(&self, id: &str) {
        crate::lock(&self.ids).entry(id.to_owned()).or_insert(OnDisk::Nothing);
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        crate::lock(&self.ids).contains_key(id)
    }

    /// The delivery has ended with a fault: a later process has to know as well, and what is known of
    /// OX.
    pub(crate) fn keep(&self, id: &str, known: &str) {
        let mut ids = crate::lock(&self.ids);
        let Some(on_disk) = ids.get_mut(id) else { return };
        if self.is_rehearsal || matches!(on_disk, OnDisk::Text(text) if text == known) {
            return;
        }
        let path = self.path(id);
        let kept = durable::create_dirs(&self.folder)
            .and_then(|()| durable::replace(&path, known.as_bytes(), 0o600));
        match kept {
            Ok(()) => *on_disk = OnDisk::Text(known.to_owned()),
            // The fault of the delivery is the one to report, and the item is still in the queue.
            Err(error) => warn!("Cannot note that a delivery broke off: {error}"),
        }
    }

    /// What was known of OX when a delivery in an earlier process broke off.
    pub(crate) fn known(&self, id: &str) -> Option<String> {
        self.contains(id).then(|| {
            // A file that cannot be read tells nothing; that it is there counts.
            let bytes = small_file::read(&self.path(id), LARGEST).unwrap_or_default();
            String::from_utf8(bytes).unwrap_or_default()
        })
    }

    /// All changes of the object are done. A file that comes back after a power loss costs one delivery
    /// more, so its removal is not made durable.
    pub(crate) fn finish(&self, id: &str) {
        let on_disk = crate::lock(&self.ids).remove(id).unwrap_or(OnDisk::Nothing);
        if !matches!(on_disk, OnDisk::Nothing) && !self.is_rehearsal {
            let path = self.path(id);
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != ErrorKind::NotFound
            {
                warn!("Cannot remove {}: {error}", path.display());
            }
        }
    }

    fn path(&self, id: &str) -> PathBuf {
        // Item ids are checked to be fit for a file name before a delivery begins.
        self.folder.join(format!("{id}{SUFFIX}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ended_with_a_fault_is_known_to_the_next_process() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("unfinished");
        let unsettled = Unsettled::open(folder.clone()).unwrap();
        for id in ["u-1", "u-2", "u-3"] {
            unsettled.begin(id);
        }
        unsettled.keep("u-1", "");
        unsettled.keep("u-1", "something");
        unsettled.keep("u-2", "");
        unsettled.keep("never begun", "");
        unsettled.finish("u-2");
        let next = Unsettled::open(folder.clone()).unwrap();
        let known = ["u-1", "u-2", "u-3", "never begun"].map(|id| next.contains(id));
        assert_eq!(known, [true, false, false, false]);
        assert_eq!(next.known("u-1").as_deref(), Some("something"));
        assert_eq!(next.known("u-2"), None);
        next.finish("u-1");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn a_dry_run_writes_and_removes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("u-1.unsettled"), "").unwrap();
        let rehearsed = Unsettled::rehearsing(dir.path().to_owned()).unwrap();
        assert!(rehearsed.contains("u-1"));
        rehearsed.finish("u-1");
        rehearsed.begin("u-2");
        rehearsed.keep("u-2", "");
        let names: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(names, ["u-1.unsettled"]);
    }
}
