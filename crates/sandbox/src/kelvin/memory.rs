//! What a worker of the real server remembers, and is wrong about at times.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::world::World;

/// Addresses that are remembered; then all are forgotten.
const MAX_ADDRESSES: usize = 10_240;
const MAX_SCHOOLS: usize = 10_240;

#[derive(Debug)]
pub(super) struct Memory {
    lifetime: Duration,
    schools: HashMap<String, (Instant, Option<String>)>,
    addresses: HashMap<String, String>,
}

impl Memory {
    /// The existence of schools is remembered for `lifetime` (kelvin-api 6).
    pub(super) fn new(lifetime: Duration) -> Self {
        Self { lifetime, schools: HashMap::new(), addresses: HashMap::new() }
    }

    /// The right spelling of a school's name, if it exists as far as is remembered.
    pub(super) fn school(&mut self, name: &str, world: &World) -> Option<String> {
        let look = || world.school(name).map(|school| school.name.clone());
        if self.lifetime.is_zero() {
            return look();
        }
        let key = name.to_lowercase();
        if let Some((seen, known)) = self.schools.get(&key)
            && seen.elapsed() < self.lifetime
        {
            return known.clone();
        }
        if self.schools.len() >= MAX_SCHOOLS {
            self.schools.clear();
        }
        let found = look();
        self.schools.insert(key, (Instant::now(), found.clone()));
        found
    }

    /// The address that a user had when a class request named it first (kelvin-api 9).
    pub(super) fn address(&mut self, name: &str, present: &str) -> String {
        if self.addresses.len() >= MAX_ADDRESSES {
            self.addresses.clear();
        }
        self.addresses.entry(name.to_lowercase()).or_insert_with(|| present.to_owned()).clone()
    }
}
