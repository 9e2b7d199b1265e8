//! The lock that makes those who edit one file take turns.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;

use fs2::FileExt as _;

/// Waits for the lock of the file at `path`. It is held until the value goes away, or the process.
///
/// The lock stands beside the file (`.NAME.lock`), because the file itself is replaced.
///
/// # Errors
/// The lock file cannot be made or locked.
pub(crate) fn take(path: &Path) -> io::Result<File> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".lock");
    let lock =
        idspool_spool::open_or_create(path.with_file_name(name)).map_err(io::Error::other)?;
    lock.lock_exclusive()?;
    Ok(lock)
}
