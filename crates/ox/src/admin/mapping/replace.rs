//! Replacing a file that a daemon reads, perhaps as another user than the administrator is.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use idspool_spool::durable;

/// Mode of a file that was not there before.
const PRIVATE: u32 = 0o600;

/// Replaces the content of `path`, durably, keeping mode and owner. A new file is private to the owner
/// of its folder: an administrator who works as root must not shut the daemon out.
///
/// Only for one writer at a time.
///
/// # Errors
/// The file cannot be written; then it is as it was.
pub(super) fn keeping_owner(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let (model, mode) = match fs::metadata(path) {
        Ok(metadata) => {
            let mode = metadata.permissions().mode() & 0o777;
            (metadata, mode)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => (fs::metadata(folder)?, PRIVATE),
        Err(error) => return Err(error),
    };
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    let draft = folder.join(name);
    let done = durable::replace(&draft, bytes, mode).map_err(io::Error::other).and_then(|()| {
        let written = File::open(&draft)?;
        let made = written.metadata()?;
        if (made.uid(), made.gid()) != (model.uid(), model.gid()) {
            // Before the rename: a moment in which the daemon cannot read the file is one in which it
            // falls back to the built-in mapping.
            chown(&draft, Some(model.uid()), Some(model.gid()))?;
            // A change of owner takes some mode bits away.
            fs::set_permissions(&draft, fs::Permissions::from_mode(mode))?;
            written.sync_all()?;
        }
        fs::rename(&draft, path)?;
        // S1: the new name is durable only after this.
        File::open(folder)?.sync_all()
    });
    if done.is_err() {
        // The fault above is the one to report.
        let _absent = fs::remove_file(&draft);
    }
    done
}
