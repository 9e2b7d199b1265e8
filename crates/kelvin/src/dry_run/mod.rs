//! `idspool-kelvin --dry-run`: what a run would do with each item that waits in an out queue, without doing it.
//!
//! The rules are the real ones. What they work on is played: the server by [`overlay`], the snapshots by a view
//! ([`Objects::view`]), the order by a [`Rehearsal`] of the loop. Nothing in the data directory is written, touched
//! or locked, so a running idspool-kelvin is not disturbed; from the servers it is only read.
//!
//! | module | job |
//! |---|---|
//! | [`overlay`] | a server as it would be |
//! | [`stage`] | one item: its requests and warnings |
//! | `journal` | a request, and what it changes |
//! | `report`, `text` | it as JSON, and for people; the rest is in [`forecast`] |

mod journal;
mod overlay;
mod report;
mod stage;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use idspool_provisioner::forecast::{self, Summary};
use idspool_provisioner::{Objects, PrivateFolder, Rehearsal};
use idspool_service::shutdown::Shutdown;
use idspool_service::{Config, Exit, one_line};
use idspool_spool::{ItemName, Spool};
use idspool_udm::{ConvertedItem, value};
use serde_json::json;

use self::overlay::Overlay;
use self::report::Report;
use self::stage::{Foreseen, Stage};
use crate::conf::{Authority, Loaded};
use crate::kelvin::Kelvin;
use crate::recipient::KelvinRecipient;
use crate::source::{LdapSchoolUsers, SchoolUsers};
use crate::{Layout, Settings, Site, Target};

/// What the command line says about a dry run.
#[derive(Debug, Clone, Default)]
pub struct DryRun {
    /// One JSON object per item.
    pub json: bool,
    /// Only these items: names, or paths of files in the queues.
    pub items: Vec<PathBuf>,
    /// Only so many items of each authority.
    pub limit: Option<usize>,
    /// Ask the servers nothing: what was last delivered counts as what they have.
    pub offline: bool,
}

/// After so many items what is noted goes from memory into the view.
const TOGETHER: usize = 500;
/// Told at the end of a run with `offline`.
const NOT_ASKED: &str = "the server was not asked: what was last delivered counts as what it has";
/// An item larger than this is not looked into for its schools.
const LARGEST: u64 = 64 << 20;

/// What a dry run works with.
pub(crate) struct Work<'a> {
    pub(crate) config: &'a Config,
    pub(crate) layout: &'a Layout,
    pub(crate) loaded: &'a Loaded,
    pub(crate) authorities: Vec<Arc<Authority>>,
    pub(crate) shutdown: &'a Shutdown,
}

impl DryRun {
    /// Tells on standard output what would become of the items that wait.
    ///
    /// # Errors
    /// What is wrong with the configuration, the environment or the choice of items.
    pub(crate) fn run(&self, work: &Work<'_>) -> anyhow::Result<Exit> {
        let out = &mut BufWriter::new(io::stdout().lock());
        let mut queues = Vec::new();
        for authority in &work.authorities {
            let folder = work.layout.out_queue(&authority.name);
            if folder.is_dir() {
                queues.push((authority, Spool::open(&folder)?));
            }
        }
        let mut wanted = self.wanted(queues.iter().map(|(_, queue)| queue))?;
        let mut exit = Exit::Done;
        for (index, (authority, queue)) in queues.iter().enumerate() {
            let wanted = wanted.as_mut().map(|wanted| wanted.remove(&index).unwrap_or_default());
            if wanted.as_ref().is_some_and(BTreeSet::is_empty) {
                continue;
            }
            let stage = self.stage(work, authority, queue)?;
            if !self.tell(out, |out| {
                if self.json {
                    return Ok(());
                }
                let url = one_line(&authority.url);
                writeln!(out, "school authority '{}' ({url})", authority.name)
            })? {
                return Ok(exit);
            }
            let Some(summary) =
                self.rehearse(authority, queue, &stage, wanted, work.shutdown, out)?
            else {
                return Ok(exit);
            };
            if summary.stands_at().is_some() {
                exit = Exit::Stopped;
            }
        }
        let waiting = match Spool::open(work.layout.in_queue()) {
            Ok(queue) => queue.names()?.len(),
            Err(_) => 0,
        };
        self.tell(out, |out| {
            if self.json {
                writeln!(out, "{}", json!({"in_queue": {"items": waiting}}))?;
            } else if waiting > 0 {
                writeln!(
                    out,
                    "{waiting} items wait in the in queue: they are not distributed yet, and not foreseen here"
                )?;
            } else if queues.is_empty() {
                writeln!(out, "nothing was ever distributed to a school authority")?;
            }
            out.flush()
        })?;
        Ok(exit)
    }

    fn stage(
        &self,
        work: &Work<'_>,
        authority: &Arc<Authority>,
        queue: &Spool,
    ) -> anyhow::Result<Stage> {
        let settings = Settings::new(&work.config.kelvin);
        let server: Option<Arc<dyn Kelvin>> = if self.offline {
            None
        } else {
            let client = crate::client(&work.config.kelvin, authority).map_err(|error| {
                anyhow::anyhow!("school authority '{}': {error}", authority.name)
            })?;
            Some(Arc::new(client))
        };
        let schools =
            if self.offline { spelled(work.loaded, authority, queue)? } else { Vec::new() };
        let overlay = Arc::new(Overlay::new(server, schools));
        let directory = idspool_directory::Settings::of_config(&work.config.directory)?;
        let source: Arc<dyn SchoolUsers> = Arc::new(LdapSchoolUsers::new(directory)?);
        let target = Target::new(Arc::clone(&overlay) as Arc<dyn Kelvin>);
        let schools = Arc::clone(&work.loaded.mapping);
        let site = Site::new(Arc::clone(authority), schools, settings.clone(), target, source);
        Ok(Stage::new(KelvinRecipient::new(site), overlay, &settings))
    }

    /// `None`: nobody reads any more.
    fn rehearse(
        &self,
        authority: &Authority,
        queue: &Spool,
        stage: &Stage,
        wanted: Option<BTreeSet<ItemName>>,
        shutdown: &Shutdown,
        out: &mut dyn Write,
    ) -> anyhow::Result<Option<Summary>> {
        let objects = Objects::view(queue.dir(), KelvinRecipient::INDEXING)?;
        // For items that follow from others.
        let elsewhere = PrivateFolder::new("idspool-dry-run")
            .with_context(|| format!("create a folder in {}", std::env::temp_dir().display()))?;
        let copies = Spool::open(elsewhere.path())?;
        let is_wanted =
            |name: &ItemName| wanted.as_ref().is_none_or(|wanted| wanted.contains(name));
        let mut rehearsal = Rehearsal::new(queue, &copies, stage, &objects, &is_wanted)?;
        let mut summary = Summary::new::<Foreseen>(self.offline);
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
            if !self.tell(out, |out| {
                if self.json {
                    writeln!(out, "{}", report::item(&report, authority.name.as_str()))
                } else {
                    forecast::text::item(out, &report, text::foreseen)
                }
            })? {
                return Ok(None);
            }
        }
        if shutdown.is_requested() {
            bail!("interrupted after {} items of '{}'", summary.items(), authority.name);
        }
        let is_told = self.tell(out, |out| {
            if self.json {
                let own = [("school_authority", json!(authority.name.as_str()))];
                writeln!(out, "{}", summary.to_json(own))
            } else {
                forecast::text::summary(out, &summary, NOT_ASKED)
            }
        })?;
        Ok(is_told.then_some(summary))
    }

    /// `false`: nobody reads any more, as behind `| head`.
    fn tell(
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

    /// The chosen items by the number of their queue; `None`: all.
    fn wanted<'a>(
        &self,
        queues: impl Iterator<Item = &'a Spool>,
    ) -> anyhow::Result<Option<BTreeMap<usize, BTreeSet<ItemName>>>> {
        if self.items.is_empty() {
            return Ok(None);
        }
        let queues: Vec<&Spool> = queues.collect();
        let mut wanted: BTreeMap<usize, BTreeSet<ItemName>> = BTreeMap::new();
        for item in &self.items {
            let text = item.file_name().and_then(OsStr::to_str).unwrap_or_default();
            let name = ItemName::from_str(text)
                .with_context(|| format!("choose the item {}", item.display()))?;
            let is_bare = item.parent().is_none_or(|folder| folder.as_os_str().is_empty());
            let mut is_found = false;
            for (index, queue) in queues.iter().enumerate() {
                let path = queue.path_of(&name);
                if path.is_file() && (is_bare || same_file(item, &path)) {
                    wanted.entry(index).or_default().insert(name.clone());
                    is_found = true;
                }
            }
            if !is_found {
                bail!(
                    "{} waits in the queue of no school authority; see: idspool queue list",
                    item.display()
                );
            }
        }
        Ok(Some(wanted))
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// The schools of an authority, spelled as the waiting users spell them: the mapping says nothing of that, and the
/// server, which would, is not asked.
fn spelled(loaded: &Loaded, authority: &Authority, queue: &Spool) -> anyhow::Result<Vec<String>> {
    let mut schools: BTreeMap<String, String> = loaded
        .mapping
        .schools_of(&authority.name)
        .into_iter()
        .map(|school| (school.to_owned(), school.to_owned()))
        .collect();
    for name in queue.names()? {
        // Whatever is wrong with it is told when its turn comes.
        let Ok(read) = queue.read(&name, LARGEST) else { continue };
        let Ok(item) = ConvertedItem::parse(&read.bytes) else { continue };
        for school in value::texts(item.property("school")) {
            if let Some(spelled) = schools.get_mut(&school.to_lowercase()) {
                school.clone_into(spelled);
            }
        }
    }
    Ok(schools.into_values().collect())
}
