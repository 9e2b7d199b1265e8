//! `idspool queue remove` and `restore`: an item leaves its queue and comes back by a rename, so at any
//! moment it is in one place, whole.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use idspool_service::Exit;
use idspool_spool::{ItemName, durable, relocate};
use serde_json::json;

use crate::spools::{self, Queue};

/// Moves items into the queue's `.removed`.
pub(crate) fn remove(
    queues: &[Queue],
    items: &[String],
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let found = find_all(queues, items, |queue| queue.folder.clone(), Queue::removed)?;
    for (queue, name) in found {
        let kept = queue.removed();
        durable::create_dirs(&kept)?;
        move_item(&queue.folder, &kept, &name)?;
        report("removed", &queue, &name, as_json, out)?;
    }
    Ok(Exit::Done)
}

/// Moves items from the queue's `.removed` back to their old places.
pub(crate) fn restore(
    queues: &[Queue],
    items: &[String],
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let found = find_all(queues, items, Queue::removed, |queue| queue.folder.clone())?;
    for (queue, name) in found {
        move_item(&queue.removed(), &queue.folder, &name)?;
        report("restored", &queue, &name, as_json, out)?;
    }
    Ok(Exit::Done)
}

/// All or nothing: a misspelt name among many must not leave half of them moved.
fn find_all(
    queues: &[Queue],
    items: &[String],
    from: impl Fn(&Queue) -> PathBuf,
    to: impl Fn(&Queue) -> PathBuf,
) -> Result<Vec<(Queue, ItemName)>> {
    let mut found = Vec::new();
    for item in items {
        let (queue, name) = spools::find(queues, item, &from)?;
        let taken = to(&queue).join(name.as_str());
        if taken.symlink_metadata().is_ok() {
            bail!(
                "an item of that name exists already: {}; look at both, and delete or rename one",
                taken.display()
            );
        }
        // The same item may be named twice, say as a name and as a path.
        if !found.contains(&(queue.clone(), name.clone())) {
            found.push((queue, name));
        }
    }
    Ok(found)
}

fn move_item(from: &Path, to: &Path, name: &ItemName) -> Result<()> {
    let (from, to) = (from.join(name.as_str()), to.join(name.as_str()));
    relocate(&from, &to)
        .with_context(|| format!("failed to move {} to {}", from.display(), to.display()))
}

fn report(
    done: &str,
    queue: &Queue,
    name: &ItemName,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<()> {
    if as_json {
        writeln!(out, "{}", json!({ "queue": queue.name, "item": name.as_str(), "done": done }))?;
    } else {
        writeln!(out, "{done} {name} ({})", queue.name)?;
    }
    Ok(())
}
