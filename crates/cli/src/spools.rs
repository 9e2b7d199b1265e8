//! The queues that the configuration names.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::{Context as _, Result, anyhow, bail};
use idspool_service::Config;
use idspool_spool::{ItemName, Spool};

/// One queue and who consumes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queue {
    /// `listener`, `ox` or `kelvin`.
    pub(crate) name: &'static str,
    /// The program that consumes it.
    pub(crate) consumer: &'static str,
    pub(crate) folder: PathBuf,
}

/// All queues that are in use.
pub(crate) fn all(config: &Config) -> Vec<Queue> {
    let mut queues = vec![Queue {
        name: "listener",
        consumer: "idspool-converter",
        folder: config.listener.spool.clone(),
    }];
    if config.ox.enabled {
        queues.push(Queue { name: "ox", consumer: "idspool-ox", folder: config.ox.queue() });
    }
    if config.kelvin.enabled {
        queues.push(Queue {
            name: "kelvin",
            consumer: "idspool-kelvin",
            folder: config.kelvin.queue(),
        });
    }
    queues
}

/// The queue of that name, or all when none is named.
pub(crate) fn selected(config: &Config, name: Option<&str>) -> Result<Vec<Queue>> {
    let queues = all(config);
    let Some(name) = name else { return Ok(queues) };
    let known: Vec<_> = queues.iter().map(|queue| queue.name).collect();
    let chosen: Vec<_> = queues.iter().filter(|queue| queue.name == name).cloned().collect();
    if chosen.is_empty() {
        bail!("there is no queue '{name}' in use: expected {}", known.join(" or "));
    }
    Ok(chosen)
}

impl Queue {
    /// The spool; `None` when nothing was ever written to it.
    ///
    /// A folder that cannot be looked at is an error: to whom rights are missing, nothing is healthy.
    pub(crate) fn open(&self) -> Result<Option<Spool>> {
        match fs::metadata(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error)
                .with_context(|| format!("failed to look at the queue {}", self.folder.display())),
            Ok(_) => Ok(Some(Spool::open(&self.folder)?)),
        }
    }

    /// Where removed items are kept: a dot-name, so never scanned.
    pub(crate) fn removed(&self) -> PathBuf {
        self.folder.join(".removed")
    }
}

/// Finds the queue in which an item is, `place` being where in the queue's folder it is looked for.
///
/// `item` is a file name, as listed, or a path, as logged.
pub(crate) fn find(
    queues: &[Queue],
    item: &str,
    place: impl Fn(&Queue) -> PathBuf,
) -> Result<(Queue, ItemName)> {
    let path = Path::new(item);
    let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or(item);
    let name = ItemName::from_str(file_name)?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut found = queues.iter().filter(|queue| {
        folder.is_none_or(|folder| is_same(folder, &queue.folder))
            && place(queue).join(name.as_str()).is_file()
    });
    match (found.next(), found.next()) {
        (Some(queue), None) => Ok((queue.clone(), name)),
        (Some(one), Some(other)) => Err(anyhow!(
            "{name} is in the queues {} and {}: name one with --queue",
            one.name,
            other.name
        )),
        (None, _) => {
            let looked: Vec<_> =
                queues.iter().map(|queue| place(queue).display().to_string()).collect();
            Err(anyhow!("there is no item {item} in {}", looked.join(" or in ")))
        }
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}
