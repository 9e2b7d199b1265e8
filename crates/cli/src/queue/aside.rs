//! `idspool queue remove` and `restore`: an item leaves its queue and comes back by a rename, so at any
//! moment it is in one place, whole.

use std::io::Write;
use std::path::Path;

use anyhow::{Context as _, Result};
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
    let found = find_all(queues, items, |queue| queue.folder.clone())?;
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
    let found = find_all(queues, items, Queue::removed)?;
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
    place: impl Fn(&Queue) -> std::path::PathBuf,
) -> Result<Vec<(Queue, ItemName)>> {
    items.iter().map(|item| spools::find(queues, item, &place)).collect()
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
