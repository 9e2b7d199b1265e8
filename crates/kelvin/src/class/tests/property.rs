//! After any history the server's classes are those of the directory that belong to this authority.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use idspool_spool::FaultClass;
use idspool_udm::ConvertedItem;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::stage::{Stage, class_item, deleted, with};
use crate::class::wanted::members_of;
use crate::fake::{Failure, Fake};
use crate::kelvin::Kelvin as _;

/// The last two have no classes here: one belongs to another authority, one does not exist at the server.
const SCHOOLS: [&str; 4] = ["School1", "School2", "Foreign", "a-b"];
const NAMES: [&str; 3] = ["5a", "6a", "7-a"];
const IDS: [&str; 3] = ["c0-x", "c1-x", "c2-x"];
/// The last two are not at the server in the beginning.
const USERS: [&str; 5] = ["anna", "berta", "carl", "ghost", "late"];

#[derive(Debug, Clone)]
enum Step {
    /// The directory: an object gets this place, if it is free there, and these members.
    Put { id: usize, school: usize, name: usize, users: u8, text: u8 },
    /// The directory: an object goes.
    Remove { id: usize },
    /// The next change is read from the directory, in its newest state.
    Convert,
    /// The members of a class come before it, and its name is read.
    UsersFirst { id: usize },
    /// The next item is delivered; one of its requests may fail.
    Deliver { fail: Option<(usize, u8)>, twice: bool },
    /// A user comes to the server.
    Appear { user: usize },
    /// What was queued again is delivered.
    Copies,
}

fn step() -> impl Strategy<Value = Step> {
    let failing = prop::option::weighted(0.5, (1usize..6, 0u8..3));
    prop_oneof![
        5 => (0usize..3, prop_oneof![8 => 0usize..1, 2 => 1usize..4], 0usize..3, any::<u8>(), 0u8..3)
            .prop_map(|(id, school, name, users, text)| Step::Put { id, school, name, users, text }),
        1 => (0usize..3).prop_map(|id| Step::Remove { id }),
        4 => Just(Step::Convert),
        1 => (0usize..3).prop_map(|id| Step::UsersFirst { id }),
        4 => (failing, any::<bool>()).prop_map(|(fail, twice)| Step::Deliver { fail, twice }),
        1 => (3usize..5).prop_map(|user| Step::Appear { user }),
        1 => Just(Step::Copies),
    ]
}

/// An object of the directory.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    school: usize,
    name: usize,
    users: u8,
    text: u8,
}

impl Entry {
    fn item(&self, id: usize) -> ConvertedItem {
        let users: Vec<&str> = self.users().collect();
        let class = class_item(IDS[id], SCHOOLS[self.school], NAMES[self.name], &users);
        with(class, json!({ "description": self.description() }))
    }

    fn users(&self) -> impl Iterator<Item = &'static str> {
        USERS
            .into_iter()
            .enumerate()
            .filter(|(at, _)| self.users & (1 << at) != 0)
            .map(|(_, name)| name)
    }

    fn description(&self) -> Value {
        if self.text == 0 { Value::Null } else { json!(format!("text {}", self.text)) }
    }
}

struct World {
    stage: Stage,
    directory: BTreeMap<usize, Entry>,
    last: BTreeMap<usize, Entry>,
    /// Objects with changes that nobody read yet.
    changed: VecDeque<usize>,
    out: VecDeque<ConvertedItem>,
    appeared: BTreeSet<usize>,
}

impl World {
    fn new() -> Self {
        let mut stage = Stage::new(Fake::with_schools(&["School1", "School2", "Foreign"]));
        stage.configure(|stage| stage.schools.push(("Foreign".into(), "auth2".parse().unwrap())));
        for name in &USERS[..3] {
            stage.add_user(name);
            stage.source.set(name, &["student:school:School1"]);
        }
        Self {
            stage,
            directory: BTreeMap::new(),
            last: BTreeMap::new(),
            changed: VecDeque::new(),
            out: VecDeque::new(),
            appeared: BTreeSet::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Put { id, school, name, users, text } => {
                let is_taken = self.directory.iter().any(|(other, entry)| {
                    *other != id && (entry.school, entry.name) == (school, name)
                });
                if !is_taken {
                    let entry = Entry { school, name, users: users & 31, text };
                    self.last.insert(id, entry.clone());
                    self.directory.insert(id, entry);
                    self.changed.push_back(id);
                }
            }
            Step::Remove { id } => {
                if self.directory.remove(&id).is_some() {
                    self.changed.push_back(id);
                }
            }
            Step::Convert => self.convert(),
            Step::UsersFirst { id } => self.users_first(id),
            Step::Deliver { fail, twice } => self.deliver(fail, twice),
            Step::Appear { user } => {
                if self.appeared.insert(user) {
                    self.note_waiting();
                    self.stage.user_appears(USERS[user]);
                    self.stage.source.set(USERS[user], &["student:school:School1"]);
                }
            }
            Step::Copies => self.stage.deliver_queued(),
        }
    }

    fn convert(&mut self) {
        let Some(id) = self.changed.pop_front() else { return };
        let item = match self.directory.get(&id) {
            Some(entry) => entry.item(id),
            None => deleted(&self.last[&id].item(id)),
        };
        self.out.push_back(item);
    }

    /// The items of users go first, and the server makes the classes that they name.
    fn users_first(&mut self, id: usize) {
        let Some(entry) = self.directory.get(&id).filter(|entry| entry.school < 2).cloned() else {
            return;
        };
        let (school, name) = (SCHOOLS[entry.school], NAMES[entry.name]);
        let exists = |user: &&str| {
            USERS
                .iter()
                .position(|name| name == user)
                .is_some_and(|at| at < 3 || self.appeared.contains(&at))
        };
        let mut users: BTreeSet<String> = entry.users().filter(exists).map(str::to_owned).collect();
        if users.is_empty() {
            return;
        }
        match self.stage.server.class(school, name).unwrap() {
            None => {
                let users: Vec<&str> = users.iter().map(String::as_str).collect();
                let _made = self.stage.server.clone().with_class(school, name, &users);
            }
            Some(found) => {
                users.extend(members_of(&found).map(str::to_owned));
                let users = json!({ "users": users });
                self.stage.server.change_class(school, name, users.as_object().unwrap()).unwrap();
            }
        }
        // A change that nobody reads any more would leave the class behind.
        self.changed.push_back(id);
        while !self.changed.is_empty() {
            self.convert();
        }
    }

    fn note_waiting(&mut self) {
        self.stage.waiting.0 = self.out.iter().map(|item| item.id.clone()).collect();
    }

    fn deliver(&mut self, fail: Option<(usize, u8)>, twice: bool) {
        self.note_waiting();
        let Some(item) = self.out.pop_front() else { return };
        self.stage.server.calls();
        if let Some((at, how)) = fail {
            let how = [Failure::Before, Failure::After, Failure::Broken][usize::from(how)];
            self.stage.server.fail_at(at, how);
        }
        if let Err(fault) = self.stage.deliver(&item) {
            assert_eq!(fault.class, FaultClass::Transient, "{fault:?}\n{item:?}");
            self.stage.server.heal();
            self.stage.deliver(&item).unwrap();
        }
        self.stage.server.heal();
        if twice {
            self.stage.deliver(&item).unwrap();
        }
    }

    fn finish(&mut self) {
        while !self.changed.is_empty() {
            self.convert();
        }
        while !self.out.is_empty() {
            self.deliver(None, false);
        }
        self.note_waiting();
        self.stage.deliver_queued();
    }

    /// The classes at the server, those with names that we made up included.
    fn found(&self) -> BTreeMap<String, (Value, BTreeSet<String>)> {
        let mut names: Vec<String> = NAMES.map(str::to_owned).to_vec();
        for (name, id) in NAMES.iter().flat_map(|name| IDS.map(|id| (name, id))) {
            names.push(format!("{name}-{}", id.replace('-', "")));
        }
        let mut found = BTreeMap::new();
        for (school, name) in
            SCHOOLS.iter().flat_map(|school| names.iter().map(move |n| (school, n)))
        {
            if let Some(class) = self.stage.server.class(school, name).unwrap() {
                let users = members_of(&class).map(str::to_owned).collect();
                let description = class.attributes["description"].clone();
                found.insert(format!("{school} {name}"), (description, users));
            }
        }
        found
    }

    fn expected(&self) -> BTreeMap<String, (Value, BTreeSet<String>)> {
        let ours = self.directory.values().filter(|entry| entry.school < 2);
        let is_there = |user: &str| {
            let at = USERS.iter().position(|name| *name == user).unwrap();
            at < 3 || self.appeared.contains(&at)
        };
        ours.map(|entry| {
            let users = entry.users().filter(|user| is_there(user)).map(str::to_owned).collect();
            let key = format!("{} {}", SCHOOLS[entry.school], NAMES[entry.name]);
            (key, (entry.description(), users))
        })
        .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn the_server_has_what_the_directory_says(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.finish();
        prop_assert_eq!(world.found(), world.expected());
        // Now nothing is left to do.
        let items: Vec<ConvertedItem> =
            world.directory.iter().map(|(id, entry)| entry.item(*id)).collect();
        for item in items.iter().filter(|item| world.stage.snapshot(&item.id).is_some()) {
            prop_assert!(world.stage.calls(item).is_empty(), "{:?}", item);
        }
    }
}
