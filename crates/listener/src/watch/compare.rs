//! What the server has, compared with the index entry by entry: for when its word is not enough.
//!
//! A cookie says up to which change we know everything. A server that was restored from a backup and
//! has gone on since, or that shows entries that it did not show before, does not tell what is
//! different before that change.

use idspool_directory::RawUuid;
use idspool_udm::EntryUuid;
use idspool_udm::dn::Dn;

use super::content::{Sent, entry_uuid};
use super::error::WatchError;
use super::reference;
use super::refresh::Followed;
use super::work::{ATTRIBUTES, LOOKED_FOR, Session, Work};

impl Work {
    /// Whether what the server has may be something else than what it told.
    pub(super) fn is_doubtful(&self, session: &Session) -> Result<bool, WatchError> {
        // Without a cookie it has told everything.
        if !session.followed.iter().any(Followed::had_cookie) {
            return Ok(false);
        }
        let has_unknown = session.mentioned.has_unknown(&self.index);
        Ok(session.is_restarted || has_unknown.map_err(|error| self.index.failed(error))?)
    }

    /// Mentions every entry that the server has, and takes in those that are not as we know them.
    pub(super) fn compare_what_exists(&mut self, session: &mut Session) -> Result<(), WatchError> {
        const PAGE: u16 = 1000;
        const NEEDED: [&str; 2] = ["entryUUID", "entryCSN"];
        let mut place = None;
        let mut others = Vec::new();
        loop {
            let (entries, next) =
                self.lookup.entries_page(&self.settings.filter, &NEEDED, PAGE, place)?;
            for entry in entries {
                let uuid = entry.first_text("entryUUID").and_then(|text| text.parse().ok());
                let Some(uuid): Option<EntryUuid> = uuid else { continue };
                let known = self.index.by_uuid(RawUuid::from(&uuid));
                let known = known.map_err(|error| self.index.failed(error))?;
                if let Some(known) = &known {
                    session.mentioned.insert(known.id);
                }
                let csn = entry.first_text("entryCSN").unwrap_or_default();
                // Asked for later: this connection can do only one thing at a time.
                if known.is_none_or(|known| known.csn != csn) {
                    others.push(RawUuid::from(&uuid));
                }
            }
            if next.is_none() {
                break;
            }
            place = next;
        }
        others.chunks(LOOKED_FOR).try_for_each(|uuids| self.take_in(session, uuids))
    }

    /// Reads entries that the server has told nothing of, and takes them in.
    fn take_in(&mut self, session: &mut Session, uuids: &[RawUuid]) -> Result<(), WatchError> {
        let wanted: Vec<EntryUuid> = uuids.iter().filter_map(|uuid| entry_uuid(*uuid)).collect();
        let attributes: Vec<&str> =
            ["entryUUID"].into_iter().chain(ATTRIBUTES).chain(reference::ATTRIBUTES).collect();
        let found = self.lookup.entries_by_uuid(&wanted, &attributes)?;
        let bases: Vec<Dn> =
            self.settings.bases.iter().filter_map(|base| Dn::parse(base).ok()).collect();
        let pass = self.pass(session.stage);
        let Session { followed, mentioned, .. } = session;
        self.index.transaction(|| {
            for (uuid, entry) in &found {
                let Ok(dn) = Dn::parse(&entry.dn) else { continue };
                let is_in = |base: &Dn| dn.is_below(base) || dn.normalized() == base.normalized();
                let base = bases.iter().position(is_in).and_then(|at| followed.get(at));
                if let Some(base) = base {
                    let sent = Sent { uuid: RawUuid::from(uuid), base: base.id, entry };
                    mentioned.insert(pass.apply(&sent)?);
                }
            }
            Ok(())
        })
    }
}
