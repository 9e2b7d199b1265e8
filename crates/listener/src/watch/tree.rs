//! The tree of entries: where each is, and what moves with it.

use idspool_directory::RawUuid;
use rusqlite::{OptionalExtension as _, Row, params};

use super::index::Index;
use super::name;

/// No DN has that many components; more means that the tree has a loop, which must not hang us.
const DEEPEST: usize = 200;

/// An entry as the index has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) id: i64,
    pub(super) uuid: RawUuid,
    pub(super) base: i64,
    pub(super) parent: Option<i64>,
    pub(super) name: String,
    pub(super) hash: i64,
    /// What the entry was known as before it was taken out of the tree: hash, and DN if it differs.
    pub(super) was: Option<i64>,
    pub(super) was_dn: Option<String>,
    pub(super) module: i64,
    pub(super) csn: String,
}

const COLUMNS: &str = "id, uuid, base, parent, name, hash, was, was_dn, module, csn";

fn node(row: &Row<'_>) -> rusqlite::Result<Node> {
    Ok(Node {
        id: row.get(0)?,
        uuid: RawUuid(row.get(1)?),
        base: row.get(2)?,
        parent: row.get(3)?,
        name: row.get(4)?,
        hash: row.get(5)?,
        was: row.get(6)?,
        was_dn: row.get(7)?,
        module: row.get(8)?,
        csn: row.get(9)?,
    })
}

impl Index {
    pub(super) fn by_uuid(&self, uuid: RawUuid) -> rusqlite::Result<Option<Node>> {
        self.connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM entry WHERE uuid = ?1"))?
            .query_row([uuid.0], node)
            .optional()
    }

    pub(super) fn id_of(&self, uuid: RawUuid) -> rusqlite::Result<Option<i64>> {
        self.connection
            .prepare_cached("SELECT id FROM entry WHERE uuid = ?1")?
            .query_row([uuid.0], |row| row.get(0))
            .optional()
    }

    pub(super) fn by_id(&self, id: i64) -> rusqlite::Result<Option<Node>> {
        self.connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM entry WHERE id = ?1"))?
            .query_row([id], node)
            .optional()
    }

    /// Identity and type of what has this DN. More than one only for a moment, when a name changes
    /// hands.
    pub(super) fn by_hash(&self, hash: i64) -> rusqlite::Result<Vec<(RawUuid, i64)>> {
        self.connection
            .prepare_cached("SELECT uuid, module FROM entry WHERE hash = ?1")?
            .query_map([hash], |row| Ok((RawUuid(row.get(0)?), row.get(1)?)))?
            .collect()
    }

    /// Entries behind `after` in the order of their ids.
    pub(super) fn nodes_after(&self, after: i64, most: usize) -> rusqlite::Result<Vec<Node>> {
        self.connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM entry WHERE id > ?1 ORDER BY id LIMIT ?2"
            ))?
            .query_map(params![after, most], node)?
            .collect()
    }

    /// Entries whose place is not known yet, behind `after`.
    pub(super) fn unsettled(&self, after: i64, most: usize) -> rusqlite::Result<Vec<Node>> {
        self.connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM entry WHERE settled = 0 AND id > ?1 ORDER BY id LIMIT ?2"
            ))?
            .query_map(params![after, most], node)?
            .collect()
    }

    /// Ids of all of these, those that are nearer to the root first.
    pub(super) fn unsettled_by_depth(&self) -> rusqlite::Result<Vec<i64>> {
        // The number of commas is the depth, but for escaped ones; what is off by that is found
        // afterwards, by asking the server.
        self.connection
            .prepare_cached(
                "SELECT id FROM entry WHERE settled = 0
                 ORDER BY length(name) - length(replace(name, ',', '')), id",
            )?
            .query_map([], |row| row.get(0))?
            .collect()
    }

    /// The DN of an entry, as far as the tree tells.
    pub(super) fn dn_of(&self, node: &Node) -> rusqlite::Result<String> {
        let mut dn = node.name.clone();
        let mut parent = node.parent;
        let mut statement =
            self.connection.prepare_cached("SELECT parent, name FROM entry WHERE id = ?1")?;
        for _ in 0..DEEPEST {
            let Some(id) = parent else { return Ok(dn) };
            let above: Option<(Option<i64>, String)> =
                statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((next, name)) = above else { return Ok(dn) };
            dn.push(',');
            dn.push_str(&name);
            parent = next;
        }
        Ok(dn)
    }

    /// A new entry, not in the tree yet.
    pub(super) fn insert(
        &self,
        uuid: RawUuid,
        base: i64,
        dn: &str,
        module: i64,
        csn: &str,
    ) -> rusqlite::Result<i64> {
        self.connection
            .prepare_cached(
                "INSERT INTO entry (uuid, base, above, settled, name, hash, module, csn)
                 VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                uuid.0,
                base,
                name::hash(name::split(dn).1),
                dn,
                name::hash(dn),
                module,
                csn
            ])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// What we know of an entry beside its place.
    pub(super) fn update(
        &self,
        id: i64,
        base: i64,
        module: i64,
        csn: &str,
    ) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE entry SET base = ?2, module = ?3, csn = ?4 WHERE id = ?1")?
            .execute(params![id, base, module, csn])?;
        Ok(())
    }

    /// Takes an entry out of the tree; it is at `dn` now, wherever that is, and was at `old` if that
    /// is somewhere else. What is below it stays below it.
    pub(super) fn detach(&self, id: i64, dn: &str, old: Option<&str>) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE entry SET parent = NULL, above = ?2, settled = 0, name = ?3,
                     was = COALESCE(was, hash), was_dn = COALESCE(was_dn, ?5), hash = ?4
                 WHERE id = ?1",
            )?
            .execute(params![id, name::hash(name::split(dn).1), dn, name::hash(dn), old])?;
        Ok(())
    }

    /// Another spelling of the same component.
    pub(super) fn respell(&self, id: i64, rdn: &str) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE entry SET name = ?2 WHERE id = ?1")?
            .execute(params![id, rdn])?;
        Ok(())
    }

    /// Puts an entry below the one that has the DN above it. `false`: there is none.
    pub(super) fn attach(&self, node: &Node) -> rusqlite::Result<bool> {
        let (rdn, above) = name::split(&node.name);
        let parent: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT id FROM entry WHERE hash = ?1 AND id <> ?2 ORDER BY settled DESC, id DESC",
            )?
            .query_row([name::hash(above), node.id], |row| row.get(0))
            .optional()?;
        let Some(parent) = parent else { return Ok(false) };
        if self.is_above(node.id, parent)? {
            return Ok(false);
        }
        self.connection
            .prepare_cached(
                "UPDATE entry SET parent = ?2, above = NULL, settled = 1, name = ?3 WHERE id = ?1",
            )?
            .execute(params![node.id, parent, rdn])?;
        Ok(true)
    }

    /// Leaves an entry by itself: there is nothing above it that we follow.
    pub(super) fn settle(&self, id: i64) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE entry SET settled = 1 WHERE id = ?1")?
            .execute([id])?;
        Ok(())
    }

    /// Doubts the place of everything that is by itself.
    pub(super) fn unsettle_orphans(&self) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE entry SET settled = 0 WHERE above IS NOT NULL AND settled = 1")?
            .execute([])?;
        Ok(())
    }

    /// Everybody knows where it is now.
    pub(super) fn forget_past(&self, id: i64) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE entry SET was = NULL, was_dn = NULL WHERE id = ?1")?
            .execute([id])?;
        Ok(())
    }

    /// Puts those below an entry that have waited for it.
    pub(super) fn adopt(&self, id: i64, hash: i64) -> rusqlite::Result<()> {
        let waiting: Vec<(i64, String)> = self
            .connection
            .prepare_cached(
                "SELECT id, name FROM entry WHERE above = ?1 AND id <> ?2 AND was IS NULL",
            )?
            .query_map([hash, id], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (child, dn) in waiting {
            if !self.is_above(child, id)? {
                self.connection
                    .prepare_cached(
                        "UPDATE entry SET parent = ?2, above = NULL, settled = 1, name = ?3
                         WHERE id = ?1",
                    )?
                    .execute(params![child, id, name::split(&dn).0])?;
            }
        }
        Ok(())
    }

    /// Entries directly below, behind `after` in the order of their ids.
    pub(super) fn children(&self, id: i64, after: i64, most: usize) -> rusqlite::Result<Vec<Node>> {
        self.connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM entry WHERE parent = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
            ))?
            .query_map(params![id, after, most], node)?
            .collect()
    }

    pub(super) fn has_children(&self, id: i64) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM entry WHERE parent = ?1)")?
            .query_row([id], |row| row.get(0))
    }

    pub(super) fn set_hash(&self, id: i64, hash: i64) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE entry SET hash = ?2 WHERE id = ?1")?
            .execute([id, hash])?;
        Ok(())
    }

    /// Removes an entry and what it names.
    pub(super) fn remove(&self, id: i64) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM reference WHERE source = ?1")?.execute([id])?;
        self.connection.prepare_cached("DELETE FROM entry WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// Whether `upper` is `lower` or above it.
    fn is_above(&self, upper: i64, lower: i64) -> rusqlite::Result<bool> {
        let mut statement =
            self.connection.prepare_cached("SELECT parent FROM entry WHERE id = ?1")?;
        let mut at = Some(lower);
        for _ in 0..DEEPEST {
            match at {
                None => return Ok(false),
                Some(id) if id == upper => return Ok(true),
                Some(id) => {
                    at = statement.query_row([id], |row| row.get(0)).optional()?.flatten();
                }
            }
        }
        Ok(true)
    }
}
