//! Random histories against servers that do as they are told.

use std::collections::{HashMap, VecDeque};

use idspool_spool::ItemName;
use idspool_udm::school::Containers;
use idspool_udm::{ConvertedItem, value};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Planning, Queues as _};
use super::{FakeQueues, name, parse, routes};
use crate::conf::AuthorityName;
use crate::routing::accept::judge;
use crate::routing::current::Routes;
use crate::routing::state::Known;

const SCHOOLS: [&str; 4] = ["S0", "S1", "S2", "S3"];
const AUTHORITIES: [&str; 3] = ["a", "b", "c"];
const USERS: usize = 3;

#[derive(Debug, Clone)]
enum Happening {
    /// A change of a user: its schools, or none when it is deleted. How often the event is repeated by a crash,
    /// and how many of its copies were written before the first one.
    Change { user: usize, schools: Option<Vec<usize>>, crashes: usize, written: usize },
    /// A school belongs to another authority.
    Map { school: usize, authority: Option<usize> },
    /// The file of an authority goes or comes.
    Configure { authority: usize, is_there: bool },
    /// An authority takes some items.
    Deliver { authority: usize, items: usize },
    /// An administrator removes the first item of an authority.
    Remove { authority: usize },
}

fn happening() -> impl Strategy<Value = Happening> {
    let schools = proptest::option::weighted(
        0.9,
        proptest::sample::subsequence((0..SCHOOLS.len()).collect::<Vec<_>>(), 1..=2),
    );
    prop_oneof![
        6 => (0..USERS, schools, 0usize..3, 0usize..4).prop_map(|(user, schools, crashes, written)| {
            Happening::Change { user, schools, crashes: crashes / 2, written }
        }),
        1 => (0..SCHOOLS.len(), proptest::option::of(0..AUTHORITIES.len()))
            .prop_map(|(school, authority)| Happening::Map { school, authority }),
        1 => (0..AUTHORITIES.len(), any::<bool>())
            .prop_map(|(authority, is_there)| Happening::Configure { authority, is_there }),
        4 => (0..AUTHORITIES.len(), 1usize..6)
            .prop_map(|(authority, items)| Happening::Deliver { authority, items }),
        1 => (0..AUTHORITIES.len()).prop_map(|authority| Happening::Remove { authority }),
    ]
}

/// Everything there is: the directory, the state of routing, out queues, servers.
struct World {
    schools: [Option<usize>; SCHOOLS.len()],
    configured: [bool; AUTHORITIES.len()],
    directory: [Option<Vec<usize>>; USERS],
    version: usize,
    known: HashMap<String, Known>,
    out: HashMap<AuthorityName, VecDeque<(ItemName, ConvertedItem)>>,
    queues: FakeQueues,
    given: u32,
    /// The greatest version of each user that an authority was sent.
    seen: HashMap<(AuthorityName, String), usize>,
}

impl World {
    fn new() -> Self {
        Self {
            schools: [Some(0), Some(0), Some(1), Some(2)],
            configured: [true; AUTHORITIES.len()],
            directory: Default::default(),
            version: 0,
            known: HashMap::new(),
            out: HashMap::new(),
            queues: FakeQueues::default(),
            given: 0,
            seen: HashMap::new(),
        }
    }

    fn routes(&self) -> Routes {
        let there: Vec<&str> = AUTHORITIES
            .into_iter()
            .zip(self.configured)
            .filter(|(_, is)| *is)
            .map(|(name, _)| name)
            .collect();
        let pairs: Vec<_> = SCHOOLS
            .into_iter()
            .zip(self.schools)
            .filter_map(|(school, authority)| Some((school, AUTHORITIES[authority?])))
            .collect();
        routes(&there, &pairs)
    }

    fn item(&self, user: usize) -> ConvertedItem {
        let schools = self.directory[user].as_ref();
        let object = schools.map(|schools| {
            let names: Vec<_> = schools.iter().map(|school| SCHOOLS[*school]).collect();
            json!({"school": names, "description": self.version})
        });
        parse(json!({"id": format!("u{user}"), "dn": format!("uid=u{user},dc=x"), "object": object,
                     "udm_object_type": "users/user", "options": ["default", "ucsschoolTeacher"]}))
    }

    /// Routes an item; with `written`, only so many copies are written before the process dies.
    fn route(&mut self, item: &ConvertedItem, written: Option<usize>) {
        let routes = self.routes();
        let planning = Planning {
            name: "in.json",
            item,
            before: self.known.get(&item.id),
            routes: &routes,
            queues: &self.queues,
            now: chrono::DateTime::from_timestamp(1_000_000, 0).unwrap(),
        };
        let mut plan = planning.plan(judge(item, &Containers::default()));
        for copy in plan.copies.iter().take(written.unwrap_or(usize::MAX)) {
            self.given += 1;
            let given: ItemName =
                format!("2026-01-01-00-00-00-{:06}.json", self.given).parse().unwrap();
            let queue = self.out.entry(copy.authority.clone()).or_default();
            queue.push_back((given.clone(), item.clone()));
            self.queues.waiting.insert((copy.authority.clone(), given.clone()));
            if let Some(next) = plan.next.as_mut().filter(|_| copy.is_last) {
                next.told.get_mut(&copy.authority).unwrap().last = Some(given);
            }
        }
        if let Some(next) = plan.next.filter(|_| written.is_none()) {
            self.known.insert(item.id.clone(), next);
        }
    }

    /// The user is where the mapping of this moment says, as far as this authority is concerned.
    fn deliver(&mut self, authority: usize) {
        let authority_name = name(AUTHORITIES[authority]);
        let Some((given, item)) = self.out.get_mut(&authority_name).and_then(VecDeque::pop_front)
        else {
            return;
        };
        self.queues.waiting.remove(&(authority_name.clone(), given));
        let version = item.property("description").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let seen = self.seen.entry((authority_name.clone(), item.id.clone())).or_default();
        assert!(version as usize >= *seen, "{item:?} came after version {seen}");
        *seen = if item.is_deleted() { *seen } else { version as usize };
        let belongs = value::texts(item.property("school")).any(|school| {
            let at = SCHOOLS.iter().position(|other| *other == school).unwrap();
            self.schools[at] == Some(authority)
        });
        let key = (authority_name, item.id);
        if belongs {
            self.queues.snapshots.insert(key);
        } else {
            self.queues.snapshots.remove(&key);
        }
    }

    fn happen(&mut self, happening: &Happening) {
        match happening {
            Happening::Change { user, schools, crashes, written } => {
                self.version += 1;
                self.directory[*user].clone_from(schools);
                let item = self.item(*user);
                for _ in 0..*crashes {
                    self.route(&item, Some(*written));
                }
                self.route(&item, None);
            }
            Happening::Map { school, authority } => self.schools[*school] = *authority,
            Happening::Configure { authority, is_there } => self.configured[*authority] = *is_there,
            Happening::Deliver { authority, items } => {
                if self.configured[*authority] {
                    (0..*items).for_each(|_| self.deliver(*authority));
                }
            }
            Happening::Remove { authority } => {
                let authority = name(AUTHORITIES[*authority]);
                let removed = self.out.get_mut(&authority).and_then(VecDeque::pop_front);
                if let Some((given, _)) = removed {
                    self.queues.waiting.remove(&(authority, given));
                }
            }
        }
    }

    fn deliver_all(&mut self) {
        for (authority, text) in AUTHORITIES.iter().enumerate() {
            while self.out.get(&name(text)).is_some_and(|queue| !queue.is_empty()) {
                self.deliver(authority);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Whatever happened: when everything is configured and each user has changed once more, each authority has
    /// the users that it should have, and no others.
    #[test]
    fn every_authority_that_has_a_user_and_should_not_is_told(
        happenings in proptest::collection::vec(happening(), 0..50)
    ) {
        let mut world = World::new();
        for happening in &happenings {
            world.happen(happening);
        }
        world.configured = [true; AUTHORITIES.len()];
        for user in 0..USERS {
            world.version += 1;
            let item = world.item(user);
            world.route(&item, None);
        }
        world.deliver_all();
        for user in 0..USERS {
            for (authority, text) in AUTHORITIES.iter().enumerate() {
                let should = world.directory[user].iter().flatten().any(|school| world.schools[*school] == Some(authority));
                let has = world.queues.has_snapshot(&name(text), &format!("u{user}"));
                prop_assert_eq!(has, should, "user {} at {}", user, text);
            }
        }
    }
}
