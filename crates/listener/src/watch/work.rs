//! One synchronisation after the other: messages into the index, items out of it.

use std::time::{Duration, Instant};

use chrono::NaiveDateTime;
use idspool_directory::{Directory, EntryState, SyncMessage, SyncSearch};
use idspool_spool::Spool;
use idspool_udm::dn::{self, Dn};
use idspool_udm::{Entry, EntryUuid, Module};

use super::content::{Pass, Stage, entry_uuid, is_readable};
use super::delivery::{self, now};
use super::error::WatchError;
use super::index::Index;
use super::kind;
use super::name;
use super::outbox::NewItem;
use super::reference;
use super::refresh::{self, Followed, Mentioned};
use super::settings::WatchSettings;
use super::tree::Node;

/// After that long a transaction takes no further message.
const TURN: Duration = Duration::from_millis(500);

/// Rows that are handled in one transaction.
const CHUNK: usize = 2048;

/// Entries that are looked for together.
pub(super) const LOOKED_FOR: usize = 256;

/// What tells the kind of an entry, and that it has changed.
pub(super) const ATTRIBUTES: [&str; 7] = [
    "objectClass",
    "univentionObjectType",
    "univentionObjectFlag",
    "uid",
    "uidNumber",
    "cn",
    "entryCSN",
];

/// Note: since when the server refuses our cookie.
const REFUSED_SINCE: &str = "refused_since";
/// Note: when the server was started that we followed last.
const SERVER_START: &str = "server_start";
/// Note: the types that led to items when the index was last used.
const WANTED: &str = "wanted";

/// What the watcher works with, beside the connection that it follows.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) settings: WatchSettings,
    pub(super) index: Index,
    pub(super) spool: Spool,
    /// For questions while the other connection is busy.
    pub(super) lookup: Directory,
    /// What is there counts as known to the consumers.
    pub(super) adopt: bool,
}

/// A running synchronisation.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) followed: Vec<Followed>,
    pub(super) mentioned: Mentioned,
    pub(super) stage: Stage,
    is_warned: bool,
    /// The server was started since we followed it last.
    pub(super) is_restarted: bool,
    /// When it was started, once that is to be noted.
    server_start: Option<String>,
}

impl Session {
    pub(super) fn is_refreshed(&self) -> bool {
        self.followed.iter().all(|base| base.is_refreshed)
    }

    pub(super) fn is_watching(&self) -> bool {
        self.stage == Stage::Persist
    }
}

impl Work {
    /// Prepares a synchronisation: where it goes on from, and what to search for.
    pub(super) fn begin(&mut self) -> Result<(Session, Vec<SyncSearch>), WatchError> {
        let (is_restarted, server_start) = self.server_start()?;
        let index = &self.index;
        let mut followed = Vec::new();
        let mut searches = Vec::new();
        for dn in &self.settings.bases {
            let base = index.base(dn, &self.settings.filter)?;
            searches.push(SyncSearch {
                base: dn.clone(),
                filter: self.settings.filter.clone(),
                attributes: ATTRIBUTES
                    .iter()
                    .chain(&reference::ATTRIBUTES)
                    .map(|&name| name.into())
                    .collect(),
                cookie: base.cookie.clone(),
            });
            followed.push(Followed::new(base.id, base.cookie));
        }
        let last = index.last_id().map_err(|error| index.failed(error))?;
        let adopt = self.adopt && followed.iter().all(|base| base.cookie.is_none());
        if self.adopt && !adopt {
            tracing::warn!("--adopt has no effect: this directory is being followed already");
        }
        // Written when the first refresh was complete.
        let wanted = index.note(WANTED).map_err(|error| index.failed(error))?;
        let stage = refresh::stage(wanted.is_none(), adopt);
        index.transaction(|| index.clear_marks())?;
        let mentioned = Mentioned::none_of(last);
        let is_warned = false;
        let session = Session { followed, mentioned, stage, is_warned, is_restarted, server_start };
        Ok((session, searches))
    }

    /// Takes messages in, those that come before somebody asks to stop.
    pub(super) fn take(
        &mut self,
        session: &mut Session,
        messages: &[(usize, SyncMessage)],
        is_stopped: impl Fn() -> bool,
    ) -> Result<(), WatchError> {
        if messages.is_empty() {
            return Ok(());
        }
        if let Some(entry) = messages.iter().find_map(|(_, message)| refresh::unreadable(message)) {
            let dn = entry.dn.clone();
            let readable = |message: &SyncMessage| {
                matches!(
                    message,
                    SyncMessage::Entry { state: EntryState::Add | EntryState::Modify, .. }
                ) && refresh::unreadable(message).is_none()
            };
            if !session.is_watching() && !messages.iter().any(|(_, message)| readable(message)) {
                return Err(WatchError::Unreadable { dn });
            }
            if !session.is_warned {
                tracing::warn!("{}", WatchError::Unreadable { dn });
                session.is_warned = true;
            }
        }
        // Whoever loses the right to see an entry is told that it is gone.
        if messages.iter().any(|(_, message)| is_deletion(message)) {
            self.check_visible()?;
        }
        let mut rest = messages.iter();
        while rest.len() > 0 && !is_stopped() {
            let pass = self.pass(session.stage);
            let Session { followed, mentioned, .. } = session;
            let begin = Instant::now();
            self.index.transaction(|| {
                // A container that is renamed may change many thousand entries.
                while begin.elapsed() < TURN {
                    let Some((at, message)) = rest.next() else { break };
                    if let Some(base) = followed.get_mut(*at) {
                        base.take(message, &pass, mentioned)?;
                    }
                }
                Ok(())
            })?;
            if session.is_watching() {
                self.settle_places(Stage::Persist)?;
            }
        }
        Ok(())
    }

    /// All bases are refreshed: what was not mentioned is gone, and the tree is whole again.
    pub(super) fn finish_refresh(&mut self, session: &mut Session) -> Result<(), WatchError> {
        self.check_visible()?;
        let followed: Vec<i64> = session.followed.iter().map(|base| base.id).collect();
        let others = self.index.other_bases(&followed);
        let others = others.map_err(|error| self.index.failed(error))?;
        let complete: Vec<i64> =
            session.followed.iter().filter(|base| base.is_complete).map(|base| base.id).collect();
        if self.is_doubtful(session)? {
            self.compare_what_exists(session)?;
        }
        if session.is_restarted && complete.len() < followed.len() {
            let is_doubtful =
                |node: &Node| followed.contains(&node.base) && !complete.contains(&node.base);
            self.sweep(session, is_doubtful, true)?;
        }
        let is_gone = |node: &Node| complete.contains(&node.base) || others.contains(&node.base);
        self.sweep(session, is_gone, false)?;
        let mut suspicious = Vec::new();
        for base in &session.followed {
            let entries = self.index.count(base.id);
            if base.is_suspicious(entries.map_err(|error| self.index.failed(error))?) {
                suspicious.push(base.id);
            }
        }
        if !suspicious.is_empty() {
            tracing::warn!(
                "The server has sent everything, as if it did not understand where we were: \
                 looking for what is gone one by one"
            );
            self.sweep(session, |node| suspicious.contains(&node.base), true)?;
            for base in session.followed.iter_mut().filter(|base| suspicious.contains(&base.id)) {
                base.distrust_cookie();
            }
        }
        let pass = self.pass(session.stage);
        self.index.transaction(|| pass.place_all())?;
        self.settle_places(session.stage)?;
        self.index.transaction(|| {
            for base in others {
                self.index.forget_base(base)?;
            }
            // Whoever is interrupted before this compares everything the next time.
            self.index.set_note(SERVER_START, session.server_start.as_deref())?;
            self.index.set_note(REFUSED_SINCE, None)
        })?;
        self.offer_newly_wanted(session.stage)?;
        session.stage = Stage::Persist;
        Ok(())
    }

    /// Whether the server has been started since we followed it last, as far as it says, and what to
    /// know it by the next time.
    ///
    /// A slapd that was killed does not remember a deletion that was its last change: it takes the
    /// newest entry for its state, so that it can seem to be where our cookie is. One that was
    /// restored from a backup and has gone on since takes our cookie, and tells nothing of what the
    /// backup took back.
    fn server_start(&mut self) -> Result<(bool, Option<String>), WatchError> {
        /// Seconds after a start during which another start would go unnoticed.
        const AMBIGUOUS: i64 = 2;
        let Some(start) = self.lookup.server_start()? else { return Ok((false, None)) };
        let known = self.index.note(SERVER_START);
        let known = known.map_err(|error| self.index.failed(error))?;
        let started = NaiveDateTime::parse_from_str(&start, "%Y%m%d%H%M%SZ");
        let age = started.map_or(0, |started| now() / 1000 - started.and_utc().timestamp());
        let is_restarted = known.as_deref() != Some(start.as_str());
        Ok((is_restarted, (age > AMBIGUOUS).then_some(start)))
    }

    /// A server shows nothing to those without rights, which must not be taken for an empty directory.
    fn check_visible(&mut self) -> Result<(), WatchError> {
        let shown = self.lookup.entries_by_dn(&self.settings.bases, &["objectClass"])?;
        for base in &self.settings.bases {
            let is_it = |entry: &&Entry| dn::key(&entry.dn) == dn::key(base);
            if !shown.iter().find(is_it).is_some_and(is_readable) {
                return Err(WatchError::NothingVisible { base: base.clone() });
            }
        }
        Ok(())
    }

    /// Removes what the refresh has not mentioned; if `ask`, only what the server does not have.
    fn sweep(
        &mut self,
        session: &Session,
        is_due: impl Fn(&Node) -> bool,
        ask: bool,
    ) -> Result<(), WatchError> {
        let mut after = 0;
        loop {
            let pass = self.pass(session.stage);
            let found = refresh::unmentioned(&pass, &session.mentioned, after, &is_due);
            let (mut gone, next) = found.map_err(|error| self.index.failed(error))?;
            let Some(next) = next else { return Ok(()) };
            after = next;
            if ask && !gone.is_empty() {
                let uuids: Vec<EntryUuid> =
                    gone.iter().filter_map(|node| entry_uuid(node.uuid)).collect();
                let present = self.lookup.entries_by_uuid(&uuids, &["entryUUID"])?;
                gone.retain(|node| {
                    entry_uuid(node.uuid).is_some_and(|uuid| !present.contains_key(&uuid))
                });
            }
            if !gone.is_empty() {
                let pass = self.pass(session.stage);
                self.index.transaction(|| {
                    gone.iter().try_for_each(|node| {
                        // It may have lost its place since it was read, with the one above it.
                        let node = self.index.by_id(node.id)?;
                        node.map_or(Ok(()), |node| pass.delete_node(&node))
                    })
                })?;
            }
        }
    }

    /// Asks the server where entries are whose container we do not know.
    pub(super) fn settle_places(&mut self, stage: Stage) -> Result<(), WatchError> {
        let bases: Vec<Dn> =
            self.settings.bases.iter().filter_map(|base| Dn::parse(base).ok()).collect();
        let roots: Vec<i64> = self.settings.bases.iter().map(|base| name::hash(base)).collect();
        loop {
            let nodes = self.index.unsettled(0, LOOKED_FOR);
            let nodes = nodes.map_err(|error| self.index.failed(error))?;
            if nodes.is_empty() {
                return Ok(());
            }
            let (known, lost): (Vec<Node>, Vec<Node>) =
                nodes.into_iter().partition(|node| roots.contains(&node.hash));
            let uuids: Vec<EntryUuid> =
                lost.iter().filter_map(|node| entry_uuid(node.uuid)).collect();
            let found = self.lookup.entries_by_uuid(&uuids, &["entryUUID"])?;
            let pass = self.pass(stage);
            self.index.transaction(|| {
                for node in &known {
                    self.index.settle(node.id)?;
                }
                for node in &lost {
                    let entry = entry_uuid(node.uuid).and_then(|uuid| found.get(&uuid));
                    let is_ours = |dn: &str| {
                        let is_in = |dn: Dn| {
                            bases.iter().any(|base| {
                                dn.is_below(base) || dn.normalized() == base.normalized()
                            })
                        };
                        Dn::parse(dn).is_ok_and(is_in)
                    };
                    match entry.filter(|entry| is_ours(&entry.dn)) {
                        Some(entry) => pass.relocate(node, &entry.dn)?,
                        None => pass.delete_node(node)?,
                    }
                }
                Ok(())
            })?;
        }
    }

    /// Hands over what is due; returns how many items. Not before the refresh is complete, also what an
    /// earlier process has left: one that broke off has heard of users and not of their context, or of who
    /// has a name by now and not that the one before is gone.
    pub(super) fn hand_over(&mut self, session: &mut Session) -> Result<u64, WatchError> {
        let mut count = delivery::hand_over(&self.index, &self.spool, &mut session.followed)?;
        if self.next_look()?.is_some_and(|wait| wait.is_zero()) {
            delivery::look_at_delayed(&self.index, &self.settings.wanted, &mut self.lookup)?;
            count += delivery::hand_over(&self.index, &self.spool, &mut session.followed)?;
        }
        Ok(count)
    }

    /// How long until a delayed item has to be looked at.
    pub(super) fn next_look(&self) -> Result<Option<Duration>, WatchError> {
        self.until(self.index.next_due())
    }

    /// As [`Work::next_look`], among items that have not gone out yet.
    pub(super) fn next_awaited(&self) -> Result<Option<Duration>, WatchError> {
        self.until(self.index.next_awaited())
    }

    fn until(&self, due: rusqlite::Result<Option<i64>>) -> Result<Option<Duration>, WatchError> {
        let due = due.map_err(|error| self.index.failed(error))?;
        Ok(due.map(|due| Duration::from_millis(u64::try_from(due - now()).unwrap_or(0).min(1000))))
    }

    /// The server does not go on from our cookie: since when, and whether that is too long. Then the
    /// cookies are dropped, and everything is compared.
    pub(super) fn cookie_refused(&self) -> Result<bool, WatchError> {
        let index = &self.index;
        let since = index.note(REFUSED_SINCE).map_err(|error| index.failed(error))?;
        let since = since.and_then(|text| text.parse::<i64>().ok());
        let patience = i64::try_from(self.settings.patience.as_millis()).unwrap_or(i64::MAX);
        let now = now();
        match since {
            Some(since) if since <= now && now - since >= patience => {
                index.transaction(|| {
                    for dn in &self.settings.bases {
                        index
                            .connection
                            .execute("UPDATE base SET cookie = NULL WHERE dn = ?1", [dn])?;
                    }
                    index.set_note(REFUSED_SINCE, None)
                })?;
                Ok(true)
            }
            Some(since) if since <= now => Ok(patience == 0),
            _ => {
                index.transaction(|| index.set_note(REFUSED_SINCE, Some(&now.to_string())))?;
                Ok(false)
            }
        }
    }

    /// Types that did not lead to items before, and do now: their objects are items all at once.
    fn offer_newly_wanted(&self, stage: Stage) -> Result<(), WatchError> {
        let index = &self.index;
        let known = index.note(WANTED).map_err(|error| index.failed(error))?;
        let names: Vec<&str> = self.settings.wanted.iter().map(|module| module.as_str()).collect();
        let text = names.join(",");
        if let Some(known) = known.filter(|known| *known != text) {
            let is_known = |module: &Module| known.split(',').any(|name| name == module.as_str());
            let new: Vec<Module> =
                self.settings.wanted.iter().copied().filter(|module| !is_known(module)).collect();
            if stage != Stage::Adoption {
                self.offer(&new)?;
            }
        }
        index.transaction(|| index.set_note(WANTED, Some(&text)))
    }

    fn offer(&self, modules: &[Module]) -> Result<(), WatchError> {
        let mut after = 0;
        loop {
            let nodes = self.index.nodes_after(after, CHUNK);
            let nodes = nodes.map_err(|error| self.index.failed(error))?;
            let Some(last) = nodes.last() else { return Ok(()) };
            after = last.id;
            self.index.transaction(|| {
                for node in &nodes {
                    let module = kind::module(node.module).filter(|kind| modules.contains(kind));
                    let Some(module) = module else { continue };
                    let command = kind::Command::Add;
                    self.index.add_item(NewItem {
                        uuid: node.uuid,
                        module,
                        command,
                        dn: None,
                        rank: kind::rank(module, command),
                        csn: &node.csn,
                    })?;
                }
                Ok(())
            })?;
        }
    }

    pub(super) fn pass(&self, stage: Stage) -> Pass<'_> {
        Pass { index: &self.index, wanted: &self.settings.wanted, now: now(), stage }
    }
}

fn is_deletion(message: &SyncMessage) -> bool {
    matches!(
        message,
        SyncMessage::Entry { state: EntryState::Delete, .. }
            | SyncMessage::Uuids { are_deleted: true, .. }
    )
}
