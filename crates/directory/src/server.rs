//! What a server tells of itself.

use ldap3::Scope;

use crate::connection::Directory;
use crate::error::Error;
use crate::lookup::Query;

/// The entry that slapd makes at each start.
const SUBSCHEMA: &str = "cn=Subschema";

impl Directory {
    /// When the server was started, in its own words; `None`: it does not say.
    ///
    /// It is the creation time of its schema entry, which slapd makes anew each time, to the second.
    ///
    /// # Errors
    /// No connection, or no answer.
    pub fn server_start(&mut self) -> Result<Option<String>, Error> {
        const TIME: &str = "createTimestamp";
        let query = Query {
            base: SUBSCHEMA.to_owned(),
            scope: Scope::Base,
            filter: "(objectClass=*)".to_owned(),
            matched_values: None,
            max_entries: 1,
        };
        match self.search("read the schema entry", vec![query], &[TIME]) {
            Ok(found) => {
                Ok(found.first().and_then(|entry| entry.first_text(TIME)).map(str::to_owned))
            }
            Err(error) if error.is_transient() => Err(error),
            // Another server, or one that does not show it.
            Err(_) => Ok(None),
        }
    }
}
