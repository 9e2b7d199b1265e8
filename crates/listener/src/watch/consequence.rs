//! What follows from a change: items, and what is to be looked at when the server is done.

use idspool_directory::RawUuid;
use idspool_udm::Module;

use super::content::{Pass, Stage};
use super::kind::{self, Command};
use super::name;
use super::outbox::{Change, NewItem, Until};
use super::reference::Reference;
use super::tree::Node;

impl Pass<'_> {
    /// What follows from one changed DN.
    pub(super) fn renamed(
        &self,
        node: &Node,
        was: i64,
        old: &str,
        new: &str,
    ) -> rusqlite::Result<()> {
        self.index.mark_moved(was, name::hash(new))?;
        let module = self.wanted(node.module);
        let change = Change { old, new: Some(new) };
        if self.touch_sources(was, change)? {
            if let Some(module) = module {
                // Until the groups have the new DN, the object seems to be in none.
                self.delay(node.uuid, module, Until::IsMember(change))?;
            }
            self.bequeath(node, was, Change { old, new: None })?;
        }
        self.inherit(node.uuid, module, new)?;
        self.touch_expecting(name::hash(new))?;
        self.touch_members_of(node)
    }

    /// Whatever names a DN before somebody has it goes out once more after who has got it: a recipient
    /// that had not heard of that one could do nothing with the name.
    pub(super) fn touch_expecting(&self, target: i64) -> rusqlite::Result<()> {
        for (uuid, module) in self.index.sources(target)? {
            if let Some(module) = self.wanted(module) {
                self.delay(uuid, module, Until::Settled)?;
            }
        }
        Ok(())
    }

    /// As [`Pass::inherit`], where we have heard first who has the DN now.
    pub(super) fn bequeath(
        &self,
        from: &Node,
        was: i64,
        change: Change<'_>,
    ) -> rusqlite::Result<()> {
        if self.stage != Stage::Refresh {
            return Ok(());
        }
        for (uuid, module) in self.index.by_hash(was)? {
            if let Some(module) = self.wanted(module).filter(|_| uuid != from.uuid) {
                self.delay(uuid, module, Until::IsMember(change))?;
            }
        }
        Ok(())
    }

    /// An object that gets a DN which another one has just given up seems to be in the groups of that
    /// one, until the server has taken the DN out of them.
    pub(super) fn inherit(
        &self,
        uuid: RawUuid,
        module: Option<Module>,
        dn: &str,
    ) -> rusqlite::Result<()> {
        let Some(module) = module.filter(|module| self.wants(*module)) else { return Ok(()) };
        if self.index.is_awaited(dn)? {
            self.delay(uuid, module, Until::IsMember(Change { old: dn, new: None }))?;
        }
        Ok(())
    }

    /// Returns whether any group names this DN.
    pub(super) fn touch_sources(&self, target: i64, change: Change<'_>) -> rusqlite::Result<bool> {
        let mut is_member = false;
        for (uuid, module) in self.index.sources(target)? {
            is_member |= kind::module(module) == Some(Module::Group);
            if let Some(module) = self.wanted(module) {
                self.delay(uuid, module, Until::Names(change))?;
            }
        }
        Ok(is_member)
    }

    pub(super) fn touch_members_of(&self, group: &Node) -> rusqlite::Result<()> {
        if kind::module(group.module) != Some(Module::Group) {
            return Ok(());
        }
        self.touch_members(self.index.references(group.id)?.iter())
    }

    pub(super) fn touch_members<'r>(
        &self,
        references: impl Iterator<Item = &'r Reference>,
    ) -> rusqlite::Result<()> {
        for reference in references.filter(|reference| reference.is_member) {
            for (uuid, module) in self.index.by_hash(reference.target)? {
                if let Some(module) = self.wanted(module) {
                    self.delay(uuid, module, Until::Settled)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn changed(
        &self,
        uuid: RawUuid,
        module: Option<Module>,
        command: Command,
        csn: &str,
    ) -> rusqlite::Result<()> {
        let Some(module) = module.filter(|module| self.wants(*module)) else { return Ok(()) };
        if self.stage == Stage::Adoption {
            return Ok(());
        }
        let csn = if self.stage == Stage::Persist { "" } else { csn };
        let rank = self.rank(module, command);
        self.index.add_item(NewItem { uuid, module, command, dn: None, rank, csn })
    }

    pub(super) fn gone(&self, uuid: RawUuid, module: Module, dn: &str) -> rusqlite::Result<()> {
        let (command, rank) = (Command::Delete, self.rank(module, Command::Delete));
        self.index.add_item(NewItem { uuid, module, command, dn: Some(dn), rank, csn: "" })
    }

    pub(super) fn delay(
        &self,
        uuid: RawUuid,
        module: Module,
        wait: Until<'_>,
    ) -> rusqlite::Result<()> {
        if self.stage == Stage::Adoption {
            return Ok(());
        }
        self.index.add_delayed(uuid, module, wait, self.rank(module, Command::Modify), self.now)
    }

    pub(super) fn rank(&self, module: Module, command: Command) -> i64 {
        if self.stage == Stage::Persist { 0 } else { kind::rank(module, command) }
    }

    pub(super) fn wants(&self, module: Module) -> bool {
        self.wanted.contains(&module)
    }

    pub(super) fn wanted(&self, stored: i64) -> Option<Module> {
        kind::module(stored).filter(|module| self.wants(*module))
    }
}
