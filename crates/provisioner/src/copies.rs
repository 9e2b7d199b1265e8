//! Putting objects into the queue again, because something that they depend on became known or changed.
//!
//! Such a copy stands for the object's snapshot as it is when its turn comes. It is marked in its file, so that
//! a later process knows it, too.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use idspool_spool::ItemName;
use tracing::info;

use crate::{Delivery, Fault, Known};

/// The copies that a recipient put into its queue.
#[derive(Debug, Default)]
pub struct Copies {
    by_id: Mutex<HashMap<String, Copy>>,
}

#[derive(Debug)]
struct Copy {
    name: ItemName,
    /// It was delivered. Its file stays until the new state is on disk, which may take a while.
    is_delivered: bool,
}

impl Copies {
    /// Queues a copy of an object, unless an item of it waits anyway or it has no snapshot any more.
    ///
    /// # Errors
    /// The snapshot cannot be read, or the queue cannot be written.
    pub fn queue(&self, delivery: &Delivery<'_>, known: &Known) -> Result<(), Fault> {
        if self.is_waiting(delivery, &known.id) {
            return Ok(());
        }
        let snapshot = delivery.objects.snapshot(&known.id).map_err(|error| error.to_fault())?;
        let Some(snapshot) = snapshot else { return Ok(()) };
        let name = delivery.queue.enqueue(&marked(snapshot.to_queue_bytes()));
        let name = name.map_err(|error| Fault::from(&error))?;
        info!(
            "Added {} to the listener queue as {}",
            known.path.display(),
            delivery.queue.path_of(&name).display()
        );
        self.lock().insert(known.id.clone(), Copy { name, is_delivered: false });
        Ok(())
    }

    /// Whether an unprocessed item of the object is in the queue. It carries a newer state than the
    /// snapshot, so a copy behind it would bring the old state back.
    fn is_waiting(&self, delivery: &Delivery<'_>, id: &str) -> bool {
        let mut copies = self.lock();
        if let Some(copy) = copies.get(id) {
            // The loop may not have seen it yet.
            if !delivery.queue.path_of(&copy.name).exists() {
                copies.remove(id);
            } else if !copy.is_delivered {
                return true;
            }
        }
        delivery.waiting.has(id)
    }

    /// Whether the item of object `id` in the file `path` is such a copy. From now on it does not count as
    /// waiting: what becomes known after it needs another one.
    ///
    /// `may_be_older` says whether it could be one that an earlier process made; only then the file is
    /// opened. One that cannot be read counts as what it says, which was read a moment ago.
    pub fn is_copy(&self, id: &str, path: &Path, may_be_older: bool) -> bool {
        let name = path.file_name().unwrap_or_default();
        if let Some(copy) = self.lock().get_mut(id)
            && name == copy.name.as_str()
        {
            copy.is_delivered = true;
            return true;
        }
        may_be_older && ends_with_mark(path)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Copy>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a copy's file: one more key, which nobody else looks at.
const MARK: &[u8] = br#","requeued":true}"#;

fn marked(mut item: Vec<u8>) -> Vec<u8> {
    item.truncate(item.trim_ascii_end().len());
    if item.pop_if(|last| *last == b'}').is_some() {
        item.extend_from_slice(MARK);
    }
    item
}

fn ends_with_mark(path: &Path) -> bool {
    let end = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = i64::try_from(MARK.len()).unwrap_or(i64::MAX);
        file.seek(SeekFrom::End(-length))?;
        let mut end = Vec::new();
        file.take(64).read_to_end(&mut end)?;
        Ok(end)
    };
    end().is_ok_and(|end| end == MARK)
}
