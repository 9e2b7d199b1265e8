//! The page: contexts, and of one context its users, groups, resources or accounts, and the latest
//! calls. No scripts, nothing from other servers; everything shown is escaped.

use crate::ox::engine::Engine;

pub(crate) fn render(_engine: &Engine, _query: &str) -> Vec<u8> {
    Vec::new()
}
