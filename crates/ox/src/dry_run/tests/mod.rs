//! The dry run against the loop: the same items, the same server in memory, the same calls.

mod model;
mod place;
mod rules;
