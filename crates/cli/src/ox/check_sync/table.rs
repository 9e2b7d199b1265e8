//! The answer for all objects: a table, or JSON lines.

use std::io::Write;

use idspool_ox::admin::check::{Report, Resynced, Row, Summary};
use serde_json::{Value, json};

use super::resynced;
use crate::format;

/// Longer values are cut off in the table; JSON has them in full.
const WIDTH: usize = 60;

/// The answer for all objects.
pub(super) struct Table<'a> {
    as_json: bool,
    out: &'a mut dyn Write,
    has_head: bool,
}

impl<'a> Table<'a> {
    pub(super) fn new(as_json: bool, out: &'a mut dyn Write) -> Self {
        Self { as_json, out, has_head: false }
    }

    pub(super) fn warnings(&mut self, warnings: &[String]) -> std::io::Result<()> {
        for warning in warnings.iter().filter(|_| !self.as_json) {
            writeln!(self.out, "Warning: {}", format::line(warning))?;
        }
        Ok(())
    }

    pub(super) fn report(
        &mut self,
        report: &Report,
        done: Option<&Resynced>,
    ) -> std::io::Result<()> {
        if self.as_json {
            for mut line in json_lines(report) {
                if let (Some(done), Some(line)) = (done, line.as_object_mut()) {
                    line.insert("resync".to_owned(), resynced(done).into());
                }
                writeln!(self.out, "{line}")?;
            }
            return Ok(());
        }
        if !std::mem::replace(&mut self.has_head, true) {
            writeln!(
                self.out,
                "{:<50} {:<20} {:<24} {:<24} {:<24} directory",
                "object", "difference", "field", "snapshot", "OX"
            )?;
        }
        for finding in &report.findings {
            let object = match finding.context {
                Some(context) => format!("{} [{context}]", report.name),
                None => report.name.clone(),
            };
            let kind = finding.kind.as_str();
            write!(self.out, "{:<50} {kind:<20}", format::line(&object))?;
            if let Some(row) = &finding.row {
                let [snapshot, ox, directory] =
                    [&row.snapshot, &row.ox, &row.directory].map(|side| cut(&side.to_string()));
                let field = &row.property;
                write!(self.out, " {field:<24} {snapshot:<24} {ox:<24} {directory}")?;
            }
            if let Some(note) = &finding.note {
                write!(self.out, " ({})", format::line(note))?;
            }
            writeln!(self.out)?;
        }
        if let Some(done) = done {
            writeln!(self.out, "{:<50} {}", "", format::line(&resynced(done)))?;
        }
        Ok(())
    }

    pub(super) fn summary(
        &mut self,
        summary: &Summary,
        warnings: &[String],
    ) -> std::io::Result<()> {
        if self.as_json {
            let mut all = json!({ "summary": summary });
            if let Some(members) = all.get_mut("summary").and_then(Value::as_object_mut) {
                members.insert("warnings".to_owned(), warnings.into());
            }
            return writeln!(self.out, "{all}");
        }
        writeln!(
            self.out,
            "{} objects compared, {} differ, {} wait in a queue",
            summary.compared, summary.inconsistent, summary.waiting
        )?;
        for (kind, count) in &summary.findings {
            writeln!(self.out, "  {:<22} {count}", kind.as_str())?;
        }
        if summary.not_compared_with_ox > 0 {
            writeln!(
                self.out,
                "  {} objects are in contexts without credentials: not compared with OX",
                summary.not_compared_with_ox
            )?;
        }
        if summary.requeued > 0 {
            writeln!(self.out, "  {} objects were put into a queue again", summary.requeued)?;
        }
        Ok(())
    }
}

/// One object per finding.
pub(super) fn json_lines(report: &Report) -> Vec<Value> {
    let line = |finding: &idspool_ox::admin::check::Finding| {
        let row = finding.row.as_ref();
        json!({
            "object": report.name,
            "id": Some(&report.id).filter(|id| !id.is_empty()),
            "type": report.module,
            "kind": finding.kind,
            "context": finding.context,
            "field": row.map(|row| &row.property),
            "ox_field": row.and_then(|row| row.ox_field),
            "snapshot": row.map(|row| &row.snapshot),
            "ox": row.map(|row| &row.ox),
            "directory": row.map(|row| &row.directory),
            "compared": row.map(compared),
            "note": finding.note,
        })
    };
    report.findings.iter().map(line).collect()
}

/// The sides that have their say: null can mean "no value" or "not asked".
fn compared(row: &Row) -> Vec<&'static str> {
    let sides = [("snapshot", &row.snapshot), ("ox", &row.ox), ("directory", &row.directory)];
    let asked = sides.into_iter().filter(|(_, side)| side.is_compared());
    asked.map(|(name, _)| name).collect()
}

fn cut(text: &str) -> String {
    let line = format::line(text);
    if line.chars().count() <= WIDTH {
        return line;
    }
    line.chars().take(WIDTH - 1).chain(std::iter::once('…')).collect()
}
