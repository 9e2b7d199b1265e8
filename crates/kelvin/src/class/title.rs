//! How messages and log lines name a class.

use std::fmt;

use idspool_udm::ConvertedItem;

use super::address::Address;

/// A class as messages name it when it is faulty.
pub(super) struct Title<'a>(pub(super) &'a ConvertedItem);

impl fmt::Display for Title<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "school class '{}'", self.0.dn)
    }
}

/// A class as log lines name it, at the server and here.
pub(super) struct Place<'a>(pub(super) &'a Address, pub(super) &'a ConvertedItem);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConvertedItem { dn, id, .. } = self.1;
        write!(f, "{} (DN '{dn}', entryUUID {id})", self.0)
    }
}

/// Names for one line: thousands would drown the log.
pub(super) fn some_of<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 20;
    let left = names.len().saturating_sub(SHOWN);
    let shown: Vec<String> = names.take(SHOWN).map(|name| format!("'{name}'")).collect();
    let more = if left > 0 { format!(" and {left} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
