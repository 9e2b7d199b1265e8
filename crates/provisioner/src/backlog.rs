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
//! An item may turn out to need something that another object has, whose item waits behind it because the
//! two were reported in the other order. Then that one is let pass ([`Backlog::let_pass`]), and nothing but
//! these two changes places.
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
    /// Items that wait for the one behind them in this list; the last one is next.
    detour: Vec<Slot>,
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
        // None of its object goes before it, also not because somebody waits.
        let is_later = |later: &Slot| {
            *later > slot && self.items.get(later).is_some_and(|entry| entry.object == object)
        };
        if let Some(at) = self.detour.iter().position(is_later) {
            self.detour.truncate(at);
        }
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
        // Done, or gone: whoever waited for it is next. One that waited itself waits for nobody now.
        if let Some(at) = self.detour.iter().position(|waiting| *waiting == slot) {
            self.detour.truncate(at);
        }
        let place = (entry.object, slot);
        self.by_object.remove(&place);
        self.settle(place.0, &place.1);
        true
    }

    /// The item that is next. Ends the pass if nothing of it is left.
    pub(crate) fn first(&mut self) -> Option<ItemName> {
        if let Some(slot) = self.detour.last() {
            return slot.name();
        }
        if self.order(self.current).is_empty() {
            self.current = self.current.other();
            self.is_in_pass = false;
        }
        self.order(self.current).values().next()?.first()?.name()
    }

    /// Lets the first item of another object go before this one, which is next. `false`: none waits, or it
    /// waits for this one itself.
    pub(crate) fn let_pass(&mut self, name: &ItemName, object_id: &str) -> bool {
        let waiting = Slot::new(name);
        let object = hash(object_id);
        let mut items = self.by_object.range((object, Slot::lowest())..);
        let Some((_, first)) = items.next().filter(|(o, _)| *o == object) else { return false };
        if *first == waiting || self.detour.contains(first) {
            return false;
        }
        let first = first.clone();
        if self.detour.is_empty() {
            self.detour.push(waiting);
        }
        self.detour.push(first);
        true
    }

    /// Items that wait for each other, from the one whose turn it is to the one that goes first.
    pub(crate) fn detour(&self) -> impl Iterator<Item = ItemName> {
        self.detour.iter().filter_map(Slot::name)
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
        self.detour.clear();
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
mod tests;
