//! The watcher of the directory, as far as one has been at work: in `status` and in `explain`.

use std::io::Write;

use anyhow::{Context as _, Result};
use chrono::Utc;
use idspool_listener::watch::WatchStanding;
use idspool_service::Config;
use idspool_spool::Holder;
use serde_json::{Value, json};

use crate::format::{self, local};

/// Where its faults are explained.
const PAGE: &str = "docs/watch.md, section 'When something goes wrong'";

/// How the watcher of the listener's spool stands.
pub(crate) struct Watcher {
    standing: WatchStanding,
    holder: Option<Holder>,
}

impl Watcher {
    /// `None`: there never was one.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>> {
        let spool = &config.listener.spool;
        let standing = WatchStanding::read(spool).with_context(|| {
            format!("failed to read how the watcher of {} stands", spool.display())
        })?;
        let Some(standing) = standing else { return Ok(None) };
        Ok(Some(Self { standing, holder: WatchStanding::holder(spool)? }))
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.standing.is_healthy()
    }

    pub(crate) fn to_json(&self) -> Value {
        let WatchStanding { server, bases, caught_up, errors, since, message } = &self.standing;
        json!({
            "server": server,
            "bases": bases,
            "running": self.holder.is_some(),
            "pid": self.holder.as_ref().and_then(|holder| holder.pid),
            "running_since": self.holder.as_ref().and_then(|holder| holder.since),
            "caught_up": caught_up,
            "caught_up_seconds": caught_up.map(|at| (Utc::now() - at).num_seconds().max(0)),
            "stopped": !self.is_healthy(),
            "errors": errors,
            "since": since,
            "message": message,
        })
    }

    /// The lines of `status`.
    pub(crate) fn print(&self, out: &mut dyn Write) -> Result<()> {
        let WatchStanding { server, bases, caught_up, errors, since, message } = &self.standing;
        let bases = bases.join(" and ");
        writeln!(out, "{:<9} follows {} below {}", "watch", server, format::line(&bases))?;
        let program = match &self.holder {
            Some(Holder { pid, since, .. }) => {
                let pid = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
                let since = since.map_or_else(String::new, |at| format!(" since {}", local(at)));
                format!("idspool-listener watch is running{since}{pid}")
            }
            None => "idspool-listener watch is not running".to_owned(),
        };
        let known = caught_up.map_or_else(
            || "nothing was enqueued yet".to_owned(),
            |at| format!("all was enqueued at {}", local(at)),
        );
        writeln!(out, "{:9} {program}; {known}", "")?;
        if let Some(message) = message {
            let since = since.map_or_else(|| "?".into(), local);
            writeln!(out, "{:9} STOPPED since {since}, {errors} consecutive errors", "")?;
            writeln!(out, "{:9}   why    {}", "", format::line(message))?;
        }
        Ok(())
    }

    /// Its fault in words; `None`: there is none.
    pub(crate) fn fault(&self) -> Option<Fault<'_>> {
        (!self.is_healthy()).then_some(Fault(self))
    }
}

/// Why the watcher stands.
pub(crate) struct Fault<'w>(&'w Watcher);

impl Fault<'_> {
    pub(crate) fn to_json(&self) -> Value {
        let WatchStanding { since, message, errors, .. } = &self.0.standing;
        json!({
            "queue": "watch",
            "message": message,
            "case": "watch",
            "page": PAGE,
            "since": since,
            "attempts": errors,
            "running": self.0.holder.is_some(),
        })
    }

    pub(crate) fn print(&self, out: &mut dyn Write) -> Result<()> {
        let WatchStanding { server, since, message, errors, .. } = &self.0.standing;
        let since = since.map_or_else(|| "?".into(), local);
        writeln!(out, "The watcher of the directory stands since {since}.")?;
        let retries = match self.0.holder {
            Some(_) => format!("by itself after {errors} attempts, at least every 30 seconds"),
            None => "none: idspool-listener watch is not running; start it".to_owned(),
        };
        let message = message.as_deref().unwrap_or("unknown");
        for (name, text) in [
            ("server", server.as_str()),
            ("fault", message),
            ("meaning", "changes in the directory are not noticed; none is lost, they come later"),
            ("retries", &retries),
            ("more", PAGE),
        ] {
            writeln!(out, "  {name:<8} {}", format::line(text))?;
        }
        Ok(())
    }
}
