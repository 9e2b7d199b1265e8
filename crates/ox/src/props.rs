//! UDM properties of one object, as the queue and the snapshots carry them (ox-provisioning 2.2).
//!
//! Files of several generations coexist: a context is a number or a text, a flag is `"OK"` or
//! `true`. Everything here reads all forms; nothing guesses.

use idspool_ox_soap::{ContextId, OxUserId};
use serde_json::{Map, Value};

/// The property with the internal user id of OX, added by the provisioner.
pub(crate) const OX_DB_ID: &str = "oxDbId";
/// The property with the login name last written to OX, added by the provisioner.
pub(crate) const OX_DB_USERNAME: &str = "oxDbUsername";
/// The property with the group name last written to OX, added by the provisioner.
pub(crate) const OX_DB_GROUPNAME: &str = "oxDbGroupname";
/// The property with the context of a user.
pub(crate) const OX_CONTEXT: &str = "oxContext";

/// A property whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("property '{property}' is {found}, expected {expected}")]
pub(crate) struct Unusable {
    property: String,
    found: String,
    expected: &'static str,
}

impl Unusable {
    pub(crate) fn new(property: &str, found: Option<&Value>, expected: &'static str) -> Self {
        Self { property: property.to_owned(), found: describe(found), expected }
    }
}

/// The properties of one object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Props<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Props<'a> {
    /// The value, unless it is absent, null, an empty text or an empty list.
    pub(crate) fn value(self, property: &str) -> Option<&'a Value> {
        self.0.get(property).filter(|value| !is_empty(value))
    }

    /// The value as a text, when it is a non-empty text.
    pub(crate) fn text(self, property: &str) -> Option<&'a str> {
        self.value(property).and_then(Value::as_str)
    }

    /// The context; `None` when the object has none.
    ///
    /// # Errors
    /// The property is there but is not the number of a context.
    pub(crate) fn context(self) -> Result<Option<ContextId>, Unusable> {
        self.number(OX_CONTEXT, "the number of a context")
    }

    /// The cached internal user id; 0 counts as none, as in OX.
    ///
    /// # Errors
    /// The property is there but is not the id of a user.
    pub(crate) fn ox_db_id(self) -> Result<Option<OxUserId>, Unusable> {
        let id: Option<OxUserId> = self.number(OX_DB_ID, "the internal id of an OX user")?;
        Ok(id.filter(|id| id.value() != 0))
    }

    /// Whether the flag `property` (`isOxUser`, `isOxGroup`) says yes.
    pub(crate) fn is_on(self, property: &str) -> bool {
        match self.0.get(property) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "OK",
            _ => false,
        }
    }

    /// Whether the right `property` of an access profile is granted.
    pub(crate) fn is_granted(self, property: &str) -> bool {
        match self.0.get(property) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "TRUE",
            _ => false,
        }
    }

    /// A property that has to be a single, non-empty text: a name.
    ///
    /// # Errors
    /// It is missing, empty or something else.
    pub(crate) fn required_text(self, property: &str) -> Result<&'a str, Unusable> {
        self.text(property).ok_or_else(|| Unusable::new(property, self.0.get(property), "a text"))
    }

    /// The texts of a list; a single text counts as a list of one, other values are left out.
    pub(crate) fn texts(self, property: &str) -> impl Iterator<Item = &'a str> {
        let (list, single) = match self.value(property) {
            Some(Value::Array(list)) => (list.as_slice(), None),
            Some(Value::String(text)) => (&[][..], Some(text.as_str())),
            _ => (&[][..], None),
        };
        list.iter().filter_map(Value::as_str).chain(single)
    }

    /// A whole number, written as a number or as a text.
    pub(crate) fn number<T: TryFrom<i64>>(
        self,
        property: &str,
        expected: &'static str,
    ) -> Result<Option<T>, Unusable> {
        let Some(value) = self.value(property) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) if text.trim().is_empty() => return Ok(None),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(Unusable::new(property, Some(value), expected)),
        }
    }
}

/// Null, an empty text and an empty list all mean "no value" in UDM.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Says what kind of value was found; never more than a few characters of it.
fn describe(value: Option<&Value>) -> String {
    match value {
        None => "missing".to_owned(),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::Bool(flag)) => format!("the flag {flag}"),
        Some(Value::Number(number)) => format!("the number {number}"),
        Some(Value::String(text)) if text.is_empty() => "an empty text".to_owned(),
        Some(Value::String(text)) => {
            let shown: String = text.chars().take(40).collect();
            format!("the text '{}'", shown.escape_debug())
        }
        Some(Value::Array(list)) => format!("a list of {}", list.len()),
        Some(Value::Object(_)) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn s2_2_a_context_is_a_number_in_either_form() {
        for (value, expected) in [
            (json!(10), Some(10)),
            (json!("10"), Some(10)),
            (json!(null), None),
            (json!(""), None),
            (json!(" "), None),
        ] {
            let object = map(json!({"oxContext": value}));
            assert_eq!(Props(&object).context().unwrap(), expected.map(ContextId::new), "{value}");
        }
        assert_eq!(Props(&Map::new()).context(), Ok(None));
        for value in [json!("ten"), json!(-1), json!(1.5), json!([10]), json!(1_u64 << 40)] {
            let object = map(json!({"oxContext": value}));
            let error = Props(&object).context().unwrap_err().to_string();
            assert!(error.contains("'oxContext'"), "{error}");
        }
    }

    #[test]
    fn s2_2_only_ok_and_true_mean_yes() {
        for (value, expected) in [
            (json!("OK"), true),
            (json!(true), true),
            (json!("Not"), false),
            (json!("ok"), false),
            (json!("TRUE"), false),
            (json!(1), false),
            (json!(false), false),
            (json!(null), false),
        ] {
            let object = map(json!({"isOxUser": value}));
            assert_eq!(Props(&object).is_on("isOxUser"), expected, "{value}");
        }
        let object = map(json!({"a": "TRUE", "b": true, "c": "OK", "d": "FALSE", "e": "true"}));
        let granted: Vec<_> =
            ["a", "b", "c", "d", "e", "f"].map(|flag| Props(&object).is_granted(flag)).into();
        assert_eq!(granted, [true, true, false, false, false, false]);
    }

    #[test]
    fn an_id_of_zero_is_no_id() {
        let object = map(json!({"oxDbId": 0}));
        assert_eq!(Props(&object).ox_db_id(), Ok(None));
        let object = map(json!({"oxDbId": "42"}));
        assert_eq!(Props(&object).ox_db_id(), Ok(Some(OxUserId::new(42))));
    }
}
