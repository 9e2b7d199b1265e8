//! Classes and workgroups that a user's body names.

use std::collections::BTreeSet;

use super::Desk;
use crate::kelvin::body::Names;
use crate::kelvin::check;
use crate::kelvin::refusal::{Refusal, quoted};
use crate::kelvin::world::{Group, GroupKind};

/// Classes by school and name, of which some may not exist yet.
pub(super) type Classes = Vec<(String, String)>;

/// What `school_classes` means for a user of these schools.
///
/// POST corrects the spelling of a school. PUT and PATCH do not: under another spelling, a class gets
/// a wrong name (kelvin-api 12.2).
pub(super) fn classes(
    schools: &BTreeSet<String>,
    sent: &Names,
    corrects: bool,
) -> Result<Classes, Refusal> {
    let mut classes = Vec::new();
    for (school, names) in sent {
        let stored = schools.iter().find(|one| one.to_lowercase() == school.to_lowercase());
        let Some(stored) = stored else {
            return Err(not_a_member("school_classes", school));
        };
        for name in names {
            let plain = check::class_name(name);
            let name =
                if corrects || stored == school { plain } else { format!("{school}-{plain}") };
            if !check::is_group_name(&name) {
                let text = format!("Invalid name of a school class: {}.", quoted(&name));
                return Err(Refusal::message(400, text));
            }
            classes.push((stored.clone(), name));
        }
    }
    Ok(classes)
}

/// Workgroups must exist.
pub(super) fn workgroups(
    desk: &Desk<'_>,
    schools: &BTreeSet<String>,
    sent: &Names,
) -> Result<BTreeSet<u64>, Refusal> {
    let mut found = BTreeSet::new();
    for (school, names) in sent {
        if !schools.contains(school) {
            return Err(not_a_member("workgroups", school));
        }
        for name in names {
            let group = desk.world.group_named(GroupKind::Workgroup, school, name);
            let group = group.ok_or_else(|| {
                let text = format!("Workgroup {} of school {school} does not exist.", quoted(name));
                Refusal::detail(400, text)
            })?;
            found.insert(group.id);
        }
    }
    Ok(found)
}

fn not_a_member(field: &str, school: &str) -> Refusal {
    let text = format!("'{field}' names {}, which is not in 'schools'.", quoted(school));
    Refusal::detail(400, text)
}

/// The ids of classes; those that do not exist are created.
pub(super) fn make(desk: &mut Desk<'_>, classes: &Classes) -> BTreeSet<u64> {
    classes
        .iter()
        .map(|(school, name)| {
            if let Some(group) = desk.world.group_named(GroupKind::Class, school, name) {
                return group.id;
            }
            let id = desk.world.next_id();
            desk.world.add_group(Group::new(id, GroupKind::Class, school, name));
            id
        })
        .collect()
}
