//! `idspool-listener resync`: enqueue what is there, as a re-provisioning.

use std::io::IsTerminal as _;
use std::time::Duration;

use idspool_directory::{Directory, Error, Interrupt};
use idspool_service::Config;
use idspool_spool::Spool;
use idspool_udm::{Entry, ListenerItem, Module};
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::Resync;
use crate::hook::enqueue;
use crate::watch::{ORDER, WatchError, WatchSettings, known};

/// Entries per page, which become durable together.
const PAGE: u16 = 500;

/// What tells the kind of an entry.
const ATTRIBUTES: [&str; 7] = [
    "entryUUID",
    "objectClass",
    "univentionObjectType",
    "univentionObjectFlag",
    "uid",
    "uidNumber",
    "cn",
];

/// The filter of a listener that wants everything.
const ANY: &str = "(objectClass=*)";

/// How many objects of each type were enqueued.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resynced {
    /// Types in the order in which they were enqueued, without those of which there were none.
    pub counts: Vec<(Module, u64)>,
}

impl Resynced {
    /// All together.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }
}

/// What is to be enqueued, checked.
#[derive(Debug)]
pub struct Resyncer {
    /// One for each base.
    directories: Vec<Directory>,
    settings: WatchSettings,
    modules: Vec<Module>,
    dn: Option<String>,
    /// As given.
    filter: Option<String>,
    spool: Spool,
}

impl Resyncer {
    /// Checks arguments and configuration. The directory is not contacted yet.
    ///
    /// # Errors
    /// They are wrong, or there can be no spool.
    pub fn new(arguments: &Resync) -> Result<Self, WatchError> {
        let config = Config::load(arguments.config.as_deref())?;
        let settings = WatchSettings::new(&config)?;
        let mut modules = settings.wanted.clone();
        if !arguments.object_types.is_empty() {
            let parse = |name: &String| {
                name.parse::<Module>().map_err(|_| WatchError::Setting {
                    key: "--object-type",
                    value: name.clone(),
                    problem: format!("give one of {}", Module::ALL.map(Module::as_str).join(", ")),
                })
            };
            modules = arguments.object_types.iter().map(parse).collect::<Result<_, _>>()?;
        }
        if let Some(dn) = &arguments.dn {
            WatchError::no_dn("--dn", dn)?;
        }
        let connect = |base: &String| {
            let mut connection = settings.directory.clone();
            connection.base_dn.clone_from(base);
            Directory::new(connection)
        };
        Ok(Self {
            directories: settings.bases.iter().map(connect).collect::<Result<_, _>>()?,
            spool: Spool::create(&settings.spool)?,
            modules,
            dn: arguments.dn.clone(),
            filter: arguments.filter.clone(),
            settings,
        })
    }

    /// What ends [`Resyncer::run`] from another thread.
    pub fn interrupts(&self) -> Vec<Interrupt> {
        self.directories.iter().map(Directory::interrupt).collect()
    }

    /// Enqueues the objects that fit, page by page: all of a type before the next type.
    ///
    /// # Errors
    /// The directory or the spool cannot be used; nothing fits; it was interrupted. What was enqueued
    /// until then stays, and the message says how much that is.
    pub fn run(&mut self) -> Result<Resynced, WatchError> {
        let progress = self.progress();
        let mut resynced = Resynced::default();
        let outcome = self.enqueue(&mut resynced, &progress);
        progress.finish_and_clear();
        let enqueued = resynced.total();
        match outcome {
            Err(WatchError::Directory(Error::Interrupted { .. })) => {
                Err(WatchError::Interrupted { enqueued })
            }
            Err(error) if enqueued > 0 => {
                Err(WatchError::Partly { enqueued, error: Box::new(error) })
            }
            Err(error) => Err(error),
            Ok(()) if enqueued == 0 && (self.dn.is_some() || self.filter.is_some()) => {
                Err(self.nothing())
            }
            Ok(()) => Ok(resynced),
        }
    }

    fn enqueue(
        &mut self,
        resynced: &mut Resynced,
        progress: &ProgressBar,
    ) -> Result<(), WatchError> {
        let Self { directories, settings, modules, dn, filter, spool } = self;
        for module in ORDER.into_iter().filter(|module| modules.contains(module)) {
            progress.set_message(module.as_str());
            let mut filters = vec![module.filter().to_owned()];
            let others = [Some(&settings.filter).filter(|filter| *filter != ANY), filter.as_ref()];
            filters.extend(others.into_iter().flatten().map(|filter| bracketed(filter)));
            let filter = match filters.as_slice() {
                [only] => only.clone(),
                several => format!("(&{})", several.concat()),
            };
            let mut take = |entries: &[Entry]| {
                let items: Vec<ListenerItem> =
                    entries.iter().filter_map(|entry| item(entry, module)).collect();
                enqueue(spool, &items)?;
                let count = items.len() as u64;
                progress.inc(count);
                match resynced.counts.last_mut() {
                    Some((last, sum)) if *last == module => *sum += count,
                    _ if count > 0 => resynced.counts.push((module, count)),
                    _ => {}
                }
                Ok::<_, WatchError>(())
            };
            for (directory, base) in directories.iter_mut().zip(&settings.bases) {
                read(directory, dn.as_deref(), &filter, &mut take).map_err(
                    |error| match error {
                        WatchError::Directory(Error::MissingBase { .. }) => {
                            WatchError::NothingVisible { base: base.clone() }
                        }
                        error => error,
                    },
                )?;
            }
        }
        Ok(())
    }

    fn nothing(&self) -> WatchError {
        let names: Vec<&str> = self.modules.iter().map(|module| module.as_str()).collect();
        let mut text = format!("of type {}", names.join(", "));
        for (what, value) in [("DN", &self.dn), ("filter", &self.filter)] {
            if let Some(value) = value {
                text.push_str(&format!(" with the {what} {value}"));
            }
        }
        text.push_str(&format!(" below {}", self.settings.bases.join(" or ")));
        if self.settings.filter != ANY {
            text.push_str(&format!(" that listener.filter {} matches", self.settings.filter));
        }
        WatchError::NoEntry(text)
    }

    /// Drawn on standard error, and only when that is a terminal.
    fn progress(&self) -> ProgressBar {
        // A watcher knows how many there are; to ask the server would take as long as the work.
        let is_all = self.dn.is_none() && self.filter.is_none();
        let total = Some(())
            .filter(|()| is_all && std::io::stderr().is_terminal())
            .and_then(|()| known(&self.settings.spool, &self.modules));
        let (progress, template) = match total {
            Some(total) => {
                let template = "{bar:30} {pos} of about {len} objects enqueued ({per_sec}, {eta} left), now {msg}";
                (ProgressBar::new(total), template)
            }
            None => {
                let template = "{spinner} {pos} objects enqueued ({per_sec}), now {msg}";
                (ProgressBar::new_spinner(), template)
            }
        };
        // A template of ours is well-formed; without one the bar only looks different.
        if let Ok(style) = ProgressStyle::with_template(template) {
            progress.set_style(style);
        }
        progress.enable_steady_tick(Duration::from_millis(200));
        progress
    }
}

/// Hands over what a base holds.
fn read(
    directory: &mut Directory,
    dn: Option<&str>,
    filter: &str,
    take: &mut impl FnMut(&[Entry]) -> Result<(), WatchError>,
) -> Result<(), WatchError> {
    if let Some(dn) = dn {
        return take(&directory.entries_having("entryDN", &[dn], filter, &ATTRIBUTES)?);
    }
    let mut place = None;
    loop {
        let (entries, next) = directory.entries_page(filter, &ATTRIBUTES, PAGE, place)?;
        take(&entries)?;
        if next.is_none() {
            return Ok(());
        }
        place = next;
    }
}

/// The filter finds a few more than there are.
fn item(entry: &Entry, module: Module) -> Option<ListenerItem> {
    if Module::of(entry) != Some(module) {
        return None;
    }
    Some(ListenerItem {
        entry_uuid: entry.first_text("entryUUID")?.parse().ok()?,
        dn: entry.dn.clone(),
        object_type: module.as_str().to_owned(),
        command: "modify".to_owned(),
        resync: true,
    })
}

/// As ldapsearch has it, a filter of one term needs no brackets.
fn bracketed(filter: &str) -> String {
    let filter = filter.trim();
    if filter.starts_with('(') { filter.to_owned() } else { format!("({filter})") }
}
