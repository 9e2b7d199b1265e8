//! What one item would make the server be told, for people.

use std::io::{self, Write};

use idspool_provisioner::forecast::text::names;
use idspool_service::one_line;
use serde_json::Value;

use super::journal::{Change, Request};
use super::stage::Foreseen;

/// Its requests.
pub(crate) fn foreseen(out: &mut dyn Write, foreseen: &Foreseen) -> io::Result<()> {
    foreseen.requests.iter().try_for_each(|request| self::request(out, request))
}

fn request(out: &mut dyn Write, request: &Request) -> io::Result<()> {
    writeln!(out, "  {} '{}'", request.operation, one_line(&request.object))?;
    for change in &request.changes {
        match change {
            Change::Value { field, old: None, new } => {
                writeln!(out, "    {}: {}", one_line(field), value(new))?;
            }
            Change::Value { field, old: Some(old), new } => {
                writeln!(out, "    {}: {} → {}", one_line(field), value(old), value(new))?;
            }
            Change::List { field, added, removed } => {
                let (added, removed) = (names('+', added), names('−', removed));
                writeln!(out, "    {}:{added}{removed}", one_line(field))?;
            }
            Change::Secret { field } => writeln!(out, "    {field}: (not shown)")?,
        }
    }
    Ok(())
}

fn value(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", one_line(text)),
        Value::Null => "nothing".to_owned(),
        other => one_line(&other.to_string()),
    }
}
