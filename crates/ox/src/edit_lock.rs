//! The lock that makes those who edit one file take turns.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
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
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path.with_file_name(name))?;
    lock.lock_exclusive()?;
    Ok(lock)
}
