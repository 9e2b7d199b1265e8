//! Forwarding, which hides "keep a copy" in the list of targets (udm-ldap.md 3.9).

use serde_json::Value;

use super::attribute::{Attribute, attribute};
use super::view::{View, list};

const FORWARD: Attribute = attribute("mailForwardAddress");
const STORED_COPY: Attribute = attribute("mailForwardCopyToSelf");

/// The own address, unless the installation stores the flag in an attribute of its own and the
/// targets are what they seem.
fn own_address<'a>(view: &View<'a>) -> Option<&'a str> {
    if view.values(STORED_COPY).is_empty() {
        view.text(const { attribute("mailPrimaryAddress") })
    } else {
        None
    }
}

/// The targets without the own address.
pub(super) fn forward(view: &View<'_>) -> Option<Value> {
    if view.values(FORWARD).is_empty() {
        return None;
    }
    let own = own_address(view);
    let is_other = |target: &&str| own.is_none_or(|own| !same_address(own, target));
    Some(list(view.texts(FORWARD).filter(is_other)))
}

/// `"1"` when the own address is a target; text in both encodings.
pub(super) fn forward_copy_to_self(view: &View<'_>) -> Option<Value> {
    if let Some(stored) = view.text(STORED_COPY) {
        return Some(Value::from(stored));
    }
    let copies = own_address(view)
        .is_some_and(|own| view.texts(FORWARD).any(|target| same_address(own, target)));
    Some(Value::from(if copies { "1" } else { "0" }))
}

fn same_address(left: &str, right: &str) -> bool {
    left == right || left.to_lowercase() == right.to_lowercase()
}
