//! The rules from item to snapshot, against a server in memory. The loop is played by [`Stage`].

mod accounts;
mod contexts;
mod converted;
mod deputies;
mod groups;
mod logs;
mod moves;
mod owners;
mod profiles;
mod requeue;
mod resources;
mod retries;
mod skips;
pub(crate) mod stage;
mod users;
