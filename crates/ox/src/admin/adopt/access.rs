//! Permissions and owners.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};

use idspool_provisioner::findings::Findings;

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
    let own = match fs::metadata(data) {
        Ok(owner) if rustix::process::geteuid().is_root() => owner.uid(),
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

/// Gives everything in a directory to its owner, when root calls: what the connector has left is root's.
pub(super) fn give(data: &Path) -> Result<(), AdoptError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let owner = fs::metadata(data).map_err(AdoptError::file("read", data))?;
    if owner.uid() == 0 {
        // idspool-ox runs as root, or somebody has given parts of it to its user.
        return Ok(());
    }
    give_all(data, owner.uid(), owner.gid())
}

fn give_all(path: &Path, user: u32, group: u32) -> Result<(), AdoptError> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if (metadata.uid(), metadata.gid()) != (user, group) {
        lchown(path, Some(user), Some(group))
            .map_err(AdoptError::file("change the owner of", path))?;
    }
    if metadata.is_dir() {
        for path in files(path)? {
            give_all(&path, user, group)?;
        }
    }
    Ok(())
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
