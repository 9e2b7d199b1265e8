//! Changing users: steps in a fixed order, not one transaction (kelvin-api 7.4).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::properties::{self, Step};
use super::super::relation::{self, Side};
use super::create::leave;
use super::{Answer, DEFAULT_SOURCE, Desk, groups};
use crate::kelvin::body::{Mode, Sent, UserBody};
use crate::kelvin::options::PropertyOwner;
use crate::kelvin::reference;
use crate::kelvin::refusal::{Refusal, quoted};
use crate::kelvin::route::Resource;
use crate::kelvin::world::{GroupKind, Role, User};

pub(in super::super) fn change(
    desk: &mut Desk<'_>,
    method: &str,
    name: &str,
    body: &Map<String, Value>,
) -> Result<Answer, Refusal> {
    let mode = if method == "PUT" { Mode::Put } else { Mode::Patch };
    let mut sent = UserBody::read(body, mode, &desk.options.properties)?;
    if mode == Mode::Put {
        fill(&mut sent);
    }
    let user = desk.world.user_named(name).ok_or_else(|| Refusal::no_object(name))?.clone();
    let id = user.id;
    let (school, schools) = place(desk, &sent, &user)?;
    let wanted_roles = sent.roles.as_ref().map(|urls| super::roles(desk, urls)).transpose()?;
    if wanted_roles.as_ref().is_some_and(BTreeSet::is_empty) {
        return Err(Refusal::unhandled("A user cannot lose all roles."));
    }
    check_identity(&sent)?;

    if school != user.school {
        move_to(desk, &user, &school, &schools);
    }
    if let Some(new) = sent.name.as_ref().filter(|new| **new != user.name && !new.is_empty()) {
        rename(desk, &user, new)?;
    }
    if let Some(roles) =
        wanted_roles.filter(|roles| *roles != user.roles && Role::are_allowed(roles))
    {
        convert(desk, id, roles, &schools, &sent)?;
    }
    attributes(desk, id, schools, sent)?;

    let shown = desk.shown();
    let user = shown.world.user(id).ok_or_else(|| Refusal::no_object(name))?;
    Ok(Answer::json(200, &shown.user(user)))
}

/// PUT replaces: what was left out is cleared, but for workgroups, properties and passwords.
fn fill(sent: &mut UserBody) {
    for field in [&mut sent.email, &mut sent.birthday, &mut sent.expiration_date] {
        if field.is_absent() {
            *field = Sent::Null;
        }
    }
    if sent.record_uid.is_absent() {
        sent.record_uid = Sent::Null;
    }
    if sent.source_uid.as_value().is_none() {
        sent.source_uid = Sent::Value(DEFAULT_SOURCE.to_owned());
    }
    sent.disabled.get_or_insert_default();
    sent.school_classes.get_or_insert_default();
    sent.legal_guardians.get_or_insert_default();
    sent.legal_wards.get_or_insert_default();
}

/// Enforced by the school library, not by the schema.
fn check_identity(sent: &UserBody) -> Result<(), Refusal> {
    for (field, value) in [("record_uid", &sent.record_uid), ("source_uid", &sent.source_uid)] {
        if matches!(value, Sent::Null) || value.as_value().is_some_and(String::is_empty) {
            let text = format!("Missing value for attribute '{field}'.");
            return Err(Refusal::detail(400, text));
        }
    }
    Ok(())
}

/// Where the object will lie, and all schools. Spelling is not corrected.
fn place(
    desk: &mut Desk<'_>,
    sent: &UserBody,
    user: &User,
) -> Result<(String, BTreeSet<String>), Refusal> {
    let name = |url: &String| reference::name(desk.version, Resource::Schools, url);
    let school = sent.school.as_ref().map(name).transpose()?;
    let schools: BTreeSet<String> =
        sent.schools.iter().flatten().map(name).collect::<Result<_, _>>()?;
    let schools = match (&school, schools.is_empty()) {
        (_, false) => schools,
        (Some(school), true) => BTreeSet::from([school.clone()]),
        (None, true) => user.schools.clone(),
    };
    let school = match school {
        Some(school) if !schools.contains(&school) => {
            let text =
                format!("New 'school' {} not in current or future 'schools'.", quoted(&school));
            return Err(Refusal::detail(422, text));
        }
        Some(school) => school,
        None if schools.contains(&user.school) => user.school.clone(),
        None => schools.first().cloned().unwrap_or_else(|| user.school.clone()),
    };
    for name in std::iter::once(&school).chain(&schools) {
        match desk.school(name) {
            Some(stored) if stored == *name => {}
            Some(_) if *name == school => {
                let text = format!("Moving the object to {} failed.", quoted(name));
                return Err(Refusal::directory(500, "", "UdmError:MoveError", text));
            }
            _ => {
                let text = format!("School {} does not exist.", quoted(name));
                return Err(Refusal::unhandled(&text));
            }
        }
    }
    Ok((school, schools))
}

/// Memberships in a school that the user stays in survive.
fn move_to(desk: &mut Desk<'_>, user: &User, school: &str, schools: &BTreeSet<String>) {
    let is_left = !schools.contains(&user.school);
    if is_left {
        leave(desk, user.id, &user.school);
    }
    desk.world.change_user(user.id, |moved| {
        if is_left {
            moved.schools.remove(&user.school);
        }
        moved.schools.insert(school.to_owned());
        school.clone_into(&mut moved.school);
    });
}

fn rename(desk: &mut Desk<'_>, user: &User, new: &str) -> Result<(), Refusal> {
    super::check_name(new, &user.roles)?;
    if desk.world.user_named(new).is_some_and(|other| other.id != user.id) {
        let text = format!("The username {} is already in use.", quoted(new));
        return Err(Refusal::directory(422, "username", "UdmError:ModifyError", text));
    }
    desk.world.change_user(user.id, |user| new.clone_into(&mut user.name));
    Ok(())
}

/// Gives a user other roles.
fn convert(
    desk: &mut Desk<'_>,
    id: u64,
    roles: BTreeSet<Role>,
    schools: &BTreeSet<String>,
    sent: &UserBody,
) -> Result<(), Refusal> {
    if roles.contains(&Role::Student) {
        let has_class = |school: &String| {
            let user = desk.world.user(id);
            let is_member = user.is_some_and(|user| {
                desk.world.groups_of(user, GroupKind::Class).any(|group| group.school == *school)
            });
            let classes = sent.school_classes.as_ref();
            is_member || classes.and_then(|all| all.get(school)).is_some_and(|all| !all.is_empty())
        };
        if !schools.iter().all(has_class) {
            let text = "A user that becomes a student needs a school class in each school.";
            return Err(Refusal::message(400, text));
        }
    }
    let (is_student, is_guardian) =
        (roles.contains(&Role::Student), roles.contains(&Role::LegalGuardian));
    desk.world.change_user(id, |user| user.roles = roles);
    if !is_student {
        desk.world.set_guardians(id, BTreeSet::new());
    }
    if !is_guardian {
        desk.world.set_wards(id, BTreeSet::new());
    }
    Ok(())
}

/// Everything else. All of it is checked before any of it is written.
fn attributes(
    desk: &mut Desk<'_>,
    id: u64,
    schools: BTreeSet<String>,
    sent: UserBody,
) -> Result<(), Refusal> {
    let Some(user) = desk.world.user(id).cloned() else {
        return Ok(());
    };
    let classes =
        sent.school_classes.map(|sent| groups::classes(&schools, &sent, false)).transpose()?;
    let workgroups =
        sent.workgroups.map(|sent| groups::workgroups(desk, &schools, &sent)).transpose()?;
    let relations = |side, sent: Option<&Vec<String>>| match sent {
        None => Ok(None),
        Some(_) => relation::find(desk, side, &user.roles, sent)
            .map(|found| Some(found).filter(|found| found != side.of(&user))),
    };
    let guardians = relations(Side::Guardians, sent.legal_guardians.as_ref())?;
    let wards = relations(Side::Wards, sent.legal_wards.as_ref())?;
    if let Some(email) = sent.email.as_value().filter(|email| user.email.as_ref() != Some(*email)) {
        super::check_email(desk, email, id, Step::Modify)?;
    }
    let mut udm = user.properties.clone();
    properties::apply(&mut udm, sent.properties, PropertyOwner::User, desk.options, Step::Modify)?;

    let has_contact = desk.has_contact();
    for left in user.schools.difference(&schools) {
        leave(desk, id, left);
    }
    desk.world.change_user(id, |user| {
        set(&mut user.firstname, sent.firstname);
        set(&mut user.lastname, sent.lastname);
        set(&mut user.record_uid, sent.record_uid.value());
        set(&mut user.source_uid, sent.source_uid.value());
        set(&mut user.disabled, sent.disabled);
        set(&mut user.more_roles, sent.more_roles);
        set_or_clear(&mut user.birthday, sent.birthday);
        set_or_clear(&mut user.expiration_date, sent.expiration_date);
        user.properties = udm;
        let mut email = user.email.clone();
        set_or_clear(&mut email, sent.email);
        super::set_email(user, email, has_contact);
        user.schools = schools.clone();
        super::set_password(user, sent.password.as_deref(), sent.hashes);
    });
    let of = |kind| {
        let schools = &schools;
        move |group: &crate::kelvin::world::Group| {
            group.kind == kind && schools.contains(&group.school)
        }
    };
    if let Some(classes) = classes {
        let classes = groups::make(desk, &classes);
        desk.world.set_groups(id, &classes, of(GroupKind::Class));
    }
    if let Some(workgroups) = workgroups {
        desk.world.set_groups(id, &workgroups, of(GroupKind::Workgroup));
    }
    if let Some(guardians) = guardians {
        desk.world.set_guardians(id, guardians);
    }
    if let Some(wards) = wards {
        desk.world.set_wards(id, wards);
    }
    Ok(())
}

fn set<T>(field: &mut T, sent: Option<T>) {
    if let Some(sent) = sent {
        *field = sent;
    }
}

fn set_or_clear<T>(field: &mut Option<T>, sent: Sent<T>) {
    match sent {
        Sent::Absent => {}
        Sent::Null => *field = None,
        Sent::Value(value) => *field = Some(value),
    }
}
