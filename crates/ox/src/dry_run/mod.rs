//! `idspool-ox --dry-run`: what a run would do with each waiting item, without doing it.
//!
//! The rules are the real ones. What they work on is played: OX by [`overlay`], the snapshots by a view
//! ([`Objects::view`]), the order by a [`Rehearsal`] of the loop, contexts.json and the files beside it
//! by copies in memory. Nothing in the data directory is written, touched or locked, so a running
//! idspool-ox is not disturbed; from OX it is only read.
//!
//! | module | job |
//! |---|---|
//! | [`overlay`] | OX as it would be |
//! | [`stage`] | one item: its calls, files, warnings |
//! | `journal`, `difference` | a call, and what it changes |
//! | `report`, `text` | it as JSON, and for people; the rest is in [`forecast`] |

mod difference;
mod journal;
mod overlay;
mod report;
mod stage;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::{Context as _, bail};
use idspool_provisioner::forecast::{self, Summary};
use idspool_provisioner::{Objects, PrivateFolder, Rehearsal};
use idspool_service::shutdown::Shutdown;
use idspool_service::{Config, Exit};
use idspool_spool::{ItemName, Spool};

use self::report::Report;
use self::stage::{Foreseen, Stage};
use crate::client::{SoapOx, StopTime};
use crate::ox::Ox;
use crate::recipient::OxRecipient;
use crate::settings::Settings;

/// What the command line says about a dry run.
#[derive(Debug, Clone, Default)]
pub struct DryRun {
    /// One JSON object per item.
    pub json: bool,
    /// Only these items: names, or paths of files in the queue.
    pub items: Vec<PathBuf>,
    /// Only so many items.
    pub limit: Option<usize>,
    /// Ask OX nothing: what is noted counts as what it has.
    pub offline: bool,
}

/// After so many items what is noted goes from memory into the view.
const TOGETHER: usize = 500;
/// Told at the end of a run with `offline`.
const NOT_ASKED: &str = "OX was not asked: what is noted counts as what it has";

impl DryRun {
    /// Tells on standard output what would become of the items that wait.
    ///
    /// # Errors
    /// What is wrong with the configuration, the environment or the choice of items.
    pub(crate) fn run(&self, config: &Config, shutdown: &Shutdown) -> anyhow::Result<Exit> {
        let settings = Settings::new(&config.ox)?;
        let server: Option<Box<dyn Ox>> = if self.offline {
            None
        } else {
            Some(Box::new(SoapOx::new(crate::client(&config.ox)?, StopTime::default())))
        };
        let stage = Stage::new(settings, server).map_err(|fault| {
            let remedy = fault.remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default();
            anyhow::anyhow!("{}{remedy}", fault.message)
        })?;
        let out = &mut BufWriter::new(io::stdout().lock());
        self.rehearse(&config.ox.queue(), &stage, shutdown, out)
    }

    fn rehearse(
        &self,
        folder: &Path,
        stage: &Stage,
        shutdown: &Shutdown,
        out: &mut dyn Write,
    ) -> anyhow::Result<Exit> {
        let queue = Spool::open(folder).with_context(|| {
            format!(
                "open the queue {}: either nothing was ever put into it, or ox.data_dir is not the \
                 data directory",
                folder.display()
            )
        })?;
        let wanted = self.wanted(&queue)?;
        let objects = Objects::view(folder, OxRecipient::INDEXING)?;
        // For items that follow from others.
        let elsewhere = PrivateFolder::new("idspool-dry-run")
            .with_context(|| format!("create a folder in {}", std::env::temp_dir().display()))?;
        let copies = Spool::open(elsewhere.path())?;
        let is_wanted =
            |name: &ItemName| wanted.as_ref().is_none_or(|wanted| wanted.contains(name));
        let mut rehearsal = Rehearsal::new(&queue, &copies, stage, &objects, &is_wanted)?;
        let mut summary = Summary::new::<Foreseen>(false);
        while !shutdown.is_requested() {
            if self.limit.is_some_and(|limit| summary.items() >= limit) {
                summary.is_limited = true;
                break;
            }
            let Some(step) = rehearsal.step()? else { break };
            if wanted.is_some() && step.is_copy {
                continue;
            }
            let report = Report::new(step, stage.take(), summary.stands_at());
            summary.add(&report);
            if summary.items().is_multiple_of(TOGETHER) {
                objects.commit()?;
            }
            if !self.print(out, |out| {
                if self.json {
                    writeln!(out, "{}", report::item(&report))
                } else {
                    forecast::text::item(out, &report, text::foreseen)
                }
            })? {
                return Ok(exit(&summary));
            }
        }
        if shutdown.is_requested() {
            bail!("interrupted after {} items", summary.items());
        }
        summary.is_offline = stage.is_offline();
        self.print(out, |out| {
            if self.json {
                writeln!(out, "{}", summary.to_json([]))?;
            } else {
                forecast::text::summary(out, &summary, NOT_ASKED)?;
            }
            out.flush()
        })?;
        Ok(exit(&summary))
    }

    /// `false`: nobody reads any more, as behind `| head`.
    fn print(
        &self,
        out: &mut dyn Write,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> anyhow::Result<bool> {
        match write(out) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error).context("write to standard output"),
        }
    }

    /// The chosen items; `None`: all.
    fn wanted(&self, queue: &Spool) -> anyhow::Result<Option<BTreeSet<ItemName>>> {
        if self.items.is_empty() {
            return Ok(None);
        }
        let mut wanted = BTreeSet::new();
        for item in &self.items {
            let text = item.file_name().and_then(OsStr::to_str).unwrap_or_default();
            let name = ItemName::from_str(text)
                .with_context(|| format!("choose the item {}", item.display()))?;
            let path = queue.path_of(&name);
            let is_bare = item.parent().is_none_or(|folder| folder.as_os_str().is_empty());
            let is_here = is_bare || same_file(item, &path);
            if !is_here || !path.is_file() {
                bail!(
                    "{} does not wait in {}; see: idspool queue list",
                    item.display(),
                    queue.dir().display()
                );
            }
            wanted.insert(name);
        }
        Ok(Some(wanted))
    }
}

fn exit(summary: &Summary) -> Exit {
    if summary.stands_at().is_some() { Exit::Stopped } else { Exit::Done }
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
