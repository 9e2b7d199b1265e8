//! How many objects the index of a watcher knows, for those who do not watch.

use std::path::Path;

use idspool_udm::Module;
use rusqlite::{Connection, OpenFlags};

use super::kind;

/// Objects of these types, about; `None`: nobody has watched here.
///
/// The file is read as it is, without locks and without what is still in its log: nothing is made
/// that could belong to somebody else than the watcher, and no watcher has to wait.
pub(crate) fn known(spool: &Path, modules: &[Module]) -> Option<u64> {
    let path = spool.join(super::index::FILE);
    let path = path.to_str().filter(|path| !path.contains(['?', '#', '%']))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let index = Connection::open_with_flags(format!("file:{path}?immutable=1"), flags).ok()?;
    let mut count = 0;
    for module in modules {
        let number = kind::number(Some(*module));
        let sql = "SELECT count(*) FROM entry WHERE module = ?1";
        count += index.query_row(sql, [number], |row| row.get::<_, u64>(0)).ok()?;
    }
    Some(count).filter(|count| *count > 0)
}
