//! Whether the server has followed a rename or deletion in what names the entry: overlays such as
//! refint do that in the background.

use std::collections::HashSet;

use idspool_udm::EntryUuid;
use ldap3::ldap_escape;

use crate::connection::Directory;
use crate::error::Error;

/// Entries that one search asks about. Each is found by the index of `entryUUID`, so that the server
/// reads no others; the length of the filter is the limit.
const TOGETHER: usize = 32;

/// An entry that names another one, whose DN has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// The entry that names.
    pub uuid: EntryUuid,
    /// The DN that it named.
    pub old: String,
    /// The DN that it is to name now; `None`: none, the other one is gone.
    pub new: Option<String>,
}

impl Directory {
    /// Which of these entries name the new DN and not the old one, in any of `attributes`.
    ///
    /// # Errors
    /// As for [`Directory::entries_by_uuid`].
    pub fn entries_that_followed(
        &mut self,
        namings: &[Naming],
        attributes: &[&str],
    ) -> Result<HashSet<EntryUuid>, Error> {
        let named = |dn: &str| {
            let dn = ldap_escape(dn);
            let terms: String = attributes.iter().map(|name| format!("({name}={dn})")).collect();
            format!("(|{terms})")
        };
        let mut found = HashSet::new();
        for chunk in namings.chunks(TOGETHER) {
            let terms: String = chunk
                .iter()
                .map(|naming| {
                    let new = naming.new.as_deref().map(named).unwrap_or_default();
                    format!("(&(entryUUID={})(!{}){new})", naming.uuid, named(&naming.old))
                })
                .collect();
            for entry in self.entries_matching(&format!("(|{terms})"), &["entryUUID"])? {
                found.extend(entry.first_text("entryUUID").and_then(|text| text.parse().ok()));
            }
        }
        Ok(found)
    }

    /// Whether anything has this DN as a `uniqueMember`.
    ///
    /// # Errors
    /// As for [`Directory::entries_by_uuid`].
    pub fn is_member(&mut self, dn: &str) -> Result<bool, Error> {
        let filter = format!("(uniqueMember={})", ldap_escape(dn));
        Ok(!self.entries_matching(&filter, &["1.1"])?.is_empty())
    }
}
