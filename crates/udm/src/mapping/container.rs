//! Whether a container is one of the domain's default containers.

use serde_json::Value;

use super::view::View;

/// Whether the given attribute of the entry of default containers lists this container. Unknown
/// means no.
pub(super) fn flag(view: &View<'_>, list: &str) -> Option<Value> {
    Some(view.flag(view.related.is_default_container(list, &view.entry.dn)))
}
