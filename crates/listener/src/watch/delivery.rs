//! From the outbox into the spool.

use std::time::{SystemTime, UNIX_EPOCH};

use idspool_directory::Directory;
use idspool_spool::Spool;
use idspool_udm::{EntryUuid, ListenerItem};

use super::content::entry_uuid;
use super::error::WatchError;
use super::index::Index;
use super::kind::{self, Command};
use super::outbox::{DelayedItem, DueItem};
use super::reference;
use super::refresh::Followed;
use crate::hook::enqueue;

/// Items that become durable together.
const GROUP: usize = 512;

/// Delayed items that are looked at together.
const LOOKED_AT: usize = 128;

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
pub(super) fn look_at_delayed(index: &Index, lookup: &mut Directory) -> Result<(), WatchError> {
    loop {
        let now = now();
        let items = index.delayed_items(now, LOOKED_AT).map_err(|error| index.failed(error))?;
        if items.is_empty() {
            return Ok(());
        }
        let waiting = |item: &DelayedItem| item.old.is_some() && item.until > now;
        let pairs: Vec<(EntryUuid, String)> = items
            .iter()
            .filter(|item| waiting(item))
            .filter_map(|item| Some((entry_uuid(item.uuid)?, item.old.clone()?)))
            .collect();
        let naming = lookup.entries_naming(&pairs, &reference::ATTRIBUTES)?;
        index.transaction(|| {
            for item in &items {
                let is_named = entry_uuid(item.uuid).is_some_and(|uuid| naming.contains(&uuid));
                if waiting(item) && is_named {
                    index.postpone(item.seq, now)?;
                } else {
                    index.promote(item.seq)?;
                }
            }
            Ok(())
        })?;
    }
}
