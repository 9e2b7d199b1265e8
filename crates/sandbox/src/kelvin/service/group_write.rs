//! Writing classes and workgroups (kelvin-api 9, 10).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::properties::{self, Step};
use super::{Answer, Desk};
use crate::kelvin::body::{GroupBody, Mode, Sent};
use crate::kelvin::options::PropertyOwner;
use crate::kelvin::reference;
use crate::kelvin::refusal::{Refusal, quoted};
use crate::kelvin::route::Resource;
use crate::kelvin::world::{Group, GroupKind};

pub(super) fn create(
    desk: &mut Desk<'_>,
    kind: GroupKind,
    body: &Map<String, Value>,
) -> Result<Answer, Refusal> {
    let sent = GroupBody::read(body, Mode::Post, kind, &desk.options.properties)?;
    let name = sent.name.clone().unwrap_or_default();
    let url = sent.school.clone().unwrap_or_default();
    let school = reference::name(desk.version, Resource::Schools, &url)?;
    let found = desk.school(&school);
    let school = match kind {
        GroupKind::Class => found.ok_or_else(|| reference::unknown(Resource::Schools, &url))?,
        GroupKind::Workgroup => found.filter(|found| *found == school).ok_or_else(|| {
            Refusal::detail(400, format!("School {} does not exist.", quoted(&school)))
        })?,
    };
    let members = match &sent.users {
        Sent::Value(urls) => members(desk, urls)?,
        Sent::Absent | Sent::Null => BTreeSet::new(),
    };
    if desk.world.group_named(kind, &school, &name).is_some() {
        let text = match kind {
            GroupKind::Class => "School class exists.",
            GroupKind::Workgroup => "Workgroup exists.",
        };
        return Err(Refusal::detail(409, text));
    }
    let id = desk.world.next_id();
    let mut group = Group::new(id, kind, &school, &name);
    fill(desk, &mut group, sent, Step::Create)?;
    desk.world.add_group(group);
    desk.world.set_members(id, members);
    answer(desk, id, 201, &name)
}

pub(super) fn change(
    desk: &mut Desk<'_>,
    kind: GroupKind,
    method: &str,
    (school, name): (&str, &str),
    body: &Map<String, Value>,
) -> Result<Answer, Refusal> {
    let find = |desk: &Desk<'_>| {
        desk.world.group_named(kind, school, name).cloned().ok_or_else(|| Refusal::no_object(name))
    };
    if method == "DELETE" {
        let id = find(desk)?.id;
        desk.world.remove_group(id);
        return Ok(Answer::empty(204));
    }
    let mode = if method == "PUT" { Mode::Put } else { Mode::Patch };
    let mut sent = GroupBody::read(body, mode, kind, &desk.options.properties)?;
    let mut group = find(desk)?;
    let id = group.id;
    if let Some(url) = &sent.school
        && reference::name(desk.version, Resource::Schools, url)? != group.school
    {
        let text = match kind {
            GroupKind::Class => "Moving of class to other school is not allowed.",
            GroupKind::Workgroup => "Moving a workgroup to another school is not allowed.",
        };
        return Err(Refusal::detail(422, text));
    }
    let members = match (&sent.users, mode) {
        (Sent::Value(urls), _) => Some(members(desk, urls)?),
        (_, Mode::Put) => Some(BTreeSet::new()),
        _ => None,
    };
    if let Some(new) = sent.name.clone().filter(|new| *new != group.name) {
        if desk.world.group_named(kind, &group.school, &new).is_some_and(|other| other.id != id) {
            let text = format!("The name {} is already in use.", quoted(&new));
            return Err(Refusal::directory(422, "name", "UdmError:ModifyError", text));
        }
        group.name = new;
    }
    if mode == Mode::Put {
        for field in [&mut sent.description, &mut sent.email] {
            if field.is_absent() {
                *field = Sent::Null;
            }
        }
        sent.email_senders_users.get_or_insert_default();
        sent.email_senders_groups.get_or_insert_default();
    }
    fill(desk, &mut group, sent, Step::Modify)?;
    desk.world.change_group(id, |stored| *stored = group);
    if let Some(members) = members {
        desk.world.set_members(id, members);
    }
    answer(desk, id, 200, name)
}

/// Everything but place and members.
fn fill(desk: &Desk<'_>, group: &mut Group, sent: GroupBody, step: Step) -> Result<(), Refusal> {
    let owner = match group.kind {
        GroupKind::Class => PropertyOwner::SchoolClass,
        GroupKind::Workgroup => PropertyOwner::Workgroup,
    };
    let mut stored: BTreeMap<String, Value> = std::mem::take(&mut group.properties);
    properties::apply(&mut stored, sent.properties, owner, desk.options, step)?;
    group.properties = stored;
    match sent.email {
        Sent::Absent => {}
        Sent::Null => group.email = None,
        Sent::Value(email) => {
            super::user::check_email(desk, &email, group.id, step)?;
            group.email = Some(email);
        }
    }
    match sent.description {
        Sent::Absent => {}
        Sent::Null => group.description = None,
        Sent::Value(text) => group.description = Some(text).filter(|text| !text.is_empty()),
    }
    if let Some(more) = sent.more_roles {
        group.more_roles = more;
    }
    if let Some(senders) = sent.email_senders_users {
        group.email_senders_users = senders;
    }
    if let Some(senders) = sent.email_senders_groups {
        group.email_senders_groups = senders;
    }
    Ok(())
}

/// Every member must exist, and lie where the server believes.
fn members(desk: &mut Desk<'_>, urls: &[String]) -> Result<BTreeSet<u64>, Refusal> {
    let mut members = BTreeSet::new();
    for url in urls {
        let name = reference::name(desk.version, Resource::Users, url)?;
        let user = desk.world.user_named(&name);
        let user = user.ok_or_else(|| reference::unknown(Resource::Users, url))?;
        if desk.options.remembers_addresses {
            let known = desk.memory.address(&user.name, &user.dn());
            if known != user.dn() {
                let text = format!("The member {} does not exist.", quoted(&known));
                return Err(Refusal::directory(422, "users", "UdmError:ModifyError", text));
            }
        }
        members.insert(user.id);
    }
    Ok(members)
}

fn answer(desk: &Desk<'_>, id: u64, status: u16, name: &str) -> Result<Answer, Refusal> {
    let shown = desk.shown();
    let group = shown.world.group(id).ok_or_else(|| Refusal::no_object(name))?;
    Ok(Answer::json(status, &shown.group(group)))
}
