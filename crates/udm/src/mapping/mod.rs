//! LDAP entry to UDM object, without UDM (udm-ldap.md).
//!
//! Pure: what it depends on beside the entry comes in as [`Related`] (what other entries say) and
//! as today's date.

mod related;

use chrono::NaiveDate;
use serde_json::{Map, Value};

use crate::{ConvertedItem, Entry, EntryUuid, Module};

pub use related::{
    DEFAULT_CONTAINERS_ATTRIBUTES, DEFAULT_CONTAINERS_FILTER, DOMAIN_ATTRIBUTES, DOMAIN_FILTER,
    MEMBER_ATTRIBUTES, MEMBERSHIP_ATTRIBUTES, MEMBERSHIP_FILTER, Needs, PRIMARY_GROUP_ATTRIBUTES,
    PRIMARY_GROUP_FILTER, Related, SHARE_ATTRIBUTES,
};

/// How values are written (udm-ldap.md 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Everything as text, as OX consumers expect it; but `oxContext` and `contextid` are integers.
    Raw,
    /// Integers, booleans and objects where they make sense, as Kelvin consumers expect it.
    Typed,
}

/// Turns entries into UDM objects.
#[derive(Clone, Debug)]
pub struct Mapper {
    encoding: Encoding,
    today: NaiveDate,
    country_from_state: bool,
    with_password: bool,
}

impl Mapper {
    /// `today` (UTC) decides on what has expired.
    pub fn new(encoding: Encoding, today: NaiveDate) -> Self {
        Self { encoding, today, country_from_state: false, with_password: false }
    }

    /// Whether `country` comes from the attribute `st` and there is no `state`, as in UCS before
    /// 5.1 (udm-ldap.md 3.10).
    pub fn country_from_state(self, country_from_state: bool) -> Self {
        Self { country_from_state, ..self }
    }

    /// Whether objects carry the property `password`, which is a hash. A secret nobody needs is
    /// best not written down, so the default is no.
    pub fn with_password(self, with_password: bool) -> Self {
        Self { with_password, ..self }
    }

    /// The item for the present state of an entry.
    pub fn item(
        &self,
        id: &EntryUuid,
        module: Module,
        entry: &Entry,
        related: &Related,
        resync: bool,
    ) -> ConvertedItem {
        ConvertedItem {
            id: id.to_string(),
            udm_object_type: module.to_string(),
            dn: entry.dn.clone(),
            object: Some(self.object(module, entry, related)),
            options: Some(options(module, entry)),
            resync,
        }
    }

    /// The properties of the object that an entry is.
    pub fn object(&self, module: Module, entry: &Entry, related: &Related) -> Map<String, Value> {
        let _ = (module, entry, related, self.encoding, self.today);
        let _ = (self.country_from_state, self.with_password);
        Map::new()
    }
}

/// The UDM options of an object (udm-ldap.md 1.3).
pub fn options(module: Module, entry: &Entry) -> Vec<String> {
    let _ = (module, entry);
    Vec::new()
}

/// The LDAP attributes to ask for, of all modules together, operational ones included.
pub fn attributes() -> &'static [&'static str] {
    &["*", "+"]
}

/// The LDAP attributes to ask for, of one module, operational ones included.
pub fn attributes_of(module: Module) -> &'static [&'static str] {
    let _ = module;
    &["*", "+"]
}
