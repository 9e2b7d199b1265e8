//! Which entry names which DN, in attributes that the server rewrites without telling.

use std::collections::HashSet;

use idspool_directory::RawUuid;
use idspool_udm::dn::Dn;
use idspool_udm::{Entry, Module};
use rusqlite::{OptionalExtension as _, params};

use super::index::Index;
use super::name;

pub(super) use idspool_udm::REFERRING as ATTRIBUTES;

/// In a group, whoever it names is changed by it: `memberOf`.
const MEMBER: &str = "uniqueMember";

/// An entry names a DN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Reference {
    /// Hash of the DN.
    pub(super) target: i64,
    /// The one that is named is a member of the one that names it.
    pub(super) is_member: bool,
}

/// What an entry names.
pub(super) fn references(entry: &Entry, module: Option<Module>) -> HashSet<Reference> {
    let mut found = HashSet::new();
    for attribute in ATTRIBUTES {
        let is_member = attribute == MEMBER && module == Some(Module::Group);
        let targets = entry.texts(attribute).map(name::hash);
        found.extend(targets.map(|target| Reference { target, is_member }));
    }
    found
}

/// Whether an entry names anything below this DN.
pub(super) fn names_below(entry: &Entry, above: &str) -> bool {
    let Ok(above) = Dn::parse(above) else { return false };
    let is_below = |dn: &str| Dn::parse(dn).is_ok_and(|dn| dn.is_below(&above));
    ATTRIBUTES.iter().any(|attribute| entry.texts(attribute).any(is_below))
}

impl Index {
    pub(super) fn references(&self, source: i64) -> rusqlite::Result<HashSet<Reference>> {
        self.connection
            .prepare_cached("SELECT target, member FROM reference WHERE source = ?1")?
            .query_map([source], |row| {
                Ok(Reference { target: row.get(0)?, is_member: row.get(1)? })
            })?
            .collect()
    }

    pub(super) fn add_reference(&self, source: i64, to: Reference) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO reference (source, target, member) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![source, to.target, to.is_member])?;
        Ok(())
    }

    pub(super) fn remove_reference(&self, source: i64, to: Reference) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "DELETE FROM reference WHERE source = ?1 AND target = ?2 AND member = ?3",
            )?
            .execute(params![source, to.target, to.is_member])?;
        Ok(())
    }

    /// Who names this DN: identity and type.
    pub(super) fn sources(&self, target: i64) -> rusqlite::Result<Vec<(RawUuid, i64)>> {
        self.connection
            .prepare_cached(
                "SELECT DISTINCT entry.uuid, entry.module FROM reference
                 JOIN entry ON entry.id = reference.source
                 WHERE reference.target = ?1",
            )?
            .query_map([target], |row| Ok((RawUuid(row.get(0)?), row.get(1)?)))?
            .collect()
    }

    /// Notes that what this entry names is as the server has it now.
    pub(super) fn mark_current(&self, source: i64) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO current (source) VALUES (?1)")?
            .execute([source])?;
        Ok(())
    }

    /// Notes that what had one DN has another one.
    pub(super) fn mark_moved(&self, old: i64, new: i64) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO moved (old, new) VALUES (?1, ?2)")?
            .execute([old, new])?;
        Ok(())
    }

    /// Notes that a container had this DN, and has another one.
    pub(super) fn mark_moved_container(&self, old: &str) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("INSERT INTO moved_container (old) VALUES (?1)")?
            .execute([old])?;
        Ok(())
    }

    /// The container that was noted last, if any; then none is noted.
    pub(super) fn take_moved_container(&self) -> rusqlite::Result<Option<String>> {
        let last = self
            .connection
            .prepare_cached("SELECT old FROM moved_container ORDER BY rowid DESC LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
        if last.is_some() {
            self.connection.prepare_cached("DELETE FROM moved_container")?.execute([])?;
        }
        Ok(last)
    }

    /// Who names a DN that no entry has: identity and type.
    pub(super) fn sources_of_nobody(&self) -> rusqlite::Result<Vec<(RawUuid, i64)>> {
        self.connection
            .prepare_cached(
                "SELECT uuid, module FROM entry WHERE id IN (
                     SELECT source FROM reference
                     WHERE NOT EXISTS (SELECT 1 FROM entry WHERE hash = reference.target))",
            )?
            .query_map([], |row| Ok((RawUuid(row.get(0)?), row.get(1)?)))?
            .collect()
    }

    /// Whether an entry names a DN that no entry has.
    pub(super) fn names_nobody(&self, source: i64) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM reference WHERE source = ?1
                     AND NOT EXISTS (SELECT 1 FROM entry WHERE hash = reference.target))",
            )?
            .query_row([source], |row| row.get(0))
    }

    /// As [`Index::sources_of_nobody`], of those that [`Index::mark_current`] noted.
    pub(super) fn current_sources_of_nobody(&self) -> rusqlite::Result<Vec<(RawUuid, i64)>> {
        self.connection
            .prepare_cached(
                "SELECT uuid, module FROM entry WHERE id IN (
                     SELECT source FROM reference
                     WHERE source IN (SELECT source FROM current)
                     AND NOT EXISTS (SELECT 1 FROM entry WHERE hash = reference.target))",
            )?
            .query_map([], |row| Ok((RawUuid(row.get(0)?), row.get(1)?)))?
            .collect()
    }

    /// Lets references follow everything that has moved, all at once: names may have changed hands.
    pub(super) fn follow_moves(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch(
            "INSERT INTO renamed SELECT source, moved.new, member FROM reference
                 JOIN moved ON moved.old = reference.target
                 WHERE source NOT IN (SELECT source FROM current);
             DELETE FROM reference WHERE target IN (SELECT old FROM moved)
                 AND source NOT IN (SELECT source FROM current);
             INSERT OR IGNORE INTO reference (source, target, member) SELECT * FROM renamed;
             DELETE FROM renamed; DELETE FROM moved;",
        )
    }

    /// Forgets what [`Index::mark_current`] noted.
    pub(super) fn clear_marks(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch(
            "DELETE FROM current; DELETE FROM moved; DELETE FROM renamed;
             DELETE FROM moved_container;",
        )
    }
}
