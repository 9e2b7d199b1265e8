//! What a read sees that lags behind the writes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::World;

/// Copies that are kept for one lag. A copy costs a pointer per object.
const COPIES: u32 = 16;

/// States of the recent past; empty when nothing lags.
#[derive(Debug)]
pub(in crate::kelvin) struct Past {
    lag: Duration,
    /// The state before a write, and when it ended. Writes that follow within a part of the lag share
    /// one copy: they are seen up to that much too early.
    copies: VecDeque<(Instant, World)>,
}

impl Past {
    pub(in crate::kelvin) fn new(lag: Duration) -> Self {
        Self { lag, copies: VecDeque::new() }
    }

    /// To be called before every write.
    pub(in crate::kelvin) fn keep(&mut self, now: Instant, world: &World) {
        if self.lag.is_zero() {
            return;
        }
        while self.copies.front().is_some_and(|(end, _)| *end + self.lag <= now) {
            self.copies.pop_front();
        }
        let is_due = self.copies.back().is_none_or(|(end, _)| *end + self.lag / COPIES <= now);
        if is_due {
            self.copies.push_back((now, world.clone()));
        }
    }

    /// What a read of this moment sees.
    pub(in crate::kelvin) fn seen<'a>(&'a self, now: Instant, world: &'a World) -> &'a World {
        self.copies.iter().find(|(end, _)| *end + self.lag > now).map_or(world, |(_, copy)| copy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kelvin::world::User;

    fn write(past: &mut Past, world: &mut World, now: Instant) {
        past.keep(now, world);
        let id = world.next_id();
        world.add_user(User { name: format!("u{id}"), ..User::new(id) });
    }

    #[test]
    fn a_write_is_seen_after_the_lag() {
        let (mut past, mut world) = (Past::new(Duration::from_millis(1600)), World::default());
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        write(&mut past, &mut world, at(0));
        write(&mut past, &mut world, at(1000));
        // Shares the copy of the one before.
        write(&mut past, &mut world, at(1050));
        for (ms, users) in [(1100, 0), (1599, 0), (1600, 1), (2599, 1), (2600, 3), (9000, 3)] {
            assert_eq!(past.seen(at(ms), &world).users().count(), users, "{ms}");
        }
        for ms in 0..5000 {
            write(&mut past, &mut world, at(10_000 + ms));
            assert!(past.copies.len() <= 17, "{}", past.copies.len());
        }
    }

    #[test]
    fn without_lag_a_write_is_seen_at_once_and_nothing_is_kept() {
        let (mut past, mut world) = (Past::new(Duration::ZERO), World::default());
        let now = Instant::now();
        write(&mut past, &mut world, now);
        assert_eq!(past.seen(now, &world).users().count(), 1);
        assert!(past.copies.is_empty());
    }
}
