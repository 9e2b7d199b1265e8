//! What routing knows of each object, and which authorities were told of it (id-connector 1.5).
//!
//! An item tells only the present state. Whom to tell that a user has left, and under which identity an
//! authority knows the user, has to be remembered. That cannot be found again when it is lost, so a file
//! that is damaged or not ours is never replaced by an empty one.

mod error;
mod known;

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};

pub use self::error::StateError;
pub use self::known::{Identity, Kind, Known, Told};
use super::Reason;

/// Tells our files from those of others: `idsr`.
const APPLICATION: i64 = 0x6964_7372;
/// Version of the tables.
const VERSION: i64 = 1;
/// How long to wait for somebody else's transaction.
const PATIENCE: Duration = Duration::from_secs(10);
/// Deleted objects that are forgotten with one commit at most.
const FORGOTTEN_AT_ONCE: usize = 256;

const TABLES: &str = "
    CREATE TABLE object (
        id TEXT, kind INTEGER, dn TEXT NOT NULL, schools TEXT NOT NULL, record_uid TEXT, source_uid TEXT,
        told TEXT NOT NULL, deleted INTEGER, PRIMARY KEY (id, kind)
    ) WITHOUT ROWID;
    CREATE INDEX object_deleted ON object (deleted) WHERE deleted IS NOT NULL;
    CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
";
const COLUMNS: &str = "id, kind, dn, schools, record_uid, source_uid, told, deleted";

/// The last known states.
#[derive(Debug)]
pub struct RoutingState {
    connection: Connection,
    path: PathBuf,
}

/// How many objects are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Users that exist.
    pub users: u64,
    /// Classes that exist.
    pub classes: u64,
    /// Objects that were deleted lately.
    pub deleted: u64,
}

impl RoutingState {
    /// Opens the state, and makes an empty one where there is no file.
    ///
    /// # Errors
    /// The file is damaged, of another program or of a newer idspool, or cannot be used.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        // SQLite would make it readable for others, and root's own.
        idspool_spool::open_or_create(path)?;
        Self::connect(path)
    }

    /// Opens the state for a look; somebody else may be working with it. `None`: there is none.
    ///
    /// # Errors
    /// As for [`RoutingState::open`].
    pub fn existing(path: &Path) -> Result<Option<Self>, StateError> {
        match std::fs::metadata(path) {
            // Made a moment ago, and not filled yet.
            Ok(data) if data.len() == 0 => Ok(None),
            Ok(_) => Self::connect(path).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(StateError::Look { path: path.to_owned(), cause }),
        }
    }

    fn connect(path: &Path) -> Result<Self, StateError> {
        let failed = |cause| StateError::of(path, "open", cause);
        let connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        let number = |name: &str| {
            connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed)
        };
        // Before anything is written: a file of somebody else stays as it is.
        let (application, version) = (number("application_id")?, number("user_version")?);
        let is_empty = application == 0 && version == 0 && number("schema_version")? == 0;
        if !is_empty && application != APPLICATION {
            return Err(StateError::Foreign { path: path.to_owned() });
        }
        if !is_empty && version != VERSION {
            return Err(StateError::Version { path: path.to_owned(), version });
        }
        connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
        // A commit is durable when it returns: the items that led to it are removed after it.
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        connection.pragma_update(None, "cache_size", -8192).map_err(failed)?;
        if is_empty {
            connection
                .execute_batch(&format!(
                    "BEGIN IMMEDIATE; {TABLES}
                     PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
                ))
                .map_err(failed)?;
        }
        Ok(Self { connection, path: path.to_owned() })
    }

    /// What is known of an object.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(&self, id: &str, kind: Kind) -> Result<Option<Known>, StateError> {
        let found = self
            .connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM object WHERE id = ?1 AND kind = ?2"))
            .and_then(|mut query| query.query_row(params![id, kind.code()], known).optional());
        found.map_err(|cause| self.failed("read", cause))
    }

    /// At most `count` objects in the order of their ids, from the first one behind `after`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn page(
        &self,
        after: Option<(&str, Kind)>,
        count: usize,
    ) -> Result<Vec<Known>, StateError> {
        let (id, kind) = after.map_or(("", -1), |(id, kind)| (id, kind.code()));
        let found = self
            .connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM object WHERE (id, kind) > (?1, ?2) ORDER BY id, kind LIMIT ?3"
            ))
            .and_then(|mut query| query.query_map(params![id, kind, count], known)?.collect());
        found.map_err(|cause| self.failed("read", cause))
    }

    /// How many objects are known.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn counts(&self) -> Result<Counts, StateError> {
        let found = self.connection.query_row(
            "SELECT count(*) FILTER (WHERE deleted IS NULL AND kind = 0),
                    count(*) FILTER (WHERE deleted IS NULL AND kind = 1),
                    count(*) FILTER (WHERE deleted IS NOT NULL) FROM object",
            [],
            |row| Ok(Counts { users: row.get(0)?, classes: row.get(1)?, deleted: row.get(2)? }),
        );
        found.map_err(|cause| self.failed("read", cause))
    }

    /// How often each thing has happened, in the order of [`Reason::ALL`]; what never did is left out.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn counters(&self) -> Result<Vec<(Reason, u64)>, StateError> {
        let count = |reason: Reason| {
            let mut query =
                self.connection.prepare_cached("SELECT value FROM counter WHERE name = ?1")?;
            query.query_row([reason.as_str()], |row| row.get(0)).optional()
        };
        let counted = Reason::ALL.into_iter().map(|reason| Ok((reason, count(reason)?)));
        let counted: rusqlite::Result<Vec<_>> = counted.collect();
        let counted = counted.map_err(|cause| self.failed("read", cause))?;
        Ok(counted.into_iter().filter_map(|(reason, count)| Some((reason, count?))).collect())
    }

    /// Takes over what another program knew. Objects that are known here stay as they are, so doing it
    /// again changes nothing. Returns how many were new.
    ///
    /// # Errors
    /// The file cannot be written; then nothing was taken over.
    pub fn import<'k>(
        &mut self,
        known: impl IntoIterator<Item = &'k Known>,
    ) -> Result<usize, StateError> {
        let work = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            let mut added = 0;
            for known in known {
                added += put(&transaction, "INSERT OR IGNORE", known)?;
            }
            transaction.commit()?;
            Ok(added)
        };
        let added = work(&mut self.connection);
        added.map_err(|cause| self.failed("write", cause))
    }

    /// Replaces what is known of these objects, adds to the counters, and forgets objects that were deleted
    /// before `forget`: all or nothing, and durable when it returns.
    ///
    /// # Errors
    /// The file cannot be written; then nothing has changed.
    pub fn commit<'k>(
        &mut self,
        changed: impl IntoIterator<Item = &'k Known>,
        counted: impl IntoIterator<Item = (Reason, u64)>,
        forget: DateTime<Utc>,
    ) -> Result<(), StateError> {
        let work = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            for known in changed {
                put(&transaction, "INSERT OR REPLACE", known)?;
            }
            for (reason, count) in counted {
                transaction
                    .prepare_cached(
                        "INSERT INTO counter (name, value) VALUES (?1, ?2)
                         ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                    )?
                    .execute(params![reason.as_str(), count])?;
            }
            transaction
                .prepare_cached(
                    "DELETE FROM object WHERE (id, kind) IN
                     (SELECT id, kind FROM object WHERE deleted < ?1 LIMIT ?2)",
                )?
                .execute(params![forget.timestamp(), FORGOTTEN_AT_ONCE])?;
            transaction.commit()
        };
        let done = work(&mut self.connection);
        done.map_err(|cause| self.failed("write", cause))
    }

    fn failed(&self, doing: &'static str, cause: rusqlite::Error) -> StateError {
        StateError::of(&self.path, doing, cause)
    }
}

fn put(connection: &Connection, how: &str, known: &Known) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(&format!(
            "{how} INTO object ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        ))?
        .execute(params![
            known.id,
            known.kind.code(),
            known.dn,
            known::to_text(&known.schools),
            known.identity.record_uid,
            known.identity.source_uid,
            known::to_text(&known.told),
            known.deleted.map(|time| time.timestamp()),
        ])
}

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    Ok(Known {
        id: row.get(0)?,
        kind: Kind::of_code(row.get(1)?),
        dn: row.get(2)?,
        schools: known::from_text(3, row.get_ref(3)?.as_str()?)?,
        identity: Identity { record_uid: row.get(4)?, source_uid: row.get(5)? },
        told: known::from_text(6, row.get_ref(6)?.as_str()?)?,
        deleted: row
            .get::<_, Option<i64>>(7)?
            .map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests;
