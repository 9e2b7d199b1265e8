//! Users: what the rules would send of either state, against what OX has.

use idspool_ox_soap::{User, UserField};
use idspool_udm::Module;
use serde_json::{Map, Value};

use super::finding::{Finding, Sides};
use super::pair::Both;
use super::property;
use super::shown::{Same, Shown};
use crate::halt::Halt;
use crate::mapping::{Handling, Mapping};
use crate::props::{OX_CONTEXT, OX_DB_ID, Props};
use crate::rights::Rights;
use crate::settings::{Identifier, Settings};
use crate::user::{Filled, Side};

/// The three sides of a user that is in all three of them.
pub(crate) struct UserSides<'a> {
    pub(crate) id: &'a str,
    pub(crate) snapshot: &'a Map<String, Value>,
    pub(crate) ox: &'a User,
    pub(crate) directory: &'a Map<String, Value>,
}

const CANNOT_BE_CLEARED: &str =
    "OX keeps this value: it cannot be cleared over SOAP, clear it in OX";

/// Everything in which the sides of a user differ, but for the rights.
pub(crate) fn compare(
    sides: &UserSides<'_>,
    settings: &Settings,
    mapping: &Mapping,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let snapshot = expected(sides.id, sides.snapshot, settings, mapping);
    let directory = expected(sides.id, sides.directory, settings, mapping);
    match (snapshot, directory) {
        (Ok(snapshot), Ok(directory)) => {
            compare_mapped(&snapshot, sides, &directory, mapping, &mut findings);
            compare_fixed(&snapshot, sides, &directory, settings, &mut findings);
        }
        (snapshot, directory) => {
            for (side, state) in [("snapshot", snapshot), ("directory", directory)] {
                if let Err(halt) = state {
                    findings.push(Finding::unusable(side, halt));
                }
            }
        }
    }
    compare_id(sides, &mut findings);
    let done: Vec<String> = findings
        .iter()
        .filter_map(|finding| finding.row.as_ref())
        .map(|row| row.property.clone())
        .collect();
    findings.extend(property::compare(
        Module::User,
        sides.snapshot,
        sides.directory,
        |name| is_used(name, mapping),
        |name| done.iter().any(|known| known == name) || is_made_of(name, mapping),
    ));
    findings
}

/// What differs between snapshot and directory, where OX is not asked.
pub(crate) fn compare_states(both: &Both<'_>, mapping: &Mapping) -> Vec<Finding> {
    let is_used = |name: &str| is_used(name, mapping);
    property::compare(Module::User, both.snapshot, both.directory, is_used, |_| false)
}

/// The user as the rules would send it.
fn expected(
    id: &str,
    object: &Map<String, Value>,
    settings: &Settings,
    mapping: &Mapping,
) -> Result<Filled, Halt> {
    let props = Props(object);
    let side = Side::of_new(props, id, &settings.user_identifier)?;
    Filled::new(props, side.name.required()?, settings, mapping)
}

fn compare_mapped(
    snapshot: &Filled,
    sides: &UserSides<'_>,
    directory: &Filled,
    mapping: &Mapping,
    findings: &mut Vec<Finding>,
) {
    for entry in mapping.entries() {
        let field = entry.property.field;
        // OX answers what is in use there, and not what was sent.
        if matches!(field, UserField::Aliases | UserField::UsedQuota) {
            continue;
        }
        let same = match entry.handling {
            Handling::ImapUrl | Handling::SmtpUrl => Same::AnyCase,
            _ if is_address(field) => Same::AnyCase,
            _ => Same::Exactly,
        };
        let name = entry.source.as_deref().unwrap_or(entry.property.name);
        let values = three(snapshot, sides.ox, directory, field);
        let is_kept = values.directory == Shown::Nothing
            && values.snapshot == Shown::Nothing
            && !entry.property.clears
            && field != UserField::MaxQuota;
        if entry.handling == Handling::Image && is_kept && has_value(sides, name) {
            // A picture that is no JPEG is not sent.
            continue;
        }
        if let Some(mut found) = Finding::difference(name, Some(field.as_str()), values, same) {
            if is_kept {
                found.note = Some(CANNOT_BE_CLEARED.to_owned());
            }
            findings.push(found);
        }
    }
}

fn has_value(sides: &UserSides<'_>, property: &str) -> bool {
    Props(sides.snapshot).value(property).is_some()
        || Props(sides.directory).value(property).is_some()
}

fn is_address(field: UserField) -> bool {
    matches!(
        field,
        UserField::Email1 | UserField::Email2 | UserField::Email3 | UserField::PrimaryEmail
    )
}

/// Fields that no entry of the mapping fills.
fn compare_fixed(
    snapshot: &Filled,
    sides: &UserSides<'_>,
    directory: &Filled,
    settings: &Settings,
    findings: &mut Vec<Finding>,
) {
    let mut compare = |name: &str, field: UserField, same: Same| {
        let mut values = three(snapshot, sides.ox, directory, field);
        // Without a port in the setting the server decides.
        if matches!(field, UserField::ImapPort | UserField::SmtpPort)
            && directory.user.get(field).is_none()
        {
            values.ox = Shown::NotCompared;
        }
        findings.extend(Finding::difference(name, Some(field.as_str()), values, same));
    };
    let name = match &settings.user_identifier {
        Identifier::EntryUuid => "entryUUID",
        Identifier::Property(property) => property.as_str(),
    };
    compare(name, UserField::Name, Same::Exactly);
    compare("aliases", UserField::Aliases, Same::AsSet);
    for (field, same) in [
        (UserField::PrimaryEmail, Same::AnyCase),
        (UserField::ImapLogin, Same::Exactly),
        (UserField::ImapPort, Same::Exactly),
        (UserField::SmtpPort, Same::Exactly),
        (UserField::GuiSpamFilterEnabled, Same::Exactly),
        (UserField::Mailenabled, Same::Exactly),
    ] {
        compare(field.as_str(), field, same);
    }
}

fn three(snapshot: &Filled, ox: &User, directory: &Filled, field: UserField) -> Sides {
    Sides {
        snapshot: shown(field, snapshot.user.get(field)),
        ox: shown(field, ox.get(field)),
        directory: shown(field, directory.user.get(field)),
    }
}

/// The value of a field. An unlimited quota is left out by OX; a picture is base64 on its way there.
fn shown(field: UserField, value: Option<&idspool_ox_soap::Value>) -> Shown {
    match (field, Shown::of_field(value)) {
        (UserField::MaxQuota, Shown::Nothing) => Shown::text("-1"),
        (UserField::Image1, Shown::Text(base64)) => Shown::image_of_base64(&base64),
        (_, value) => value,
    }
}

fn compare_id(sides: &UserSides<'_>, findings: &mut Vec<Finding>) {
    let Some(id) = sides.ox.id() else { return };
    let values = Sides {
        snapshot: Shown::of_property(sides.snapshot.get(OX_DB_ID)),
        ox: Shown::text(id.to_string()),
        directory: Shown::NotCompared,
    };
    let found = Finding::difference(OX_DB_ID, Some("id"), values, Same::Exactly);
    findings.extend(found.map(|found| {
        found.noting("the id in the snapshot has to be that of OX; --resync looks it up again")
    }));
}

/// The rights that either state asks for, against those that OX has.
pub(crate) fn compare_rights(
    snapshot: &Rights,
    ox: idspool_ox_soap::ModuleAccess,
    directory: &Rights,
) -> Option<Finding> {
    let shown = |rights: &Rights| match rights {
        // An unknown profile leaves them as they are.
        Rights::Untouched => Shown::NotCompared,
        Rights::Set { access, .. } => granted(*access),
    };
    let sides = Sides { snapshot: shown(snapshot), ox: granted(ox), directory: shown(directory) };
    Finding::difference("oxAccess", Some("moduleAccess"), sides, Same::AsSet)
}

/// The rights among those that are ever sent.
fn granted(access: idspool_ox_soap::ModuleAccess) -> Shown {
    let flags = idspool_ox_soap::AccessFlag::named();
    let granted = flags.filter(|flag| access.get(*flag) == Some(true));
    Shown::list(granted.map(|flag| flag.as_str().to_ascii_lowercase()))
}

/// Whether the rules read the property.
fn is_used(property: &str, mapping: &Mapping) -> bool {
    matches!(property, "oxAccess" | OX_CONTEXT | "isOxUser") || is_made_of(property, mapping)
}

/// Whether a field is made of the property, so that the field was compared in its place.
fn is_made_of(property: &str, mapping: &Mapping) -> bool {
    mapping.entries().iter().any(|entry| {
        entry.source.as_deref() == Some(property)
            || entry.alternatives.iter().any(|alternative| alternative == property)
    })
}

#[cfg(test)]
mod tests;
