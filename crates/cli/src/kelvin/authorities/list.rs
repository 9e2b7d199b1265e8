//! Looking at school authorities.

use std::io::Write;

use anyhow::Result;
use idspool_kelvin::admin::authorities::Authorities;
use idspool_kelvin::conf::{self, AuthorityName, Loaded};
use idspool_service::Exit;
use idspool_spool::Spool;
use serde_json::{Value, json};

use super::warn;
use crate::format;

/// Prints all authorities.
pub(super) fn print(authorities: &Authorities, as_json: bool, out: &mut dyn Write) -> Result<Exit> {
    let loaded = conf::load(authorities.layout())?;
    let abandoned = authorities.abandoned()?;
    let lines: Vec<Line> =
        loaded.names().map(|name| Line::of(authorities, &loaded, name)).collect::<Result<_>>()?;
    if as_json {
        let list: Vec<Value> = lines.iter().map(Line::to_json).collect();
        let answer = json!({
            "authorities": list, "abandoned_queues": abandoned, "warnings": loaded.warnings,
        });
        writeln!(out, "{answer}")?;
        return Ok(Exit::Done);
    }
    if lines.is_empty() {
        writeln!(
            out,
            "there are no school authorities in {}",
            authorities.layout().authorities().display()
        )?;
    } else {
        writeln!(out, "{:<24} {:<9} {:>7} {:>8}  server", "name", "state", "schools", "waiting")?;
    }
    for line in &lines {
        line.print(out)?;
    }
    for name in abandoned {
        let queue = authorities.layout().out_queues().join(&name);
        let queue = format::line(&queue.display().to_string());
        writeln!(out, "{queue} is the queue of no school authority")?;
    }
    warn(&loaded.warnings);
    Ok(Exit::Done)
}

/// Prints one file, without its secrets.
pub(super) fn show(
    authorities: &Authorities,
    name: &AuthorityName,
    out: &mut dyn Write,
) -> Result<Exit> {
    let document = conf::masked(&authorities.document(name)?);
    writeln!(out, "{}", serde_json::to_string_pretty(&document)?)?;
    let loaded = conf::load(authorities.layout())?;
    let problem = loaded.problems().find(|problem| problem.authority.as_ref() == Some(name));
    warn(problem.map(ToString::to_string).as_ref());
    Ok(Exit::Done)
}

struct Line {
    name: String,
    /// `None`: the file cannot be used.
    active: Option<bool>,
    problem: Option<String>,
    url: Option<String>,
    plugin: Option<&'static str>,
    schools: Vec<String>,
    waiting: usize,
}

impl Line {
    fn of(authorities: &Authorities, loaded: &Loaded, name: &AuthorityName) -> Result<Self> {
        let queue = authorities.layout().out_queue(name);
        let waiting = if queue.is_dir() { Spool::open(queue)?.names()?.len() } else { 0 };
        let authority = loaded.authority(name);
        let problem = loaded.problems().find(|problem| problem.authority.as_ref() == Some(name));
        let schools = loaded.mapping.schools_of(name);
        Ok(Self {
            name: name.as_str().to_owned(),
            active: authority.map(|authority| authority.active),
            problem: problem.map(|problem| problem.reason.clone()),
            url: authority.map(|authority| authority.url.clone()),
            plugin: authority.map(|authority| authority.plugin.name()),
            schools: schools.into_iter().map(str::to_owned).collect(),
            waiting,
        })
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name, "active": self.active, "usable": self.problem.is_none(),
            "problem": self.problem, "url": self.url, "plugin": self.plugin, "schools": self.schools,
            "waiting": self.waiting,
        })
    }

    fn print(&self, out: &mut dyn Write) -> Result<()> {
        let state = match self.active {
            Some(true) => "active",
            Some(false) => "inactive",
            None => "UNUSABLE",
        };
        writeln!(
            out,
            "{:<24} {state:<9} {:>7} {:>8}  {}",
            format::line(&self.name),
            self.schools.len(),
            self.waiting,
            format::line(self.url.as_deref().unwrap_or_default())
        )?;
        if let Some(problem) = &self.problem {
            writeln!(out, "    {}", format::line(problem))?;
        }
        Ok(())
    }
}
