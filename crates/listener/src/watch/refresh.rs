//! How far the refresh of each base has got, and what it has mentioned.

use idspool_directory::{EntryState, RawUuid, SyncMessage};
use idspool_udm::Entry;

use super::content::{Pass, Sent, Stage, is_readable};
use super::cookie;
use super::index::Index;
use super::tree::Node;

/// One bit per entry of the index: whether the running refresh has mentioned it.
///
/// A million entries are 125 kB. Entries that are new since the refresh began are not in it: they
/// were mentioned.
#[derive(Debug, Default)]
pub(super) struct Mentioned {
    bits: Vec<u64>,
    last: i64,
    /// Mentioned, and not in the index at that moment.
    unknown: Vec<RawUuid>,
}

impl Mentioned {
    pub(super) fn none_of(last: i64) -> Self {
        let words = usize::try_from(last / 64 + 1).unwrap_or_default();
        Self { bits: vec![0; words], last, unknown: Vec::new() }
    }

    pub(super) fn insert(&mut self, id: i64) {
        let word = usize::try_from(id / 64).ok().and_then(|at| self.bits.get_mut(at));
        if let Some(word) = word {
            *word |= 1 << (id % 64);
        }
    }

    /// Notes an entry that the server says exists.
    fn note(&mut self, index: &Index, uuid: RawUuid) -> rusqlite::Result<()> {
        match index.id_of(uuid)? {
            Some(id) => self.insert(id),
            None => self.unknown.push(uuid),
        }
        Ok(())
    }

    /// Whether something was only said to exist that we do not know: it did not change since our
    /// cookie, and yet it was not there for us.
    pub(super) fn has_unknown(&self, index: &Index) -> rusqlite::Result<bool> {
        for uuid in &self.unknown {
            if index.id_of(*uuid)?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn contains(&self, id: i64) -> bool {
        if id > self.last {
            return true;
        }
        let word = usize::try_from(id / 64).ok().and_then(|at| self.bits.get(at));
        word.is_some_and(|word| word & (1 << (id % 64)) != 0)
    }
}

/// One followed base.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) id: i64,
    /// The cookie of the last safe point; not stored yet if `is_moved`.
    pub(super) cookie: Option<Vec<u8>>,
    pub(super) is_moved: bool,
    pub(super) is_refreshed: bool,
    /// What the refresh did not mention is gone.
    pub(super) is_complete: bool,
    had_cookie: bool,
    /// Entries that came, and how many of them were as we knew them.
    sent: u64,
    unchanged: u64,
    lists: u64,
}

impl Followed {
    pub(super) fn new(id: i64, cookie: Option<Vec<u8>>) -> Self {
        Self {
            id,
            had_cookie: cookie.is_some(),
            cookie,
            is_moved: false,
            is_refreshed: false,
            is_complete: false,
            sent: 0,
            unchanged: 0,
            lists: 0,
        }
    }

    /// Whether the server was told where we were.
    pub(super) fn had_cookie(&self) -> bool {
        self.had_cookie
    }

    /// Takes a message in.
    pub(super) fn take(
        &mut self,
        message: &SyncMessage,
        pass: &Pass<'_>,
        mentioned: &mut Mentioned,
    ) -> rusqlite::Result<()> {
        match message {
            SyncMessage::Entry { state: EntryState::Present, uuid, cookie, .. } => {
                mentioned.note(pass.index, *uuid)?;
                self.advance(cookie.as_deref());
            }
            SyncMessage::Entry { state: EntryState::Delete, uuid, cookie, .. } => {
                pass.delete(self.id, *uuid)?;
                self.advance(cookie.as_deref());
            }
            SyncMessage::Entry { uuid, cookie, entry, .. } => {
                if !self.is_refreshed {
                    self.sent += 1;
                    let csn = entry.first_text("entryCSN");
                    let known = pass.index.by_uuid(*uuid)?;
                    let is_same = known.is_some_and(|known| Some(known.csn.as_str()) == csn);
                    self.unchanged += u64::from(is_same);
                }
                let id = pass.apply(&Sent { uuid: *uuid, base: self.id, entry })?;
                mentioned.insert(id);
                self.advance(cookie.as_deref());
            }
            SyncMessage::NewCookie(cookie) => {
                self.advance(Some(cookie).filter(|cookie| !cookie.is_empty()).map(Vec::as_slice));
            }
            SyncMessage::Uuids { are_deleted, uuids, .. } => {
                self.lists += 1;
                for uuid in uuids {
                    if *are_deleted {
                        pass.delete(self.id, *uuid)?;
                    } else {
                        mentioned.note(pass.index, *uuid)?;
                    }
                }
            }
            SyncMessage::Refreshed { cookie, are_deletes_listed, is_done } => {
                // Without a cookie of ours the server does not know what we have to forget.
                self.is_complete |= !are_deletes_listed || !self.had_cookie;
                if *is_done {
                    self.is_refreshed = true;
                    let cookie = cookie.as_deref().map(cookie::whole);
                    self.is_moved |= cookie.is_some();
                    self.cookie = cookie.or(self.cookie.take());
                }
            }
        }
        Ok(())
    }

    /// During the refresh no point is safe but its end: the entries that changed may come later.
    fn advance(&mut self, cookie: Option<&[u8]>) {
        if let Some(cookie) = cookie.filter(|_| self.is_refreshed) {
            self.cookie = Some(cookie::after_change(self.cookie.as_deref(), cookie));
            self.is_moved = true;
        }
    }

    /// The server did not understand our cookie, and has given us none instead: without one it begins
    /// anew, and does.
    pub(super) fn distrust_cookie(&mut self) {
        if !self.is_moved {
            self.cookie = None;
            self.is_moved = true;
        }
    }

    /// Whether the server seems to have sent everything, as if it had not understood our cookie
    /// (slapd does that with one that it cannot parse), and yet did not say what is gone.
    pub(super) fn is_suspicious(&self, entries: i64) -> bool {
        let half = u64::try_from(entries).unwrap_or_default() / 2;
        !self.is_complete && self.lists == 0 && self.unchanged > 0 && self.sent > half
    }
}

/// The stage for a refresh.
pub(super) fn stage(is_first: bool, adopt: bool) -> Stage {
    match (is_first, adopt) {
        (_, true) => Stage::Adoption,
        (true, false) => Stage::First,
        (false, false) => Stage::Refresh,
    }
}

/// Whether an entry shows that we may not read what we need.
pub(super) fn unreadable(message: &SyncMessage) -> Option<&Entry> {
    match message {
        SyncMessage::Entry { state: EntryState::Add | EntryState::Modify, entry, .. }
            if !is_readable(entry) =>
        {
            Some(entry)
        }
        _ => None,
    }
}

/// Entries that no refresh has mentioned, looked for from `after` on; with the id to go on from.
pub(super) fn unmentioned(
    pass: &Pass<'_>,
    mentioned: &Mentioned,
    after: i64,
    is_due: impl Fn(&Node) -> bool,
) -> rusqlite::Result<(Vec<Node>, Option<i64>)> {
    const LOOKED_AT: usize = 2048;
    let nodes = pass.index.nodes_after(after, LOOKED_AT)?;
    let next = nodes.last().map(|node| node.id);
    let gone = nodes.into_iter().filter(|node| !mentioned.contains(node.id) && is_due(node));
    Ok((gone.collect(), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_mentioned_is_known_and_what_is_new_counts_as_mentioned() {
        let mut mentioned = Mentioned::none_of(130);
        for id in [1, 63, 64, 130] {
            mentioned.insert(id);
        }
        mentioned.insert(5000);
        let found: Vec<i64> = (0..=130).filter(|id| mentioned.contains(*id)).collect();
        assert_eq!(found, [1, 63, 64, 130]);
        assert!(mentioned.contains(131) && mentioned.contains(5000));
    }
}
