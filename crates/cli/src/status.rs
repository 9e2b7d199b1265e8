//! `idspool status`: how each queue stands, and the watcher of the directory.

use std::io::Write;

use anyhow::Result;
use chrono::{DateTime, Utc};
use idspool_service::{Config, Exit};
use idspool_spool::{Holder, SpoolState};
use serde_json::{Value, json};

use crate::format::{self, local};
use crate::spools::{self, Kind, Queue};
use crate::watcher::Watcher;

struct Standing {
    queue: Queue,
    waiting: usize,
    /// When the item that is first in line was enqueued.
    oldest: Option<DateTime<Utc>>,
    holder: Option<Holder>,
    state: SpoolState,
}

/// How the queues stand, for machines.
pub(crate) fn to_json(config: &Config) -> Result<Value> {
    spools::all(config).into_iter().map(|queue| Ok(Standing::of(queue)?.to_json())).collect()
}

/// Prints how they stand. The exit status is 1 when one of them stands at a fault.
pub(crate) fn print(config: &Config, as_json: bool, out: &mut dyn Write) -> Result<Exit> {
    let standings =
        spools::all(config).into_iter().map(Standing::of).collect::<Result<Vec<_>>>()?;
    let watcher = Watcher::of(config)?;
    if as_json {
        let list: Vec<_> = standings.iter().map(Standing::to_json).collect();
        let watcher = watcher.as_ref().map(Watcher::to_json);
        writeln!(out, "{}", json!({ "queues": list, "watcher": watcher }))?;
    } else {
        if let Some(watcher) = &watcher {
            watcher.print(out)?;
        }
        for standing in &standings {
            standing.print(out)?;
        }
    }
    let is_healthy = watcher.is_none_or(|watcher| watcher.is_healthy())
        && standings.iter().all(|standing| standing.state.is_healthy());
    Ok(if is_healthy { Exit::Done } else { Exit::Stopped })
}

impl Standing {
    fn of(queue: Queue) -> Result<Self> {
        let Some(spool) = queue.open()? else {
            let state = SpoolState::default();
            return Ok(Self { queue, waiting: 0, oldest: None, holder: None, state });
        };
        let names = spool.names()?;
        let oldest = names.first().and_then(|name| {
            name.timestamp().or_else(|| {
                let modified = std::fs::metadata(spool.path_of(name)).and_then(|m| m.modified());
                modified.ok().map(DateTime::<Utc>::from)
            })
        });
        let (holder, state) = (spool.holder()?, spool.state()?);
        Ok(Self { queue, waiting: names.len(), oldest, holder, state })
    }

    /// As the API of the ID Connector tells it: empty for the in queue (id-connector 6). `None`: not of Kelvin.
    fn authority(&self) -> Option<&str> {
        match &self.queue.kind {
            Kind::Listener | Kind::Ox => None,
            Kind::InQueue => Some(""),
            Kind::OutQueue { authority, .. } => Some(authority),
        }
    }

    fn age_of_oldest(&self) -> Option<std::time::Duration> {
        // A clock that was stepped back makes an item younger than now; it is new then.
        self.oldest.map(|oldest| (Utc::now() - oldest).to_std().unwrap_or_default())
    }

    fn to_json(&self) -> Value {
        json!({
            "queue": self.queue.name,
            "school_authority": self.authority(),
            "active": self.queue.why_idle().is_none(),
            "folder": self.queue.folder,
            "waiting": self.waiting,
            "oldest_seconds": self.age_of_oldest().map(|age| age.as_secs()),
            "consumer": self.queue.consumer,
            "running": self.holder.is_some(),
            "pid": self.holder.as_ref().and_then(|holder| holder.pid),
            "running_since": self.holder.as_ref().and_then(|holder| holder.since),
            "stopped": !self.state.is_healthy(),
            "errors": self.state.errors,
            "since": self.state.since,
            "item": self.state.filename,
            "message": self.state.message,
            "class": self.state.class,
            "attempts": self.state.attempts,
            "next_attempt": self.state.next_attempt,
            "remedy": self.state.remedy,
        })
    }

    fn print(&self, out: &mut dyn Write) -> Result<()> {
        let waiting = match (self.waiting, self.age_of_oldest()) {
            (0, _) | (_, None) => "nothing waits".to_owned(),
            (1, Some(age)) => format!("1 item waits, {} old", format::age(age)),
            (count, Some(age)) => format!("{count} items wait, the oldest {}", format::age(age)),
        };
        writeln!(out, "{:<9} {waiting}", self.queue.name)?;
        writeln!(out, "{:9} {}", "", self.consumer())?;
        if self.state.is_healthy() {
            return Ok(());
        }
        let since = self.state.since.map_or_else(|| "?".into(), local);
        writeln!(
            out,
            "{:9} STOPPED since {since}, {} attempts, {} consecutive errors",
            "", self.state.attempts, self.state.errors
        )?;
        let mut field = |name: &str, text: &str| -> Result<()> {
            for (index, line) in text.lines().enumerate() {
                let name = if index == 0 { name } else { "" };
                writeln!(out, "{:9}   {name:<6} {}", "", format::line(line))?;
            }
            Ok(())
        };
        if let Some(item) = &self.state.filename {
            field("at", &item.display().to_string())?;
        }
        field("why", self.state.message.as_deref().unwrap_or("unknown"))?;
        if let Some(next) = self.state.next_attempt.filter(|_| self.holder.is_some()) {
            field("next", &format!("attempt at {}", local(next)))?;
        }
        field("remedy", &self.remedy())
    }

    fn consumer(&self) -> String {
        let name = self.queue.consumer;
        if let Some(reason) = self.queue.why_idle() {
            return reason.to_owned();
        }
        match &self.holder {
            Some(Holder { pid, since, .. }) => {
                let pid = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
                let since =
                    since.map_or_else(String::new, |since| format!(" since {}", local(since)));
                format!("{name} is running{since}{pid}")
            }
            None => format!("{name} is not running"),
        }
    }

    fn remedy(&self) -> String {
        if let Some(remedy) = &self.state.remedy {
            return remedy.clone();
        }
        use idspool_spool::FaultClass::{Ours, Permanent, Transient};
        match (self.state.class, &self.state.filename) {
            (Some(Transient) | None, _) => {
                "it is tried again by itself; look for the cause at the other end".into()
            }
            (Some(Permanent), Some(item)) => format!(
                "mend the cause, then it goes on by itself; or give the item up: idspool queue remove {}",
                item.display()
            ),
            (Some(Permanent), None) => "mend the cause, then it goes on by itself".into(),
            (Some(Ours), _) => {
                "this is a fault of idspool: please report it with this message".into()
            }
        }
    }
}
