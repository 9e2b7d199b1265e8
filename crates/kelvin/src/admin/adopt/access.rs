//! Permissions and owners.

use std::fs::{self, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};

use idspool_provisioner::findings::Findings;

use super::{AdoptError, entries, folders, topic};
use crate::Layout;

/// The folders whose files hold personal data, hashes or passwords.
fn private(layout: &Layout) -> Result<Vec<PathBuf>, AdoptError> {
    let mut list = vec![layout.in_queue(), layout.authorities()];
    let queues = layout.out_queues();
    list.extend(folders(&queues)?.into_iter().map(|name| queues.join(name)));
    Ok(list)
}

/// Looks at the files in private folders. Whose they are matters where they are used in place.
pub(super) fn check(
    layout: &Layout,
    is_in_place: bool,
    found: &mut Findings,
) -> Result<(), AdoptError> {
    let own = match fs::metadata(&layout.data) {
        Ok(owner) if rustix::process::geteuid().is_root() => owner.uid(),
        _ => rustix::process::geteuid().as_raw(),
    };
    each(layout, |path, metadata| {
        if is_open(metadata) {
            found.add(&topic::OPEN_ACCESS, path.display().to_string());
        }
        if is_in_place && metadata.uid() != own && !rustix::process::geteuid().is_root() {
            found.add(&topic::OWNER, format!("{} of user {}", path.display(), metadata.uid()));
        }
        Ok(())
    })
}

/// Closes them to others, as far as they belong to this user. Returns how many were open.
pub(super) fn close(layout: &Layout) -> Result<u64, AdoptError> {
    let mut closed = 0;
    let own = rustix::process::geteuid().as_raw();
    each(layout, |path, metadata| {
        if is_open(metadata) && (own == 0 || metadata.uid() == own) {
            let mode = if metadata.is_dir() { 0o700 } else { 0o600 };
            fs::set_permissions(path, Permissions::from_mode(mode))
                .map_err(AdoptError::file("change the mode of", path))?;
            closed += 1;
        }
        Ok(())
    })?;
    Ok(closed)
}

/// Gives everything in data and configuration to the owner of the data directory, when root calls: what the ID
/// Connector has left is root's.
pub(super) fn give(layout: &Layout) -> Result<(), AdoptError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let owner = fs::metadata(&layout.data).map_err(AdoptError::file("read", &layout.data))?;
    if owner.uid() == 0 {
        // idspool-kelvin runs as root, or somebody has given parts of it to its user.
        return Ok(());
    }
    for folder in [&layout.data, &layout.conf] {
        give_all(folder, owner.uid(), owner.gid())?;
    }
    Ok(())
}

fn give_all(path: &Path, user: u32, group: u32) -> Result<(), AdoptError> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if (metadata.uid(), metadata.gid()) != (user, group) {
        lchown(path, Some(user), Some(group))
            .map_err(AdoptError::file("change the owner of", path))?;
    }
    if metadata.is_dir() {
        for entry in entries(path)? {
            give_all(&entry.path(), user, group)?;
        }
    }
    Ok(())
}

fn is_open(metadata: &Metadata) -> bool {
    let allowed = if metadata.is_dir() { 0o007 } else { 0o077 };
    metadata.permissions().mode() & allowed != 0
}

fn each(
    layout: &Layout,
    mut visit: impl FnMut(&Path, &Metadata) -> Result<(), AdoptError>,
) -> Result<(), AdoptError> {
    for folder in private(layout)? {
        let Ok(metadata) = fs::symlink_metadata(&folder) else { continue };
        if !metadata.is_dir() {
            continue;
        }
        visit(&folder, &metadata)?;
        for entry in entries(&folder)? {
            let path = entry.path();
            // Gone meanwhile is fine; links are followed nowhere.
            if let Ok(metadata) = fs::symlink_metadata(&path)
                && metadata.is_file()
            {
                visit(&path, &metadata)?;
            }
        }
    }
    let mapping = layout.school_mapping();
    match fs::symlink_metadata(&mapping) {
        Ok(metadata) if metadata.is_file() => visit(&mapping, &metadata),
        _ => Ok(()),
    }
}
