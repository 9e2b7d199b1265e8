//! Removing an authority: its file, then its queue (id-connector 2.5).

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::Local;
use idspool_spool::{Consumer, Error, Spool, durable};

use super::{AdminError, Authorities};
use crate::conf::{self, AuthorityName};

/// How long a running `idspool-kelvin` may take to let go of the queue.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often to look.
const PAUSE: Duration = Duration::from_millis(50);

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Whether there was a file.
    pub file: bool,
    /// Where the queue is now; `None`: there was none.
    pub queue: Option<PathBuf>,
    /// How many items wait in it.
    pub waiting: usize,
    /// Schools that are still given to the authority.
    pub schools: Vec<String>,
}

impl Authorities {
    /// Removes an authority's file and moves its queue to `out_queues_trash`. What waits in it is not delivered;
    /// what the server has stays there.
    ///
    /// A queue without a file is moved, too: what a crash has left, or somebody who removed the file by hand.
    ///
    /// # Errors
    /// There is neither file nor queue, the queue is still worked on, or something cannot be removed or moved.
    pub fn remove(&self, name: &AuthorityName) -> Result<Removed, AdminError> {
        self.remove_within(name, PATIENCE)
    }

    pub(super) fn remove_within(
        &self,
        name: &AuthorityName,
        patience: Duration,
    ) -> Result<Removed, AdminError> {
        let _turn = self.lock()?;
        let path = self.layout.authority(name);
        let queue = self.layout.out_queue(name);
        let file = match fs::remove_file(&path) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(AdminError::file("remove", &path)(error)),
        };
        if file {
            sync(&self.layout.authorities())?;
        } else if !queue.is_dir() {
            return Err(self.unknown(name));
        }
        let (queue, waiting) = match queue.is_dir() {
            true => self.put_away(name, &queue, patience).map(|(place, n)| (Some(place), n))?,
            false => (None, 0),
        };
        let schools = self.mapping()?;
        let schools = schools.into_iter().filter(|(_, owner)| owner == name.as_str());
        Ok(Removed { file, queue, waiting, schools: schools.map(|(school, _)| school).collect() })
    }

    fn put_away(
        &self,
        name: &AuthorityName,
        queue: &Path,
        patience: Duration,
    ) -> Result<(PathBuf, usize), AdminError> {
        let spool = Spool::open(queue)?;
        let _nobody_works_here = wait_for(&spool, name, patience)?;
        let waiting = spool.names()?.len();
        let trash = self.layout.out_queues_trash();
        durable::create_dirs(&trash)?;
        let stamp = Local::now().format("%Y%m%d_%H%M%S");
        let mut place = trash.join(format!("{stamp}.{name}"));
        // Removed, added and removed again within a second.
        for number in 2..100 {
            if fs::symlink_metadata(&place).is_err() {
                break;
            }
            place = trash.join(format!("{stamp}-{number}.{name}"));
        }
        idspool_spool::relocate(queue, &place)?;
        Ok((place, waiting))
    }

    /// The names of queues that no authority has a file for.
    ///
    /// # Errors
    /// A folder cannot be read, or the files not be used.
    pub fn abandoned(&self) -> Result<Vec<String>, AdminError> {
        let folder = self.layout.out_queues();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(AdminError::file("read", &folder)(error)),
        };
        let loaded = conf::load(&self.layout)?;
        let mut abandoned = Vec::new();
        for entry in entries {
            let entry = entry.map_err(AdminError::file("read", &folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_known = loaded.names().any(|known| known.as_str() == name);
            if !name.starts_with('.') && !is_known && entry.path().is_dir() {
                abandoned.push(name);
            }
        }
        abandoned.sort_unstable();
        Ok(abandoned)
    }
}

/// The right to the queue, once a running `idspool-kelvin` has seen that the file is gone.
fn wait_for(
    spool: &Spool,
    name: &AuthorityName,
    patience: Duration,
) -> Result<Consumer, AdminError> {
    let until = Instant::now() + patience;
    loop {
        match spool.consumer("idspool kelvin authorities remove") {
            Err(Error::Locked { .. }) if Instant::now() < until => std::thread::sleep(PAUSE),
            Err(Error::Locked { holder, .. }) => {
                let queue = spool.dir().to_owned();
                return Err(AdminError::Busy {
                    name: name.clone(),
                    queue,
                    holder: holder.to_string(),
                });
            }
            other => return Ok(other?),
        }
    }
}

fn sync(folder: &Path) -> Result<(), AdminError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(AdminError::file("sync", folder))
}
