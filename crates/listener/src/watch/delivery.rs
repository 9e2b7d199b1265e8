//! From the outbox into the spool.

use std::collections::{HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};

use idspool_directory::{Directory, Naming};
use idspool_spool::Spool;
use idspool_udm::{EntryUuid, ListenerItem, Module};

use super::content::{Pass, Stage, entry_uuid};
use super::error::WatchError;
use super::index::Index;
use super::kind::{self, Command};
use super::outbox::{DelayedItem, DueItem};
use super::reference;
use super::refresh::Followed;
use super::tree::Node;
use crate::hook::enqueue;

/// Items that become durable together.
const GROUP: usize = 512;

/// Delayed items that are looked at together.
const LOOKED_AT: usize = 128;

/// What an entry names, and which one it is.
pub(super) const READ_AGAIN: [&str; 7] = {
    let [a, b, c, d, e, f] = reference::ATTRIBUTES;
    ["entryUUID", a, b, c, d, e, f]
};

/// Milliseconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Hands over all immediate items, then stores the cookies: they must not say more than the spool
/// has. A crash in between repeats items, which is harmless.
pub(super) fn hand_over(
    index: &Index,
    spool: &Spool,
    followed: &mut [Followed],
) -> Result<u64, WatchError> {
    let mut count = 0;
    loop {
        let due = index.due_items(GROUP).map_err(|error| index.failed(error))?;
        let is_last = due.len() < GROUP;
        let mut items = Vec::with_capacity(due.len());
        for item in &due {
            items.extend(listener_item(index, item).map_err(|error| index.failed(error))?);
        }
        enqueue(spool, &items)?;
        count += items.len() as u64;
        let is_moved = followed.iter().any(|base| base.is_moved);
        if !due.is_empty() || is_moved {
            index.transaction(|| {
                for item in &due {
                    index.remove_item(item.seq)?;
                }
                for base in followed.iter().filter(|base| is_last && base.is_moved) {
                    index.set_cookie(base.id, base.cookie.as_deref())?;
                }
                Ok(())
            })?;
        }
        if is_last {
            for base in followed {
                base.is_moved = false;
            }
            return Ok(count);
        }
    }
}

fn listener_item(index: &Index, due: &DueItem) -> rusqlite::Result<Option<ListenerItem>> {
    let (Some(entry_uuid), Some(module)) = (entry_uuid(due.uuid), kind::module(due.module)) else {
        return Ok(None);
    };
    let dn = match &due.dn {
        Some(dn) => dn.clone(),
        None => match index.by_uuid(due.uuid)? {
            Some(node) => index.dn_of(&node)?,
            // Whatever removed it has left an item of its own.
            None => return Ok(None),
        },
    };
    Ok(Some(ListenerItem {
        entry_uuid,
        dn,
        object_type: module.as_str().to_owned(),
        command: Command::text(due.command).to_owned(),
        resync: false,
    }))
}

/// Looks at delayed items whose time has come, and makes immediate ones of those that the server is
/// done with.
pub(super) fn look_at_delayed(
    index: &Index,
    wanted: &[Module],
    lookup: &mut Directory,
) -> Result<(), WatchError> {
    loop {
        let now = now();
        let items = index.delayed_items(now, LOOKED_AT).map_err(|error| index.failed(error))?;
        if items.is_empty() {
            return Ok(());
        }
        let unfinished = unfinished(&items, lookup)?;
        let done: Vec<&DelayedItem> =
            items.iter().filter(|item| !unfinished.contains(&item.seq)).collect();
        let late = items
            .iter()
            .filter(|item| unfinished.contains(&item.seq) && item.until <= now && !item.is_out);
        let asked_for: Vec<&DelayedItem> = done.iter().copied().chain(late).collect();
        let doubtful = doubtful(index, &asked_for).map_err(|error| index.failed(error))?;
        let uuids: Vec<EntryUuid> =
            doubtful.iter().filter_map(|node| entry_uuid(node.uuid)).collect();
        let read = lookup.entries_by_uuid(&uuids, &READ_AGAIN)?;
        let pass = Pass { index, wanted, now, stage: Stage::Persist };
        index.transaction(|| {
            let mut different = HashSet::new();
            for node in &doubtful {
                if let Some(entry) = entry_uuid(node.uuid).and_then(|uuid| read.get(&uuid))
                    && pass.read_again(node, entry)?
                {
                    different.insert(node.uuid);
                }
            }
            for item in &items {
                if unfinished.contains(&item.seq) {
                    index.put_off(item, now)?;
                    continue;
                }
                if item.is_unknown {
                    if different.contains(&item.uuid) {
                        index.copy_out(item.seq)?;
                    }
                    let id = index.id_of(item.uuid)?;
                    match id.map(|id| index.names_nobody(id)).transpose()? {
                        Some(true) => index.look_again(item, now)?,
                        _ => index.remove_item(item.seq)?,
                    }
                    continue;
                }
                if item.is_below {
                    let entry = entry_uuid(item.uuid).and_then(|uuid| read.get(&uuid));
                    let old = item.old.as_deref().unwrap_or_default();
                    if entry.is_some_and(|entry| reference::names_below(entry, old)) {
                        index.put_off(item, now)?;
                    } else if different.contains(&item.uuid) {
                        index.promote(item.seq)?;
                    } else {
                        index.remove_item(item.seq)?;
                    }
                    continue;
                }
                index.promote(item.seq)?;
            }
            Ok(())
        })?;
    }
}

/// Items that the server is still at work on, but for those that show it when their object is read.
fn unfinished(items: &[DelayedItem], lookup: &mut Directory) -> Result<HashSet<i64>, WatchError> {
    let mut unfinished = HashSet::new();
    let mut namings = Vec::new();
    let mut members = HashMap::new();
    let mut is_member = |dn: &str| match members.get(dn) {
        Some(known) => Ok::<bool, WatchError>(*known),
        None => {
            let is_member = lookup.is_member(dn)?;
            members.insert(dn.to_owned(), is_member);
            Ok(is_member)
        }
    };
    for item in items {
        let Some(old) = item.old.as_ref().filter(|_| !item.is_below) else { continue };
        if !item.by_any {
            if let Some(uuid) = entry_uuid(item.uuid) {
                let naming = Naming { uuid, old: old.clone(), new: item.new.clone() };
                namings.push((item.seq, naming));
            }
            continue;
        }
        let is_new_missing = match &item.new {
            Some(new) => !is_member(new)?,
            None => false,
        };
        if is_new_missing || is_member(old)? {
            unfinished.insert(item.seq);
        }
    }
    let (seqs, namings): (Vec<i64>, Vec<Naming>) = namings.into_iter().unzip();
    let followed = lookup.entries_that_followed(&namings, &reference::ATTRIBUTES)?;
    let still = seqs.into_iter().zip(&namings);
    let still = still.filter(|(_, naming)| !followed.contains(&naming.uuid));
    unfinished.extend(still.map(|(seq, _)| seq));
    Ok(unfinished)
}

/// Objects of which we do not know what they name: they were read while the server was at work, or
/// it did not do what we thought. A server that was killed never does, and what it has left may come
/// to name somebody else.
fn doubtful(index: &Index, items: &[&DelayedItem]) -> rusqlite::Result<Vec<Node>> {
    let mut doubtful = Vec::new();
    for item in items.iter().filter(|item| !item.by_any) {
        // Also if it seems to be as expected: the item may have waited for something else before.
        if item.old.is_some() || item.is_unknown {
            doubtful.extend(index.by_uuid(item.uuid)?);
        }
    }
    Ok(doubtful)
}
