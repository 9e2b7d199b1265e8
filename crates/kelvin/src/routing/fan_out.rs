//! Writing a round: to the out queues, then what is known, then out of the in queue.
//!
//! When a step fails, those before it are not done again, however long it takes until it succeeds. Only a crash
//! repeats them.

use std::collections::{BTreeMap, HashMap};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use chrono::{DateTime, TimeDelta, Utc};
use idspool_spool::{Consumer, Error, ItemName, Spool};
use idspool_udm::OldData;
use tracing::Level;

use super::Reason;
use super::current::{Hashes, Routes};
use super::obstacle::Obstacle;
use super::round::Planned;
use super::state::{Kind, Known, RoutingState};
use crate::Layout;
use crate::conf::AuthorityName;

/// How long deleted objects are remembered (id-connector 1.5).
const REMEMBERED: TimeDelta = TimeDelta::days(7);
/// Out queues that are filled at the same time.
const AT_ONCE: usize = 8;

/// A round on its way.
#[derive(Debug, Default)]
pub(super) struct FanOut {
    /// The items, in order.
    items: Vec<ItemName>,
    /// What the log says of them when they are written.
    lines: Vec<(Level, String)>,
    outgoing: BTreeMap<AuthorityName, Outgoing>,
    /// What is known of each object afterwards.
    next: HashMap<(String, Kind), Known>,
    counted: BTreeMap<Reason, u64>,
    is_known: bool,
}

/// What goes to one authority.
#[derive(Debug, Default)]
struct Outgoing {
    contents: Vec<Arc<[u8]>>,
    /// Copies that take an object away, by their places in `contents`.
    last: Vec<(usize, (String, Kind))>,
    /// Objects that belong there.
    stay: Vec<(String, Kind)>,
    is_written: bool,
}

impl FanOut {
    pub(super) fn new(planned: Vec<Planned>, routes: &Routes) -> Self {
        let mut fan_out = Self::default();
        for planned in planned {
            fan_out.add(planned, routes);
        }
        fan_out
    }

    fn add(&mut self, planned: Planned, routes: &Routes) {
        let Planned { name, mut item, plan } = planned;
        for reason in plan.counted {
            *self.counted.entry(reason).or_default() += 1;
        }
        self.lines.extend(plan.lines);
        if plan.is_withdrawn {
            (item.object, item.options) = (None, None);
        }
        let passwords = item.user_passwords.take().filter(|_| !item.is_deleted());
        let kind = plan.next.as_ref().map_or(Kind::User, |next| next.kind);
        let key = (item.id.clone(), kind);
        // Most copies are the same.
        let mut made: Vec<(Option<OldData>, bool, Arc<[u8]>)> = Vec::new();
        for copy in plan.copies {
            let service = routes.authorities.get(&copy.authority);
            let has_hashes = service.is_some_and(|service| service.hashes != Hashes::Never);
            let same = made
                .iter()
                .find(|(old_data, hashes, _)| *old_data == copy.old_data && *hashes == has_hashes);
            let content = match same {
                Some((_, _, content)) => Arc::clone(content),
                None => {
                    item.old_data.clone_from(&copy.old_data);
                    item.user_passwords = passwords.clone().filter(|_| has_hashes);
                    let content: Arc<[u8]> = item.to_queue_bytes().into();
                    made.push((copy.old_data, has_hashes, Arc::clone(&content)));
                    content
                }
            };
            let state = if service.is_some_and(|service| service.is_active) {
                "active"
            } else {
                "deactivated"
            };
            let line = format!("Copied '{name}' to out queue '{}' ({state}).", copy.authority);
            self.lines.push((Level::INFO, line));
            let outgoing = self.outgoing.entry(copy.authority).or_default();
            if copy.is_last {
                outgoing.last.push((outgoing.contents.len(), key.clone()));
            } else {
                outgoing.stay.push(key.clone());
            }
            outgoing.contents.push(content);
        }
        if let Some(next) = plan.next {
            self.next.insert(key, next);
        }
        self.items.push(name);
    }

    /// Does what has not been done yet.
    pub(super) fn proceed(
        &mut self,
        out: &mut OutQueues,
        state: &mut RoutingState,
        consumer: &mut Consumer,
        routes: &Routes,
        now: DateTime<Utc>,
    ) -> Result<(), Obstacle> {
        if !self.is_known {
            self.write(out, routes)?;
            let counted = self.counted.iter().map(|(reason, count)| (*reason, *count));
            state.commit(self.next.values(), counted, now - REMEMBERED).map_err(Obstacle::State)?;
            self.is_known = true;
            for (level, line) in self.lines.drain(..) {
                log(level, &line);
            }
        }
        consumer
            .done_group(&self.items)
            .map_err(|error| Obstacle::InQueue { doing: "remove routed items", error })
    }

    fn write(&mut self, out: &mut OutQueues, routes: &Routes) -> Result<(), Obstacle> {
        let mut failure = None;
        let mut jobs = Vec::new();
        for (authority, outgoing) in &mut self.outgoing {
            if outgoing.is_written {
                continue;
            }
            if !routes.is_configured(authority) {
                // Removed since the round was planned. Should it come back, it is told then.
                for key in &outgoing.stay {
                    if let Some(known) = self.next.get_mut(key) {
                        known.told.remove(authority);
                    }
                }
                outgoing.is_written = true;
                continue;
            }
            match out.spool(authority) {
                Ok(spool) => jobs.push((authority, spool, outgoing)),
                Err(error) => failure = failure.or(Some((authority.clone(), error))),
            }
        }
        for (authority, outgoing, names) in enqueue_all(jobs) {
            let names = match names {
                Ok(names) => names,
                Err(error) => {
                    failure = failure.or(Some((authority.clone(), error)));
                    continue;
                }
            };
            for (at, key) in &outgoing.last {
                let told = self.next.get_mut(key).and_then(|known| known.told.get_mut(authority));
                if let Some(told) = told {
                    told.last = names.get(*at).cloned();
                }
            }
            outgoing.is_written = true;
        }
        match failure {
            Some((authority, error)) => Err(Obstacle::OutQueue { authority, error }),
            None => Ok(()),
        }
    }
}

type Job<'j> = (&'j AuthorityName, Spool, &'j mut Outgoing);
type Enqueued<'j> = (&'j AuthorityName, &'j mut Outgoing, Result<Vec<ItemName>, Error>);

/// Fills the queues of several authorities at the same time: what takes long is waiting for the disk, which makes
/// many files durable together.
fn enqueue_all(jobs: Vec<Job<'_>>) -> Vec<Enqueued<'_>> {
    let threads = jobs.len().min(AT_ONCE);
    if threads <= 1 {
        return jobs.into_iter().map(enqueue).collect();
    }
    let mut shares: Vec<Vec<Job<'_>>> = (0..threads).map(|_| Vec::new()).collect();
    for (at, job) in jobs.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(at % threads) {
            share.push(job);
        }
    }
    thread::scope(|scope| {
        let working: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(move || share.into_iter().map(enqueue).collect::<Vec<_>>()))
            .collect();
        // Going on without what one of them has not written would lose it.
        let joined = working
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        joined.flatten().collect()
    })
}

fn enqueue<'j>((authority, spool, outgoing): Job<'j>) -> Enqueued<'j> {
    let names = spool.enqueue_group(&outgoing.contents);
    (authority, outgoing, names)
}

fn log(level: Level, line: &str) {
    match level {
        Level::ERROR => tracing::error!("{line}"),
        Level::WARN => tracing::warn!("{line}"),
        Level::INFO => tracing::info!("{line}"),
        _ => tracing::debug!("{line}"),
    }
}

/// The out queues as a producer sees them.
#[derive(Debug)]
pub(super) struct OutQueues {
    layout: Layout,
    open: HashMap<AuthorityName, Spool>,
}

impl OutQueues {
    pub(super) fn new(layout: Layout) -> Self {
        Self { layout, open: HashMap::new() }
    }

    fn spool(&mut self, authority: &AuthorityName) -> Result<Spool, Error> {
        let folder = self.layout.out_queue(authority);
        // It may have been moved away since it was opened.
        if let Some(spool) = self.open.get(authority).filter(|_| folder.is_dir()) {
            return Ok(spool.clone());
        }
        let spool = Spool::create(folder)?;
        self.open.insert(authority.clone(), spool.clone());
        Ok(spool)
    }
}
