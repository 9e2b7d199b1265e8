//! What a message of the server means for the index, and which items follow from it: also for
//! entries that the server changes without a word.
//!
//! | what happens | items, beside that of the entry itself |
//! |---|---|
//! | an entry gets another DN | all objects below it; whatever names one of these DNs, once the server has rewritten it, and then the renamed again, whose groups were in between |
//! | a container gets another DN | whatever names somebody who is gone, if that has changed |
//! | an entry gets a DN that is named already | whatever names it, after the entry itself |
//! | an entry goes away | whatever names it, likewise |
//! | a group gets or loses members | these members, whose `memberOf` has changed |
//! | a group gets another DN, or goes away | all its members |
//!
//! During a refresh the messages come in no particular order, and names may have changed hands since
//! the last one. Then entries are only taken out of the tree, and put back when all are there
//! ([`Pass::place_all`]). While we watch, each message describes the moment, and is applied at once.

use std::collections::HashSet;

use idspool_directory::RawUuid;
use idspool_udm::{Entry, EntryUuid, Module};

use super::index::Index;
use super::kind::{self, Command};
use super::name;
use super::outbox::{Change, Until};
use super::reference::{Reference, references};
use super::tree::Node;

/// Rows that are looked at together.
const CHUNK: usize = 256;

/// One application of messages, within a transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) index: &'a Index,
    /// Types that lead to items.
    pub(super) wanted: &'a [Module],
    /// Milliseconds since 1970.
    pub(super) now: i64,
    pub(super) stage: Stage,
}

/// Where the synchronisation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// No refresh has been completed yet.
    First,
    /// As before, and what is there counts as known to the consumers.
    Adoption,
    /// Something was known.
    Refresh,
    /// We watch.
    Persist,
}

/// An entry as the server has just sent it.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    pub(super) uuid: RawUuid,
    pub(super) base: i64,
    pub(super) entry: &'a Entry,
}

impl Pass<'_> {
    /// Takes in what the server says of an entry; returns its id.
    pub(super) fn apply(&self, sent: &Sent<'_>) -> rusqlite::Result<i64> {
        let entry = sent.entry;
        let csn = entry.first_text("entryCSN").unwrap_or_default();
        let Some(known) = self.index.by_uuid(sent.uuid)? else {
            return self.apply_new(sent, csn);
        };
        // Without these it is not known what it is; that is no reason to take it for something else.
        let is_readable = is_readable(entry);
        let module = if is_readable { Module::of(entry) } else { kind::module(known.module) };
        let named = references(entry, module);
        let changed = self.change_references(&known, module, &named)?;
        let hash = name::hash(&entry.dn);
        let is_same = known.csn == csn && !csn.is_empty();
        let is_moved = known.hash != hash;
        let was = kind::module(known.module);
        if was != module {
            self.retype(sent.uuid, was, module, csn)?;
        } else if !is_same || is_moved || changed {
            self.changed(sent.uuid, module, Command::Modify, csn)?;
        }
        self.index.update(known.id, sent.base, kind::number(module), csn)?;
        let is_at_once = self.stage != Stage::Refresh;
        let rdn = name::split(&entry.dn).0;
        if !is_at_once || is_moved || known.parent.is_none() {
            let old = if is_moved { Some(self.index.dn_of(&known)?) } else { None };
            self.index.detach(known.id, &entry.dn, old.as_deref())?;
            if is_at_once {
                self.place(known.id)?;
                self.follow_moves()?;
            }
        } else if known.name != rdn {
            self.index.respell(known.id, rdn)?;
        }
        Ok(known.id)
    }

    fn apply_new(&self, sent: &Sent<'_>, csn: &str) -> rusqlite::Result<i64> {
        let module = Module::of(sent.entry);
        let stored = kind::number(module);
        let id = self.index.insert(sent.uuid, sent.base, &sent.entry.dn, stored, csn)?;
        let named = references(sent.entry, module);
        for reference in &named {
            self.index.add_reference(id, *reference)?;
        }
        self.changed(sent.uuid, module, Command::Add, csn)?;
        if self.stage == Stage::Refresh {
            self.index.mark_current(id)?;
        }
        // In a first refresh all of them are new.
        if matches!(self.stage, Stage::Refresh | Stage::Persist) {
            self.touch_members(named.iter())?;
            self.inherit(sent.uuid, module, &sent.entry.dn)?;
            self.touch_expecting(name::hash(&sent.entry.dn))?;
        }
        if self.stage != Stage::Refresh {
            self.place(id)?;
        }
        if self.stage == Stage::Persist {
            self.look_for_unknown(id, sent.uuid, module)?;
            // A container that we have lost and found again may have been renamed meanwhile.
            if module.is_none() {
                self.index.unsettle_orphans()?;
            }
        }
        Ok(id)
    }

    /// An entry that has become something else: whoever knew it as what it was is told.
    fn retype(
        &self,
        uuid: RawUuid,
        was: Option<Module>,
        is: Option<Module>,
        csn: &str,
    ) -> rusqlite::Result<()> {
        let (was, is) = (was.filter(|was| self.wants(*was)), is.filter(|is| self.wants(*is)));
        match (was, is) {
            // The converter removes it as the one and delivers it as the other.
            (Some(was), Some(_)) => self.changed(uuid, Some(was), Command::Modify, csn),
            (Some(was), None) => {
                let Some(node) = self.index.by_uuid(uuid)? else { return Ok(()) };
                let dn = self.index.dn_of(&node)?;
                self.gone(uuid, was, &dn)
            }
            (None, is) => self.changed(uuid, is, Command::Add, csn),
        }
    }

    /// Brings what an entry names up to date. Members that come or go are changed by that.
    fn change_references(
        &self,
        known: &Node,
        module: Option<Module>,
        named: &HashSet<Reference>,
    ) -> rusqlite::Result<bool> {
        let before = self.index.references(known.id)?;
        let added: Vec<_> = named.difference(&before).copied().collect();
        let removed: Vec<_> = before.difference(named).copied().collect();
        for reference in &removed {
            self.index.remove_reference(known.id, *reference)?;
        }
        for reference in &added {
            self.index.add_reference(known.id, *reference)?;
        }
        if self.stage == Stage::Refresh && (!named.is_empty() || !before.is_empty()) {
            self.index.mark_current(known.id)?;
        }
        if module == Some(Module::Group) || kind::module(known.module) == Some(Module::Group) {
            self.touch_members(added.iter().chain(&removed))?;
        }
        if self.stage == Stage::Persist && !added.is_empty() {
            self.look_for_unknown(known.id, known.uuid, module)?;
        }
        Ok(!(added.is_empty() && removed.is_empty()))
    }

    /// An entry may name a DN that another one had before we heard of that one: then the server is
    /// about to rewrite it, without a word.
    fn look_for_unknown(
        &self,
        id: i64,
        uuid: RawUuid,
        module: Option<Module>,
    ) -> rusqlite::Result<()> {
        match module.filter(|module| self.wants(*module)) {
            Some(module) if self.index.names_nobody(id)? => {
                self.delay(uuid, module, Until::NamesTheKnown)
            }
            _ => Ok(()),
        }
    }

    /// Takes in what an entry names by now, when the server may have changed that without a word.
    /// Returns whether that is something else than we knew.
    pub(super) fn read_again(&self, known: &Node, entry: &Entry) -> rusqlite::Result<bool> {
        let module = kind::module(known.module);
        self.change_references(known, module, &references(entry, module))
    }

    /// Takes in that an entry is gone from a base.
    pub(super) fn delete(&self, base: i64, uuid: RawUuid) -> rusqlite::Result<()> {
        match self.index.by_uuid(uuid)? {
            // It may have moved to another base, which has been heard of first.
            Some(node) if node.base == base => self.delete_node(&node),
            _ => Ok(()),
        }
    }

    /// Removes an entry. What is below it has lost its place, and is looked for.
    pub(super) fn delete_node(&self, node: &Node) -> rusqlite::Result<()> {
        let dn = self.index.dn_of(node)?;
        let was = node.was.unwrap_or(node.hash);
        let change = Change { old: &dn, new: None };
        if self.touch_sources(was, change)? {
            self.bequeath(node, was, change)?;
        }
        // References stay until the server has taken them out: another entry may get this DN.
        self.touch_members_of(node)?;
        loop {
            let children = self.index.children(node.id, 0, CHUNK)?;
            for child in &children {
                self.index.detach(child.id, &name::join(&child.name, &dn), None)?;
            }
            if children.is_empty() {
                break;
            }
        }
        self.index.remove(node.id)?;
        match kind::module(node.module).filter(|module| self.wants(*module)) {
            Some(module) => self.gone(node.uuid, module, &dn),
            None => Ok(()),
        }
    }

    /// Takes in where an entry is, which only the server could tell.
    pub(super) fn relocate(&self, node: &Node, dn: &str) -> rusqlite::Result<()> {
        let old = self.index.dn_of(node)?;
        let is_moved = node.hash != name::hash(dn);
        if is_moved {
            self.changed(node.uuid, kind::module(node.module), Command::Modify, "")?;
        }
        self.index.detach(node.id, dn, is_moved.then_some(old.as_str()))?;
        self.place(node.id)?;
        self.follow_moves()?;
        self.index.settle(node.id)
    }

    /// Puts back into the tree what a refresh has taken out, those nearer to the root first, so that
    /// the DNs above are right whenever one is looked for.
    pub(super) fn place_all(&self) -> rusqlite::Result<()> {
        for id in self.index.unsettled_by_depth()? {
            self.place(id)?;
        }
        self.follow_moves()?;
        for (uuid, module) in self.index.current_sources_of_nobody()? {
            if let Some(module) = self.wanted(module) {
                self.delay(uuid, module, Until::NamesTheKnown)?;
            }
        }
        self.index.clear_marks()
    }

    /// Lets references follow what has moved. A reference to nobody follows a container, too, and its
    /// DN is not known here: whoever has one is looked at again.
    fn follow_moves(&self) -> rusqlite::Result<()> {
        self.index.follow_moves()?;
        let Some(container) = self.index.take_moved_container()? else { return Ok(()) };
        // What was read below a name that the container had for a moment only is not below it now.
        self.index.unsettle_orphans()?;
        for (uuid, module) in self.index.sources_of_nobody()? {
            if let Some(module) = self.wanted(module) {
                self.delay(uuid, module, Until::NamesNothingBelow(&container))?;
            }
        }
        Ok(())
    }

    /// Puts an entry into the tree; what is below it moves along. Without a DN above that we know it
    /// stays unsettled.
    fn place(&self, id: i64) -> rusqlite::Result<()> {
        let Some(node) = self.index.by_id(id)? else { return Ok(()) };
        if node.parent.is_some() {
            return Ok(());
        }
        self.index.attach(&node)?;
        self.index.adopt(id, node.hash)?;
        if let Some(was) = node.was {
            if was != node.hash {
                self.moved(&node, was)?;
            }
            self.index.forget_past(id)?;
        }
        Ok(())
    }

    /// An entry has another DN, and with it everything below. `node` is as it was taken out.
    fn moved(&self, node: &Node, was: i64) -> rusqlite::Result<()> {
        let old = node.was_dn.clone().unwrap_or_default();
        self.renamed(node, was, &old, &node.name)?;
        // What was below it may be gone.
        let is_container =
            kind::module(node.module).is_none() || self.index.has_children(node.id)?;
        if is_container && !old.is_empty() {
            self.index.mark_moved_container(&old)?;
        }
        let mut containers = vec![(node.id, old, node.name.clone())];
        while let Some((id, old, dn)) = containers.pop() {
            let mut after = 0;
            loop {
                let children = self.index.children(id, after, CHUNK)?;
                let Some(last) = children.last() else { break };
                after = last.id;
                for child in &children {
                    let new = name::join(&child.name, &dn);
                    let hash = name::hash(&new);
                    if hash == child.hash {
                        continue;
                    }
                    let old = name::join(&child.name, &old);
                    self.index.set_hash(child.id, hash)?;
                    self.renamed(child, child.hash, &old, &new)?;
                    self.changed(child.uuid, kind::module(child.module), Command::Modify, "")?;
                    if self.index.has_children(child.id)? {
                        containers.push((child.id, old, new));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether an entry came with what tells what it is.
pub(super) fn is_readable(entry: &Entry) -> bool {
    !entry.values("objectClass").is_empty() || !entry.values("univentionObjectType").is_empty()
}

/// The identity in the form of an item.
pub(super) fn entry_uuid(uuid: RawUuid) -> Option<EntryUuid> {
    uuid.to_string().parse().ok()
}
