//! Real files with a plan of what goes wrong, and a model of what a power loss would leave of them.
//!
//! The model is as pessimistic as POSIX allows: data is lost unless its file was synced, a change
//! of a directory is lost unless the directory was synced.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FlockOperation, Stat, flock, fstat, statat};
use rustix::io::Errno;

use crate::clock::Clock;
use crate::file_system::{FileSystem, Kind, SystemFiles};

/// What happens at the chosen step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// The step is not done, nor any after it: the process is dead.
    Crash,
    /// This step fails, later ones work.
    Once(Errno),
    /// This step and all later ones fail.
    Forever(Errno),
    /// Somebody removes `.last` while the producer waits for its lock at this step.
    MarkRemoved,
    /// A write stops half-way, later ones work.
    ShortWrite,
}

/// Features that some file systems do not have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lacks {
    pub(crate) unnamed_files: bool,
    /// Files without a name can be made, but not be given one.
    pub(crate) naming: bool,
    pub(crate) sync_of_all: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Simulation {
    trouble: Option<(usize, Trouble)>,
    lacks: Lacks,
    model: Mutex<Model>,
}

#[derive(Debug, Default)]
struct Model {
    steps: usize,
    files: HashMap<u64, File>,
    /// Names that a power loss leaves, and the changes it may take back.
    durable: BTreeMap<String, u64>,
    pending: Vec<Change>,
    synced_directories: Vec<PathBuf>,
    /// Steps at which directories were opened, by descriptor.
    opened: HashMap<i32, usize>,
}

#[derive(Clone, Debug, Default)]
struct File {
    data: Vec<u8>,
    synced: Vec<u8>,
    is_synced: bool,
    /// Step at which it was made.
    made: usize,
    /// A write of it that was lost would have failed its sync.
    is_watched: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Add(String, u64),
    Move(String, String),
    Remove(String),
}

/// Names and contents that are left in a directory.
pub(crate) type Remains = BTreeMap<String, Vec<u8>>;

impl Simulation {
    pub(crate) fn new(trouble: Option<(usize, Trouble)>, lacks: Lacks) -> Self {
        Self { trouble, lacks, model: Mutex::default() }
    }

    /// Whether the run was long enough for its trouble to happen.
    pub(crate) fn had_trouble(&self) -> bool {
        self.trouble.is_some_and(|(at, _)| self.model().steps > at)
    }

    /// Operations done so far.
    pub(crate) fn steps(&self) -> usize {
        self.model().steps
    }

    pub(crate) fn synced_directories(&self) -> Vec<PathBuf> {
        self.model().synced_directories.clone()
    }

    /// Every state that a power loss at this moment may leave.
    pub(crate) fn after_power_loss(&self) -> Vec<Remains> {
        let model = self.model();
        let count = model.pending.len();
        // A journal keeps the changes up to some moment. Without one, any of them may be missing.
        let journaled = (0..=count).map(|kept| model.pending.iter().take(kept).collect::<Vec<_>>());
        let unordered = (0..count).map(|lost| {
            let others = model.pending.iter().enumerate().filter(|(at, _)| *at != lost);
            others.map(|(_, change)| change).collect()
        });
        let reports = journaled.chain(unordered);
        reports
            .flat_map(|changes| {
                let mut names = model.durable.clone();
                for change in changes {
                    change.apply(&mut names);
                }
                let data = |loss: fn(&File) -> Vec<u8>| -> Remains {
                    let content = |inode| model.files.get(inode).map(loss).unwrap_or_default();
                    names.iter().map(|(name, inode)| (name.clone(), content(inode))).collect()
                };
                [
                    data(|file| file.synced.clone()),
                    data(|file| if file.is_synced { file.data.clone() } else { Vec::new() }),
                    data(|file| match file.data.len() {
                        length if file.is_synced => file.data[..length].to_vec(),
                        length => file.data[..length / 2].to_vec(),
                    }),
                ]
            })
            .collect()
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        // A failed check must end in its message, not in the destructors that follow it.
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a step; `Ok(true)` when it shall be done half.
    fn step(&self) -> io::Result<bool> {
        let mut model = self.model();
        let step = model.steps;
        model.steps += 1;
        match self.trouble {
            Some((at, Trouble::Crash)) if step >= at => Err(Errno::IO.into()),
            Some((at, Trouble::Forever(errno))) if step >= at => Err(errno.into()),
            Some((at, Trouble::Once(errno))) if step == at => Err(errno.into()),
            Some((at, Trouble::ShortWrite)) => Ok(step == at),
            _ => Ok(false),
        }
    }

    fn write_model(&self, file: BorrowedFd<'_>, change: impl FnOnce(&mut File)) {
        let inode = fstat(file).unwrap().st_ino;
        let mut model = self.model();
        let file = model.files.entry(inode).or_default();
        file.is_synced = false;
        change(file);
    }

    fn made(&self, file: &OwnedFd) -> io::Result<u64> {
        let inode = fstat(file)?.st_ino;
        let mut model = self.model();
        let made = model.steps;
        model.files.insert(inode, File { made, ..File::default() });
        Ok(inode)
    }

    /// S1: a file gets its name after a sync that would have told of every lost write of it.
    fn check_watched(&self, inode: u64) {
        let is_watched = self.model().files.get(&inode).is_some_and(|file| file.is_watched);
        assert!(is_watched, "a write that was lost would have gone unreported");
    }

    /// S3: items get their names under the lock of the mark.
    fn check_turn(directory: BorrowedFd<'_>) {
        let mark = SystemFiles.open_or_create(directory, ".last").unwrap();
        let attempt = flock(&mark, FlockOperation::NonBlockingLockExclusive);
        assert_eq!(attempt, Err(Errno::WOULDBLOCK), "an item is named without the lock");
    }

    fn change(&self, change: Change) {
        self.model().pending.push(change);
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Add(name, inode) => drop(names.insert(name.clone(), *inode)),
            Self::Move(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            Self::Remove(name) => drop(names.remove(name)),
        }
    }
}

fn path_of(file: BorrowedFd<'_>) -> io::Result<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn inode_of(directory: BorrowedFd<'_>, name: &str) -> io::Result<u64> {
    Ok(statat(directory, name, AtFlags::empty())?.st_ino)
}

impl FileSystem for Simulation {
    fn open_directory(&self, path: &Path) -> io::Result<OwnedFd> {
        self.step()?;
        let directory = SystemFiles.open_directory(path)?;
        let mut model = self.model();
        let step = model.steps;
        model.opened.insert(directory.as_raw_fd(), step);
        Ok(directory)
    }

    fn create_unnamed(&self, directory: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        self.step()?;
        if self.lacks.unnamed_files {
            return Err(Errno::OPNOTSUPP.into());
        }
        let file = SystemFiles.create_unnamed(directory)?;
        self.made(&file)?;
        Ok(file)
    }

    fn create_named(
        &self,
        directory: BorrowedFd<'_>,
        name: &str,
        mode: u32,
    ) -> io::Result<OwnedFd> {
        self.step()?;
        let file = SystemFiles.create_named(directory, name, mode)?;
        let inode = self.made(&file)?;
        self.change(Change::Add(name.to_owned(), inode));
        Ok(file)
    }

    fn open_or_create(&self, directory: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
        self.step()?;
        let existed = SystemFiles.kind(directory, name)?.is_some();
        let file = SystemFiles.open_or_create(directory, name)?;
        if !existed {
            let inode = fstat(&file)?.st_ino;
            self.model().files.insert(inode, File::default());
            self.change(Change::Add(name.to_owned(), inode));
        }
        Ok(file)
    }

    fn set_mode(&self, file: BorrowedFd<'_>, mode: u32) -> io::Result<()> {
        self.step()?;
        SystemFiles.set_mode(file, mode)
    }

    fn write(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
        let wanted = if self.step()? { bytes.len().div_ceil(2) } else { bytes.len() };
        let count = SystemFiles.write(file, &bytes[..wanted])?;
        self.write_model(file, |file| file.data.extend(&bytes[..count]));
        Ok(count)
    }

    fn read_at_start(&self, file: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
        self.step()?;
        SystemFiles.read_at_start(file, buffer)
    }

    fn write_at_start(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
        let wanted = if self.step()? { bytes.len() / 2 } else { bytes.len() };
        let count = SystemFiles.write_at_start(file, &bytes[..wanted])?;
        self.write_model(file, |file| {
            let kept = file.data.split_off(count.min(file.data.len()));
            file.data = [&bytes[..count], &kept].concat();
        });
        Ok(count)
    }

    fn sync_file(&self, file: BorrowedFd<'_>) -> io::Result<()> {
        self.step()?;
        self.write_model(file, |file| {
            file.synced.clone_from(&file.data);
            file.is_synced = true;
            file.is_watched = true;
        });
        Ok(())
    }

    fn sync_file_system(&self, directory: BorrowedFd<'_>) -> io::Result<()> {
        self.step()?;
        if self.lacks.sync_of_all {
            return Err(Errno::NOSYS.into());
        }
        let mut model = self.model();
        let opened = model.opened.get(&directory.as_raw_fd()).copied();
        for file in model.files.values_mut() {
            // syncfs(2) reports the writes lost since its descriptor was opened, and no others.
            file.is_watched |= opened.is_some_and(|opened| opened < file.made);
            file.synced.clone_from(&file.data);
            file.is_synced = true;
        }
        Ok(())
    }

    fn sync_directory(&self, directory: BorrowedFd<'_>) -> io::Result<()> {
        self.step()?;
        let mut model = self.model();
        model.synced_directories.push(path_of(directory)?);
        let model = &mut *model;
        for change in model.pending.drain(..) {
            change.apply(&mut model.durable);
        }
        Ok(())
    }

    fn lock(&self, file: BorrowedFd<'_>) -> io::Result<()> {
        let step = self.model().steps;
        self.step()?;
        if matches!(self.trouble, Some((at, Trouble::MarkRemoved)) if at == step) {
            std::fs::remove_file(path_of(file)?)?;
        }
        SystemFiles.lock(file)
    }

    fn stat(&self, file: BorrowedFd<'_>) -> io::Result<Stat> {
        self.step()?;
        SystemFiles.stat(file)
    }

    fn name_unnamed(
        &self,
        file: BorrowedFd<'_>,
        directory: BorrowedFd<'_>,
        name: &str,
    ) -> io::Result<()> {
        self.step()?;
        if self.lacks.naming {
            return Err(Errno::NOENT.into());
        }
        Self::check_turn(directory);
        self.check_watched(fstat(file)?.st_ino);
        SystemFiles.name_unnamed(file, directory, name)?;
        self.change(Change::Add(name.to_owned(), fstat(file)?.st_ino));
        Ok(())
    }

    fn rename_new(&self, directory: BorrowedFd<'_>, from: &str, to: &str) -> io::Result<()> {
        self.step()?;
        Self::check_turn(directory);
        self.check_watched(inode_of(directory, from)?);
        SystemFiles.rename_new(directory, from, to)?;
        self.change(Change::Move(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn rename_over(&self, directory: BorrowedFd<'_>, from: &str, to: &str) -> io::Result<()> {
        self.step()?;
        self.check_watched(inode_of(directory, from)?);
        SystemFiles.rename_over(directory, from, to)?;
        self.change(Change::Move(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn unlink(&self, directory: BorrowedFd<'_>, name: &str) -> io::Result<()> {
        self.step()?;
        SystemFiles.unlink(directory, name)?;
        self.change(Change::Remove(name.to_owned()));
        Ok(())
    }

    fn kind(&self, directory: BorrowedFd<'_>, name: &str) -> io::Result<Option<Kind>> {
        self.step()?;
        SystemFiles.kind(directory, name)
    }

    fn list(
        &self,
        directory: BorrowedFd<'_>,
        visit: &mut dyn FnMut(&[u8], Kind),
    ) -> io::Result<()> {
        self.step()?;
        SystemFiles.list(directory, visit)
    }
}

/// A clock that stands where the test puts it.
#[derive(Debug)]
pub(crate) struct SetClock(Duration);

impl SetClock {
    pub(crate) fn at(micros: u64) -> Self {
        Self(Duration::from_micros(micros))
    }
}

impl Clock for SetClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.0
    }
}
