//! `idspool-listener resync`: enqueue what is there, as a re-provisioning.

use std::time::Duration;

use idspool_directory::Directory;
use idspool_service::Config;
use idspool_spool::Spool;
use idspool_udm::{Entry, ListenerItem, Module};
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::Resync;
use crate::hook::enqueue;
use crate::watch::{ORDER, WatchError, connection, wanted};

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

/// Enqueues the objects that fit, page by page.
///
/// # Errors
/// Wrong arguments or configuration; the directory or the spool cannot be used; nothing fits. What was
/// enqueued until then stays.
pub fn resync(arguments: &Resync) -> Result<Resynced, WatchError> {
    let config = Config::load(arguments.config.as_deref())?;
    let mut modules = wanted(&config)?;
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
    let mut directory = Directory::new(connection(&config.directory)?)?;
    let spool = Spool::create(&config.listener.spool)?;
    let progress = progress();
    let mut resynced = Resynced::default();
    for module in ORDER.into_iter().filter(|module| modules.contains(module)) {
        progress.set_message(module.as_str());
        let count = enqueue_all(&mut directory, &spool, module, arguments, &progress)?;
        if count > 0 {
            resynced.counts.push((module, count));
        }
    }
    progress.finish_and_clear();
    if resynced.total() == 0 && (arguments.dn.is_some() || arguments.filter.is_some()) {
        let names: Vec<&str> = modules.iter().map(|module| module.as_str()).collect();
        let mut text = format!("of type {}", names.join(", "));
        for (what, value) in [("DN", &arguments.dn), ("filter", &arguments.filter)] {
            if let Some(value) = value {
                text.push_str(&format!(" with the {what} {value}"));
            }
        }
        return Err(WatchError::NoEntry(text));
    }
    Ok(resynced)
}

fn enqueue_all(
    directory: &mut Directory,
    spool: &Spool,
    module: Module,
    arguments: &Resync,
    progress: &ProgressBar,
) -> Result<u64, WatchError> {
    let mut count = 0;
    let mut hand_over = |entries: &[Entry]| {
        let items: Vec<ListenerItem> =
            entries.iter().filter_map(|entry| item(entry, module)).collect();
        enqueue(spool, &items)?;
        count += items.len() as u64;
        progress.inc(items.len() as u64);
        Ok::<_, WatchError>(())
    };
    let filter = match &arguments.filter {
        Some(filter) => format!("(&{}{})", module.filter(), bracketed(filter)),
        None => module.filter().to_owned(),
    };
    if let Some(dn) = &arguments.dn {
        let restricted = directory.entries_having("entryDN", &[dn], &filter, &ATTRIBUTES)?;
        hand_over(&restricted)?;
        return Ok(count);
    }
    let mut place = None;
    loop {
        let (entries, next) = directory.entries_page(&filter, &ATTRIBUTES, PAGE, place)?;
        hand_over(&entries)?;
        if next.is_none() {
            return Ok(count);
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

/// Drawn on standard error, and only when that is a terminal.
fn progress() -> ProgressBar {
    let progress = ProgressBar::new_spinner();
    // A template of ours is well-formed; without one the bar only looks different.
    if let Ok(style) =
        ProgressStyle::with_template("{spinner} {pos} objects enqueued ({per_sec}), now {msg}")
    {
        progress.set_style(style);
    }
    progress.enable_steady_tick(Duration::from_millis(200));
    progress
}
