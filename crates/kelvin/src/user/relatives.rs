//! Legal guardians and wards (id-connector 3.8).

use std::collections::BTreeMap;

use idspool_provisioner::Objects;
use idspool_udm::dn::Dn;
use idspool_udm::value;
use serde_json::Value;
use tracing::info;

use super::choose::choose;
use super::roles::{LEGAL_GUARDIAN, STUDENT};
use super::wanted::Wanted;
use crate::conf::Authority;
use crate::halt::Halt;
use crate::kelvin::Kelvin;
use crate::site::Site;

/// The login names behind DNs, in order, each once. What is no DN counts as a name.
pub(super) fn names(dns: &Value, name_of: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for dn in value::texts(Some(dns)) {
        let name = name_of(dn).unwrap_or_else(|| name_in(dn));
        names.insert(name.to_lowercase(), name);
    }
    names.into_values().collect()
}

/// The login name in a DN.
pub(super) fn name_in(dn: &str) -> String {
    let parsed = Dn::parse(dn).ok();
    let first = parsed.as_ref().and_then(Dn::rdn).map(|rdn| rdn.first_value().into_owned());
    first.filter(|name| !name.is_empty()).unwrap_or_else(|| dn.to_owned())
}

/// Whether users may have another name at the server than in their DN.
pub(crate) fn has_other_names(authority: &Authority) -> bool {
    let mappings = &authority.mappings;
    mappings
        .users
        .iter()
        .chain(mappings.users_by_role.values())
        .flatten()
        .any(|(source, target)| target == "name" && source != "username")
}

/// The name that the user with this DN has at the server, where the mapping makes it from something else than
/// the user name; `None`: it is the one in the DN, or the user was not delivered.
pub(crate) fn delivered_name(site: &Site, objects: &Objects, dn: &str) -> Option<String> {
    if !has_other_names(&site.authority) {
        return None;
    }
    let known = objects.by_dn(dn).ok()??;
    let snapshot = objects.snapshot(&known.id).ok()??;
    let chosen = choose(&site.authority, &site.schools, snapshot.object.as_ref()?).ok()?;
    let (source, _) = chosen.mapping.iter().rfind(|(_, target)| *target == "name")?;
    value::text(snapshot.property(source)).map(std::borrow::Cow::into_owned)
}

/// Takes out guardians and wards that the server does not have, or has as something else. `false`: it has all of
/// them.
pub(super) fn drop_missing(kelvin: &dyn Kelvin, wanted: &mut Wanted) -> Result<bool, Halt> {
    let mut is_changed = false;
    for (attribute, role, called) in [
        ("legal_guardians", LEGAL_GUARDIAN, "legal-guardians"),
        ("legal_wards", STUDENT, "legal-wards"),
    ] {
        let Some(Value::Array(names)) = wanted.attributes.get_mut(attribute) else { continue };
        let mut kept = Vec::new();
        for name in names.drain(..) {
            let text = name.as_str().unwrap_or_default();
            let found = kelvin.user(text)?;
            let is_there = found.is_some_and(|user| {
                value::texts(user.attributes.get("roles")).any(|one| one == role)
            });
            if is_there {
                kept.push(name);
            } else {
                info!("User not found, remove from connected {called}: {text}");
                is_changed = true;
            }
        }
        *names = kept;
    }
    Ok(is_changed)
}
