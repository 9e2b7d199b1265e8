//! One watcher per spool.

use std::fs::File;
use std::path::Path;

use fs2::FileExt as _;

use super::error::WatchError;

const FILE: &str = ".watch.lock";

/// The right to watch for a spool. The kernel takes it back when the process dies, however it dies.
#[derive(Debug)]
pub(super) struct WatchLock {
    _file: File,
}

impl WatchLock {
    pub(super) fn take(spool: &Path) -> Result<Self, WatchError> {
        let path = spool.join(FILE);
        let failed = |doing| {
            let path = path.clone();
            move |cause| WatchError::File { doing, path, cause }
        };
        let file = idspool_spool::open_or_create(&path)?;
        match file.try_lock_exclusive() {
            Ok(()) => Ok(Self { _file: file }),
            Err(error) if error.kind() == fs2::lock_contended_error().kind() => {
                Err(WatchError::Locked { path })
            }
            Err(error) => Err(failed("lock")(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_has_it_until_it_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let first = WatchLock::take(folder.path()).unwrap();
        let error = WatchLock::take(folder.path()).unwrap_err();
        assert!(matches!(error, WatchError::Locked { .. }), "{error}");
        drop(first);
        WatchLock::take(folder.path()).unwrap();
    }
}
