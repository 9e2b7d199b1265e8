//! What can be looked at besides the API: JSON for tests, a page for people.

pub(super) mod json;
pub(super) mod page;
