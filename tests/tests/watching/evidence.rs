//! What is known when consumers do not hold what the directory holds: enough to find out why without
//! another run.

use std::fmt::Write as _;
use std::path::Path;

use idspool_tests::{Installation, LdapCli};
use rusqlite::types::ValueRef;

use super::consumer::Difference;

/// What happened, in order, with the time since the beginning.
pub type History = Vec<(f64, String)>;

/// Everything about these objects. `logs` are the lines of all programs that ran.
pub fn evidence(
    differences: &[Difference],
    ldap: &LdapCli,
    idspool: &Installation,
    history: &History,
    logs: &[String],
) -> String {
    let mut text = String::new();
    // All that has been at one of these places, or names it.
    let mut words = Vec::new();
    for difference in differences.iter().take(5) {
        let id = &difference.id;
        let _ = writeln!(text, "== {}", difference.describe());
        let mut filter = format!("(entryUUID={id})");
        for dn in difference.dns() {
            let dn_filter = escape(&dn);
            let _ = write!(filter, "(uniqueMember={dn_filter})(entryDN={dn_filter})");
            // The containers, too: whoever moves them moves it.
            words.extend(dn.split(',').filter(|rdn| !rdn.starts_with("dc=")).map(str::to_owned));
        }
        words.push(id.clone());
        let attributes = ["*", "entryUUID", "entryCSN", "modifiersName", "modifyTimestamp"];
        let found = ldap.search(&format!("(|{filter})"), &attributes);
        let _ =
            writeln!(text, "-- directory: it, and what names it\n{}", found.unwrap_or_default());
        text += &rows(idspool, &format!(
            "WITH it AS (SELECT * FROM entry WHERE lower(hex(uuid)) = '{}')
             SELECT 'entry', id, parent, name, hash, was, was_dn, settled, csn FROM it
             UNION ALL SELECT 'above', e.id, e.parent, e.name, e.hash, e.was, e.was_dn, e.settled, e.csn
                 FROM it JOIN entry e ON e.id = it.parent
             UNION ALL SELECT 'named by', e.id, e.parent, e.name, e.hash, e.was, e.was_dn, e.settled, e.csn
                 FROM it JOIN reference r ON r.target = it.hash JOIN entry e ON e.id = r.source
             UNION ALL SELECT 'names', e.id, e.parent, e.name, r.target, r.member, NULL, NULL, NULL
                 FROM it JOIN reference r ON r.source = it.id LEFT JOIN entry e ON e.hash = r.target",
            id.replace('-', "")
        ));
    }
    text += &rows(idspool, "SELECT 'reading', lower(hex(uuid)), digest, due FROM reading");
    words.sort();
    words.dedup();
    let state = ldap.search("(objectClass=domain)", &["contextCSN"]);
    let _ = writeln!(text, "-- directory\n{}", state.unwrap_or_default());
    text += &rows(
        idspool,
        "SELECT 'waiting', lower(hex(uuid)), delayed, command, due, until, old, new FROM outbox",
    );
    text += &rows(idspool, "SELECT 'base', dn, CAST(cookie AS TEXT) FROM base");
    text += &rows(idspool, "SELECT 'note', name, value FROM note");
    text + &account(&words, history, logs)
}

/// What happened to whatever these words name, and what the programs said of it.
pub fn account(words: &[String], history: &History, logs: &[String]) -> String {
    let mut text = String::new();
    let is_about = |line: &str| words.iter().any(|word| line.contains(word.as_str()));
    let _ = writeln!(text, "-- history of {words:?}, and what was started and killed");
    for (at, what) in history {
        if what.starts_with('!') || is_about(what) {
            let _ = writeln!(text, "{at:.3} {}", what.trim_end().replace('\n', " | "));
        }
    }
    let _ = writeln!(text, "-- logs");
    for line in logs.iter().filter(|line| !line.contains(" -> ") || is_about(line)) {
        let _ = writeln!(text, "{line}");
    }
    text
}

fn escape(dn: &str) -> String {
    dn.replace('\\', "\\5c").replace('(', "\\28").replace(')', "\\29").replace('*', "\\2a")
}

fn rows(idspool: &Installation, query: &str) -> String {
    let path = idspool.listener_spool().join(".watch.sqlite");
    read(&path, query).unwrap_or_else(|error| format!("-- index: {error}\n"))
}

fn read(path: &Path, query: &str) -> rusqlite::Result<String> {
    let index = rusqlite::Connection::open(path)?;
    let mut statement = index.prepare(query)?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    let mut text = String::new();
    while let Some(row) = rows.next()? {
        text += "-- index:";
        for column in 0..columns {
            let _ = match row.get_ref(column)? {
                ValueRef::Null => write!(text, " -"),
                ValueRef::Integer(number) => write!(text, " {number}"),
                ValueRef::Real(number) => write!(text, " {number}"),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    write!(text, " {}", String::from_utf8_lossy(bytes))
                }
            };
        }
        text.push('\n');
    }
    Ok(text)
}
