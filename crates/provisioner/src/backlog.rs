//! Which waiting item is next.
//!
//! Order (S4): the lowest rank first, then the name. One rule stands above it: items of one object are
//! handed over strictly in name order. Where the two disagree (a context that was removed and then
//! changed again: removals have the last rank), the later item takes the rank of the earlier one and
//! goes behind it.
//!
//! Each operation costs the logarithm of the backlog (S9).

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
    /// One set for each effective rank.
    order: BTreeMap<u8, BTreeSet<Slot>>,
}

#[derive(Clone, Copy)]
struct Entry {
    object: u64,
    own_rank: u8,
    effective_rank: u8,
}

impl Backlog {
    /// Adds an item, or replaces what was known of it.
    pub(crate) fn insert(&mut self, name: &ItemName, object_id: &str, rank: u8) {
        self.remove(name);
        let slot = Slot::new(name);
        let object = hash(object_id);
        self.items.insert(slot.clone(), Entry { object, own_rank: rank, effective_rank: rank });
        self.order.entry(rank).or_default().insert(slot.clone());
        self.by_object.insert((object, slot.clone()));
        self.settle(object, &slot);
    }

    /// Removes an item. `false`: it was not there.
    pub(crate) fn remove(&mut self, name: &ItemName) -> bool {
        let slot = Slot::new(name);
        let Some(entry) = self.items.remove(&slot) else { return false };
        self.leave(entry.effective_rank, &slot);
        let place = (entry.object, slot);
        self.by_object.remove(&place);
        self.settle(place.0, &place.1);
        true
    }

    /// The item that is next.
    pub(crate) fn first(&self) -> Option<ItemName> {
        self.order.values().next()?.first()?.name()
    }

    /// Gives each item of an object at least the rank of the one before it, after something changed at
    /// `place`. Goes on only as long as ranks change: a group may have an item for each of its members.
    fn settle(&mut self, object: u64, place: &Slot) {
        let mut before = self.by_object.range((object, Slot::lowest())..(object, place.clone()));
        let before = before.next_back().and_then(|(_, slot)| self.items.get(slot));
        let mut floor = before.map_or(0, |entry| entry.effective_rank);
        let mut moved = Vec::new();
        for (_, slot) in
            self.by_object.range((object, place.clone())..).take_while(|(o, _)| *o == object)
        {
            let Some(entry) = self.items.get_mut(slot) else { continue };
            let rank = entry.own_rank.max(floor);
            floor = rank;
            if rank != entry.effective_rank {
                moved.push((slot.clone(), entry.effective_rank, rank));
                entry.effective_rank = rank;
            } else if slot != place {
                break;
            }
        }
        for (slot, from, to) in moved {
            self.leave(from, &slot);
            self.order.entry(to).or_default().insert(slot);
        }
    }

    fn leave(&mut self, rank: u8, slot: &Slot) {
        if let Some(set) = self.order.get_mut(&rank) {
            set.remove(slot);
            if set.is_empty() {
                self.order.remove(&rank);
            }
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

    proptest! {
        /// Against the plain definition, whatever the sequence of arrivals and removals.
        #[test]
        fn order_is_that_of_the_model(
            steps in proptest::collection::vec((0usize..30, 0usize..6, 0u8..4, any::<bool>()), 1..80)
        ) {
            let mut backlog = Backlog::default();
            let mut model: HashMap<usize, (usize, u8)> = HashMap::new();
            for (number, object, rank, remove) in steps {
                if remove {
                    prop_assert_eq!(backlog.remove(&name(number)), model.remove(&number).is_some());
                } else {
                    backlog.insert(&name(number), &object.to_string(), rank);
                    model.insert(number, (object, rank));
                }
                prop_assert_eq!(backlog.items.len(), model.len());
                prop_assert_eq!(backlog.order.values().map(BTreeSet::len).sum::<usize>(), model.len());
            }
            let mut expected = Vec::new();
            while let Some(next) = model
                .iter()
                .map(|(number, (object, _))| {
                    let earlier = model.iter().filter(|(n, (o, _))| *n <= number && o == object);
                    (earlier.map(|(_, (_, rank))| *rank).max(), *number)
                })
                .min()
                .map(|(_, number)| number)
            {
                model.remove(&next);
                expected.push(name(next));
            }
            prop_assert_eq!(drain(&mut backlog), expected);
        }
    }
}
