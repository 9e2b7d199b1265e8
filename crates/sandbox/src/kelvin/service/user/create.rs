//! Creating users (kelvin-api 7.3).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::properties::{self, Step};
use super::super::relation::{self, Side};
use super::{Answer, DEFAULT_SOURCE, Desk, groups};
use crate::kelvin::body::{Mode, UserBody};
use crate::kelvin::options::PropertyOwner;
use crate::kelvin::reference;
use crate::kelvin::refusal::{Refusal, quoted};
use crate::kelvin::route::Resource;
use crate::kelvin::world::{GroupKind, User};

pub(in super::super) fn create(
    desk: &mut Desk<'_>,
    body: &Map<String, Value>,
) -> Result<Answer, Refusal> {
    let sent = UserBody::read(body, Mode::Post, &desk.options.properties)?;
    let (school, schools) = place(desk, &sent)?;
    let roles = super::roles(desk, sent.roles.as_deref().unwrap_or_default())?;
    let name = sent
        .name
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Refusal::detail(400, "No username was created."))?;
    let record_uid = sent
        .record_uid
        .value()
        .filter(|uid| !uid.is_empty())
        .ok_or_else(|| Refusal::detail(400, "Missing value for attribute 'record_uid'."))?;
    let source_uid = sent.source_uid.value().unwrap_or_else(|| DEFAULT_SOURCE.to_owned());
    if roles.is_empty() {
        return Err(Refusal::unhandled("A user without roles cannot be created."));
    }
    if desk.world.user_named(&name).is_some() {
        return Err(Refusal::detail(409, "School user exists."));
    }

    // Somebody else may have the identity. With the same roles that is noticed, but not before that user
    // was moved; with others it is noticed when the new user is there.
    let others: Vec<&User> = desk.world.identified(&source_uid, &record_uid).collect();
    let is_taken = !others.is_empty();
    let same = others.iter().find(|other| other.roles == roles);
    if let Some((id, old)) = same.map(|other| (other.id, other.school.clone())) {
        if !schools.contains(&old) {
            move_away(desk, id, &old, &school);
        }
        let text = format!(
            "School user with source_uid={} and record_uid={} exists.",
            quoted(&source_uid),
            quoted(&record_uid)
        );
        return Err(Refusal::detail(409, text));
    }

    super::check_name(&name, &roles)?;
    let classes = groups::classes(&schools, &sent.school_classes.unwrap_or_default(), true)?;
    let workgroups = groups::workgroups(desk, &schools, &sent.workgroups.unwrap_or_default())?;
    let guardians = relation::find(desk, Side::Guardians, &roles, sent.legal_guardians.as_ref())?;
    let wards = relation::find(desk, Side::Wards, &roles, sent.legal_wards.as_ref())?;
    let email = sent.email.value();
    if let Some(email) = &email {
        super::check_email(desk, email, 0, Step::Create)?;
    }
    let mut udm = BTreeMap::new();
    properties::apply(&mut udm, sent.properties, PropertyOwner::User, desk.options, Step::Create)?;

    let id = desk.world.next_id();
    let mut user = User {
        name: name.clone(),
        firstname: sent.firstname.unwrap_or_default(),
        lastname: sent.lastname.unwrap_or_default(),
        school,
        schools,
        roles,
        record_uid,
        source_uid,
        birthday: sent.birthday.value(),
        expiration_date: sent.expiration_date.value(),
        disabled: sent.disabled.unwrap_or_default(),
        more_roles: sent.more_roles.unwrap_or_default(),
        properties: udm,
        ..User::new(id)
    };
    super::set_email(&mut user, email, desk.has_contact());
    super::set_password(&mut user, sent.password.as_deref(), sent.hashes);
    let mut memberships = groups::make(desk, &classes);
    memberships.extend(workgroups);
    desk.world.add_user(user);
    desk.world.set_groups(id, &memberships, |_| true);
    desk.world.set_guardians(id, guardians);
    desk.world.set_wards(id, wards);
    if is_taken {
        return Err(Refusal::unhandled("The identity of the user is ambiguous."));
    }
    let shown = desk.shown();
    let user = shown.world.user(id).ok_or_else(|| Refusal::no_object(&name))?;
    Ok(Answer::json(201, &shown.user(user)))
}

/// The school that the object will lie in, and all schools, in their right spelling.
fn place(desk: &mut Desk<'_>, sent: &UserBody) -> Result<(String, BTreeSet<String>), Refusal> {
    let mut find = |url: &String| {
        let name = reference::name(desk.version, Resource::Schools, url)?;
        desk.school(&name).ok_or_else(|| Refusal::no_school(&name))
    };
    let school = sent.school.as_ref().map(&mut find).transpose()?;
    let mut schools: BTreeSet<String> =
        sent.schools.iter().flatten().map(find).collect::<Result<_, _>>()?;
    if schools.is_empty() {
        schools.extend(school.clone());
    }
    let school = school
        .filter(|school| schools.contains(school))
        .or_else(|| schools.first().cloned())
        // Validation has seen at least one.
        .ok_or_else(|| Refusal::unhandled("A user without schools cannot be created."))?;
    Ok((school, schools))
}

/// Moves a user out of a school, with the loss of all memberships there.
fn move_away(desk: &mut Desk<'_>, id: u64, old: &str, new: &str) {
    leave(desk, id, old);
    desk.world.change_user(id, |user| {
        user.schools.remove(old);
        user.schools.insert(new.to_owned());
        new.clone_into(&mut user.school);
    });
}

/// Takes a user out of the groups of a school.
pub(super) fn leave(desk: &mut Desk<'_>, id: u64, school: &str) {
    let is_left = |kind| kind == GroupKind::Class || kind == GroupKind::Workgroup;
    desk.world
        .set_groups(id, &BTreeSet::new(), |group| is_left(group.kind) && group.school == school);
}
