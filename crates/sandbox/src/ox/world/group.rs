//! A group of users of one context.

use std::collections::BTreeSet;

/// A group; the standard group keeps no members, as every user is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Id in the context.
    pub id: i32,
    /// Name, unique in the context without regard to case.
    pub name: String,
    /// Name shown to users.
    pub display_name: String,
    /// Ids of users.
    pub members: BTreeSet<i32>,
}
