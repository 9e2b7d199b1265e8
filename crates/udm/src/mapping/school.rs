//! Properties of groups that exist only with an option.

use serde_json::Value;

use super::attribute::{Attribute, attribute};
use super::view::{View, list};

pub(super) fn of_group(view: &View<'_>) -> Option<Value> {
    with_class(view, "ucsschoolAdministratorGroup", const { attribute("ucsschoolSchool") })
}

pub(super) fn import_role(view: &View<'_>) -> Option<Value> {
    with_class(view, "ucsschoolImportGroup", const { attribute("ucsschoolImportRole") })
}

pub(super) fn import_school(view: &View<'_>) -> Option<Value> {
    with_class(view, "ucsschoolImportGroup", const { attribute("ucsschoolImportSchool") })
}

fn with_class(view: &View<'_>, class: &str, attribute: Attribute) -> Option<Value> {
    let applies = !view.values(attribute).is_empty() && view.entry.has_class(class);
    applies.then(|| list(view.texts(attribute)))
}
