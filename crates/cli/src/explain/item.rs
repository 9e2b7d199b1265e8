//! What one item is and what it would change.

use std::fs;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use idspool_spool::ItemName;
use idspool_udm::{ConvertedItem, ListenerItem};
use serde_json::{Value, json};

use super::difference::{Difference, differences};
use crate::format::{self, local};
use crate::spools::{self, Kind, Queue};

/// Bytes of an item that are read at most, as in the programs.
const LARGEST: u64 = 64 << 20;

/// An item, waiting or set aside.
pub(super) struct Item {
    pub(super) queue: Queue,
    pub(super) path: PathBuf,
    name: ItemName,
    is_removed: bool,
    came: Option<DateTime<Utc>>,
    content: Content,
}

enum Content {
    /// Says that something changed.
    Listener(ListenerItem),
    /// Says what it is now.
    Converted { item: Box<ConvertedItem>, effect: Effect },
    /// Nobody knows what it says.
    Damaged(String),
}

/// What a converted item would do to the last delivered state.
enum Effect {
    /// There is no state yet.
    New,
    /// These properties differ; none: nothing does.
    Changes(Vec<Difference>),
    /// The object goes away.
    Removes,
    /// It is handed on to the school authorities that it concerns.
    Routes,
    /// The last delivered state cannot be read.
    Unknown(String),
}

impl Item {
    /// Finds it among waiting and removed items.
    pub(super) fn find(queues: &[Queue], item: &str) -> Result<Self> {
        let waiting = spools::find(queues, item, |queue| queue.folder.clone());
        let (queue, name, is_removed) = match waiting {
            Ok((queue, name)) => (queue, name, false),
            // The message about waiting items is the better one when it is nowhere.
            Err(error) => match find_removed(queues, item) {
                Some((queue, name)) => (queue, name, true),
                None => return Err(error),
            },
        };
        let folder = if is_removed { queue.removed() } else { queue.folder.clone() };
        let path = folder.join(name.as_str());
        let bytes = read(&path).with_context(|| format!("failed to read {}", path.display()))?;
        let modified = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
        let came = name.timestamp().or_else(|| modified.map(DateTime::<Utc>::from));
        let content = content(&queue, &bytes);
        Ok(Self { queue, path, name, is_removed, came, content })
    }

    pub(super) fn to_json(&self) -> Value {
        let (object_type, dn, change) = self.object();
        let (effect, differences, problem) = match &self.content {
            Content::Listener(_) => (None, None, None),
            Content::Damaged(problem) => (None, None, Some(problem.clone())),
            Content::Converted { effect, .. } => match effect {
                Effect::New => (Some("new"), None, None),
                Effect::Removes => (Some("removes"), None, None),
                Effect::Routes => (Some("routes"), None, None),
                Effect::Unknown(problem) => (None, None, Some(problem.clone())),
                Effect::Changes(list) if list.is_empty() => (Some("nothing"), None, None),
                Effect::Changes(list) => {
                    let list: Vec<Value> = list.iter().map(Difference::to_json).collect();
                    (Some("changes"), Some(list), None)
                }
            },
        };
        json!({
            "queue": self.queue.name, "item": self.name.as_str(), "path": self.path,
            "removed": self.is_removed, "came": self.came, "forced": self.is_forced(),
            "object_type": object_type, "dn": dn, "change": change,
            "effect": effect, "differences": differences, "problem": problem,
        })
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> Result<()> {
        let mut field =
            |name: &str, text: &str| writeln!(out, "  {name:<8} {}", format::line(text));
        let place = if self.is_removed { "set aside from" } else { "waits in" };
        field("item", &self.path.display().to_string())?;
        field("place", &format!("{place} the queue '{}'", self.queue.name))?;
        if let Some(came) = self.came {
            field("came", &local(came))?;
        }
        if let (Some(object_type), Some(dn), Some(change)) = self.object() {
            field("object", &format!("{object_type} {dn}"))?;
            field("change", change)?;
        }
        if self.is_forced() {
            field("forced", "the recipient is called even if nothing differs: a re-provisioning")?;
        }
        match &self.content {
            Content::Listener(_) => field(
                "effect",
                "the converter looks the object up in the directory and hands its newest state on",
            )?,
            Content::Damaged(problem) => field("damaged", problem)?,
            Content::Converted { effect: Effect::New, .. } => {
                field("effect", "the object was never delivered before: all of it is new")?;
            }
            Content::Converted { effect: Effect::Removes, .. } => {
                let recipient = match &self.queue.kind {
                    Kind::OutQueue { authority, .. } => format!("'{authority}'"),
                    _ => "OX".to_owned(),
                };
                let effect =
                    format!("the object is removed from {recipient}, as far as it is there");
                field("effect", &effect)?;
            }
            Content::Converted { effect: Effect::Routes, .. } => {
                field("effect", "it is copied to the school authorities that it concerns")?;
            }
            Content::Converted { effect: Effect::Unknown(problem), .. } => {
                field("effect", &format!("not known: {problem}"))?;
            }
            Content::Converted { effect: Effect::Changes(list), .. } if list.is_empty() => {
                field("effect", "nothing differs from what was last delivered")?;
            }
            Content::Converted { effect: Effect::Changes(list), .. } => {
                field("effect", &format!("{} properties differ", list.len()))?;
                for difference in list {
                    field("", &difference.to_string())?;
                }
            }
        }
        Ok(())
    }

    fn object(&self) -> (Option<&str>, Option<&str>, Option<&str>) {
        match &self.content {
            Content::Listener(item) => {
                (Some(&item.object_type), Some(&item.dn), Some(&item.command))
            }
            Content::Converted { item, .. } => {
                let change = if item.is_deleted() { "delete" } else { "modify" };
                (Some(&item.udm_object_type), Some(&item.dn), Some(change))
            }
            Content::Damaged(_) => (None, None, None),
        }
    }

    fn is_forced(&self) -> bool {
        let wishes = match &self.content {
            Content::Listener(item) => item.resync,
            Content::Converted { item, .. } => item.resync,
            Content::Damaged(_) => return false,
        };
        wishes || !self.name.is_canonical()
    }
}

fn find_removed(queues: &[Queue], item: &str) -> Option<(Queue, ItemName)> {
    if let Ok(found) = spools::find(queues, item, Queue::removed) {
        return Some(found);
    }
    // A path into the folder of removed items itself.
    let path = Path::new(item);
    let name: ItemName = path.file_name()?.to_str()?.parse().ok()?;
    let folder = path.parent()?.canonicalize().ok()?;
    let queue = queues
        .iter()
        .find(|queue| queue.removed().canonicalize().is_ok_and(|removed| removed == folder))?;
    path.is_file().then(|| (queue.clone(), name))
}

fn content(queue: &Queue, bytes: &[u8]) -> Content {
    if queue.kind == Kind::Listener {
        return match ListenerItem::parse(bytes) {
            Ok(item) => Content::Listener(item),
            Err(error) => Content::Damaged(error.to_string()),
        };
    }
    match ConvertedItem::parse(bytes) {
        Ok(item) => {
            let effect = match queue.kind {
                Kind::InQueue => Effect::Routes,
                _ => effect(&queue.folder.join("old"), &item),
            };
            Content::Converted { item: Box::new(item), effect }
        }
        Err(error) => Content::Damaged(error.to_string()),
    }
}

fn effect(snapshots: &Path, item: &ConvertedItem) -> Effect {
    let Some(object) = &item.object else { return Effect::Removes };
    // The parser has made sure that the id leads nowhere else.
    let path = snapshots.join(format!("{}.json", item.id));
    let bytes = match read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Effect::New,
        Err(error) => return Effect::Unknown(format!("{}: {error}", path.display())),
    };
    match ConvertedItem::parse(&bytes) {
        Ok(old) => {
            let mut list = differences(old.object.as_ref(), object);
            if old.dn != item.dn {
                list.insert(0, Difference::of_text("dn", &old.dn, &item.dn));
            }
            Effect::Changes(list)
        }
        Err(error) => Effect::Unknown(format!("{}: {error}", path.display())),
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // A named pipe would hold us for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let file = fs::File::open(path)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("larger than {LARGEST} bytes")));
    }
    Ok(bytes)
}
