//! Whether entries still name a DN that has gone, in whatever attribute.

use std::collections::HashSet;

use idspool_udm::EntryUuid;
use ldap3::ldap_escape;

use crate::connection::Directory;
use crate::error::Error;

/// Entries that one search asks about. Each is found by the index of `entryUUID`, so that the server
/// reads no others; the length of the filter is the limit.
const TOGETHER: usize = 32;

impl Directory {
    /// Which of these entries have the DN beside them as a value of one of `attributes`.
    ///
    /// # Errors
    /// As for [`Directory::entries_by_uuid`].
    pub fn entries_naming(
        &mut self,
        pairs: &[(EntryUuid, String)],
        attributes: &[&str],
    ) -> Result<HashSet<EntryUuid>, Error> {
        let mut found = HashSet::new();
        for chunk in pairs.chunks(TOGETHER) {
            let terms: String = chunk
                .iter()
                .map(|(uuid, dn)| {
                    let dn = ldap_escape(dn.as_str());
                    let named: String =
                        attributes.iter().map(|name| format!("({name}={dn})")).collect();
                    format!("(&(entryUUID={uuid})(|{named}))")
                })
                .collect();
            for entry in self.entries_matching(&format!("(|{terms})"), &["entryUUID"])? {
                found.extend(entry.first_text("entryUUID").and_then(|text| text.parse().ok()));
            }
        }
        Ok(found)
    }
}
