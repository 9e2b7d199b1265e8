//! The check of what waits: items of the connector's queue, and files of the host's listener.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use idspool_provisioner::findings::Findings;
use idspool_spool::{ItemName, Spool};
use idspool_udm::{ItemHead, ListenerItem, Module};

use super::report::Counts;
use super::{AdoptError, Progress, QUEUE, SNAPSHOTS, topic};

/// Looks at every waiting item.
pub(super) fn check(
    data: &Path,
    counts: &mut Counts,
    found: &mut Findings,
    progress: &mut dyn Progress,
) -> Result<(), AdoptError> {
    let folder = data.join(QUEUE);
    let names = waiting(&folder, found)?;
    progress.begin("waiting items", names.len() as u64);
    counts.waiting = names.len() as u64;
    // Objects without a snapshot that an item would create, and by which.
    let mut created: HashMap<String, String> = HashMap::new();
    let mut collapsed: HashSet<String> = HashSet::new();
    for name in &names {
        progress.step();
        if !name.is_canonical() {
            found.add(&topic::QUEUE_BY_HAND, name.as_str());
        }
        let path = folder.join(name.as_str());
        let bytes = match super::files::read(&path) {
            Ok(bytes) => bytes,
            Err(problem) => {
                found.add(&topic::UNREADABLE, problem);
                continue;
            }
        };
        let head = match ItemHead::parse(&bytes) {
            Ok(head) => head,
            Err(error) => {
                found.add(&topic::QUEUE_DAMAGED, format!("{name}: {error}"));
                continue;
            }
        };
        let count = counts.types.entry(head.udm_object_type.clone()).or_default();
        count.waiting += 1;
        count.waiting_removals += u64::from(head.deleted);
        if matches!(head.module(), None | Some(Module::Ou)) {
            found.add(&topic::QUEUE_UNKNOWN_TYPE, format!("{name}: {}", head.udm_object_type));
            continue;
        }
        if data.join(SNAPSHOTS).join(format!("{}.json", head.id)).exists() {
            continue;
        }
        if !head.deleted {
            created.entry(head.id).or_insert_with(|| name.to_string());
        } else if let Some(first) = created.get(&head.id)
            && collapsed.insert(head.id.clone())
        {
            found.add(&topic::QUEUE_CREATED_DELETED, format!("{first} and {name}: {}", head.dn));
        }
    }
    Ok(())
}

/// Looks at the waiting files of a listener and returns their number.
pub(super) fn check_listener(
    folder: &Path,
    found: &mut Findings,
    progress: &mut dyn Progress,
) -> Result<u64, AdoptError> {
    let names = waiting(folder, found)?;
    progress.begin("listener files", names.len() as u64);
    for name in &names {
        progress.step();
        match super::files::read(&folder.join(name.as_str())) {
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

fn waiting(folder: &Path, found: &mut Findings) -> Result<Vec<ItemName>, AdoptError> {
    for entry in super::snapshots::list(folder)? {
        let entry = entry.map_err(AdoptError::file("list", folder))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".json.tmp") {
            found.add(&topic::TEMPORARY, name.as_ref());
        }
    }
    Ok(Spool::open(folder)?.names()?)
}
