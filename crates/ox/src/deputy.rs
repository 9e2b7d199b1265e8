//! Deputy permissions (ox-provisioning 5.4): what a user lets other users do in mail and calendar.
//!
//! Here is what the directory says and what follows from it; when it is sent to OX is decided in
//! `user/deputy`.

use idspool_ox_soap::{ContextId, DeputyModule, DeputyPermission, ModulePermission, OxUserId};
use idspool_provisioner::Objects;
use serde_json::Value;
use tracing::warn;

use crate::digest;
use crate::halt::Halt;
use crate::props::{Props, Unusable};

/// The property of the grantor.
const PROPERTY: &str = "oxDeputyPermissionGivenTo";
/// What joins the parts of an entry in LDAP.
const SEPARATOR: &str = " |:$:| ";
const EXPECTED: &str = "entries of a deputy's DN, the rights on mail, the rights on calendar (five digits each), and \
                        1 or 0 for sending on behalf";

/// Whether the user gives anybody any permission.
pub(crate) fn has_entries(props: Props<'_>) -> bool {
    props.value(PROPERTY).is_some()
}

/// DNs of the deputies.
pub(crate) fn deputies(props: Props<'_>) -> impl Iterator<Item = &str> {
    values(props).iter().filter_map(|value| Parts::of(value).deputy)
}

/// What is to be granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    has_entries: bool,
    permissions: Vec<DeputyPermission>,
}

impl Wanted {
    /// What the entries of a user in `context` come to. Deputies who are not in OX (yet) are left out:
    /// when one of them is provisioned, the user is delivered again.
    ///
    /// # Errors
    /// An entry cannot be used, or the snapshot of a known deputy is missing.
    pub(crate) fn of(
        props: Props<'_>,
        context: ContextId,
        objects: &Objects,
    ) -> Result<Self, Halt> {
        let mut permissions = Vec::new();
        for value in values(props) {
            let unusable = || Unusable::new(PROPERTY, Some(value), EXPECTED);
            let parts = Parts::of(value);
            let deputy = parts.deputy.ok_or_else(unusable)?;
            let mail = rights(DeputyModule::Mail, parts.mail).ok_or_else(unusable)?;
            let calendar = rights(DeputyModule::Calendar, parts.calendar).ok_or_else(unusable)?;
            let Some(user) = id_of(objects, context, deputy)? else {
                warn!(
                    "Deputy {deputy} has no id in context {context} of OX. Leaving out this entry..."
                );
                continue;
            };
            permissions.push(DeputyPermission {
                user,
                send_on_behalf_of: parts.send_on_behalf_of,
                modules: vec![mail, calendar],
            });
        }
        Ok(Self { has_entries: has_entries(props), permissions })
    }

    /// Whether the directory gives nobody any permission.
    pub(crate) fn is_empty(&self) -> bool {
        !self.has_entries
    }

    pub(crate) fn permissions(&self) -> &[DeputyPermission] {
        &self.permissions
    }

    /// Fingerprint; `None` when there is nothing to grant.
    pub(crate) fn fingerprint(&self) -> Option<String> {
        self.has_entries.then(|| digest::of_deputies(&self.permissions))
    }
}

/// The id of a deputy. An id belongs to its context: in another one it is somebody else's.
fn id_of(objects: &Objects, context: ContextId, dn: &str) -> Result<Option<OxUserId>, Halt> {
    let place = objects.place(dn)?.filter(|place| place.scope == Some(context.into()));
    let id = place.and_then(|place| OxUserId::try_from(place.remote_id?).ok());
    Ok(id.filter(|id| id.value() != 0))
}

/// The entries: a list of them, or a single one.
fn values(props: Props<'_>) -> &[Value] {
    match props.value(PROPERTY) {
        Some(Value::Array(entries)) => entries,
        Some(single) => std::slice::from_ref(single),
        None => &[],
    }
}

/// The parts of an entry, as far as they are there.
#[derive(Default)]
struct Parts<'a> {
    deputy: Option<&'a str>,
    mail: Option<&'a str>,
    calendar: Option<&'a str>,
    send_on_behalf_of: bool,
}

impl<'a> Parts<'a> {
    /// An entry is a list of its parts, or one text with them joined as in LDAP.
    fn of(entry: &'a Value) -> Self {
        let is_yes = |text: &str| text == "1" || text == "true";
        match entry {
            Value::Array(parts) => {
                let text = |at: usize| parts.get(at).and_then(Value::as_str);
                let send_on_behalf_of = match parts.get(3) {
                    Some(Value::Bool(flag)) => *flag,
                    Some(Value::String(text)) => is_yes(text),
                    _ => false,
                };
                Self { deputy: text(0), mail: text(1), calendar: text(2), send_on_behalf_of }
            }
            Value::String(text) => {
                let mut parts = text.split(SEPARATOR);
                Self {
                    deputy: parts.next(),
                    mail: parts.next(),
                    calendar: parts.next(),
                    send_on_behalf_of: parts.next().is_some_and(is_yes),
                }
            }
            _ => Self::default(),
        }
    }
}

/// Five digits: admin, folder, read, write, delete.
fn rights(module: DeputyModule, level: Option<&str>) -> Option<ModulePermission> {
    let digits: Vec<i32> = level?
        .chars()
        .map(|digit| digit.to_digit(10).and_then(|digit| i32::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let [admin, folder, read, write, delete] = *digits else { return None };
    Some(ModulePermission { module, admin: admin == 1, folder, read, write, delete })
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        json!({ PROPERTY: value }).as_object().unwrap().clone()
    }

    #[test]
    fn s5_4_levels() {
        let of = |level| rights(DeputyModule::Mail, Some(level));
        let module = DeputyModule::Mail;
        let none =
            ModulePermission { module, admin: false, folder: 0, read: 0, write: 0, delete: 0 };
        assert_eq!(of("00000"), Some(none));
        assert_eq!(of("02400"), Some(ModulePermission { folder: 2, read: 4, ..none }));
        assert_eq!(of("02440"), Some(ModulePermission { folder: 2, read: 4, write: 4, ..none }));
        let author = ModulePermission { folder: 8, read: 4, write: 4, delete: 4, ..none };
        assert_eq!(of("08444"), Some(author));
        assert_eq!(of("18444"), Some(ModulePermission { admin: true, ..author }));
        assert_eq!(of("20000"), Some(none), "only 1 makes an administrator");
        for bad in ["", "0240", "024000", "0240x", "-2400", "0\u{664}000", " 02400"] {
            assert_eq!(of(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn s5_4_both_forms_of_an_entry_are_read() {
        for entries in [
            json!([["uid=b,dc=x", "02400", "08444", "1"]]),
            json!([["uid=b,dc=x", "02400", "08444", true]]),
            json!(["uid=b,dc=x |:$:| 02400 |:$:| 08444 |:$:| 1"]),
            json!("uid=b,dc=x |:$:| 02400 |:$:| 08444 |:$:| 1"),
        ] {
            let object = object(entries.clone());
            assert!(has_entries(Props(&object)));
            assert_eq!(deputies(Props(&object)).collect::<Vec<_>>(), ["uid=b,dc=x"], "{entries}");
            let value = values(Props(&object)).first().unwrap();
            let parts = Parts::of(value);
            assert_eq!((parts.mail, parts.calendar), (Some("02400"), Some("08444")), "{entries}");
            assert!(parts.send_on_behalf_of, "{entries}");
        }
        for no in [json!("0"), json!(false), json!(null), json!("yes"), json!(2)] {
            let entry = json!(["uid=b", "02400", "00000", no]);
            assert!(!Parts::of(&entry).send_on_behalf_of, "{entry}");
        }
        for nothing in [json!(null), json!([]), json!("")] {
            assert!(!has_entries(Props(&object(nothing))));
        }
    }
}
