//! Taking listener files: the next ones in order, read and parsed.

use idspool_spool::{Error, ItemName, Spool};
use idspool_udm::ListenerItem;

use crate::obstacle::Obstacle;

/// Largest listener file that is read. One that idspool wrote has a few hundred bytes.
const MAX_SIZE: u64 = 1 << 20;

const REMEDY: &str = "correct the file, or remove it if the change does not matter";

/// A listener file in work.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) name: ItemName,
    pub(crate) item: ListenerItem,
}

impl Taken {
    /// Whether recipients are to be called even if nothing seems to have changed. What an
    /// administrator enqueues by hand, with the manual's snippet, is always meant that way.
    pub(crate) fn is_resync(&self) -> bool {
        self.item.resync || !self.name.is_canonical()
    }
}

/// What became of the names that were to be taken.
#[derive(Debug, Default)]
pub(crate) struct Taking {
    /// Read and understood, in order.
    pub(crate) taken: Vec<Taken>,
    /// Removed by an administrator in the meantime.
    pub(crate) gone: Vec<ItemName>,
    /// What kept the next one from being taken. Nothing behind it is.
    pub(crate) obstacle: Option<Obstacle>,
}

/// Reads these items.
pub(crate) fn take(spool: &Spool, names: Vec<ItemName>) -> Taking {
    let mut taking = Taking { taken: Vec::with_capacity(names.len()), ..Taking::default() };
    for name in names {
        match read(spool, &name) {
            Ok(Some(item)) => taking.taken.push(Taken { name, item }),
            Ok(None) => taking.gone.push(name),
            Err(obstacle) => {
                taking.obstacle = Some(obstacle);
                break;
            }
        }
    }
    taking
}

fn read(spool: &Spool, name: &ItemName) -> Result<Option<ListenerItem>, Obstacle> {
    let faulty = |problem: String| Obstacle::Item { name: name.clone(), problem, remedy: REMEDY };
    let content = match spool.read(name, MAX_SIZE) {
        Ok(content) => content,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error @ (Error::TooLarge { .. } | Error::NotAFile { .. })) => {
            return Err(faulty(error.to_string()));
        }
        Err(error) => return Err(Obstacle::Spool { doing: "read a listener file", error }),
    };
    match ListenerItem::parse(&content.bytes) {
        Ok(item) => Ok(Some(item)),
        // S2: a script may be in the middle of writing it.
        Err(_) if !content.is_settled() => {
            Err(Obstacle::Unsettled { name: name.clone(), settles_in: content.settles_in() })
        }
        Err(error) => Err(faulty(error.to_string())),
    }
}
