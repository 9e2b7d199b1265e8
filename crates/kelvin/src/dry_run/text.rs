//! What is told, for people.

use std::io::{self, Write};

use idspool_service::one_line;
use serde_json::Value;

use super::journal::{Change, Request};
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
    for request in &report.foreseen.requests {
        self::request(out, request)?;
    }
    for head in &step.follows {
        writeln!(out, "  queues {} {} again", one_line(&head.udm_object_type), one_line(&head.dn))?;
    }
    if report.outcome() == "no_requests" {
        writeln!(out, "  no request")?;
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
        Value::Null => "nothing".to_owned(),
        other => one_line(&other.to_string()),
    }
}

/// All items of one authority.
pub(crate) fn summary(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    writeln!(
        out,
        "{} items: {} with requests, {} without, {} faulty",
        summary.items(),
        summary.with_requests,
        summary.without_requests,
        summary.faulty
    )?;
    let requests: Vec<String> =
        summary.requests.iter().map(|(operation, count)| format!("{operation} {count}")).collect();
    if !requests.is_empty() {
        writeln!(out, "requests: {}", requests.join(", "))?;
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
        writeln!(out, "the server was not asked: what was last delivered counts as what it has")?;
    }
    Ok(())
}
