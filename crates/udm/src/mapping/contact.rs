//! Properties of users that are more than a copy of an attribute.

use serde_json::{Map, Value, json};

use super::attribute::attribute;
use super::view::View;

/// `c`, or `st` in directories that began before UCS 5.1 (udm-ldap.md 3.10).
pub(super) fn country(view: &View<'_>) -> Option<Value> {
    let source = if view.country_from_state() {
        const { attribute("st") }
    } else {
        const { attribute("c") }
    };
    view.text(source).map(Value::from)
}

/// `st`, unless that is the country.
pub(super) fn state(view: &View<'_>) -> Option<Value> {
    if view.country_from_state() {
        return None;
    }
    view.text(const { attribute("st") }).map(Value::from)
}

/// Street, zip code and city, joined by `$` in the directory. Without a `$` all of it is the
/// street, and the rest is a blank, as UDM has it.
pub(super) fn home_postal_address(view: &View<'_>) -> Option<Value> {
    const ADDRESS: super::attribute::Attribute = attribute("homePostalAddress");
    if view.values(ADDRESS).is_empty() {
        return None;
    }
    let address = |text: &str| {
        if view.is_typed() {
            let mut parts = text.splitn(3, '$');
            let whole = !text.contains('$');
            let mut next = || parts.next().unwrap_or(if whole { " " } else { "" });
            json!({ "street": next(), "zipcode": next(), "city": next() })
        } else if text.contains('$') {
            super::view::list(text.split('$'))
        } else {
            json!([text, " ", " "])
        }
    };
    Some(Value::Array(view.texts(ADDRESS).map(address).collect()))
}

/// `key=value`, where the value may contain further `=`.
pub(super) fn umc_property(view: &View<'_>) -> Option<Value> {
    const PROPERTY: super::attribute::Attribute = attribute("univentionUMCProperty");
    if view.values(PROPERTY).is_empty() {
        return None;
    }
    let pairs = view.texts(PROPERTY).map(|text| text.split_once('=').unwrap_or((text, "")));
    Some(if view.is_typed() {
        let map: Map<String, Value> =
            pairs.map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
        Value::Object(map)
    } else {
        Value::Array(pairs.map(|(key, value)| json!([key, value])).collect())
    })
}

/// Deputy DN, rights on mail, rights on calendar, "may send on behalf" (ox-provisioning.md 5.4).
pub(super) fn deputies(view: &View<'_>) -> Option<Value> {
    const DEPUTIES: super::attribute::Attribute = attribute("oxDeputyPermissionGivenTo");
    if view.values(DEPUTIES).is_empty() {
        return None;
    }
    let deputy = |text: &str| super::view::list(text.split(" |:$:| "));
    Some(Value::Array(view.texts(DEPUTIES).map(deputy).collect()))
}
