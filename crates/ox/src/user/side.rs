//! One state of a user (old or new), reduced to what decisions need (ox-provisioning 5.3.1).

use idspool_ox_soap::{ContextId, OxUserId};

use crate::ox_name::OxName;
use crate::props::{OX_DB_USERNAME, Props, Unusable};
use crate::settings::Identifier;

/// One state of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Side<'a> {
    pub(crate) context: Option<ContextId>,
    pub(crate) name: OxName<'a>,
    /// The id in `context`, as far as it is known without asking.
    pub(crate) cached: Option<OxUserId>,
    pub(crate) is_ox: bool,
}

impl<'a> Side<'a> {
    /// The state that an item asks for.
    pub(crate) fn of_new(
        props: Props<'a>,
        id: &'a str,
        identifier: &Identifier,
    ) -> Result<Self, Unusable> {
        let name = OxName::of_new(props, id, identifier);
        Self::of(props, name)
    }

    /// The last delivered state. The name is the one that was written to OX, where that is known.
    pub(crate) fn of_old(
        props: Props<'a>,
        id: &'a str,
        identifier: &Identifier,
    ) -> Result<Self, Unusable> {
        let name = OxName::of_old(props, id, identifier, OX_DB_USERNAME, "username");
        Self::of(props, name)
    }

    fn of(props: Props<'a>, name: OxName<'a>) -> Result<Self, Unusable> {
        Ok(Self {
            context: props.context()?,
            name,
            cached: props.ox_db_id()?,
            is_ox: props.is_on("isOxUser"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn property(name: &str) -> Identifier {
        Identifier::Property(name.into())
    }

    #[test]
    fn s5_3_1_new_name() {
        let object = map(
            json!({"username": "anna", "uid2": "a2", "list": ["x"], "null": null, "oxDbUsername": "old"}),
        );
        let name =
            |identifier: Identifier| Side::of_new(Props(&object), "U", &identifier).unwrap().name;
        assert_eq!(name(property("username")), OxName::Is("anna"));
        assert_eq!(name(property("uid2")), OxName::Is("a2"));
        assert_eq!(name(Identifier::EntryUuid), OxName::Is("U"));
        assert_eq!(name(property("list")), OxName::List);
        assert_eq!(name(property("null")), OxName::Missing);
        assert_eq!(name(property("absent")), OxName::Missing);
    }

    #[test]
    fn s5_3_1_old_name() {
        let name = |object: Value, identifier: Identifier| {
            let object = map(object);
            let side = Side::of_old(Props(&object), "U", &identifier).unwrap();
            side.name.required().map(str::to_owned).ok()
        };
        let full = json!({"username": "anna", "uid2": "a2", "oxDbUsername": "written"});
        assert_eq!(name(full, property("uid2")).as_deref(), Some("written"));
        let plain = json!({"username": "anna", "uid2": "a2"});
        assert_eq!(name(plain.clone(), property("uid2")).as_deref(), Some("a2"));
        assert_eq!(name(plain.clone(), property("other")).as_deref(), Some("anna"));
        assert_eq!(name(plain, Identifier::EntryUuid).as_deref(), Some("U"));
        assert_eq!(name(json!({}), property("username")), None);
    }

    #[test]
    fn s10_4_an_unusable_identifier_stops_with_the_documented_text() {
        let fault = OxName::Missing.required().unwrap_err();
        assert!(fault.message.starts_with("No name for this attribute."));
        assert_eq!(fault.message.lines().count(), 4);
        let fault = OxName::List.required().unwrap_err();
        assert_eq!(fault.message, "The String type doesn't accept collections as value");
    }
}
