//! Permissions and owners.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};

use super::report::Findings;
use super::snapshots::list;
use super::{AdoptError, QUEUE, SNAPSHOTS, topic};

/// Folders whose content is personal or secret.
const PRIVATE: [&str; 3] = [QUEUE, SNAPSHOTS, "secrets"];

/// Looks at the files in private folders. Whose they are matters where they are used in place.
pub(super) fn check(
    data: &Path,
    is_in_place: bool,
    found: &mut Findings,
) -> Result<(), AdoptError> {
    let own = match Owner::of(data) {
        Some(owner) if rustix::process::geteuid().is_root() => owner.user,
        _ => rustix::process::geteuid().as_raw(),
    };
    each(data, |path, metadata| {
        if is_open(metadata) {
            found.add(&topic::OPEN_ACCESS, path.display().to_string());
        }
        if is_in_place && metadata.uid() != own {
            found.add(&topic::OWNER, format!("{} of user {}", path.display(), metadata.uid()));
        }
        Ok(())
    })
}

/// Closes them to others, as far as they belong to this user.
pub(super) fn close(data: &Path) -> Result<u64, AdoptError> {
    let mut closed = 0;
    let own = rustix::process::geteuid().as_raw();
    each(data, |path, metadata| {
        if is_open(metadata) && (own == 0 || metadata.uid() == own) {
            let mode = if metadata.is_dir() { 0o700 } else { 0o600 };
            // Times stay: they tell which snapshot is the newer one.
            fs::set_permissions(path, fs::Permissions::from_mode(mode))
                .map_err(AdoptError::file("change the mode of", path))?;
            closed += 1;
        }
        Ok(())
    })?;
    Ok(closed)
}

/// Whose a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    /// The owner of a folder, or of the nearest one above it that exists.
    pub(super) fn of(folder: &Path) -> Option<Self> {
        let metadata = folder.ancestors().find_map(|folder| fs::metadata(folder).ok())?;
        Some(Self { user: metadata.uid(), group: metadata.gid() })
    }

    /// Gives everything in a folder to this user, when root has made it: nobody else could read it.
    pub(super) fn take(self, folder: &Path) -> Result<(), AdoptError> {
        if !rustix::process::geteuid().is_root() || self.user == 0 {
            return Ok(());
        }
        self.take_all(folder)
    }

    fn take_all(self, path: &Path) -> Result<(), AdoptError> {
        let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
        if (metadata.uid(), metadata.gid()) != (self.user, self.group) {
            lchown(path, Some(self.user), Some(self.group))
                .map_err(AdoptError::file("change the owner of", path))?;
        }
        if metadata.is_dir() {
            for path in files(path)? {
                self.take_all(&path)?;
            }
        }
        Ok(())
    }
}

fn is_open(metadata: &fs::Metadata) -> bool {
    metadata.permissions().mode() & 0o077 != 0
}

fn each(
    data: &Path,
    mut visit: impl FnMut(&Path, &fs::Metadata) -> Result<(), AdoptError>,
) -> Result<(), AdoptError> {
    for folder in PRIVATE.map(|name| data.join(name)) {
        let Ok(metadata) = fs::symlink_metadata(&folder) else { continue };
        if !metadata.is_dir() {
            continue;
        }
        visit(&folder, &metadata)?;
        for path in files(&folder)? {
            // Gone meanwhile is fine; links are followed nowhere.
            if let Ok(metadata) = fs::symlink_metadata(&path)
                && metadata.is_file()
            {
                visit(&path, &metadata)?;
            }
        }
    }
    Ok(())
}

fn files(folder: &Path) -> Result<impl Iterator<Item = PathBuf>, AdoptError> {
    Ok(list(folder)?.filter_map(|entry| Some(entry.ok()?.path())))
}
