//! The members of a class as the directory names them (id-connector 4.2, 4.3).

use std::collections::BTreeSet;

use idspool_provisioner::{Delivery, Fault, Objects};
use idspool_udm::{ConvertedItem, dn, value};

use super::partial::Person;
use super::requeue;
use crate::site::Site;
use crate::user;

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member<'a> {
    pub(super) dn: &'a str,
    /// Login name in our directory.
    pub(super) uid: String,
    /// Login name at the server.
    pub(super) name: String,
}

impl Member<'_> {
    pub(super) fn person(&self) -> Person<'_> {
        Person { name: &self.name, uid: &self.uid }
    }
}

/// Who is in a class.
#[derive(Debug, Default)]
pub(super) struct Members<'a> {
    pub(super) named: Vec<Member<'a>>,
    /// DNs of those whose name at the server is not known, because they were not delivered. The one in the DN
    /// could be somebody else's there.
    pub(super) nameless: Vec<&'a str>,
}

/// The members that a state of the class lists, each once.
///
/// # Errors
/// One of them is no DN.
pub(super) fn of<'a>(
    site: &Site,
    objects: &Objects,
    state: &'a ConvertedItem,
) -> Result<Members<'a>, Fault> {
    let has_other_names = user::has_other_names(&site.authority);
    let (mut seen, mut members) = (BTreeSet::new(), Members::default());
    for dn in value::texts(state.property("users")) {
        let Some(uid) = dn::first_value(dn).filter(|uid| !uid.is_empty()) else {
            return Err(Fault::permanent(format!(
                "property 'users' has a value that is no DN: '{dn}'"
            ))
            .with_remedy("correct the group in the directory, or remove the queue file"));
        };
        let name = if has_other_names {
            user::delivered_name(site, objects, dn)
        } else {
            Some(uid.clone())
        };
        match name {
            None => members.nameless.push(dn),
            Some(name) if seen.insert(name.to_lowercase()) => {
                members.named.push(Member { dn, uid, name });
            }
            Some(_) => {}
        }
    }
    Ok(members)
}

/// Whether a user was delivered to the server. One whose snapshot was taken away may or may not be there.
pub(super) fn is_delivered(delivery: &Delivery<'_>, dn: &str) -> bool {
    matches!(delivery.objects.place(dn), Ok(Some(_)))
}

/// Members of which the last delivery noted that the server does not know them, and of whom nothing became
/// known since. By DN in normalised form.
pub(super) fn still_unknown(delivery: &Delivery<'_>) -> BTreeSet<String> {
    let noted = delivery.previous.into_iter().flat_map(requeue::unknown_members);
    noted.filter(|dn| !is_delivered(delivery, dn)).map(|dn| dn::key(dn).into_owned()).collect()
}
