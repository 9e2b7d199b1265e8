use std::collections::HashMap;
use std::str::FromStr as _;

use proptest::prelude::*;

use super::*;

fn name(number: usize) -> ItemName {
    ItemName::from_str(&format!("2026-11-21-17-35-07-{number:06}.json")).unwrap()
}

fn drain(backlog: &mut Backlog) -> Vec<ItemName> {
    let mut taken = Vec::new();
    while let Some(first) = backlog.first() {
        backlog.begin_pass();
        assert!(backlog.remove(&first));
        taken.push(first);
    }
    taken
}

#[test]
fn lower_ranks_go_first_then_names() {
    let mut backlog = Backlog::default();
    backlog.insert(&name(1), "a", 3);
    backlog.insert(&name(2), "b", 1);
    backlog.insert(&name(3), "c", 1);
    assert_eq!(drain(&mut backlog), [name(2), name(3), name(1)]);
}

#[test]
fn a_context_that_was_removed_and_changed_again_keeps_its_order() {
    let mut backlog = Backlog::default();
    backlog.insert(&name(2), "context", 1);
    backlog.insert(&name(1), "context", 7);
    backlog.insert(&name(3), "user", 3);
    assert_eq!(drain(&mut backlog), [name(3), name(1), name(2)]);
}

#[test]
fn taking_the_earlier_item_away_gives_the_later_one_its_own_rank_back() {
    let mut backlog = Backlog::default();
    backlog.insert(&name(1), "context", 7);
    backlog.insert(&name(2), "context", 1);
    backlog.insert(&name(3), "user", 3);
    backlog.remove(&name(1));
    assert_eq!(drain(&mut backlog), [name(2), name(3)]);
}

#[test]
fn an_object_waits_as_long_as_one_of_its_items_does() {
    let mut backlog = Backlog::default();
    backlog.insert(&name(1), "a", 3);
    backlog.insert(&name(2), "a", 3);
    backlog.remove(&name(1));
    assert!(backlog.has("a") && !backlog.has("b"));
    backlog.remove(&name(2));
    assert!(!backlog.has("a"));
}

#[test]
fn s9_many_items_of_one_object_cost_no_more_than_those_of_many() {
    // An import of users changes `Domain Users` once for each of them.
    let count = 50_000;
    let begin = std::time::Instant::now();
    let mut backlog = Backlog::default();
    for number in 0..count {
        backlog.insert(&name(number), "Domain Users", 4);
    }
    assert_eq!(drain(&mut backlog).len(), count);
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
}

#[test]
fn what_arrives_during_a_pass_waits_for_the_next_one() {
    let mut backlog = Backlog::default();
    backlog.insert(&name(1), "user", 2);
    backlog.insert(&name(2), "group", 3);
    assert_eq!(backlog.first(), Some(name(1)));
    backlog.begin_pass();
    backlog.remove(&name(1));
    // Steady users do not keep the group waiting.
    backlog.insert(&name(3), "another user", 2);
    backlog.insert(&name(4), "context", 0);
    assert_eq!(backlog.first(), Some(name(2)));
    backlog.remove(&name(2));
    assert_eq!(drain(&mut backlog), [name(4), name(3)]);
    assert!(!backlog.is_in_pass());
}

#[test]
fn after_a_fault_what_was_missing_can_go_first() {
    let mut backlog = Backlog::default();
    backlog.insert(&name(1), "user", 2);
    backlog.begin_pass();
    backlog.insert(&name(2), "context", 0);
    assert_eq!(backlog.first(), Some(name(1)));
    backlog.end_pass();
    assert_eq!(drain(&mut backlog), [name(2), name(1)]);
}

#[test]
fn an_earlier_item_of_the_same_object_goes_first_whenever_it_arrives() {
    let mut backlog = Backlog::default();
    backlog.insert(&name(2), "user", 2);
    backlog.insert(&name(3), "group", 3);
    backlog.begin_pass();
    backlog.insert(&name(1), "user", 2);
    assert_eq!(drain(&mut backlog), [name(3), name(1), name(2)]);
}

#[test]
fn an_item_that_was_edited_stays_in_its_pass() {
    let mut backlog = Backlog::default();
    backlog.insert(&name(1), "user", 2);
    backlog.begin_pass();
    backlog.insert(&name(2), "context", 0);
    backlog.insert(&name(1), "user", 2);
    assert_eq!(drain(&mut backlog), [name(1), name(2)]);
}

#[test]
fn what_an_item_needs_of_another_object_goes_first_and_then_all_is_as_before() {
    let mut backlog = Backlog::default();
    for (number, object, rank) in
        [(1, "heir", 2), (2, "user", 2), (3, "owner", 2), (4, "owner", 2), (5, "context", 0)]
    {
        backlog.insert(&name(number), object, rank);
    }
    assert_eq!(backlog.first(), Some(name(5)));
    backlog.begin_pass();
    backlog.remove(&name(5));
    assert!(backlog.let_pass(&name(1), "owner"));
    assert_eq!(backlog.first(), Some(name(3)));
    assert_eq!(backlog.detour().collect::<Vec<_>>(), [name(1), name(3)]);
    backlog.remove(&name(3));
    assert_eq!(backlog.first(), Some(name(1)));
    assert!(backlog.let_pass(&name(1), "owner"), "it has another one");
    backlog.remove(&name(4));
    assert!(!backlog.let_pass(&name(1), "owner"), "nothing of it is left");
    assert_eq!(drain(&mut backlog), [name(1), name(2)]);
}

#[test]
fn two_that_wait_for_each_other_are_found_out() {
    let mut backlog = Backlog::default();
    backlog.insert(&name(1), "a", 2);
    backlog.insert(&name(2), "b", 2);
    backlog.insert(&name(3), "c", 2);
    assert!(!backlog.let_pass(&name(1), "a"), "itself");
    assert!(backlog.let_pass(&name(1), "b"));
    assert!(backlog.let_pass(&name(2), "c"));
    assert!(!backlog.let_pass(&name(3), "a"));
    assert!(!backlog.let_pass(&name(3), "b"));
    // A fault of the last one ends it: what arrives may be what they need.
    backlog.insert(&name(4), "d", 0);
    backlog.end_pass();
    assert_eq!(drain(&mut backlog), [name(4), name(1), name(2), name(3)]);
}

#[derive(Debug, Clone)]
enum Step {
    Insert {
        number: usize,
        object: usize,
        rank: u8,
    },
    Remove {
        number: usize,
    },
    /// Handles the next item.
    Take,
    /// Handles the next item, which is faulty and stays.
    Fault,
    /// The next item waits for this object.
    Wait {
        object: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0usize..30, 0usize..6, 0u8..4)
            .prop_map(|(number, object, rank)| Step::Insert { number, object, rank }),
        2 => (0usize..30).prop_map(|number| Step::Remove { number }),
        3 => Just(Step::Take),
        1 => Just(Step::Fault),
        2 => (0usize..6).prop_map(|object| Step::Wait { object }),
    ]
}

/// The plain definition.
#[derive(Default)]
struct Model {
    /// Object, rank, and number of the pass.
    items: std::collections::BTreeMap<usize, (usize, u8, usize)>,
    pass: usize,
    is_in_pass: bool,
    /// Each waits for the one behind it.
    detour: Vec<usize>,
}

impl Model {
    fn insert(&mut self, number: usize, object: usize, rank: u8) {
        let arrives = self.pass + usize::from(self.is_in_pass);
        let pass = self.items.get(&number).map_or(arrives, |(_, _, pass)| *pass);
        self.remove(number);
        if let Some(at) = self.detour.iter().position(|n| *n > number && self.items[n].0 == object)
        {
            self.detour.truncate(at);
        }
        self.items.insert(number, (object, rank, pass));
        // What comes after it cannot be handled before it.
        let mut latest: HashMap<usize, usize> = HashMap::new();
        for (object, _, pass) in self.items.values_mut() {
            let floor = latest.entry(*object).or_default();
            *pass = (*pass).max(*floor);
            *floor = *pass;
        }
    }

    fn remove(&mut self, number: usize) -> bool {
        if let Some(at) = self.detour.iter().position(|waiting| *waiting == number) {
            self.detour.truncate(at);
        }
        self.items.remove(&number).is_some()
    }

    fn wait(&mut self, next: usize, object: usize) -> bool {
        let first = self.items.iter().find(|(_, (o, ..))| *o == object).map(|(number, _)| *number);
        let first = first.filter(|first| *first != next && !self.detour.contains(first));
        if let Some(first) = first {
            if self.detour.is_empty() {
                self.detour.push(next);
            }
            self.detour.push(first);
        }
        first.is_some()
    }

    fn next(&mut self) -> Option<usize> {
        if let Some(next) = self.detour.last() {
            return Some(*next);
        }
        if self.items.values().all(|(_, _, pass)| *pass > self.pass) {
            self.is_in_pass = false;
            self.pass += 1;
        }
        let rank = |number: usize, object: usize| {
            let earlier = self.items.range(..=number).filter(|(_, (o, ..))| *o == object);
            earlier.map(|(_, (_, rank, _))| *rank).max()
        };
        let now = self.items.iter().filter(|(_, (_, _, pass))| *pass == self.pass);
        now.map(|(number, (object, ..))| (rank(*number, *object), *number)).min().map(|(_, n)| n)
    }

    fn fault(&mut self) {
        self.is_in_pass = false;
        self.detour.clear();
        self.items.values_mut().for_each(|(_, _, pass)| *pass = self.pass);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Against the plain definition, whatever the sequence of arrivals, removals and faults.
    #[test]
    fn order_is_that_of_the_model(steps in proptest::collection::vec(step(), 1..120)) {
        let mut backlog = Backlog::default();
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Insert { number, object, rank } => {
                    backlog.insert(&name(number), &object.to_string(), rank);
                    model.insert(number, object, rank);
                }
                Step::Remove { number } => {
                    let was_there = model.remove(number);
                    prop_assert_eq!(backlog.remove(&name(number)), was_there);
                }
                Step::Take | Step::Fault | Step::Wait { .. } => {
                    let next = model.next();
                    prop_assert_eq!(backlog.first(), next.map(name));
                    if let Some(next) = next {
                        backlog.begin_pass();
                        model.is_in_pass = true;
                        match step {
                            Step::Wait { object } => prop_assert_eq!(
                                backlog.let_pass(&name(next), &object.to_string()),
                                model.wait(next, object)
                            ),
                            Step::Take => {
                                // Whoever waits: no item goes before an earlier one of its object.
                                let object = model.items[&next].0;
                                let mut earlier = model.items.range(..next);
                                prop_assert!(earlier.all(|(_, (other, ..))| *other != object));
                                backlog.remove(&name(next));
                                model.remove(next);
                            }
                            _ => {
                                backlog.end_pass();
                                model.fault();
                            }
                        }
                    }
                }
            }
            let ordered = backlog.orders.iter().flat_map(BTreeMap::values).map(BTreeSet::len);
            prop_assert_eq!(ordered.sum::<usize>(), model.items.len());
            prop_assert_eq!(backlog.items.len(), model.items.len());
            prop_assert_eq!(backlog.by_object.len(), model.items.len());
        }
        let mut expected = Vec::new();
        while let Some(next) = model.next() {
            model.is_in_pass = true;
            model.remove(next);
            expected.push(name(next));
        }
        prop_assert_eq!(drain(&mut backlog), expected);
    }
}
