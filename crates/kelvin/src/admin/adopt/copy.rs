//! Copying files durably, so that an interrupted copy can be repeated.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use idspool_spool::{Replacements, durable};

use super::{AdoptError, LARGEST, Progress, entries};

/// Files that share one sync. Each holds a descriptor, and 1024 are the usual limit of a process.
const TOGETHER: usize = 500;

/// Copies all files of a folder whose name ends in `ending`. Returns how many were not there already. A link in a
/// queue is no item, and must not become a copy of what it leads to.
pub(super) fn folder(
    from: &Path,
    to: &Path,
    ending: &str,
    links: bool,
    part: &'static str,
    progress: Progress<'_>,
) -> Result<u64, AdoptError> {
    let mut files: Vec<PathBuf> = entries(from)?
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| is_meant(path, ending) && path.is_file() && (links || !path.is_symlink()))
        .collect();
    files.sort_unstable();
    durable::create_dirs(to)?;
    idspool_spool::remove_drafts(to)?;
    let mut pending = Replacements::new(to);
    let mut copied = 0;
    for (index, file) in files.iter().enumerate() {
        progress(part, index as u64, files.len() as u64);
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else { continue };
        if let Some(bytes) = different(file, &to.join(name))? {
            pending.add(name, &bytes, 0o600)?;
            copied += 1;
        }
        if pending.len() >= TOGETHER {
            pending.commit()?;
        }
    }
    pending.commit()?;
    Ok(copied)
}

/// Copies one file if there is one.
pub(super) fn single(from: &Path, to: &Path) -> Result<u64, AdoptError> {
    if !from.is_file() {
        return Ok(0);
    }
    let Some(bytes) = different(from, to)? else { return Ok(0) };
    if let Some(parent) = to.parent() {
        durable::create_dirs(parent)?;
    }
    durable::replace(to, &bytes, 0o600)?;
    Ok(1)
}

fn is_meant(path: &Path, ending: &str) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.ends_with(ending) && !name.starts_with('.'))
}

/// The content of `from`, unless `to` has it already.
fn different(from: &Path, to: &Path) -> Result<Option<Vec<u8>>, AdoptError> {
    let metadata = fs::metadata(from).map_err(AdoptError::file("read", from))?;
    if metadata.len() > LARGEST {
        return Err(AdoptError::TooLarge { path: from.to_owned() });
    }
    let bytes = fs::read(from).map_err(AdoptError::file("read", from))?;
    match fs::read(to) {
        Ok(present) if present == bytes => Ok(None),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(AdoptError::file("read", to)(error))
        }
        _ => Ok(Some(bytes)),
    }
}
