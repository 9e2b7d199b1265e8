//! Whole items against a server in memory.

mod decisions;
mod example;
mod faults;
mod history;
mod identities;
mod relations;
mod stage;
mod values;
mod wire;

pub(crate) use self::stage::{authority, class_dn, item, settings, site};
