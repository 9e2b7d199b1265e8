//! What a server tells of itself.

use idspool_udm::dn::Dn;
use ldap3::Scope;

use crate::connection::Directory;
use crate::error::Error;
use crate::lookup::Query;

/// The entry that slapd makes at each start.
const SUBSCHEMA: &str = "cn=Subschema";

impl Directory {
    /// Whether the server knows how new its entries are (`contextCSN` at the top of its tree).
    ///
    /// A replica that is being filled does not: what it lacks is not gone. A server that does not say
    /// where its trees begin counts as one that knows.
    ///
    /// # Errors
    /// No connection, or no answer.
    pub fn has_sync_state(&mut self) -> Result<bool, Error> {
        Ok(self.sync_state()?.is_none_or(|state| !state.is_empty()))
    }

    /// How new the entries of the server are: one CSN for each server where changes are made
    /// (`contextCSN` at the top of its tree). `None`: it does not say where its trees begin.
    ///
    /// # Errors
    /// No connection, or no answer.
    pub fn sync_state(&mut self) -> Result<Option<Vec<String>>, Error> {
        const DOING: &str = "read how new the entries are";
        let entry = |base: &str| Query {
            base: base.to_owned(),
            scope: Scope::Base,
            filter: "(objectClass=*)".to_owned(),
            matched_values: None,
            max_entries: 1,
        };
        let Ok(base) = Dn::parse(&self.settings.base_dn) else { return Ok(None) };
        let root = self.search(DOING, vec![entry("")], &["namingContexts"])?;
        let tops = root.iter().flat_map(|root| root.texts("namingContexts"));
        let top = tops.into_iter().find(|top| {
            Dn::parse(top)
                .is_ok_and(|top| top.normalized() == base.normalized() || base.is_below(&top))
        });
        let Some(top) = top else { return Ok(None) };
        match self.search(DOING, vec![entry(top)], &["contextCSN"]) {
            Ok(found) => {
                let csns = found.iter().flat_map(|entry| entry.texts("contextCSN"));
                Ok(Some(csns.into_iter().map(str::to_owned).collect()))
            }
            Err(Error::MissingBase { .. }) => Ok(Some(Vec::new())),
            Err(error) => Err(error),
        }
    }

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
