//! The take-over: in place, or as a copy into the configured data directory.
//!
//! A copy is marked by a file `.adopting` from its beginning to its end. While it is there, `idspool-ox`
//! does not start, and the same command resumes the work. The queue is copied last.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use idspool_provisioner::Objects;
use idspool_service::{Ox, Secret};
use idspool_spool::{Consumer, Spool, durable};
use idspool_udm::ListenerItem;
use serde::Serialize;
use serde_json::{Value, json};

use super::copy::Copier;
use super::{
    AdoptError, CERTIFICATES, CREDENTIALS, MAPPING, PROFILES, Progress, QUEUE, SNAPSHOTS, Source,
    access, files, running,
};
use crate::Settings;
use crate::credentials::{CredentialsFile, secret_files};
use crate::recipient::OxRecipient;

/// Says what is being copied, while it is.
const MARK: &str = ".adopting";
/// Listener files that are enqueued together.
const TOGETHER: usize = 500;

/// How the directory is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// It becomes the data directory of `idspool-ox` itself.
    InPlace,
    /// Its content is copied.
    Copy,
}

/// What a take-over did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// How.
    pub way: Way,
    /// The data directory that `idspool-ox` can use now.
    pub data_dir: PathBuf,
    /// Files that were copied; those of an interrupted attempt do not count.
    pub copied: u64,
    /// Listener files that were put into the listener's spool.
    pub listener_items: u64,
    /// Files and folders that were closed to other users.
    pub closed: u64,
}

/// Refuses a data directory into which a copy was begun and not finished.
///
/// # Errors
/// [`AdoptError::HalfDone`].
pub fn refuse_half_done(data_dir: &Path) -> Result<(), AdoptError> {
    match half_done(data_dir)? {
        None => Ok(()),
        Some(source_data) => Err(AdoptError::HalfDone { path: data_dir.to_owned(), source_data }),
    }
}

/// What is being copied into a data directory.
fn half_done(data_dir: &Path) -> Result<Option<PathBuf>, AdoptError> {
    let path = data_dir.join(MARK);
    match fs::read(&path) {
        Ok(bytes) => {
            let mark: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            let source = mark.get("source").and_then(Value::as_str).unwrap_or("another directory");
            Ok(Some(PathBuf::from(source)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(AdoptError::file("read", &path)(error)),
    }
}

/// Takes a data directory over, so that `idspool-ox` goes on where the connector stopped.
///
/// # Errors
/// A program still works on one of the directories, the target of a copy is in use, or a file cannot be
/// read or written. Doing it again goes on from there.
pub fn take_over(
    source: &Source,
    way: Way,
    config: &Ox,
    settings: &Settings,
    listener_spool: &Path,
    progress: &mut dyn Progress,
) -> Result<Done, AdoptError> {
    running::refuse()?;
    let target = &config.data_dir;
    // The converter writes into the queue, so it must not run either.
    refuse_busy(listener_spool)?;
    if way == Way::Copy {
        refuse_occupied(source, target)?;
    } else {
        refuse_half_done(target)?;
    }
    let (queue, consumer) = lock(target)?;
    // The connector's names are in local time; what is enqueued from now on goes behind them all.
    queue.continue_after(&Spool::open(source.data.join(QUEUE))?)?;
    let mut done = Done { way, data_dir: target.clone(), copied: 0, listener_items: 0, closed: 0 };
    if way == Way::Copy {
        let mark = json!({ "source": absolute(&source.data) }).to_string();
        durable::replace(target.join(MARK), mark.as_bytes(), 0o600)?;
        done.copied = copy(source, config, progress)?;
    }
    // Root may have to do it, since the connector's files are root's.
    access::give(target)?;
    done.closed = access::close(target)?;
    let password: Option<&Secret> = settings.master_password.as_ref();
    CredentialsFile::new(settings.credentials_file.clone())
        .prepare(&settings.master_admin, password, |context| settings.admin_name(context))
        .map_err(|error| AdoptError::Credentials(error.to_string()))?;
    progress.begin("index over the snapshots", 0);
    Objects::open(queue.dir(), OxRecipient::INDEXING)?.close()?;
    if let Some(folder) = &source.listener {
        done.listener_items = take_listener_files(folder, listener_spool, progress)?;
    }
    if way == Way::Copy {
        remove(&target.join(MARK))?;
    }
    drop(consumer);
    Ok(done)
}

fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Keeps `idspool-ox` out while the work is going on.
fn lock(target: &Path) -> Result<(Spool, Consumer), AdoptError> {
    let queue = Spool::create(target.join(QUEUE))?;
    match queue.consumer("idspool ox adopt") {
        Ok(consumer) => Ok((queue, consumer)),
        Err(idspool_spool::Error::Locked { holder, .. }) => {
            Err(AdoptError::Busy { holder: holder.to_string() })
        }
        Err(error) => Err(error.into()),
    }
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

fn refuse_occupied(source: &Source, target: &Path) -> Result<(), AdoptError> {
    if let Some(other) = half_done(target)? {
        if other == absolute(&source.data) {
            return Ok(());
        }
        return Err(AdoptError::HalfDone { path: target.to_owned(), source_data: other });
    }
    let holds_items = |name: &str| {
        fs::read_dir(target.join(name)).is_ok_and(|mut entries| {
            entries
                .any(|entry| entry.is_ok_and(|entry| is_item(&entry.file_name().to_string_lossy())))
        })
    };
    let occupied = |found| Err(AdoptError::Occupied { path: target.to_owned(), found });
    if holds_items(SNAPSHOTS) {
        return occupied("snapshots");
    }
    if holds_items(QUEUE) {
        return occupied("waiting items");
    }
    Ok(())
}

fn is_item(name: &str) -> bool {
    name.ends_with(".json") && !name.starts_with('.')
}

fn copy(source: &Source, config: &Ox, progress: &mut dyn Progress) -> Result<u64, AdoptError> {
    let (from, to) = (&source.data, &config.data_dir);
    let mut copied = 0;
    for (name, mode) in [(MAPPING, 0o600), (PROFILES, 0o644)] {
        copied += single(&from.join(name), &to.join(name), mode)?;
    }
    let credentials = config.credentials_file();
    copied += single(&from.join(CREDENTIALS), &credentials, 0o600)?;
    let secrets = from.join("secrets");
    for name in secret_files(&secrets) {
        if let Some(folder) = credentials.parent() {
            copied += single(&secrets.join(&name), &folder.join(&name), 0o600)?;
        }
    }
    for (folder, ending) in [(CERTIFICATES, ".pem"), (SNAPSHOTS, ".json"), (QUEUE, ".json")] {
        let mut copier = Copier::new(to.join(folder))?;
        let is_meant = |name: &str| name.ends_with(ending) && !name.starts_with('.');
        copier.folder(&from.join(folder), folder, is_meant, progress)?;
        copied += copier.finish()?;
    }
    Ok(copied)
}

/// Copies a single file. One with another content that is there already is kept under another name:
/// somebody may have prepared it.
fn single(from: &Path, to: &Path, mode: u32) -> Result<u64, AdoptError> {
    let (Some(folder), Some(name)) = (to.parent(), to.file_name().and_then(|name| name.to_str()))
    else {
        return Ok(0);
    };
    if !from.is_file() {
        return Ok(0);
    }
    let mut copier = Copier::new(folder.to_owned())?;
    let differs = match (fs::read(from), fs::read(to)) {
        (Ok(new), Ok(old)) => new != old,
        _ => false,
    };
    let kept = folder.join(format!("{name}.before-adopt"));
    if differs && !kept.exists() {
        idspool_spool::relocate(to, kept)?;
    }
    copier.add(from, name, mode)?;
    copier.finish()
}

/// Puts the files that wait for the connector's converter at the end of our listener's spool, in their
/// order. They say only that an object changed, so doing it twice is harmless.
fn take_listener_files(
    folder: &Path,
    spool: &Path,
    progress: &mut dyn Progress,
) -> Result<u64, AdoptError> {
    if absolute(folder) == absolute(spool) {
        let spool = Spool::create(spool)?;
        spool.continue_after(&spool)?;
        return Ok(0);
    }
    let (from, to) = (Spool::open(folder)?, Spool::create(spool)?);
    let names = from.names()?;
    progress.begin("listener files", names.len() as u64);
    for group in names.chunks(TOGETHER) {
        let mut contents = Vec::with_capacity(group.len());
        for name in group {
            let path = from.path_of(name);
            let bytes = files::read(&path)
                .map_err(|problem| AdoptError::file("read", &path)(io::Error::other(problem)))?;
            contents.push(match ListenerItem::parse(&bytes) {
                // A name made by hand asks for a re-provisioning; the new name cannot say it.
                Ok(item) if !name.is_canonical() => {
                    ListenerItem { resync: true, ..item }.to_bytes()
                }
                // What cannot be understood stays so and is named by the converter.
                _ => bytes,
            });
            progress.step();
        }
        to.enqueue_group(&contents)?;
    }
    Ok(names.len() as u64)
}

fn remove(path: &Path) -> Result<(), AdoptError> {
    match fs::remove_file(path) {
        Ok(()) => {
            let folder = path.parent().unwrap_or(Path::new("."));
            fs::File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(AdoptError::file("sync", folder))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(AdoptError::file("remove", path)(error)),
    }
}
