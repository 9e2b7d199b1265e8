//! After any history the server has what the directory has (S5): renames, moves, other identities, relations,
//! removals, requests that fail, processes that end in the middle.

use std::collections::{BTreeMap, BTreeSet};

use idspool_udm::{ConvertedItem, OldData};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::stage::{Server, Stage, authority, class_dn, gone, person};
use super::wire::Wire;
use crate::fake::Failure;

/// A user of the directory.
#[derive(Debug, Clone)]
struct Person {
    name: String,
    record_uid: String,
    firstname: String,
    email: Option<String>,
    /// The first one is the one in the DN.
    schools: Vec<&'static str>,
    class: &'static str,
    is_guardian: bool,
}

/// The directory. Users are told apart by their entry UUIDs, which a user that is added again gets anew.
#[derive(Debug, Default)]
struct Directory {
    people: BTreeMap<u64, Person>,
    /// Student and guardian.
    relations: BTreeSet<(u64, u64)>,
    next: u64,
}

#[derive(Debug, Clone)]
enum Change {
    Add { is_guardian: bool },
    Rename,
    Identify,
    Firstname,
    Email,
    Move(Vec<&'static str>),
    Class(&'static str),
    Role,
    Relate(usize),
    Remove,
    AddAgain,
}

/// What happens on the way of an item.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    Nothing,
    Fails(usize, Failure),
    /// The process ends before the state is kept: the item comes again.
    Ends,
    /// And the index is lost.
    EndsWithoutIndex,
    Forced,
}

fn change() -> impl Strategy<Value = Change> {
    let schools = proptest::sample::subsequence(vec!["S1", "S2", "S3", "Foreign"], 1..=3);
    prop_oneof![
        2 => any::<bool>().prop_map(|is_guardian| Change::Add { is_guardian }),
        2 => Just(Change::Rename),
        2 => Just(Change::Identify),
        1 => Just(Change::Firstname),
        1 => Just(Change::Email),
        3 => schools.prop_shuffle().prop_map(Change::Move),
        1 => prop_oneof![Just("1a"), Just("2b")].prop_map(Change::Class),
        1 => Just(Change::Role),
        3 => (0..4_usize).prop_map(Change::Relate),
        1 => Just(Change::Remove),
        1 => Just(Change::AddAgain),
    ]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let failure = prop_oneof![Just(Failure::Before), Just(Failure::After), Just(Failure::Broken)];
    prop_oneof![
        4 => Just(Trouble::Nothing),
        3 => (1..6_usize, failure).prop_map(|(call, failure)| Trouble::Fails(call, failure)),
        1 => Just(Trouble::Ends),
        1 => Just(Trouble::EndsWithoutIndex),
        1 => Just(Trouble::Forced),
    ]
}

impl Directory {
    fn add(&mut self, mut person: Person) -> Vec<u64> {
        self.next += 1;
        if person.name.is_empty() {
            person.name = format!("u{}", self.next);
            person.record_uid = format!("r{}", self.next);
        }
        self.people.insert(self.next, person);
        vec![self.next]
    }

    /// Makes a change; the users that it concerns, in the order in which it is reported.
    fn apply(&mut self, at: usize, change: &Change) -> Vec<u64> {
        let number = self.next + 1;
        let picked = self.people.keys().nth(at % self.people.len().max(1)).copied();
        let Some(id) = picked else {
            return self.add(Person {
                name: String::new(),
                record_uid: String::new(),
                firstname: "A".into(),
                email: None,
                schools: vec!["S1"],
                class: "1a",
                is_guardian: matches!(change, Change::Add { is_guardian: true }),
            });
        };
        let mut person = self.people[&id].clone();
        let relatives = self.relatives(id);
        match change {
            Change::Add { is_guardian } => {
                let (name, record_uid) = (String::new(), String::new());
                return self.add(Person {
                    name,
                    record_uid,
                    email: None,
                    is_guardian: *is_guardian,
                    ..person
                });
            }
            Change::Rename => {
                self.next += 1;
                person.name = format!("n{number}");
            }
            Change::Identify => {
                self.next += 1;
                person.record_uid = format!("i{number}");
            }
            Change::Firstname => person.firstname.push('x'),
            Change::Email => {
                person.email = if person.email.is_some() { None } else { Some(format!("m{id}@x")) };
            }
            Change::Move(schools) => person.schools.clone_from(schools),
            Change::Class(class) => person.class = class,
            Change::Role => {
                person.is_guardian = !person.is_guardian;
                self.relations.retain(|(student, guardian)| *student != id && *guardian != id);
            }
            Change::Relate(other) => {
                let other = self.people.keys().nth(other % self.people.len()).copied();
                let Some(other) = other else { return Vec::new() };
                if person.is_guardian == self.people[&other].is_guardian {
                    return Vec::new();
                }
                let pair = if person.is_guardian { (other, id) } else { (id, other) };
                if !self.relations.remove(&pair) && relatives.len() < 3 {
                    self.relations.insert(pair);
                }
                return vec![id, other];
            }
            Change::Remove | Change::AddAgain => {
                self.people.remove(&id);
                self.relations.retain(|(student, guardian)| *student != id && *guardian != id);
                let mut told = vec![id];
                if matches!(change, Change::AddAgain) {
                    told.extend(self.add(person));
                }
                told.extend(relatives);
                return told;
            }
        }
        self.people.insert(id, person);
        // The directory follows with the other side of relations.
        [vec![id], relatives].concat()
    }

    fn relatives(&self, id: u64) -> Vec<u64> {
        let pairs = self.relations.iter();
        pairs
            .filter_map(|(student, guardian)| match id {
                _ if *student == id => Some(*guardian),
                _ if *guardian == id => Some(*student),
                _ => None,
            })
            .collect()
    }

    fn item(&self, id: u64, known: Option<OldData>) -> ConvertedItem {
        let uuid = format!("0b0c7f1e-0000-1040-8000-{id:012}");
        let Some(own) = self.people.get(&id) else {
            let nobody = person(&uuid, "gone", "gone", "Student", json!({}));
            return ConvertedItem { old_data: known, ..gone(&nobody) };
        };
        let dn = |person: &Person| format!("uid={},ou={},dc=x", person.name, person.schools[0]);
        let relatives: Vec<String> =
            self.relatives(id).iter().map(|id| dn(&self.people[id])).collect();
        let groups: Vec<String> =
            own.schools.iter().map(|school| class_dn(school, own.class)).collect();
        let relation =
            if own.is_guardian { "ucsschoolLegalWard" } else { "ucsschoolLegalGuardian" };
        let kind = if own.is_guardian { "LegalGuardian" } else { "Student" };
        let more = json!({
            "firstname": own.firstname, "mailPrimaryAddress": own.email, "school": own.schools,
            "groups": groups, relation: relatives,
        });
        ConvertedItem {
            dn: dn(own),
            old_data: known,
            ..person(&uuid, &own.name, &own.record_uid, kind, more)
        }
    }

    fn known(&self, id: u64) -> Option<OldData> {
        self.people.get(&id).map(|person| OldData {
            record_uid: Some(person.record_uid.clone()),
            source_uid: Some("SIS".into()),
            schools: person.schools.iter().map(|&school| school.to_owned()).collect(),
            users: Vec::new(),
        })
    }

    /// What the server should have of each user, by name.
    fn expected(&self) -> BTreeMap<String, Value> {
        let ours = |id: &u64| -> Vec<&str> {
            let schools = &self.people[id].schools;
            schools.iter().copied().filter(|school| *school != "Foreign").collect()
        };
        let there = self.people.iter().filter(|(id, _)| !ours(id).is_empty());
        there
            .map(|(id, own)| {
                let schools: BTreeSet<&str> = ours(id).into_iter().collect();
                let primary = Some(own.schools[0]).filter(|school| schools.contains(school));
                let primary = primary.or(schools.first().copied());
                let classes: BTreeMap<&str, [&str; 1]> =
                    schools.iter().map(|&school| (school, [own.class])).collect();
                let relatives = self.relatives(*id).into_iter().filter(|id| !ours(id).is_empty());
                let relatives: BTreeSet<&str> =
                    relatives.map(|id| self.people[&id].name.as_str()).collect();
                let none = BTreeSet::new();
                let (guardians, wards) =
                    if own.is_guardian { (&none, &relatives) } else { (&relatives, &none) };
                let expected = json!({
                    "name": own.name, "record_uid": own.record_uid, "firstname": own.firstname,
                    "email": own.email, "school": primary, "schools": schools,
                    "school_classes": classes, "legal_guardians": guardians, "legal_wards": wards,
                    "roles": [if own.is_guardian { "legal_guardian" } else { "student" }],
                });
                (own.name.clone(), expected)
            })
            .collect()
    }
}

/// Delivers an item, whatever is in the way.
fn deliver<S: Server>(stage: &mut Stage<S>, item: &ConvertedItem, trouble: Trouble) {
    match trouble {
        Trouble::Nothing => {}
        Trouble::Fails(call, failure) => stage.fake.fail_at(call, failure),
        Trouble::Ends => drop(stage.hand_over(item)),
        Trouble::EndsWithoutIndex => {
            drop(stage.hand_over(item));
            stage.rebuild_index();
        }
        Trouble::Forced => stage.forced = true,
    }
    // A failure that is still to come meets a later item.
    let tries = (0..20).take_while(|_| stage.deliver(item).is_err()).count();
    assert!(tries < 20, "{:?}", stage.fault(item));
    stage.forced = false;
}

type History = Vec<(usize, Change, Trouble)>;

fn history() -> impl Strategy<Value = History> {
    proptest::collection::vec((0..6_usize, change(), trouble()), 1..30)
}

fn check<S: Server>(mut stage: Stage<S>, history: History) -> Result<(), TestCaseError> {
    let mut directory = Directory::default();
    for (at, change, trouble) in history {
        let before: BTreeMap<u64, OldData> =
            directory.people.keys().filter_map(|id| Some((*id, directory.known(*id)?))).collect();
        for id in directory.apply(at, &change) {
            deliver(&mut stage, &directory.item(id, before.get(&id).cloned()), trouble);
        }
        let expected = directory.expected();
        let names: Vec<String> = expected.keys().cloned().collect();
        prop_assert_eq!(stage.users(), names, "{:?}", change);
        for (name, expected) in &expected {
            for (attribute, value) in expected.as_object().unwrap() {
                let shown = stage.shown(name, attribute);
                prop_assert_eq!(&shown, value, "{} of {} after {:?}", attribute, name, change);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn the_server_has_what_the_directory_has(history in history()) {
        check(Stage::new(), history)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]
    #[test]
    fn a_server_behind_http_has_what_the_directory_has(history in history()) {
        let stage = Stage::over(Wire::new(&["S1", "S2", "S3"]), authority(), &["s1", "s2", "s3"]);
        check(stage, history)?;
    }
}
