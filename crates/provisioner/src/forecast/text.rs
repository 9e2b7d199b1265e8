//! What is told, for people.

use std::fmt::Write as _;
use std::io::{self, Write};

use idspool_service::one_line;

use super::{Foreseen, Report, Summary, class};

/// More names than this in one list are counted.
const MANY: usize = 20;

/// One item. `sent` writes what would be sent, and what else the recipient would do.
///
/// # Errors
/// What `out` says.
pub fn item<F: Foreseen>(
    out: &mut dyn Write,
    report: &Report<F>,
    sent: impl FnOnce(&mut dyn Write, &F) -> io::Result<()>,
) -> io::Result<()> {
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
    sent(out, &report.foreseen)?;
    for head in &step.follows {
        writeln!(out, "  queues {} {} again", one_line(&head.udm_object_type), one_line(&head.dn))?;
    }
    if report.is_nothing() {
        writeln!(out, "  no {}", F::NOUN)?;
    }
    for warning in report.foreseen.warnings() {
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

/// Elements that come or go, each with its sign; many are counted.
#[must_use]
pub fn names(sign: char, names: &[String]) -> String {
    let mut text = String::new();
    for name in names.iter().take(MANY) {
        let _never_fails = write!(text, " {sign}{}", one_line(name));
    }
    if let Some(more) = names.len().checked_sub(MANY).filter(|more| *more > 0) {
        let _never_fails = write!(text, " {sign}({more} more)");
    }
    text
}

/// All items. `offline` says what counted when the server was not asked.
///
/// # Errors
/// What `out` says.
pub fn summary(out: &mut dyn Write, summary: &Summary, offline: &str) -> io::Result<()> {
    let noun = summary.noun;
    writeln!(
        out,
        "{} items: {} with {noun}s, {} without, {} faulty",
        summary.items(),
        summary.sending,
        summary.not_sending,
        summary.faulty
    )?;
    let operations: Vec<String> = summary
        .operations
        .iter()
        .map(|(operation, count)| format!("{operation} {count}"))
        .collect();
    if !operations.is_empty() {
        writeln!(out, "{noun}s: {}", operations.join(", "))?;
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
        writeln!(out, "{offline}")?;
    }
    Ok(())
}
