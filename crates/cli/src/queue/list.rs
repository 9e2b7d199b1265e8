//! `idspool queue list`.

use std::fs::File;
use std::io::{Read as _, Write};
use std::path::Path;

use anyhow::Result;
use idspool_service::Exit;
use idspool_spool::{ItemName, Spool};
use idspool_udm::{ItemHead, ListenerItem};
use serde_json::json;

use crate::format;
use crate::spools::Queue;

/// Bytes of an item's beginning that tell its type and DN.
const HEAD: u64 = 4096;

/// What a line says of an item.
pub(crate) struct Summary {
    pub(crate) object_type: String,
    pub(crate) dn: String,
    /// `add`, `modify`, `delete` for listener items; `delete` or `modify` for converted ones.
    pub(crate) command: String,
}

/// Prints the items of `queues`, a line each; with `as_json` one JSON object a line, so that any number
/// can be read in a stream.
pub(crate) fn print(
    queues: &[Queue],
    limit: usize,
    removed: bool,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    for queue in queues {
        let folder = if removed { queue.removed() } else { queue.folder.clone() };
        // One that cannot be looked at is an error: to whom rights are missing, nothing is empty.
        if folder.try_exists().is_ok_and(|exists| !exists) {
            continue;
        }
        let faulty = if removed { None } else { Spool::open(&folder)?.state()?.filename };
        for name in Spool::open(&folder)?.names()?.into_iter().take(limit) {
            let path = folder.join(name.as_str());
            let is_faulty = faulty.as_deref() == Some(path.as_path());
            print_item(queue, &name, &path, is_faulty, as_json, out)?;
        }
    }
    Ok(Exit::Done)
}

fn print_item(
    queue: &Queue,
    name: &ItemName,
    path: &Path,
    is_faulty: bool,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<()> {
    let summary = summary(path);
    if as_json {
        let line = json!({
            "queue": queue.name,
            "item": name.as_str(),
            "path": path,
            "faulty": is_faulty,
            "object_type": summary.as_ref().map(|s| &s.object_type),
            "command": summary.as_ref().map(|s| &s.command),
            "dn": summary.as_ref().map(|s| &s.dn),
        });
        writeln!(out, "{line}")?;
        return Ok(());
    }
    let mark = if is_faulty { "!" } else { " " };
    match summary {
        Some(Summary { object_type, dn, command }) => writeln!(
            out,
            "{mark} {:<8} {name:<31}  {command:<6} {:<26} {}",
            queue.name,
            format::line(&object_type),
            format::line(&dn)
        )?,
        None => writeln!(out, "{mark} {:<8} {name:<31}  (cannot be read)", queue.name)?,
    }
    Ok(())
}

/// What an item says of itself; `None` when it cannot be understood, or is gone.
pub(crate) fn summary(path: &Path) -> Option<Summary> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
    let of_head = |head: ItemHead| Summary {
        object_type: head.udm_object_type,
        dn: head.dn,
        command: if head.deleted { "delete" } else { "modify" }.into(),
    };
    if let Some(head) = ItemHead::scan(&head) {
        return Some(of_head(head));
    }
    if let Ok(item) = ListenerItem::parse(&head) {
        return Some(Summary { object_type: item.object_type, dn: item.dn, command: item.command });
    }
    ItemHead::parse(&std::fs::read(path).ok()?).ok().map(of_head)
}
