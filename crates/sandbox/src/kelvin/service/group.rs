//! Reading classes and workgroups (kelvin-api 9, 10).

use super::Answer;
use crate::kelvin::answer::Shown;
use crate::kelvin::failure::matches;
use crate::kelvin::refusal::{Item, Refusal};
use crate::kelvin::world::GroupKind;
use crate::view::Query;

pub(super) fn list(shown: Shown<'_>, kind: GroupKind, query: &Query) -> Result<Answer, Refusal> {
    let is_sent = query.pairs().any(|(name, _)| name == "school");
    let school = query.text("school");
    if school.chars().count() < 2 {
        let loc = vec!["query".into(), "school".into()];
        let item = if is_sent {
            Item::new(
                loc,
                "ensure this value has at least 2 characters",
                "value_error.any_str.min_length",
            )
            .with(serde_json::json!({ "limit_value": 2 }))
        } else {
            Item::new(loc, "field required", "value_error.missing")
        };
        return Err(Refusal::invalid(&[item]));
    }
    let pattern = query.text("name").to_lowercase();
    let groups = shown
        .world
        .groups_of_school(kind, school)
        .filter(|group| pattern.is_empty() || matches(&pattern, &group.name.to_lowercase()));
    Ok(Answer::list(groups.map(|group| shown.group(group))))
}

pub(super) fn get(
    shown: Shown<'_>,
    kind: GroupKind,
    school: &str,
    name: &str,
) -> Result<Answer, Refusal> {
    let group = shown.world.group_named(kind, school, name);
    let group = group.ok_or_else(|| Refusal::no_object(name))?;
    Ok(Answer::json(200, &shown.group(group)))
}
