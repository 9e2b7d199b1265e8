//! A round: items that are routed together, each with its plan.
//!
//! After a crash a round is repeated, so that the out queues get its copies twice. That must not take a server
//! back to a state which is in the way of what followed: a user to a name or a mail address that another one has
//! taken over meanwhile, or to an authority that it has left. So two items of one object are in the same round
//! only if they agree in everything of that kind.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use chrono::{DateTime, Utc};
use idspool_spool::{Error, ItemName, Spool};
use idspool_udm::school::Containers;
use idspool_udm::{ConvertedItem, Module, dn, value};

use super::accept::{Judgement, Present, judge};
use super::current::{Hashes, Routes};
use super::obstacle::Obstacle;
use super::plan::{Plan, Planning};
use super::queues::Queues;
use super::state::{Kind, Known, RoutingState};
use crate::conf::AuthorityName;

/// Property of users in dumps of other programs.
const PASSWORD: &str = "password";
/// Items in one round at most.
pub(super) const ITEMS: usize = 1024;
/// Bytes of items in one round at most, unless a single one has more.
const BYTES: usize = 8 << 20;
/// An item larger than this is faulty: real ones with photo and certificate stay below 1 MiB.
const LARGEST: u64 = 64 << 20;

/// An item, and what is to be done with it.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) name: ItemName,
    pub(super) item: ConvertedItem,
    pub(super) plan: Plan,
}

impl Planned {
    /// Whether somebody wants password hashes that the item does not have.
    pub(super) fn lacks_hashes(&self, routes: &Routes) -> bool {
        let wants = |name: &AuthorityName| {
            routes.authorities.get(name).is_some_and(|service| service.hashes == Hashes::Wanted)
        };
        let is_user = self.item.module() == Some(Module::User);
        is_user
            && !self.plan.is_withdrawn
            && !self.item.is_deleted()
            && self.item.user_passwords.is_none()
            && self.plan.copies.iter().any(|copy| wants(&copy.authority))
    }
}

/// The first items of the queue.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) planned: Vec<Planned>,
    /// Removed by an administrator in the meantime.
    pub(super) gone: Vec<ItemName>,
    /// What kept the next one from being taken. Nothing behind it is.
    pub(super) obstacle: Option<Obstacle>,
}

/// What rounds are made with.
pub(super) struct Taking<'a> {
    pub(super) spool: &'a Spool,
    pub(super) state: &'a RoutingState,
    pub(super) routes: &'a Routes,
    pub(super) queues: &'a dyn Queues,
    pub(super) containers: &'a Containers,
    pub(super) now: DateTime<Utc>,
}

/// An object that the round has touched.
struct Touched {
    /// `None`: no second item of it.
    calm: Option<u64>,
    known: Option<Known>,
}

impl Taking<'_> {
    /// Reads and plans items in this order, as many as fit into a round.
    pub(super) fn take<'n>(&self, names: impl Iterator<Item = &'n ItemName>) -> Round {
        let mut round = Round::default();
        let mut touched: HashMap<(String, Kind), Touched> = HashMap::new();
        let mut room = BYTES;
        for name in names.take(ITEMS) {
            let (item, size) = match self.read(name) {
                Ok(Some(read)) => read,
                Ok(None) => {
                    round.gone.push(name.clone());
                    continue;
                }
                Err(obstacle) => {
                    round.obstacle = Some(obstacle);
                    break;
                }
            };
            if size > room && !round.planned.is_empty() {
                break;
            }
            room = room.saturating_sub(size);
            match self.plan(name, &item, &mut touched) {
                Ok(Some(plan)) => round.planned.push(Planned { name: name.clone(), item, plan }),
                Ok(None) => break,
                Err(obstacle) => {
                    round.obstacle = Some(obstacle);
                    break;
                }
            }
        }
        round
    }

    /// `None`: the item belongs to the next round.
    fn plan(
        &self,
        name: &ItemName,
        item: &ConvertedItem,
        touched: &mut HashMap<(String, Kind), Touched>,
    ) -> Result<Option<Plan>, Obstacle> {
        let judgement = judge(item, self.containers);
        let kind = match &judgement {
            Judgement::Present(Present { kind, .. })
            | Judgement::Deleted { kind, .. }
            | Judgement::NotOurs { kind, .. } => Some(*kind),
            Judgement::Ignored { .. } => None,
        };
        let Some(kind) = kind else {
            return Ok(Some(self.planning(name, item, None).plan(judgement)));
        };
        let calm = match &judgement {
            Judgement::Present(present) => Some(fingerprint(item, present)),
            _ => None,
        };
        match touched.entry((item.id.clone(), kind)) {
            Entry::Occupied(mut entry) => {
                let touched = entry.get_mut();
                if calm.is_none() || touched.calm != calm {
                    return Ok(None);
                }
                let known = touched.known.as_ref();
                let plan = self.planning(name, item, known).plan(judgement);
                if plan.copies.iter().any(|copy| copy.is_last) {
                    return Ok(None);
                }
                if plan.next.is_some() {
                    touched.known.clone_from(&plan.next);
                }
                Ok(Some(plan))
            }
            Entry::Vacant(entry) => {
                let known = self.state.find(&item.id, kind).map_err(Obstacle::State)?;
                let plan = self.planning(name, item, known.as_ref()).plan(judgement);
                let is_calm = plan.copies.iter().all(|copy| !copy.is_last);
                let known = plan.next.clone().or(known);
                entry.insert(Touched { calm: calm.filter(|_| is_calm), known });
                Ok(Some(plan))
            }
        }
    }

    fn planning<'p>(
        &'p self,
        name: &'p ItemName,
        item: &'p ConvertedItem,
        before: Option<&'p Known>,
    ) -> Planning<'p> {
        Planning {
            name: name.as_str(),
            item,
            before,
            routes: self.routes,
            queues: self.queues,
            now: self.now,
        }
    }

    fn read(&self, name: &ItemName) -> Result<Option<(ConvertedItem, usize)>, Obstacle> {
        let faulty = |problem: String| Obstacle::Item { name: name.clone(), problem };
        let content = match self.spool.read(name, LARGEST) {
            Ok(content) => content,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error @ (Error::TooLarge { .. } | Error::NotAFile { .. })) => {
                return Err(faulty(error.to_string()));
            }
            Err(error) => return Err(Obstacle::InQueue { doing: "read an item", error }),
        };
        match ConvertedItem::parse_dump(&content.bytes) {
            Ok(mut item) => {
                // What an administrator writes by hand is always meant that way.
                item.resync |= !has_time_stamp(name);
                // A hash that no server takes from there; it has no business in queues and snapshots.
                item.object.as_mut().map(|object| object.remove(PASSWORD));
                Ok(Some((item, content.bytes.len())))
            }
            // S2: somebody may be in the middle of writing it.
            Err(_) if !content.is_settled() => {
                Err(Obstacle::Unsettled { name: name.clone(), settles_in: content.settles_in() })
            }
            Err(error) => Err(faulty(error.to_string())),
        }
    }
}

/// Whether the name is one that a program gives. The ID Connector adds `_ready` to its own (id-connector 1.4).
fn has_time_stamp(name: &ItemName) -> bool {
    let plain = name.as_str().strip_suffix("_ready.json").map(|stem| format!("{stem}.json"));
    match plain.and_then(|plain| plain.parse::<ItemName>().ok()) {
        Some(plain) => plain.is_canonical(),
        None => name.is_canonical(),
    }
}

/// Equal for two states of an object that differ in nothing that another object or another authority could be
/// concerned with: names, addresses, identity, schools.
fn fingerprint(item: &ConvertedItem, present: &Present) -> u64 {
    const UNIQUE: [&str; 5] = ["username", "name", "mailPrimaryAddress", "e-mail", "mailAddress"];
    let mut hasher = DefaultHasher::new();
    dn::key(&item.dn).hash(&mut hasher);
    for name in UNIQUE {
        for text in value::texts(item.property(name)) {
            (name, text).hash(&mut hasher);
        }
    }
    let identity = &present.identity;
    (&identity.record_uid, &identity.source_uid, &present.schools).hash(&mut hasher);
    hasher.finish()
}
