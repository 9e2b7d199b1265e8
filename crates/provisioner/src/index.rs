//! The index over `old/`: which object has which DN, and the facts noted beside each snapshot.
//!
//! It holds nothing that could not be found again: whatever is doubtful about it is answered by
//! reading the snapshots. So its own commits need no fsync (SQLite's write-ahead log keeps it whole
//! when the process dies; a power loss is noticed by the boot id, see [`crate::Objects`]).

use std::path::Path;
use std::time::Duration;

use idspool_udm::ConvertedItem;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};

use crate::Facts;

/// A row of the index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Indexed {
    pub(crate) id: String,
    pub(crate) module: String,
    pub(crate) facts: Facts,
    /// Normalised; empty when it belongs to nobody or to another object.
    pub(crate) dn: String,
    /// Modification time of the snapshot in nanoseconds: tells whether it was edited since.
    pub(crate) stamp: i64,
}

#[derive(Debug)]
pub(crate) struct Index {
    connection: Connection,
}

/// Version of the tables; another one means that the index is made anew.
const VERSION: i64 = 3;
/// How long to wait for somebody else's transaction.
const PATIENCE: Duration = Duration::from_secs(10);
const COLUMNS: &str = "id, module, scope, remote_id, active, digest, rights, stamp, dn";

impl Index {
    /// Opens or makes the index. One that is damaged or of another version is made anew.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        match Self::try_open(path) {
            Ok(Some(index)) => return Ok(index),
            Ok(None) => {}
            Err(error) if is_damage(&error) => {
                tracing::warn!("index {} is damaged ({error}): making it anew", path.display());
            }
            Err(error) => return Err(error),
        }
        for suffix in ["", "-wal", "-shm"] {
            let mut file = path.as_os_str().to_owned();
            file.push(suffix);
            // What cannot be removed shows at the next line, with a better message.
            let _absent = std::fs::remove_file(file);
        }
        Self::try_open(path)?.ok_or(rusqlite::Error::InvalidQuery)
    }

    /// Opens an index that somebody else may be working with. `None`: there is none of this version.
    pub(crate) fn existing(path: &Path) -> rusqlite::Result<Option<Self>> {
        if path.try_exists().is_ok_and(|exists| !exists) {
            return Ok(None);
        }
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(PATIENCE)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok((version == VERSION).then_some(Self { connection }))
    }

    fn try_open(path: &Path) -> rusqlite::Result<Option<Self>> {
        // SQLite would make it readable for others, and root's own; the files beside it get what it
        // has. If it cannot be made, SQLite says so at the next line.
        let _made = idspool_spool::open_or_create(path);
        let connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // The page cache is the greatest part of a provisioner's memory: 2 MiB serve 100,000 objects.
        connection.pragma_update(None, "cache_size", -2048)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == 0 {
            connection.execute_batch(&format!(
                "BEGIN;
                 CREATE TABLE object (
                     id TEXT PRIMARY KEY, dn TEXT, module TEXT NOT NULL, scope INTEGER,
                     remote_id INTEGER, active INTEGER NOT NULL, digest TEXT, rights TEXT,
                     stamp INTEGER NOT NULL
                 ) WITHOUT ROWID;
                 CREATE UNIQUE INDEX object_dn ON object (dn);
                 CREATE TABLE reference (
                     id TEXT, dn TEXT, PRIMARY KEY (id, dn)
                 ) WITHOUT ROWID;
                 CREATE INDEX reference_dn ON reference (dn);
                 CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
                 PRAGMA user_version = {VERSION};
                 COMMIT;"
            ))?;
        } else if version != VERSION {
            return Ok(None);
        }
        // Not part of the version: an index that was made without it is as good.
        connection.execute_batch(
            "CREATE INDEX IF NOT EXISTS object_remote ON object (remote_id, scope)",
        )?;
        Ok(Some(Self { connection }))
    }

    pub(crate) fn by_id(&self, id: &str) -> rusqlite::Result<Option<Indexed>> {
        self.connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM object WHERE id = ?1"))?
            .query_row([id], indexed)
            .optional()
    }

    /// `dn` in normalised form.
    pub(crate) fn by_dn(&self, dn: &str) -> rusqlite::Result<Option<Indexed>> {
        self.connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM object WHERE dn = ?1"))?
            .query_row([dn], indexed)
            .optional()
    }

    /// The objects that have this id at the recipient.
    pub(crate) fn by_remote_id(
        &self,
        scope: i64,
        remote_id: i64,
    ) -> rusqlite::Result<Vec<Indexed>> {
        self.connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM object WHERE remote_id = ?2 AND scope = ?1 ORDER BY id"
            ))?
            .query_map([scope, remote_id], indexed)?
            .collect()
    }

    /// Adds or replaces an object. A DN belongs to the object that was stored under it last
    /// (ox-provisioning 2.5); an empty DN belongs to nobody.
    pub(crate) fn put(
        &self,
        item: &ConvertedItem,
        dn: &str,
        facts: &Facts,
        stamp: i64,
    ) -> rusqlite::Result<()> {
        let dn = Some(dn).filter(|dn| !dn.is_empty());
        self.connection
            .prepare_cached("UPDATE object SET dn = NULL WHERE dn = ?1 AND id <> ?2")?
            .execute(params![dn, item.id])?;
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO object
                 (id, dn, module, scope, remote_id, active, digest, rights, stamp)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                item.id,
                dn,
                item.udm_object_type,
                facts.scope,
                facts.remote_id,
                facts.active,
                facts.digest,
                facts.rights,
                stamp
            ])?;
        Ok(())
    }

    /// Replaces what is noted of an object, if it is known.
    pub(crate) fn set_facts(&self, id: &str, facts: &Facts) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE object SET scope = ?2, remote_id = ?3, active = ?4, digest = ?5, rights = ?6
                 WHERE id = ?1",
            )?
            .execute(params![
                id,
                facts.scope,
                facts.remote_id,
                facts.active,
                facts.digest,
                facts.rights
            ])?;
        Ok(())
    }

    pub(crate) fn remove(&self, id: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM object WHERE id = ?1")?.execute([id])?;
        self.connection.prepare_cached("DELETE FROM reference WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// Removes all objects.
    pub(crate) fn clear(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch("BEGIN; DELETE FROM object; DELETE FROM reference; COMMIT;")
    }

    /// The DN of an object.
    pub(crate) fn dn(&self, id: &str) -> rusqlite::Result<Option<String>> {
        let found = self
            .connection
            .prepare_cached("SELECT dn FROM object WHERE id = ?1")?
            .query_row([id], |row| row.get::<_, Option<String>>(0))
            .optional()?;
        Ok(found.flatten())
    }

    /// Takes a DN from its object.
    pub(crate) fn forget_dn(&self, dn: &str) -> rusqlite::Result<()> {
        self.connection.execute("UPDATE object SET dn = NULL WHERE dn = ?1", [dn])?;
        Ok(())
    }

    /// Makes `dns` all that the object with this id refers to, marked names included. They are normalised, in order, each once.
    pub(crate) fn refer(&self, id: &str, dns: &[String]) -> rusqlite::Result<()> {
        let noted = self
            .connection
            .prepare_cached("SELECT dn FROM reference WHERE id = ?1 ORDER BY dn")?
            .query_map([id], |row| row.get::<_, String>(0))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        // An account may list thousands of users, of which one changes.
        for gone in noted.iter().filter(|dn| dns.binary_search(dn).is_err()) {
            self.connection
                .prepare_cached("DELETE FROM reference WHERE id = ?1 AND dn = ?2")?
                .execute([id, gone])?;
        }
        for new in dns.iter().filter(|dn| noted.binary_search(dn).is_err()) {
            self.connection
                .prepare_cached("INSERT INTO reference (id, dn) VALUES (?1, ?2)")?
                .execute([id, new])?;
        }
        Ok(())
    }

    /// The objects that refer to a DN in normalised form, or have a marked name.
    pub(crate) fn referring(&self, dn: &str) -> rusqlite::Result<Vec<Indexed>> {
        self.connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM object
                 WHERE id IN (SELECT id FROM reference WHERE dn = ?1) ORDER BY id"
            ))?
            .query_map([dn], indexed)?
            .collect()
    }

    /// At most `count` objects with greater ids than this one.
    pub(crate) fn page(&self, after: &str, count: usize) -> rusqlite::Result<Vec<Indexed>> {
        self.connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM object WHERE id > ?1 ORDER BY id LIMIT {count}"
            ))?
            .query_map([after], indexed)?
            .collect()
    }

    pub(crate) fn count(&self) -> rusqlite::Result<usize> {
        self.connection.query_row("SELECT count(*) FROM object", [], |row| row.get(0))
    }

    /// Collects the changes that follow into one transaction, until [`Index::keep`]; many small changes
    /// are a hundred times cheaper that way.
    pub(crate) fn gather(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            // Not when the first change comes: what was read before it could be stale by then, which
            // SQLite refuses without waiting.
            self.connection.execute_batch("BEGIN IMMEDIATE")
        } else {
            Ok(())
        }
    }

    /// Ends what [`Index::gather`] began.
    pub(crate) fn keep(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            Ok(())
        } else {
            self.connection.execute_batch("COMMIT")
        }
    }

    /// The modification time that the snapshot of an object had when it was stored.
    pub(crate) fn stamp(&self, id: &str) -> rusqlite::Result<Option<i64>> {
        self.connection
            .prepare_cached("SELECT stamp FROM object WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()
    }

    /// Calls `visit` with id and DN of every object.
    pub(crate) fn each_dn(
        &self,
        mut visit: impl FnMut(&str, Option<&str>),
    ) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare("SELECT id, dn FROM object")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            visit(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str_or_null()?);
        }
        Ok(())
    }

    /// Whether SQLite finds no damage.
    #[cfg(test)]
    pub(crate) fn is_sound(&self) -> rusqlite::Result<bool> {
        let found: String =
            self.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        Ok(found == "ok")
    }

    pub(crate) fn note(&self, name: &str) -> rusqlite::Result<Option<String>> {
        self.connection
            .query_row("SELECT value FROM note WHERE name = ?1", [name], |row| row.get(0))
            .optional()
    }

    pub(crate) fn set_note(&self, name: &str, value: &str) -> rusqlite::Result<()> {
        self.connection
            .execute("INSERT OR REPLACE INTO note (name, value) VALUES (?1, ?2)", [name, value])?;
        Ok(())
    }
}

fn indexed(row: &Row<'_>) -> rusqlite::Result<Indexed> {
    Ok(Indexed {
        id: row.get(0)?,
        module: row.get(1)?,
        facts: Facts {
            scope: row.get(2)?,
            remote_id: row.get(3)?,
            active: row.get(4)?,
            digest: row.get(5)?,
            rights: row.get(6)?,
        },
        stamp: row.get(7)?,
        dn: row.get::<_, Option<String>>(8)?.unwrap_or_default(),
    })
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
}
