//! Copying files durably, so that an interrupted copy can be resumed.

use std::fs::{self, File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};

use idspool_spool::{Replacements, durable};

use super::{AdoptError, LARGEST, Progress};

/// Files that share one sync, and their largest total size in memory. Each holds a descriptor, and
/// 1024 are the usual limit of a process.
const TOGETHER: usize = 500;

/// Copies files of one folder into another, in this order.
pub(super) struct Copier {
    to: PathBuf,
    pending: Replacements,
    /// Modification times that the pending files had.
    times: Vec<(PathBuf, std::time::SystemTime)>,
    copied: u64,
}

impl Copier {
    pub(super) fn new(to: PathBuf) -> Result<Self, AdoptError> {
        durable::create_dirs(&to)?;
        idspool_spool::remove_drafts(&to)?;
        Ok(Self { pending: Replacements::new(&to), to, times: Vec::new(), copied: 0 })
    }

    /// Copies one file, unless an earlier attempt did. Its modification time goes along: it tells which
    /// of two snapshots is the newer one.
    pub(super) fn add(&mut self, from: &Path, name: &str, mode: u32) -> Result<(), AdoptError> {
        let metadata = match fs::metadata(from) {
            Ok(metadata) => metadata,
            Err(error) => return Err(AdoptError::file("read", from)(error)),
        };
        if metadata.len() > LARGEST {
            return Err(AdoptError::TooLarge { path: from.to_owned() });
        }
        let bytes = fs::read(from).map_err(AdoptError::file("read", from))?;
        let to = self.to.join(name);
        // Content and not times: after a power loss a file can have its time and not its content.
        match fs::read(&to) {
            Ok(present) if present == bytes => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(AdoptError::file("read", &to)(error));
            }
            _ => {}
        }
        self.pending.add(name, &bytes, mode)?;
        if let Ok(modified) = metadata.modified() {
            self.times.push((to, modified));
        }
        self.copied += 1;
        if self.pending.len() >= TOGETHER { self.flush() } else { Ok(()) }
    }

    /// Copies all files of a folder whose name `is_meant` takes.
    pub(super) fn folder(
        &mut self,
        from: &Path,
        part: &'static str,
        is_meant: impl Fn(&str) -> bool,
        progress: &mut dyn Progress,
    ) -> Result<(), AdoptError> {
        if !from.is_dir() {
            return Ok(());
        }
        progress.begin(part, super::snapshots::count(from)?);
        for entry in super::snapshots::list(from)? {
            let entry = entry.map_err(AdoptError::file("list", from))?;
            progress.step();
            let Ok(name) = entry.file_name().into_string() else { continue };
            if is_meant(&name) && entry.path().is_file() {
                self.add(&entry.path(), &name, 0o600)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), AdoptError> {
        self.pending.commit()?;
        for (path, modified) in self.times.drain(..) {
            File::options()
                .write(true)
                .open(&path)
                .and_then(|file| file.set_times(FileTimes::new().set_modified(modified)))
                .map_err(AdoptError::file("set the time of", &path))?;
        }
        Ok(())
    }

    /// Makes everything durable and returns how many files were copied.
    pub(super) fn finish(mut self) -> Result<u64, AdoptError> {
        self.flush()?;
        Ok(self.copied)
    }
}
