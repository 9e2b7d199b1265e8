//! The queues that the configuration names.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::{Context as _, Result, anyhow, bail};
use idspool_kelvin::Layout;
use idspool_kelvin::conf::{self, AuthorityName};
use idspool_service::Config;
use idspool_spool::{ItemName, Spool};

/// One queue and who consumes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queue {
    /// `listener`, `ox`, `kelvin`, or `kelvin/AUTHORITY`.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The program that consumes it.
    pub(crate) consumer: &'static str,
    pub(crate) folder: PathBuf,
}

/// What is in a queue, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Changes that are to be looked up.
    Listener,
    /// What OX is to get.
    Ox,
    /// What is to be distributed to school authorities.
    InQueue,
    /// What one authority is to get.
    OutQueue {
        /// Its name.
        authority: String,
        service: Service,
    },
}

/// Whether an authority's queue is worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Service {
    /// By its file, with the address of its server.
    Active(String),
    /// It is deactivated: what arrives waits.
    Inactive,
    /// Its file cannot be used.
    Unusable,
    /// It has no file (any more).
    Abandoned,
}

/// All queues that are in use.
pub(crate) fn all(config: &Config) -> Vec<Queue> {
    let mut queues = vec![Queue {
        name: "listener".into(),
        kind: Kind::Listener,
        consumer: "idspool-converter",
        folder: config.listener.spool.clone(),
    }];
    if config.ox.enabled {
        queues.push(Queue {
            name: "ox".into(),
            kind: Kind::Ox,
            consumer: "idspool-ox",
            folder: config.ox.queue(),
        });
    }
    if config.kelvin.enabled {
        queues.push(Queue {
            name: "kelvin".into(),
            kind: Kind::InQueue,
            consumer: KELVIN,
            folder: config.kelvin.queue(),
        });
        queues.extend(out_queues(&Layout::new(&config.kelvin)));
    }
    queues
}

const KELVIN: &str = "idspool-kelvin";

/// The queues of all authorities, and those that are left of others.
fn out_queues(layout: &Layout) -> Vec<Queue> {
    let folders = fs::read_dir(layout.out_queues()).into_iter().flatten().flatten();
    let mut services: BTreeMap<String, Service> = folders
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.parse::<AuthorityName>().is_ok())
        .map(|name| (name, Service::Abandoned))
        .collect();
    match conf::load(layout) {
        Ok(loaded) => {
            let unusable = loaded.names().map(|name| (name.to_string(), Service::Unusable));
            services.extend(unusable);
            services.extend(loaded.usable().map(|authority| {
                let service = if authority.active {
                    Service::Active(authority.url.clone())
                } else {
                    Service::Inactive
                };
                (authority.name.to_string(), service)
            }));
        }
        // What it is, `config check` tells.
        Err(_) => services.values_mut().for_each(|service| *service = Service::Unusable),
    }
    let folder = layout.out_queues();
    let queue = |(authority, service): (String, Service)| Queue {
        name: format!("kelvin/{authority}"),
        folder: folder.join(&authority),
        kind: Kind::OutQueue { authority, service },
        consumer: KELVIN,
    };
    services.into_iter().map(queue).collect()
}

/// The queue of that name, or all when none is named.
pub(crate) fn selected(config: &Config, name: Option<&str>) -> Result<Vec<Queue>> {
    let queues = all(config);
    let Some(name) = name else { return Ok(queues) };
    let known: Vec<_> = queues.iter().map(|queue| queue.name.as_str()).collect();
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

    /// Why nobody works on it although the program may run; `None`: somebody is to.
    pub(crate) fn why_idle(&self) -> Option<&'static str> {
        let Kind::OutQueue { service, .. } = &self.kind else { return None };
        match service {
            Service::Active(_) => None,
            Service::Inactive => Some("the school authority is deactivated: what arrives waits"),
            Service::Unusable => {
                Some("the file of the school authority cannot be used; see: idspool config check")
            }
            Service::Abandoned => Some("there is no such school authority (any more)"),
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
