//! A queue that stands, in words.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use chrono::Utc;
use idspool_service::Config;
use idspool_spool::{FaultClass, SpoolState};
use serde_json::{Value, json};

use super::case::Case;
use crate::format::{self, local};
use crate::queue::summary;
use crate::spools::{Kind, Queue, Service};

/// A queue that stands, and what is known of the reason.
pub(super) struct Standing {
    queue: Queue,
    data: PathBuf,
    server: String,
    state: SpoolState,
    case: &'static Case,
    is_running: bool,
    /// Items besides the faulty one.
    behind: usize,
}

impl Standing {
    /// `None`: the queue does not stand.
    pub(super) fn of(config: &Config, queue: &Queue) -> Result<Option<Self>> {
        let Some(spool) = queue.open()? else { return Ok(None) };
        let state = spool.state()?;
        if state.is_healthy() {
            return Ok(None);
        }
        let message = state.message.as_deref().unwrap_or_default();
        let waiting = spool.names()?.len();
        let has_item = state.filename.as_deref().is_some_and(Path::exists);
        let (data, server) = match &queue.kind {
            Kind::OutQueue { service: Service::Active(url), .. } => {
                (&config.kelvin.data_dir, url.clone())
            }
            Kind::OutQueue { .. } | Kind::InQueue => (&config.kelvin.data_dir, "SERVER".into()),
            Kind::Ox | Kind::Listener => (&config.ox.data_dir, config.ox.soap_server.clone()),
        };
        Ok(Some(Self {
            case: Case::of(&queue.kind, state.class, message),
            queue: queue.clone(),
            data: data.clone(),
            server,
            is_running: spool.holder()?.is_some(),
            behind: waiting.saturating_sub(usize::from(has_item)),
            state,
        }))
    }

    /// Whether it stands at the item with this path.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        self.state.filename.as_deref() == Some(path)
    }

    pub(super) fn to_json(&self) -> Value {
        let summary = self.state.filename.as_deref().and_then(summary);
        json!({
            "queue": self.queue.name,
            "item": self.state.filename,
            "object_type": summary.as_ref().map(|summary| &summary.object_type),
            "dn": summary.as_ref().map(|summary| &summary.dn),
            "change": summary.as_ref().map(|summary| &summary.command),
            "message": self.state.message,
            "class": self.state.class,
            "case": self.case.name,
            "meaning": self.case.meaning,
            "cause": self.case.cause,
            "remedy": self.state.remedy,
            "steps": self.steps(),
            "page": self.page(),
            "since": self.state.since,
            "attempts": self.state.attempts,
            "running": self.is_running,
            "next_attempt": self.state.next_attempt.filter(|_| self.is_running),
            "behind": self.behind,
        })
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> Result<()> {
        let since = self.state.since.map_or_else(|| "?".into(), local);
        writeln!(out, "The queue '{}' stands since {since}.", self.queue.name)?;
        let mut field = |name: &str, text: &str| -> Result<()> {
            for (index, line) in text.lines().enumerate() {
                let name = if index == 0 { name } else { "" };
                writeln!(out, "  {name:<8} {}", format::line(line))?;
            }
            Ok(())
        };
        match (&self.state.filename, self.state.filename.as_deref().and_then(summary)) {
            (Some(path), Some(item)) => {
                field("item", &path.display().to_string())?;
                let change = format!("{} of {} {}", item.command, item.object_type, item.dn);
                field("doing", &change)?;
            }
            (Some(path), None) => {
                field("item", &path.display().to_string())?;
                let is_there = path.exists();
                field("doing", if is_there { "reading the item" } else { "it is gone meanwhile" })?;
            }
            (None, _) => field("item", "none: no single item is to blame")?,
        }
        field("fault", self.state.message.as_deref().unwrap_or("unknown"))?;
        field("meaning", self.case.meaning)?;
        field("cause", self.case.cause)?;
        if let Some(remedy) = &self.state.remedy {
            field("remedy", remedy)?;
        }
        field("to do", &self.steps().join("\n"))?;
        field("retries", &self.retries())?;
        let behind = match self.behind {
            0 => "nothing".to_owned(),
            1 => "1 item waits behind it".to_owned(),
            count => format!("{count} items wait behind it"),
        };
        field("behind", &behind)?;
        field("more", &self.page())
    }

    fn retries(&self) -> String {
        if !self.is_running {
            return format!("none: {} is not running; start it", self.queue.consumer);
        }
        let next = self.state.next_attempt.map_or_else(String::new, |next| {
            if next < Utc::now() {
                ", the next attempt is due now".to_owned()
            } else {
                format!(", next at {}", local(next))
            }
        });
        let hope = match self.state.class {
            Some(FaultClass::Permanent) => "; it will fail until somebody mends the cause",
            Some(FaultClass::Ours) => "; it will most likely fail again",
            Some(FaultClass::Transient) | None => "; it goes on by itself once the cause is gone",
        };
        format!("by itself after {} attempts{next}{hope}", self.state.attempts)
    }

    fn page(&self) -> String {
        self.case.page()
    }

    /// The steps with what they are about filled in.
    fn steps(&self) -> Vec<String> {
        let message = self.state.message.as_deref().unwrap_or_default();
        let member = missing_member(message);
        let item = self.state.filename.as_deref().map(|path| path.display().to_string());
        let authority = match &self.queue.kind {
            Kind::OutQueue { authority, .. } => authority.as_str(),
            _ => "NAME",
        };
        let values = [
            ("{authority}", authority.to_owned()),
            ("{item}", item.unwrap_or_else(|| "ITEM".into())),
            ("{data}", self.data.display().to_string()),
            ("SOAP_SERVER", self.server.clone()),
            ("HOST", host(&self.server).to_owned()),
            ("{member_id}", member.map_or("UUID", |(id, _)| id).to_owned()),
            ("{member_dn}", member.map_or("DN", |(_, dn)| dn).to_owned()),
        ];
        self.case.steps.iter().map(|step| fill(step, &values)).collect()
    }
}

/// Fills values in, quoted for a shell where the step is a command.
fn fill(step: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(step.to_owned(), |step, (name, value)| {
        if step.contains("$ ") {
            // A part of a longer word, as in {data}/conf, needs no quotes of its own.
            let quoted = quoted(value);
            step.replace(name, &quoted)
        } else {
            step.replace(name, value)
        }
    })
}

fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.:@%+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Id and DN of the member whose snapshot is missing.
fn missing_member(message: &str) -> Option<(&str, &str)> {
    let (_, rest) = message.split_once("Old object file ")?;
    let (path, rest) = rest.split_once(".json for ")?;
    let (dn, _) = rest.split_once(" does not exist!")?;
    Some((path.rsplit('/').next()?, dn))
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    // An IPv6 address has colons of its own.
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_safe_to_copy() {
        let values = [("{member_dn}", "uid=o'neil,dc=x; rm -rf /".to_owned())];
        assert_eq!(
            fill("$ idspool ox cache forget {member_dn}", &values),
            "$ idspool ox cache forget 'uid=o'\\''neil,dc=x; rm -rf /'"
        );
        assert_eq!(fill("see {member_dn}", &values), "see uid=o'neil,dc=x; rm -rf /");
    }

    #[test]
    fn the_missing_member_is_read_from_the_message() {
        let message = "Object('groups/group', 'cn=a'): Old object file /d/listener/old/u-1.json for uid=x,dc=y does not exist!\nYou need";
        assert_eq!(missing_member(message), Some(("u-1", "uid=x,dc=y")));
        assert_eq!(missing_member("anything"), None);
    }

    #[test]
    fn the_host_of_a_url() {
        assert_eq!(host("https://ox.example.org:8443/x"), "ox.example.org");
        assert_eq!(host("http://[::1]"), "[::1]");
        assert_eq!(host("http://ox"), "ox");
    }
}
