//! The producers' high-water mark: `.last` holds the greatest name that was ever given away, and
//! its lock makes producers take turns.
//!
//! The mark is written before the names it covers are used, so a process that dies in between
//! leaves a gap, never a name given twice. It is not fsynced for each item. That would cost a
//! third flush per item, and only a power loss can take it back: the file names the boot in which
//! it was written, and in another boot the names in the directory count as well.
//!
//! The lock is held for the naming of one batch, never during an fsync. Nothing bounds the wait for
//! it: a producer that somebody stops (SIGSTOP) just then makes the others wait until it goes on.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use crate::Error;
use crate::enqueue::Directory;
use crate::name::{ItemName, Stamp};

pub(crate) const FILE: &str = ".last";

/// `2023-12-11-11-22-22-856263 BOOT-ID 2023-12-11-11-22-22-856263\n`. The stamp stands at both ends
/// so that a write that stopped half-way does not pass for a mark.
const LEN: usize = STAMP_LEN + 1 + BOOT_ID_LEN + 1 + STAMP_LEN + 1;
const STAMP_LEN: usize = 26;
const BOOT_ID_LEN: usize = 36;

/// Identifies the running kernel; empty where `/proc` does not tell, which matches no mark.
pub fn boot_id() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// The locked mark. Dropping it lets the next producer in.
#[derive(Debug)]
pub(crate) struct Mark<'a> {
    directory: &'a Directory<'a>,
    boot_id: &'a str,
    file: OwnedFd,
    last: Stamp,
}

impl<'a> Mark<'a> {
    /// Waits for the other producers and reads the mark.
    pub(crate) fn lock(directory: &'a Directory<'a>, boot_id: &'a str) -> Result<Self, Error> {
        let files = directory.files;
        let path = || directory.path.join(FILE);
        let file = loop {
            let file = files
                .open_or_create(directory.handle.as_fd(), FILE)
                .map_err(|cause| Error::io("open", &path())(cause))?;
            // S3: two producers, threads or processes, must not take the same name, and the names
            // must appear in the directory in their order.
            files.lock(file.as_fd()).map_err(|cause| Error::io("lock", &path())(cause))?;
            let stat =
                files.stat(file.as_fd()).map_err(|cause| Error::io("look at", &path())(cause))?;
            // Somebody removed the file while we waited; the next producer would lock a new one.
            if stat.st_nlink > 0 {
                break file;
            }
        };
        let mut content = [0; LEN];
        let length = files
            .read_at_start(file.as_fd(), &mut content)
            .map_err(|cause| Error::io("read", &path())(cause))?;
        let (marked, is_of_this_boot) = parse(content.get(..length).unwrap_or_default(), boot_id);
        let last = if is_of_this_boot {
            marked
        } else {
            // S3: a power loss may have taken the mark back to before names that survived.
            marked.max(greatest_name(directory)?)
        };
        Ok(Self { directory, boot_id, file, last })
    }

    /// Takes `count` consecutive stamps, none before `now`, and returns the first.
    pub(crate) fn reserve(&mut self, now: Stamp, count: usize) -> Result<Stamp, Error> {
        let exhausted = || Error::NamesExhausted { path: self.directory.path.to_owned() };
        // S3: never back, whatever the clock says.
        let first = self.last.after(1).ok_or_else(exhausted)?.max(now);
        let last = first.after(count.saturating_sub(1)).ok_or_else(exhausted)?;
        let name = last.name();
        let stamp = name.as_str().trim_end_matches(".json");
        let content = format!("{stamp} {:BOOT_ID_LEN$} {stamp}\n", self.boot_id);
        let path = || -> PathBuf { self.directory.path.join(FILE) };
        let written = self
            .directory
            .files
            .write_at_start(self.file.as_fd(), content.as_bytes())
            .map_err(|cause| Error::io("write", &path())(cause))?;
        if written != content.len() {
            // Unreadable from now on, so the next producer looks into the directory instead.
            return Err(Error::io("write", &path())(std::io::Error::from(
                std::io::ErrorKind::WriteZero,
            )));
        }
        self.last = last;
        Ok(first)
    }
}

/// The stamp in the mark, and whether nothing after it can have been lost.
fn parse(content: &[u8], boot_id: &str) -> (Stamp, bool) {
    let stamp = |from: usize| {
        content.get(from..from + STAMP_LEN).and_then(Stamp::parse).unwrap_or(Stamp::FIRST)
    };
    let id = content.get(STAMP_LEN + 1..STAMP_LEN + 1 + BOOT_ID_LEN);
    let is_of_this_boot = !boot_id.is_empty() && id == Some(boot_id.as_bytes());
    let is_whole = content.len() == LEN && content.ends_with(b"\n");
    // Where a write stopped half-way, the stamp it did not reach is the last that was used.
    (stamp(0).max(stamp(LEN - STAMP_LEN - 1)), is_of_this_boot && is_whole)
}

/// A stamp that is greater than the name of every waiting item, also than one that was made by others:
/// without microseconds, with nanoseconds, in local time. Names more than `reach` after `now` are left
/// out; no clock of this world explains them.
pub(crate) fn after_waiting(
    directory: &Directory<'_>,
    now: Stamp,
    reach: usize,
) -> Result<Option<Stamp>, Error> {
    let (mut greatest, limit) = (None, now.after(reach));
    directory
        .files
        .list(directory.handle.as_fd(), &mut |name, _| {
            let Some(name) = ItemName::of_file(name) else { return };
            let after = match name.stamp() {
                Some(stamp) => stamp.after(1),
                // The next second is behind all forms of this one.
                None => Stamp::of_second(name.as_str()).and_then(|stamp| stamp.after(1_000_000)),
            };
            greatest =
                greatest.max(after.filter(|stamp| limit.is_some_and(|limit| *stamp <= limit)));
        })
        .map_err(Error::io("list", directory.path))?;
    Ok(greatest)
}

fn greatest_name(directory: &Directory<'_>) -> Result<Stamp, Error> {
    let mut greatest = Stamp::FIRST;
    directory
        .files
        .list(directory.handle.as_fd(), &mut |name, _| {
            if let Some(stamp) = ItemName::of_file(name).and_then(|name| name.stamp()) {
                greatest = greatest.max(stamp);
            }
        })
        .map_err(Error::io("list", directory.path))?;
    Ok(greatest)
}
