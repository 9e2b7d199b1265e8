//! The index: what the directory held when we last heard of it, and what has still to be enqueued.
//!
//! | table | holds |
//! |---|---|
//! | `entry` | every entry below the bases: identity, place in the tree, object type, entryCSN |
//! | `reference` | which entry names which DN in an attribute that the server rewrites by itself |
//! | `outbox` | items that are not in the spool yet |
//! | `base` | what is followed, and the cookie of each |
//! | `reading` | objects of which something else was read than we know |
//!
//! An entry knows the entry above it and its own component, not its DN: when a container is renamed
//! the DN of everything below changes without a word from the server, and here, too. An entry whose
//! container is unknown has its whole DN in `name`, and the hash of the DN above in `above`.
//!
//! # Why nothing here is synced
//!
//! SQLite's write-ahead log with `synchronous = NORMAL` keeps transactions whole and in their order;
//! a power loss may take the last ones. An entry and the items that follow from it are in one
//! transaction, an item leaves the outbox after it is durable in the spool, and the cookie moves
//! with the last of them. So what a power loss takes is told by the server again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params};

use super::cookie;
use super::error::WatchError;

pub(super) const FILE: &str = ".watch.sqlite";

/// Version of the tables; another one means that the index is made anew.
const VERSION: i64 = 1;

const TABLES: &str = "
    CREATE TABLE entry (
        id INTEGER PRIMARY KEY, uuid BLOB NOT NULL UNIQUE, base INTEGER NOT NULL,
        parent INTEGER, above INTEGER, settled INTEGER NOT NULL,
        name TEXT NOT NULL, hash INTEGER NOT NULL, was INTEGER, was_dn TEXT,
        module INTEGER NOT NULL, csn TEXT NOT NULL
    );
    CREATE INDEX entry_parent ON entry (parent) WHERE parent IS NOT NULL;
    CREATE INDEX entry_above ON entry (above) WHERE above IS NOT NULL;
    CREATE INDEX entry_unsettled ON entry (id) WHERE settled = 0;
    CREATE INDEX entry_hash ON entry (hash);
    CREATE TABLE reference (
        source INTEGER, target INTEGER, member INTEGER, PRIMARY KEY (source, target, member)
    ) WITHOUT ROWID;
    CREATE INDEX reference_target ON reference (target);
    CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY, uuid BLOB NOT NULL, delayed INTEGER NOT NULL,
        rank INTEGER NOT NULL, csn TEXT NOT NULL, module INTEGER NOT NULL,
        command INTEGER NOT NULL, dn TEXT, due INTEGER NOT NULL, until INTEGER NOT NULL,
        old TEXT, new TEXT, UNIQUE (uuid, delayed)
    );
    CREATE INDEX outbox_order ON outbox (delayed, rank, csn, seq);
    CREATE INDEX outbox_due ON outbox (due) WHERE delayed > 0;
    CREATE INDEX outbox_old ON outbox (old) WHERE old IS NOT NULL;
    CREATE TABLE base (
        id INTEGER PRIMARY KEY, dn TEXT NOT NULL, filter TEXT NOT NULL, cookie BLOB
    );
    CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// Later than the others: an older version neither needs it nor minds.
const ADDED: &str = "
    CREATE TABLE IF NOT EXISTS reading (uuid BLOB PRIMARY KEY, digest INTEGER NOT NULL, due INTEGER)
        WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS reading_due ON reading (due) WHERE due IS NOT NULL;
";

/// Lives as long as the process: which entries have been heard of in the running refresh.
const TEMPORARY: &str = "
    CREATE TEMP TABLE current (source INTEGER PRIMARY KEY);
    CREATE TEMP TABLE moved (old INTEGER, new INTEGER, PRIMARY KEY (old, new)) WITHOUT ROWID;
    CREATE TEMP TABLE renamed (source INTEGER, target INTEGER, member INTEGER);
    CREATE TEMP TABLE moved_container (old TEXT NOT NULL);
";

/// A followed base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) id: i64,
    pub(super) cookie: Option<Vec<u8>>,
}

/// The open index.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) connection: Connection,
    path: PathBuf,
}

impl Index {
    /// Opens or makes the index of a spool. One that is damaged or of another version is made anew.
    pub(super) fn open(spool: &Path) -> Result<Self, WatchError> {
        let path = spool.join(FILE);
        let failed = |cause| WatchError::Index { path: path.clone(), cause };
        // SQLite would make it readable for others: it has the names of all users.
        idspool_spool::open_or_create(&path)?;
        match Self::connect(&path) {
            Ok(Some(connection)) => return Ok(Self { connection, path }),
            Ok(None) => {}
            Err(error) if is_damage(&error) => {
                tracing::warn!("index {} is damaged ({error}): making it anew", path.display());
            }
            Err(error) => return Err(failed(error)),
        }
        let connection = Self::make_anew(&path)?;
        Ok(Self { connection, path })
    }

    fn make_anew(path: &Path) -> Result<Connection, WatchError> {
        let failed = |cause| WatchError::Index { path: path.to_owned(), cause };
        for suffix in ["-wal", "-shm", ""] {
            let mut file = path.as_os_str().to_owned();
            file.push(suffix);
            // What cannot be removed shows at the next line, with a better message.
            let _absent = std::fs::remove_file(file);
        }
        idspool_spool::open_or_create(path)?;
        let connection = Self::connect(path).map_err(failed)?;
        connection.ok_or(rusqlite::Error::InvalidQuery).map_err(failed)
    }

    /// Begins anew, after [`WatchError::is_damage`].
    pub(super) fn renew(&mut self) -> Result<(), WatchError> {
        tracing::warn!("index {} is damaged: making it anew", self.path.display());
        let nothing = Connection::open_in_memory().map_err(|error| self.failed(error))?;
        // As it is closed SQLite removes files by their names, so the new ones must come later.
        drop(std::mem::replace(&mut self.connection, nothing));
        self.connection = Self::make_anew(&self.path)?;
        Ok(())
    }

    /// `None`: tables of another version.
    fn connect(path: &Path) -> rusqlite::Result<Option<Connection>> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // 16 MiB hold the inner pages of all indexes over a million entries.
        connection.pragma_update(None, "cache_size", -16384)?;
        connection.set_prepared_statement_cache_capacity(64);
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == 0 {
            connection.execute_batch(&format!(
                "BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
            ))?;
        } else if version != VERSION {
            return Ok(None);
        }
        connection.execute_batch(ADDED)?;
        connection.execute_batch(TEMPORARY)?;
        Ok(Some(connection))
    }

    /// Says where it happened.
    pub(super) fn failed(&self, cause: rusqlite::Error) -> WatchError {
        WatchError::Index { path: self.path.clone(), cause }
    }

    /// Does all of `work` or nothing.
    pub(super) fn transaction<T>(
        &self,
        work: impl FnOnce() -> rusqlite::Result<T>,
    ) -> Result<T, WatchError> {
        let begin = || self.connection.execute_batch("BEGIN IMMEDIATE");
        let done = begin().and_then(|()| work()).and_then(|value| {
            self.connection.execute_batch("COMMIT")?;
            Ok(value)
        });
        done.map_err(|error| {
            // The fault is the one to report; without a transaction this does nothing.
            let _ = self.connection.execute_batch("ROLLBACK");
            self.failed(error)
        })
    }

    /// The base with this DN and filter, made if it is new.
    pub(super) fn base(&self, dn: &str, filter: &str) -> Result<Base, WatchError> {
        self.transaction(|| {
            let known = self
                .connection
                .prepare_cached("SELECT id, cookie FROM base WHERE dn = ?1 AND filter = ?2")?
                .query_row([dn, filter], |row| Ok(Base { id: row.get(0)?, cookie: row.get(1)? }))
                .optional()?;
            if let Some(Base { id, cookie }) = known {
                // Earlier versions kept it as it came.
                let cookie = cookie.map(|cookie| cookie::whole(&cookie));
                return Ok(Base { id, cookie });
            }
            self.connection
                .execute("INSERT INTO base (dn, filter) VALUES (?1, ?2)", [dn, filter])?;
            Ok(Base { id: self.connection.last_insert_rowid(), cookie: None })
        })
    }

    pub(super) fn set_cookie(&self, base: i64, cookie: Option<&[u8]>) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE base SET cookie = ?2 WHERE id = ?1")?
            .execute(params![base, cookie])?;
        Ok(())
    }

    /// Bases that are no longer followed.
    pub(super) fn other_bases(&self, followed: &[i64]) -> rusqlite::Result<Vec<i64>> {
        let mut statement = self.connection.prepare_cached("SELECT id FROM base")?;
        let ids = statement.query_map([], |row| row.get(0))?;
        let ids: Vec<i64> = ids.collect::<rusqlite::Result<_>>()?;
        Ok(ids.into_iter().filter(|id| !followed.contains(id)).collect())
    }

    pub(super) fn forget_base(&self, base: i64) -> rusqlite::Result<()> {
        self.connection.execute("DELETE FROM base WHERE id = ?1", [base])?;
        Ok(())
    }

    pub(super) fn note(&self, name: &str) -> rusqlite::Result<Option<String>> {
        self.connection
            .prepare_cached("SELECT value FROM note WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()
    }

    pub(super) fn set_note(&self, name: &str, value: Option<&str>) -> rusqlite::Result<()> {
        match value {
            Some(value) => self.connection.execute(
                "INSERT OR REPLACE INTO note (name, value) VALUES (?1, ?2)",
                [name, value],
            )?,
            None => self.connection.execute("DELETE FROM note WHERE name = ?1", [name])?,
        };
        Ok(())
    }

    /// The greatest id that is in use.
    pub(super) fn last_id(&self) -> rusqlite::Result<i64> {
        self.connection.query_row("SELECT COALESCE(MAX(id), 0) FROM entry", [], |row| row.get(0))
    }

    /// Entries of one base.
    pub(super) fn count(&self, base: i64) -> rusqlite::Result<i64> {
        self.connection
            .query_row("SELECT COUNT(*) FROM entry WHERE base = ?1", [base], |row| row.get(0))
    }
}

pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_private_and_keeps_cookies_by_base_and_filter() {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(folder.path()).unwrap();
        let mode = folder.path().join(FILE).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let base = index.base("dc=x", "(a=*)").unwrap();
        index.transaction(|| index.set_cookie(base.id, Some(b"c"))).unwrap();
        drop(index);
        let index = Index::open(folder.path()).unwrap();
        assert_eq!(
            index.base("dc=x", "(a=*)").unwrap(),
            Base { id: base.id, cookie: Some(b"c".to_vec()) }
        );
        assert_eq!(index.base("dc=x", "(b=*)").unwrap().cookie, None);
    }

    #[test]
    fn a_damaged_or_foreign_index_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), vec![b'x'; 8192]).unwrap();
        let index = Index::open(folder.path()).unwrap();
        index.base("dc=x", "(a=*)").unwrap();
        index.connection.pragma_update(None, "user_version", 99).unwrap();
        drop(index);
        let index = Index::open(folder.path()).unwrap();
        assert_eq!(index.other_bases(&[]).unwrap(), Vec::<i64>::new());
    }

    #[test]
    fn a_transaction_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(folder.path()).unwrap();
        let error = index
            .transaction(|| {
                index.set_note("a", Some("1"))?;
                Err::<(), _>(rusqlite::Error::InvalidQuery)
            })
            .unwrap_err();
        assert!(error.to_string().contains(FILE), "{error}");
        assert_eq!(index.note("a").unwrap(), None);
    }
}
