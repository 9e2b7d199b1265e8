//! One state of a user (old or new), reduced to what decisions need (ox-provisioning 5.3.1).

use idspool_ox_soap::{ContextId, OxUserId};
use idspool_provisioner::Fault;
use serde_json::Value;

use crate::props::{OX_DB_USERNAME, Props, Unusable};
use crate::settings::Identifier;

/// The name of a user in OX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OxName<'a> {
    Is(&'a str),
    /// The identifier property has no value.
    Missing,
    /// The identifier property is a list.
    List,
}

const NO_NAME: &str = "No name for this attribute. Missing or misconfigured identifier app settings\n\
    (OX_USER_IDENTIFIER or OX_GROUP_IDENTIFIER) might be the reason, see\n\
    https://docs.software-univention.de/ox-connector-app/latest/troubleshooting.html\
    #invalid-values-for-ox-user-identifier-or-ox-group-identifier\n\
    for more information.";
const NAME_IS_LIST: &str = "The String type doesn't accept collections as value";

impl<'a> OxName<'a> {
    fn of(value: Option<&'a Value>) -> Self {
        match value {
            Some(Value::String(text)) if !text.is_empty() => Self::Is(text),
            Some(Value::Array(_) | Value::Object(_)) => Self::List,
            _ => Self::Missing,
        }
    }

    /// The name.
    ///
    /// # Errors
    /// There is none. No other property takes its place: the setting has to be corrected.
    pub(crate) fn required(self) -> Result<&'a str, Fault> {
        let message = match self {
            Self::Is(name) => return Ok(name),
            Self::Missing => NO_NAME,
            Self::List => NAME_IS_LIST,
        };
        Err(Fault::permanent(message).with_remedy(
            "set OX_USER_IDENTIFIER to a property that always has a single value, or correct the object",
        ))
    }
}

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
        let name = match identifier {
            Identifier::EntryUuid => OxName::Is(id),
            Identifier::Property(property) => OxName::of(props.0.get(property)),
        };
        Self::of(props, name)
    }

    /// The last delivered state. The name is the one that was written to OX, where that is known.
    pub(crate) fn of_old(
        props: Props<'a>,
        id: &'a str,
        identifier: &Identifier,
    ) -> Result<Self, Unusable> {
        let written = props.text(OX_DB_USERNAME);
        let identified = || match identifier {
            Identifier::EntryUuid => Some(id),
            Identifier::Property(property) => props.text(property),
        };
        let name = written.or_else(identified).or_else(|| props.text("username"));
        Self::of(props, name.map_or(OxName::Missing, OxName::Is))
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
    use serde_json::{Map, json};

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
