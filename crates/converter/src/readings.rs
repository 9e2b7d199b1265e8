//! Saying what was read: whoever follows the directory compares it with what became known there.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use idspool_spool::{Error, ItemName, Spool};
use idspool_udm::{READINGS, Reading};

/// Files that may wait there. When nobody takes them any more, nobody needs more of them.
const MOST_FILES: usize = 50_000;

/// Files between two looks at how many there are.
const LOOK: usize = 1000;

/// The folder for readings.
#[derive(Debug)]
pub(crate) struct Readings {
    folder: PathBuf,
    /// Files until the next look.
    left: usize,
}

/// Whether somebody wants to know what is read.
pub(crate) fn are_wanted(listener: &Spool) -> bool {
    listener.dir().join(READINGS).is_dir()
}

impl Readings {
    pub(crate) fn new(listener: &Spool) -> Self {
        Self { folder: listener.dir().join(READINGS), left: 0 }
    }

    /// Writes down what was read for the items that begin with this one. It is there before anything
    /// that follows from it; after a power loss it may be missing.
    ///
    /// # Errors
    /// The folder exists and cannot be written.
    pub(crate) fn write(&mut self, first: &ItemName, readings: &[Reading]) -> Result<(), Error> {
        if readings.is_empty() || !self.folder.is_dir() || self.is_full() {
            return Ok(());
        }
        let text: String = readings.iter().map(|reading| format!("{reading}\n")).collect();
        let path = self.folder.join(first.as_str());
        let draft = self.folder.join(format!(".{first}"));
        let write = || {
            let mut file = idspool_spool::open_or_create(&draft)?;
            let failed = |cause| Error::Io { operation: "write", path: draft.clone(), cause };
            file.set_len(0).and_then(|()| file.write_all(text.as_bytes())).map_err(failed)?;
            fs::rename(&draft, &path).map_err(failed)
        };
        self.left = self.left.saturating_sub(1);
        write().inspect_err(|_| {
            // Nobody else would remove it.
            let _absent = fs::remove_file(&draft);
        })
    }

    fn is_full(&mut self) -> bool {
        if self.left == 0 {
            let files = fs::read_dir(&self.folder).map_or(0, Iterator::count);
            if files >= MOST_FILES {
                tracing::debug!("Nobody takes the readings in {}", self.folder.display());
                return true;
            }
            self.left = LOOK;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> Reading {
        Reading::parse("c3f4a5b6-0000-1041-8000-0123456789ab 42").unwrap()
    }

    #[test]
    fn it_is_written_only_where_somebody_wants_it_and_replaces_what_a_repetition_finds() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::create(folder.path()).unwrap();
        let name = spool.enqueue(b"{}").unwrap();
        let mut readings = Readings::new(&spool);
        readings.write(&name, &[reading()]).unwrap();
        assert!(!are_wanted(&spool));
        let wanted = folder.path().join(READINGS);
        fs::create_dir(&wanted).unwrap();
        assert!(are_wanted(&spool));
        readings.write(&name, &[]).unwrap();
        assert_eq!(fs::read_dir(&wanted).unwrap().count(), 0);
        for count in [2, 1] {
            readings.write(&name, &vec![reading(); count]).unwrap();
            let text = fs::read_to_string(wanted.join(name.as_str())).unwrap();
            assert_eq!(text, format!("{}\n", reading()).repeat(count));
            assert_eq!(fs::read_dir(&wanted).unwrap().count(), 1, "no draft is left");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::create(folder.path()).unwrap();
        let name = spool.enqueue(b"{}").unwrap();
        // In the way of the file; root may write anywhere else.
        let path = folder.path().join(READINGS).join(name.as_str());
        fs::create_dir_all(path.join("full")).unwrap();
        let error = Readings::new(&spool).write(&name, &[reading()]).unwrap_err();
        assert!(error.to_string().contains(READINGS), "{error}");
    }
}
