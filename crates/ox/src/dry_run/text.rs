//! What is told, for people.

use std::io::{self, Write};

use idspool_service::one_line;
use serde_json::Value;

use super::journal::{Call, Change};
use super::report::{Report, Summary, class};

/// More names than this in one list are counted.
const MANY: usize = 20;

/// One item.
pub(crate) fn item(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let step = &report.step;
    let copy = if step.is_copy { " (would be queued again)" } else { "" };
    match &step.head {
        None => writeln!(out, "{}", step.name)?,
        Some(head) => {
            let gone = if head.deleted { " deleted" } else { "" };
            let (module, dn) = (one_line(&head.udm_object_type), one_line(&head.dn));
            writeln!(out, "{}{copy}  {module}{gone}  {dn}", step.name)?;
        }
    }
    if let Some(behind) = &report.waits_behind {
        writeln!(out, "  waits behind {behind}")?;
    }
    for call in &report.foreseen.calls {
        self::call(out, call)?;
    }
    for change in &report.foreseen.files {
        let (old, new) = (change.old.as_deref(), change.new.as_deref());
        let (old, new) = (old.unwrap_or("(no entry)"), new.unwrap_or("(no entry)"));
        let change_of = format!("{} '{}': {old} → {new}", change.file, change.entry);
        writeln!(out, "  file {}", one_line(&change_of))?;
    }
    for head in &step.follows {
        writeln!(out, "  queues {} {} again", one_line(&head.udm_object_type), one_line(&head.dn))?;
    }
    if report.outcome() == "no_calls" {
        writeln!(out, "  no call")?;
    }
    for warning in &report.foreseen.warnings {
        writeln!(out, "  warning: {}", one_line(warning))?;
    }
    if let Some(fault) = report.fault() {
        writeln!(out, "  FAULT ({}): {}", class(fault.class), one_line(&fault.message))?;
        if let Some(remedy) = &fault.remedy {
            writeln!(out, "    what to do: {}", one_line(remedy))?;
        }
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

fn names(sign: char, names: &[String]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for name in names.iter().take(MANY) {
        let _never_fails = write!(text, " {sign}{}", one_line(name));
    }
    if let Some(more) = names.len().checked_sub(MANY).filter(|more| *more > 0) {
        let _never_fails = write!(text, " {sign}({more} more)");
    }
    text
}

fn value(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", one_line(text)),
        other => other.to_string(),
    }
}

/// All items.
pub(crate) fn summary(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    writeln!(
        out,
        "{} items: {} with calls, {} without, {} faulty",
        summary.items(),
        summary.with_calls,
        summary.without_calls,
        summary.faulty
    )?;
    let calls: Vec<String> =
        summary.calls.iter().map(|(operation, count)| format!("{operation} {count}")).collect();
    if !calls.is_empty() {
        writeln!(out, "calls: {}", calls.join(", "))?;
    }
    if let Some(name) = summary.stands_at() {
        writeln!(
            out,
            "the queue would stand at {name}, with {} of these items behind it",
            summary.behind
        )?;
    }
    if summary.is_limited {
        writeln!(out, "more items wait: the limit was reached")?;
    }
    if summary.is_offline {
        writeln!(out, "OX was not asked: what is noted counts as what it has")?;
    }
    Ok(())
}
