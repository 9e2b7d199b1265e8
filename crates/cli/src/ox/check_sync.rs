//! `idspool ox check-sync`: what differs between directory, snapshots and OX (ox-provisioning 9.4).
//!
//! Options, lines and order are those of `check_sync_status.py`; `--all` is new.

mod source;
mod table;
mod text;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use idspool_ox::admin::check::{CheckSync, Error, Event, Mode, Resynced};
use idspool_ox_soap::ContextId;
use idspool_service::{Config, Exit, shutdown};
use idspool_udm::Module;

use crate::progress::Bar;
use source::Directory;
use text::Answer;

/// Arguments of the sub-command.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Check the object with this DN, in whatever spelling.
    #[arg(long, required_unless_present = "all", conflicts_with = "all")]
    pub dn: Option<String>,
    /// Check all objects: those of the directory, those with a snapshot, and those in OX.
    #[arg(long)]
    pub all: bool,
    /// Put what differs into a queue again. With --all, deletions are left out.
    #[arg(long)]
    pub resync: bool,
    /// Module of the object, where neither the directory nor a snapshot tells.
    #[arg(long, visible_alias = "udm_module", value_name = "MODULE", conflicts_with = "all")]
    pub udm_module: Option<Module>,
    /// Context of the user, where neither the directory nor a snapshot tells.
    #[arg(long, visible_alias = "ox_context", value_name = "ID", conflicts_with = "all")]
    pub ox_context: Option<ContextId>,
    /// Has no effect: the directory is read with `[directory]` of the configuration.
    #[arg(long, visible_alias = "udm_admin_account", value_name = "USER")]
    pub udm_admin_account: Option<String>,
    /// Has no effect, as --udm-admin-account. The file is not read.
    #[arg(long, visible_alias = "udm_password_file", value_name = "FILE")]
    pub udm_password_file: Option<PathBuf>,
    /// Has no effect, as --udm-admin-account.
    #[arg(long, visible_alias = "udm_host", value_name = "URL")]
    pub udm_host: Option<String>,
}

/// Carries it out. The exit status is 1 when something differs or is missing.
pub(crate) fn run(
    config: &Config,
    arguments: &Arguments,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let mut source = Directory::new(config)?;
    let mode = if arguments.all { Mode::Lists } else { Mode::Single };
    let mut check = CheckSync::new(config, mode, arguments.ox_context)
        .context("failed to prepare the comparison")?;
    match &arguments.dn {
        Some(dn) => {
            let mut answer = Answer::new(dn, as_json, out);
            answer.begin(check.warnings()?)?;
            let found = check
                .single(&mut source, dn, arguments.udm_module)
                .with_context(|| format!("failed to check {dn}"))?;
            answer.single(&mut check, &found, arguments.resync)
        }
        None => all(&mut check, &mut source, arguments.resync, as_json, out),
    }
}

fn all(
    check: &mut CheckSync,
    source: &mut Directory,
    resync: bool,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let warnings = check.warnings()?;
    let mut table = table::Table::new(as_json, out);
    table.warnings(&warnings)?;
    let stop = shutdown::install(|| ()).context("failed to catch signals")?;
    let mut bar = Bar::new();
    let summary = check
        .all(source, resync, &mut |event| {
            // So that the private copy of the index is removed.
            if stop.is_requested() {
                return Err(Error::Stopped);
            }
            match event {
                Event::Progress(done, of) => bar.show("Comparing", done, of),
                Event::Report(report, done) => {
                    bar.aside(|| table.report(&report, done.as_ref()))?;
                }
            }
            Ok(())
        })
        .context("failed to compare all objects");
    drop(bar);
    let summary = summary?;
    table.summary(&summary, &warnings)?;
    Ok(if summary.inconsistent == 0 { Exit::Done } else { Exit::Stopped })
}

/// What became of a resync, for people.
fn resynced(done: &Resynced) -> String {
    match done {
        Resynced::Enqueued(path) => format!("resynced with file {}", path.display()),
        Resynced::Refused(reason) => format!("not resynced: {reason}"),
    }
}
