//! What can be looked at besides the SOAP services: JSON for tests, a page for people.

pub(crate) mod json;
pub(crate) mod page;
