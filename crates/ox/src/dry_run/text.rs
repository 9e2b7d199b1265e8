//! What one item would make OX be told, for people.

use std::io::{self, Write};

use idspool_provisioner::forecast::text::names;
use idspool_service::one_line;
use serde_json::Value;

use super::journal::{Call, Change};
use super::stage::Foreseen;

/// Its calls, and the changes of files.
pub(crate) fn foreseen(out: &mut dyn Write, foreseen: &Foreseen) -> io::Result<()> {
    for call in &foreseen.calls {
        self::call(out, call)?;
    }
    for change in &foreseen.files {
        let (old, new) = (change.old.as_deref(), change.new.as_deref());
        let (old, new) = (old.unwrap_or("(no entry)"), new.unwrap_or("(no entry)"));
        let change_of = format!("{} '{}': {old} → {new}", change.file, change.entry);
        writeln!(out, "  file {}", one_line(&change_of))?;
    }
    Ok(())
}

fn call(out: &mut dyn Write, call: &Call) -> io::Result<()> {
    write!(out, "  {} '{}'", call.operation, one_line(&call.object))?;
    if let Some(id) = call.id {
        write!(out, " ({id})")?;
    }
    writeln!(out, " in context {}", call.context)?;
    for change in &call.changes {
        match change {
            Change::Value { field, old: None, new } => {
                writeln!(out, "    {field}: {}", value(new))?;
            }
            Change::Value { field, old: Some(old), new } => {
                writeln!(out, "    {field}: {} → {}", value(old), value(new))?;
            }
            Change::List { field, added, removed } => {
                writeln!(out, "    {field}:{}{}", names('+', added), names('−', removed))?;
            }
            Change::Ids { field, added, removed } => {
                let texts = |ids: &[i32]| ids.iter().map(i32::to_string).collect::<Vec<_>>();
                let (added, removed) = (texts(added), texts(removed));
                writeln!(out, "    {field}:{}{}", names('+', &added), names('−', &removed))?;
            }
        }
    }
    Ok(())
}

fn value(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", one_line(text)),
        other => other.to_string(),
    }
}
