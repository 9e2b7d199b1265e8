//! The answer for one object, line by line as `check_sync_status.py` gives it.

use std::io::Write;

use anyhow::Result;
use idspool_ox::admin::check::{CheckSync, Finding, Kind, Resynced, Single};
use idspool_service::Exit;
use idspool_udm::Module;
use serde_json::json;

use super::{resynced, table};
use crate::format;

/// The answer for one object.
pub(super) struct Answer<'a> {
    dn: &'a str,
    as_json: bool,
    warnings: Vec<String>,
    out: &'a mut dyn Write,
}

impl<'a> Answer<'a> {
    pub(super) fn new(dn: &'a str, as_json: bool, out: &'a mut dyn Write) -> Self {
        Self { dn, as_json, warnings: Vec::new(), out }
    }

    pub(super) fn begin(&mut self, warnings: Vec<String>) -> Result<()> {
        for warning in &warnings {
            self.line(&format!("Warning: {warning}"))?;
        }
        self.warnings = warnings;
        self.line(&format!("Search object with dn: {}", self.dn))
    }

    /// Tells what was found out, and puts the object into a queue again if it differs and that is
    /// wanted.
    pub(super) fn single(
        &mut self,
        check: &mut CheckSync,
        found: &Single,
        resync: bool,
    ) -> Result<Exit> {
        let mut done = None;
        let exit = self.tell(found)?;
        if exit == Exit::Stopped && resync && found.report.is_inconsistent() {
            done = check.resync(std::slice::from_ref(&found.report))?.pop();
            match &done {
                Some(Resynced::Enqueued(path)) => self.line(&format!(
                    "Object {} has been scheduled to be resynced with file {}",
                    self.dn,
                    path.display()
                ))?,
                Some(Resynced::Refused(reason)) => {
                    self.line(&format!("Resync not possible. {reason}"))?;
                }
                None => {}
            }
        } else if exit == Exit::Stopped && found.is_in_directory && !found.has_snapshot {
            self.line(&listener_command(found))?;
        }
        if self.as_json {
            self.json(found, done.as_ref(), exit)?;
        }
        Ok(exit)
    }

    fn tell(&mut self, found: &Single) -> Result<Exit> {
        let Some(module) = found.module else {
            self.line("Error: can't find udm module. Specify it with --udm_module")?;
            return Ok(Exit::Stopped);
        };
        if found.lacks_context {
            self.line("Error: can't find ox context. Specify it with --ox_context")?;
            return Ok(Exit::Stopped);
        }
        if !found.is_in_directory {
            self.line("Error: Object not found in udm. Does it exist, and is it of this module?")?;
            return Ok(Exit::Stopped);
        }
        if found.is_off {
            let kind = if module == Module::Group { "group" } else { "user" };
            self.line(&format!("The object is no OX {kind}. Nothing to compare."))?;
            return Ok(Exit::Done);
        }
        let is_damaged = found.report.findings.iter().any(|found| found.kind == Kind::Unusable);
        if !found.has_snapshot && !is_damaged {
            self.line("Object not found in /old directory. It was never provisioned.")?;
            match found.is_in_ox {
                Some(true) => self.line("OX has a user of this name in the context.")?,
                Some(false) => self.line("Object not found in ox database.")?,
                None => {}
            }
        }
        for finding in &found.report.findings {
            self.finding(finding)?;
        }
        if found.is_waiting {
            self.line(
                "Something of the object waits in a queue: what differs may be on its way. Check again \
                 when the queue is empty.",
            )?;
        }
        if found.report.is_inconsistent() {
            self.line("Warning: Data inconsistencies detected. --resync puts the object into a queue again.")?;
            return Ok(Exit::Stopped);
        }
        self.line("Success: Data of the object is consistent between OX, UDM and listener files.")?;
        Ok(Exit::Done)
    }

    fn finding(&mut self, finding: &Finding) -> Result<()> {
        let place = match finding.context {
            Some(context) => format!(" (context {context})"),
            None => String::new(),
        };
        let note = finding.note.as_deref().map(|note| format!(" ({note})")).unwrap_or_default();
        match (&finding.kind, &finding.row) {
            (Kind::Different, Some(row)) => {
                let place = if row.property == "users" { place } else { String::new() };
                self.line(&format!(
                    "DIFF({}){place}: old listener value: {}, ox value: {}, udm value: {}{note}",
                    row.property, row.snapshot, row.ox, row.directory
                ))
            }
            (Kind::NotInOx, _) => {
                self.line(&format!("Object not found in ox database{place}.{note}"))
            }
            (Kind::InOtherContext, _) => self.line(&format!(
                "Object not found in ox database{place}, but it was {}.",
                finding.note.as_deref().unwrap_or("found in another context")
            )),
            // Told by the presence of the sides.
            (Kind::NeverProvisioned | Kind::NotInDirectory, _) => Ok(()),
            (kind, _) => self.line(&format!("{}{place}{note}", kind.as_str())),
        }
    }

    fn json(&mut self, found: &Single, done: Option<&Resynced>, exit: Exit) -> Result<()> {
        for line in table::json_lines(&found.report) {
            writeln!(self.out, "{line}")?;
        }
        let summary = json!({ "summary": {
            "dn": self.dn,
            "warnings": self.warnings,
            "module": found.module.map(Module::as_str),
            "in_directory": found.is_in_directory,
            "has_snapshot": found.has_snapshot,
            "off": found.is_off,
            "waiting": found.is_waiting,
            "in_ox": found.is_in_ox,
            "consistent": exit == Exit::Done,
            "resync": done.map(resynced),
        }});
        Ok(writeln!(self.out, "{summary}")?)
    }

    /// A line for people.
    fn line(&mut self, text: &str) -> Result<()> {
        if !self.as_json {
            writeln!(self.out, "{}", format::line(text))?;
        }
        Ok(())
    }
}

/// What puts an object into the queue that was never provisioned.
fn listener_command(found: &Single) -> String {
    format!(
        "To provision it: idspool-listener hook --entry-uuid {} --dn {} --object-type {} --command modify",
        found.report.id,
        quoted(&found.report.name),
        found.report.module
    )
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
