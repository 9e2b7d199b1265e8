//! LDAP entry to UDM object, without UDM (udm-ldap.md).
//!
//! Pure: what it depends on beside the entry comes in as [`Related`] (what other entries say) and
//! as today's date.

mod account;
mod attribute;
mod certificate;
mod contact;
mod container;
mod date;
mod mail;
mod member;
mod options;
mod password;
mod related;
mod samba;
mod school;
mod share;
mod table;
mod view;

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use chrono::NaiveDate;
use serde_json::{Map, Value};

use crate::{ConvertedItem, Entry, EntryUuid, Module};

use view::View;

pub use password::{PASSWORD_ATTRIBUTES, user_passwords};
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
    with_hashes: bool,
}

impl Mapper {
    /// `today` (UTC) decides on what has expired.
    pub fn new(encoding: Encoding, today: NaiveDate) -> Self {
        Self {
            encoding,
            today,
            country_from_state: false,
            with_password: false,
            with_hashes: false,
        }
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

    /// Whether the items of school users carry their password hashes, for school authorities (id-connector
    /// 1.6). The entries must have been asked for [`PASSWORD_ATTRIBUTES`], too.
    pub fn with_hashes(self, with_hashes: bool) -> Self {
        Self { with_hashes, ..self }
    }

    /// Whether the item of an entry is to carry password hashes.
    pub fn wants_hashes(&self, module: Module, entry: &Entry) -> bool {
        self.with_hashes
            && module == Module::User
            && crate::school::is_school_user(|class| entry.has_class(class))
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
            old_data: None,
            user_passwords: self
                .wants_hashes(module, entry)
                .then(|| user_passwords(entry))
                .flatten(),
        }
    }

    /// The properties of the object that an entry is.
    pub fn object(&self, module: Module, entry: &Entry, related: &Related) -> Map<String, Value> {
        let view = View::new(self, module, entry, related);
        let rows = table::rows(module).iter();
        // The rows are sorted, so that the map is built from the end instead of by insertion.
        rows.filter_map(|row| Some((row.property.to_owned(), view.make(row.kind)?))).collect()
    }
}

/// The UDM options of an object (udm-ldap.md 1.3).
pub fn options(module: Module, entry: &Entry) -> Vec<String> {
    options::of(module, entry)
}

/// The LDAP attributes to ask for, of all modules together, operational ones included.
///
/// Of the password data only `userPassword`, because a locked hash is part of `disabled`. The hashes
/// and keys that Kelvin can take over are no properties of an object (udm-ldap.md 3.8), so whoever
/// transfers them asks for them, and nobody else.
pub fn attributes() -> &'static [&'static str] {
    static ALL: LazyLock<Vec<&'static str>> = LazyLock::new(|| requested(&Module::ALL));
    &ALL
}

/// The LDAP attributes to ask for, of one module, operational ones included.
pub fn attributes_of(module: Module) -> &'static [&'static str] {
    static BY_MODULE: LazyLock<HashMap<Module, Vec<&'static str>>> =
        LazyLock::new(|| Module::ALL.map(|module| (module, requested(&[module]))).into());
    BY_MODULE.get(&module).map_or(&[], Vec::as_slice)
}

/// A property that an object of some module can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// The attributes it is made of.
    pub attributes: &'static [&'static str],
    /// How, in one word.
    pub kind: &'static str,
}

/// All properties of a module, sorted by name: for documentation, and to check names that
/// administrators write into configuration.
pub fn properties(module: Module) -> impl Iterator<Item = Property> {
    table::rows(module).iter().map(|row| Property {
        name: row.property,
        attributes: row.attributes,
        kind: row.kind.name(),
    })
}

/// What [`Module::of`], the options and the identity of an entry need beside the properties.
const ALWAYS: [&str; 6] = [
    "entryUUID",
    "objectClass",
    "univentionObjectType",
    "univentionObjectFlag",
    "uid",
    "uidNumber",
];

fn requested(modules: &[Module]) -> Vec<&'static str> {
    let rows = modules.iter().flat_map(|&module| table::rows(module));
    let named = rows.flat_map(|row| row.attributes.iter().copied());
    let unique: BTreeSet<&'static str> = named.chain(ALWAYS).collect();
    unique.into_iter().collect()
}
