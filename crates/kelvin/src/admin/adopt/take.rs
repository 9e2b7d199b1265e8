//! The take-over: in place, or as a copy into the configured directories.
//!
//! A copy brings the authorities last, all at once. Until then `idspool-kelvin` consumes nothing, so that what was
//! begun can be finished with the same command.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::Utc;
use idspool_service::Kelvin;
use idspool_spool::{Consumer, Spool};
use idspool_udm::ListenerItem;
use serde::Serialize;

use super::old_data::{self, Data, Remembered};
use super::{AdoptError, Progress, Source, access, copy, entries, folders, look, running};
use crate::Layout;
use crate::conf::{self, SchoolMapping};
use crate::routing::state::{Known, RoutingState};

/// Who holds the locks meanwhile.
const PROGRAM: &str = "idspool kelvin adopt";
/// Objects, or listener files, that become durable together.
const TOGETHER: usize = 500;

/// How the directory is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// `idspool-kelvin` works in it.
    InPlace,
    /// Its content is copied.
    Copy,
}

/// What a take-over did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// How.
    pub way: Way,
    /// The data directory that `idspool-kelvin` can use now.
    pub data_dir: PathBuf,
    /// Where its authorities are.
    pub conf_dir: PathBuf,
    /// Users that routing knows now and did not know before.
    pub imported: u64,
    /// Files that were copied.
    pub copied: u64,
    /// Listener files that were put into the listener's spool.
    pub listener_items: u64,
    /// Files and folders that were closed to other users.
    pub closed: u64,
}

/// Takes a directory over. Nothing is lost when it breaks off; it can be repeated, and finds what is done.
///
/// # Errors
/// Somebody is at work there, the target of a copy is in use, or something cannot be read or written.
pub fn take_over(
    source: &Source,
    way: Way,
    config: &Kelvin,
    listener_spool: &Path,
    progress: Progress<'_>,
) -> Result<Done, AdoptError> {
    if let Some(process) = running::process() {
        return Err(AdoptError::Running { process });
    }
    let from = source.layout();
    let to = match way {
        Way::InPlace => from.clone(),
        // Beside the data directory only what is there already is looked for.
        Way::Copy => Layout::new(config),
    };
    if !from.in_queue().is_dir() {
        return Err(AdoptError::NoConnector { path: source.directory.clone() });
    }
    // The converter writes into the in queue, so it must not run either.
    refuse_busy(listener_spool)?;
    if way == Way::Copy && !entries(&to.authorities())?.is_empty() {
        return Err(AdoptError::Occupied { path: to.authorities() });
    }
    let mapping = conf::load(&from)?.mapping;
    let queues = folders(&from.out_queues())?;
    let _locks = lock(&from, &to, &queues)?;
    let imported = import(&from, &to, &mapping, progress)?;
    let copied = if way == Way::Copy { copy_all(&from, &to, &queues, progress)? } else { 0 };
    // Root may have to do it, since the ID Connector's files are root's.
    access::give(&to)?;
    let closed = access::close(&to)?;
    let listener_items = match &source.listener {
        Some(folder) => take_listener_files(folder, listener_spool, progress)?,
        None => 0,
    };
    Ok(Done { way, data_dir: to.data, conf_dir: to.conf, imported, copied, listener_items, closed })
}

/// Keeps `idspool-kelvin` out while the work is going on, and makes later names greater than those that wait: the ID
/// Connector's names are in local time.
fn lock(from: &Layout, to: &Layout, queues: &[String]) -> Result<Vec<Consumer>, AdoptError> {
    let mut locks = Vec::new();
    let pairs =
        queues.iter().map(|name| (from.out_queues().join(name), to.out_queues().join(name)));
    for (from, to) in std::iter::once((from.in_queue(), to.in_queue())).chain(pairs) {
        let spool = Spool::create(&to)?;
        locks.push(match spool.consumer(PROGRAM) {
            Err(idspool_spool::Error::Locked { holder, .. }) => {
                return Err(AdoptError::Busy { holder: holder.to_string() });
            }
            other => other?,
        });
        spool.continue_after(&Spool::open(from)?)?;
    }
    Ok(locks)
}

fn refuse_busy(spool: &Path) -> Result<(), AdoptError> {
    if !spool.is_dir() {
        return Ok(());
    }
    match Spool::open(spool)?.holder()? {
        Some(holder) => Err(AdoptError::Busy { holder: holder.to_string() }),
        None => Ok(()),
    }
}

/// What the ID Connector remembered of users becomes what routing knows. What routing knows already stays.
fn import(
    from: &Layout,
    to: &Layout,
    mapping: &SchoolMapping,
    progress: Progress<'_>,
) -> Result<u64, AdoptError> {
    let folder = from.data.join("old_data_db");
    let mut state = RoutingState::open(&to.routing_state())?;
    let (mut batch, mut seen, mut imported) = (Vec::with_capacity(TOGETHER), 0_u64, 0_u64);
    let mut failed = None;
    let read = old_data::each(&folder, Utc::now(), &mut |entry| {
        seen += 1;
        progress("remembered objects", seen, 0);
        batch.extend(entry.ok().and_then(|entry| known(entry, mapping)));
        if batch.len() >= TOGETHER && failed.is_none() {
            match state.import(&batch) {
                Ok(count) => imported += count as u64,
                Err(error) => failed = Some(error),
            }
            batch.clear();
        }
    });
    read.map_err(|source| AdoptError::Memory { path: folder, source })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    imported += state.import(&batch)? as u64;
    Ok(imported)
}

/// Groups are found by their DN; nothing has to be remembered of them.
fn known(entry: Remembered, mapping: &SchoolMapping) -> Option<Known> {
    let Data::User { schools, identity } = entry.data else { return None };
    let known = Known::imported_user(entry.id, schools, identity, mapping);
    Some(Known { deleted: entry.deleted, ..known })
}

fn copy_all(
    from: &Layout,
    to: &Layout,
    queues: &[String],
    progress: Progress<'_>,
) -> Result<u64, AdoptError> {
    const ITEMS: &str = ".json";
    let mut copied = 0;
    for name in queues {
        let (from, to) = (from.out_queues().join(name), to.out_queues().join(name));
        copied += copy::folder(&from, &to, ITEMS, false, "out queues", progress)?;
    }
    copied += copy::folder(&from.in_queue(), &to.in_queue(), ITEMS, false, "in queue", progress)?;
    copied += copy::single(&from.school_mapping(), &to.school_mapping())?;
    copied += copy::single(&from.conf.join("tokens.secret"), &to.conf.join("tokens.secret"))?;
    // All authorities appear at once, under a name that nobody looks at before.
    let draft = to.conf.join(".school_authorities.adopting");
    copied +=
        copy::folder(&from.authorities(), &draft, ITEMS, true, "school authorities", progress)?;
    let place = to.authorities();
    if place.is_dir() {
        // Empty, as was looked up.
        fs::remove_dir(&place).map_err(AdoptError::file("remove", &place))?;
    }
    idspool_spool::relocate(&draft, &place)?;
    Ok(copied)
}

/// Puts the files that wait for the ID Connector's converter at the end of our listener's spool, in their order. They
/// say only that an object changed, so doing it twice is harmless.
fn take_listener_files(
    folder: &Path,
    spool: &Path,
    progress: Progress<'_>,
) -> Result<u64, AdoptError> {
    let absolute = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if absolute(folder) == absolute(spool) {
        let spool = Spool::create(spool)?;
        spool.continue_after(&spool)?;
        return Ok(0);
    }
    let (from, to) = (Spool::open(folder)?, Spool::create(spool)?);
    let names = from.names()?;
    let mut done = 0;
    for group in names.chunks(TOGETHER) {
        let mut contents = Vec::with_capacity(group.len());
        for name in group {
            progress("listener files", done, names.len() as u64);
            done += 1;
            let path = from.path_of(name);
            let bytes = look::read(&path)
                .map_err(|problem| AdoptError::file("read", &path)(io::Error::other(problem)))?;
            contents.push(match ListenerItem::parse(&bytes) {
                // The names that the schedule commands gave ask for a re-provisioning; the new name cannot say it.
                Ok(item) if !name.is_canonical() => {
                    ListenerItem { resync: true, ..item }.to_bytes()
                }
                // What cannot be understood stays so and is named by the converter.
                _ => bytes,
            });
        }
        to.enqueue_group(&contents)?;
    }
    Ok(names.len() as u64)
}
