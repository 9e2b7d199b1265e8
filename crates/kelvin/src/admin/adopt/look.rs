//! The check of everything that is there. Changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::Utc;
use idspool_provisioner::findings::Findings;
use idspool_service::Kelvin;
use idspool_spool::Spool;
use idspool_udm::{ItemHead, ListenerItem};

use super::old_data::{self, Data};
use super::report::{Counts, Report};
use super::{AdoptError, LARGEST, Progress, Source, access, entries, folders, running, topic};
use crate::Layout;
use crate::conf;

/// Folders of a queue into which the ID Connector put files away.
const ASIDE: [&str; 2] = ["trash", "keep"];

/// Reads the whole directory and says what is in it. Changes nothing.
///
/// # Errors
/// It is no directory of an ID Connector, or one of its folders cannot be listed. What is wrong with single files is
/// a finding.
pub fn inspect(
    source: &Source,
    config: &Kelvin,
    progress: Progress<'_>,
) -> Result<Report, AdoptError> {
    let layout = source.layout();
    if !layout.in_queue().is_dir() {
        return Err(AdoptError::NoConnector { path: source.directory.clone() });
    }
    let mut found = Findings::default();
    let mut counts = Counts::default();
    if let Some(process) = running::process() {
        found.add(&topic::RUNNING, process);
    }
    configuration(&layout, &mut counts, &mut found)?;
    memory(&layout.data.join("old_data_db"), &mut counts, &mut found);
    counts.in_queue = queue(&layout.in_queue(), "changes in the in queue", &mut found, progress)?;
    in_queue_trash(&layout.in_queue(), &mut found)?;
    for name in folders(&layout.out_queues())? {
        let folder = layout.out_queues().join(&name);
        let waiting = queue(&folder, "changes in the out queues", &mut found, progress)?;
        out_queue_trash(&folder, &name, &mut found)?;
        counts.out_queues.insert(name, waiting);
    }
    for name in folders(&layout.out_queues_trash())? {
        found.add(&topic::REMOVED_QUEUES, name);
    }
    if let Some(folder) = &source.listener {
        counts.listener_items = listener(folder, &mut found)?;
    }
    access::check(&layout, source.is_configured(config), &mut found)?;
    Ok(Report { source: source.directory.clone(), counts, findings: found.into_list() })
}

fn configuration(
    layout: &Layout,
    counts: &mut Counts,
    found: &mut Findings,
) -> Result<(), AdoptError> {
    match conf::load(layout) {
        Err(problem) => found.add(&topic::CONFIGURATION, problem.to_string()),
        Ok(loaded) => {
            counts.authorities = loaded.authorities.len() as u64;
            let has_owner = |name| loaded.names().any(|known| known == name);
            counts.schools =
                loaded.mapping.iter().filter(|(_, name)| has_owner(*name)).count() as u64;
            for problem in loaded.problems() {
                found.add(&topic::AUTHORITY, problem.to_string());
            }
            for warning in &loaded.warnings {
                found.add(&topic::CONFIGURATION_ODD, warning.clone());
            }
            if loaded.authorities.is_empty() {
                found.add(&topic::NO_AUTHORITY, layout.authorities().display().to_string());
            }
            for name in folders(&layout.out_queues())? {
                if !loaded.names().any(|known| known.as_str() == name) {
                    found.add(&topic::ABANDONED, name);
                }
            }
        }
    }
    for part in ["plugins/plugins", "plugins/packages"] {
        for entry in entries(&layout.conf.join(part))? {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != "__pycache__" && !name.starts_with('.') {
                found.add(&topic::PLUGINS, format!("{part}/{name}"));
            }
        }
    }
    let key = layout.conf.join("tokens.secret");
    if key.exists() {
        found.add(&topic::TOKEN_KEY, key.display().to_string());
    }
    Ok(())
}

fn memory(folder: &Path, counts: &mut Counts, found: &mut Findings) {
    if !folder.join(old_data::DATABASE).is_file() {
        found.add(&topic::NO_MEMORY, folder.display().to_string());
        return;
    }
    let read = old_data::each(folder, Utc::now(), &mut |entry| match entry {
        Ok(entry) => match entry.data {
            Data::User { .. } => counts.users += 1,
            Data::Group => counts.groups += 1,
        },
        Err(problem) => found.add(&topic::NOT_UNDERSTOOD, problem),
    });
    if let Err(error) = read {
        found.add(&topic::NO_MEMORY, format!("{}: {error}", folder.display()));
    }
}

/// Looks at each waiting item; returns how many there are.
fn queue(
    folder: &Path,
    part: &'static str,
    found: &mut Findings,
    progress: Progress<'_>,
) -> Result<u64, AdoptError> {
    for entry in entries(folder)? {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let is_known = name.starts_with('.') || ASIDE.contains(&name.as_str()) || name == "old";
        if !is_known && (is_folder || !name.ends_with(".json")) {
            found.add(&topic::QUEUE_ODD, entry.path().display().to_string());
        }
    }
    let names = Spool::open(folder)?.names()?;
    for (index, name) in names.iter().enumerate() {
        progress(part, index as u64, names.len() as u64);
        match read(&folder.join(name.as_str())) {
            Err(problem) => found.add(&topic::UNREADABLE, problem),
            Ok(bytes) => {
                if let Err(error) = ItemHead::parse(&bytes) {
                    let path = folder.join(name.as_str());
                    found.add(&topic::QUEUE_DAMAGED, format!("{}: {error}", path.display()));
                }
            }
        }
    }
    for entry in entries(&folder.join("keep"))? {
        found.add(&topic::KEPT, entry.path().display().to_string());
    }
    Ok(names.len() as u64)
}

fn in_queue_trash(folder: &Path, found: &mut Findings) -> Result<(), AdoptError> {
    for entry in entries(&folder.join("trash"))? {
        found.add(&topic::IGNORED, entry.file_name().to_string_lossy());
    }
    Ok(())
}

/// What was given up is named by its object, which is what has to be scheduled again.
fn out_queue_trash(folder: &Path, authority: &str, found: &mut Findings) -> Result<(), AdoptError> {
    for entry in entries(&folder.join("trash"))? {
        let head = read(&entry.path()).ok().and_then(|bytes| ItemHead::parse(&bytes).ok());
        let name = entry.file_name().to_string_lossy().into_owned();
        let shown = head.map_or(name, |head| head.dn);
        found.add(&topic::GIVEN_UP, format!("{authority}: {shown}"));
    }
    Ok(())
}

fn listener(folder: &Path, found: &mut Findings) -> Result<u64, AdoptError> {
    let names = Spool::open(folder)?.names()?;
    for name in &names {
        match read(&folder.join(name.as_str())) {
            Err(problem) => found.add(&topic::UNREADABLE, problem),
            Ok(bytes) => {
                if let Err(error) = ListenerItem::parse(&bytes) {
                    found.add(&topic::LISTENER_DAMAGED, format!("{name}: {error}"));
                }
            }
        }
    }
    Ok(names.len() as u64)
}

/// A regular file of bounded size.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", PathBuf::from(path).display());
    let metadata = fs::symlink_metadata(path).map_err(failed)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(format!("{}: no regular file of at most {LARGEST} bytes", path.display()));
    }
    fs::read(path).map_err(failed)
}
