//! Which waiting item is next.
//!
//! Order (S4): the lowest rank first, then the name. One rule stands above it: items of one object are
//! handed over strictly in name order. Where the two disagree (a context that was removed and then
//! changed again: removals have the last rank), the later item takes the rank of the earlier one and
//! goes behind it.
//!
//! Ranks hold within a pass (ox-provisioning 3.1, 3.4): what waits when it begins. What arrives
//! during it belongs to the next one; otherwise a steady stream of users would keep groups waiting for
//! ever. A pass ends when all of it is handled, or at a fault: then everything that waits is a
//! new pass, so that what was missing can go before the faulty item.
//!
//! Each operation costs the logarithm of the backlog (S9): an item changes its pass at most twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use idspool_spool::ItemName;

use crate::recipient::Waiting;
use crate::slot::Slot;

/// Waiting items in the order in which they are to be delivered.
#[derive(Default)]
pub(crate) struct Backlog {
    items: BTreeMap<Slot, Entry>,
    /// Items of one object, in name order. Objects are told apart by a hash: two that share one are
    /// merely kept in name order between them, which is harmless.
    by_object: BTreeSet<(u64, Slot)>,
    /// For each of the two passes that have items, one set for each effective rank.
    orders: [BTreeMap<u8, BTreeSet<Slot>>; 2],
    /// The pass that is handled or will be next. The other one comes after it.
    current: Pass,
    is_in_pass: bool,
}

/// One of two passes, which take turns.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Pass {
    #[default]
    Even,
    Odd,
}

impl Pass {
    fn other(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }
}

#[derive(Clone, Copy)]
struct Entry {
    object: u64,
    own_rank: u8,
    effective_rank: u8,
    pass: Pass,
}

impl Backlog {
    /// Adds an item, or replaces what was known of it.
    pub(crate) fn insert(&mut self, name: &ItemName, object_id: &str, rank: u8) {
        let slot = Slot::new(name);
        // One that was edited has been waiting since it arrived.
        let pass = match self.items.get(&slot) {
            Some(entry) => entry.pass,
            None if self.is_in_pass => self.current.other(),
            None => self.current,
        };
        self.remove(name);
        let object = hash(object_id);
        let entry = Entry { object, own_rank: rank, effective_rank: rank, pass };
        self.items.insert(slot.clone(), entry);
        self.enter(pass, rank, slot.clone());
        self.by_object.insert((object, slot.clone()));
        self.settle(object, &slot);
    }

    /// Removes an item. `false`: it was not there.
    pub(crate) fn remove(&mut self, name: &ItemName) -> bool {
        let slot = Slot::new(name);
        let Some(entry) = self.items.remove(&slot) else { return false };
        self.leave(entry.pass, entry.effective_rank, &slot);
        let place = (entry.object, slot);
        self.by_object.remove(&place);
        self.settle(place.0, &place.1);
        true
    }

    /// The item that is next. Ends the pass if nothing of it is left.
    pub(crate) fn first(&mut self) -> Option<ItemName> {
        if self.order(self.current).is_empty() {
            self.current = self.current.other();
            self.is_in_pass = false;
        }
        self.order(self.current).values().next()?.first()?.name()
    }

    /// What waits now forms a pass, unless one has begun already.
    pub(crate) fn begin_pass(&mut self) {
        self.is_in_pass = true;
    }

    /// Whether a pass has begun and is not at its end.
    pub(crate) fn is_in_pass(&self) -> bool {
        self.is_in_pass
    }

    /// The pass ends before it is done: all that waits belongs to the next one.
    pub(crate) fn end_pass(&mut self) {
        self.is_in_pass = false;
        let (current, later) = (self.current, self.current.other());
        for (rank, slots) in std::mem::take(self.order_mut(later)) {
            for slot in &slots {
                if let Some(entry) = self.items.get_mut(slot) {
                    entry.pass = current;
                }
            }
            match self.order_mut(current).get_mut(&rank) {
                Some(set) => set.extend(slots),
                None => drop(self.order_mut(current).insert(rank, slots)),
            }
        }
    }

    /// Gives each item of an object at least the rank and the pass of the one before it, after something
    /// changed at `place`. Goes on only as long as something changes: a group may have an item for
    /// each of its members.
    fn settle(&mut self, object: u64, place: &Slot) {
        let mut before = self.by_object.range((object, Slot::lowest())..(object, place.clone()));
        let before = before.next_back().and_then(|(_, slot)| self.items.get(slot));
        let (mut floor, mut is_later) =
            before.map_or((0, false), |entry| (entry.effective_rank, entry.pass != self.current));
        let mut moved = Vec::new();
        for (_, slot) in
            self.by_object.range((object, place.clone())..).take_while(|(o, _)| *o == object)
        {
            let Some(entry) = self.items.get_mut(slot) else { continue };
            let from = *entry;
            entry.effective_rank = entry.own_rank.max(floor);
            if is_later {
                entry.pass = self.current.other();
            }
            (floor, is_later) = (entry.effective_rank, entry.pass != self.current);
            if (entry.effective_rank, entry.pass) != (from.effective_rank, from.pass) {
                moved.push((slot.clone(), from, *entry));
            } else if slot != place {
                break;
            }
        }
        for (slot, from, to) in moved {
            self.leave(from.pass, from.effective_rank, &slot);
            self.enter(to.pass, to.effective_rank, slot);
        }
    }

    fn enter(&mut self, pass: Pass, rank: u8, slot: Slot) {
        self.order_mut(pass).entry(rank).or_default().insert(slot);
    }

    fn leave(&mut self, pass: Pass, rank: u8, slot: &Slot) {
        let order = self.order_mut(pass);
        if let Some(set) = order.get_mut(&rank) {
            set.remove(slot);
            if set.is_empty() {
                order.remove(&rank);
            }
        }
    }

    fn order(&self, pass: Pass) -> &BTreeMap<u8, BTreeSet<Slot>> {
        let [even, odd] = &self.orders;
        match pass {
            Pass::Even => even,
            Pass::Odd => odd,
        }
    }

    fn order_mut(&mut self, pass: Pass) -> &mut BTreeMap<u8, BTreeSet<Slot>> {
        let [even, odd] = &mut self.orders;
        match pass {
            Pass::Even => even,
            Pass::Odd => odd,
        }
    }
}

impl Waiting for Backlog {
    fn has(&self, object_id: &str) -> bool {
        let object = hash(object_id);
        self.by_object.range((object, Slot::lowest())..).next().is_some_and(|(o, _)| *o == object)
    }
}

impl fmt::Debug for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backlog({} items)", self.items.len())
    }
}

fn hash(object_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    object_id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
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
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            5 => (0usize..30, 0usize..6, 0u8..4)
                .prop_map(|(number, object, rank)| Step::Insert { number, object, rank }),
            2 => (0usize..30).prop_map(|number| Step::Remove { number }),
            3 => Just(Step::Take),
            1 => Just(Step::Fault),
        ]
    }

    /// The plain definition.
    #[derive(Default)]
    struct Model {
        /// Object, rank, and number of the pass.
        items: std::collections::BTreeMap<usize, (usize, u8, usize)>,
        pass: usize,
        is_in_pass: bool,
    }

    impl Model {
        fn insert(&mut self, number: usize, object: usize, rank: u8) {
            let arrives = self.pass + usize::from(self.is_in_pass);
            let pass = self.items.get(&number).map_or(arrives, |(_, _, pass)| *pass);
            self.items.insert(number, (object, rank, pass));
            // What comes after it cannot be handled before it.
            let mut latest: HashMap<usize, usize> = HashMap::new();
            for (object, _, pass) in self.items.values_mut() {
                let floor = latest.entry(*object).or_default();
                *pass = (*pass).max(*floor);
                *floor = *pass;
            }
        }

        fn next(&mut self) -> Option<usize> {
            if self.items.values().all(|(_, _, pass)| *pass > self.pass) {
                self.is_in_pass = false;
                self.pass += 1;
            }
            let rank = |number: usize, object: usize| {
                let earlier = self.items.range(..=number).filter(|(_, (o, ..))| *o == object);
                earlier.map(|(_, (_, rank, _))| *rank).max()
            };
            let now = self.items.iter().filter(|(_, (_, _, pass))| *pass == self.pass);
            now.map(|(number, (object, ..))| (rank(*number, *object), *number))
                .min()
                .map(|(_, n)| n)
        }

        fn fault(&mut self) {
            self.is_in_pass = false;
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
                        let was_there = model.items.remove(&number).is_some();
                        prop_assert_eq!(backlog.remove(&name(number)), was_there);
                    }
                    Step::Take | Step::Fault => {
                        let next = model.next();
                        prop_assert_eq!(backlog.first(), next.map(name));
                        if let Some(next) = next {
                            backlog.begin_pass();
                            model.is_in_pass = true;
                            if matches!(step, Step::Take) {
                                backlog.remove(&name(next));
                                model.items.remove(&next);
                            } else {
                                backlog.end_pass();
                                model.fault();
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
                model.items.remove(&next);
                expected.push(name(next));
            }
            prop_assert_eq!(drain(&mut backlog), expected);
        }
    }
}
