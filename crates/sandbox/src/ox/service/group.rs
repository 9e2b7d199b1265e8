//! OXGroupService.

use std::collections::BTreeSet;

use super::{Desk, Handler, Reference, user, user_check, user_list};
use crate::ox::answer::Answer;
use crate::ox::fault::{Fault, FaultName};
use crate::ox::service::pattern;
use crate::ox::value::Object;
use crate::ox::world::{Context, Group, STANDARD_GROUP};

pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "addMember" => add_member,
        "change" => change,
        "create" => create,
        "delete" => delete,
        "deleteMultiple" => delete_multiple,
        "getData" => data,
        "getDefaultGroup" => default_group,
        "getMembers" => members,
        "getMultipleData" => multiple_data,
        "list" => list,
        "listAll" => list_all,
        "listGroupsForUser" => list_groups_for_user,
        "removeMember" => remove_member,
        _ => return None,
    })
}

fn find_as<'w>(
    context: &'w Context,
    sent: &Object<'_>,
    says_which: bool,
) -> Result<&'w Group, Fault> {
    let reference = Reference::of(sent).ok_or_else(|| {
        Fault::invalid_data("Client sent invalid group data object: no id and no name")
    })?;
    let found = match reference {
        Reference::Id(id) => context.group(id),
        Reference::Name(name) => context.group_named(name),
    };
    found.ok_or_else(|| {
        let text = if says_which {
            format!("No such group {reference}")
        } else {
            "No such group".to_owned()
        };
        Fault::new(FaultName::NoSuchGroup, text)
    })
}

/// For reading operations.
fn find<'w>(context: &'w Context, sent: &Object<'_>) -> Result<&'w Group, Fault> {
    find_as(context, sent, true)
}

/// For operations that resolve a name to an id first.
fn resolve<'w>(context: &'w Context, sent: &Object<'_>) -> Result<&'w Group, Fault> {
    match Reference::of(sent) {
        Some(Reference::Name(_)) => find(context, sent).map_err(|fault| {
            if fault.name == FaultName::NoSuchGroup { fault.resolving() } else { fault }
        }),
        _ => find_as(context, sent, false),
    }
}

fn data(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let group = find(desk.context(id)?, desk.argument("grp")?)?.id;
    write_all(desk, id, |_| true, &[group])
}

fn multiple_data(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let context = desk.context(id)?;
    let groups = desk
        .arguments
        .objects("grps")
        .map(|sent| find(context, sent).map(|group| group.id))
        .collect::<Result<Vec<_>, _>>()?;
    write_all(desk, id, |_| true, &groups)
}

fn default_group(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    write_all(desk, id, |_| true, &[STANDARD_GROUP])
}

fn list_all(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let all: Vec<i32> = desk.context(id)?.groups().map(|group| group.id).collect();
    write_all(desk, id, |_| true, &all)
}

fn list(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let wanted = pattern::argument(desk, "pattern")?.to_lowercase();
    let all: Vec<i32> = desk.context(id)?.groups().map(|group| group.id).collect();
    let is_wanted = |group: &Group| {
        pattern::matches(&wanted, &group.name.to_lowercase())
            || pattern::matches(&wanted, &group.display_name.to_lowercase())
    };
    write_all(desk, id, is_wanted, &all)
}

/// The groups of a user, the standard group with all its members among them: the answer grows with
/// the context.
fn list_groups_for_user(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let context = desk.context(id)?;
    let sent = desk.argument("usr")?;
    let user = user::resolve(context, sent).map_err(|fault| match Reference::of(sent) {
        Some(Reference::Id(_)) => no_such_user(),
        _ => fault,
    })?;
    let groups: Vec<i32> = context.groups_of(user.id).map(|group| group.id).collect();
    write_all(desk, id, |_| true, &groups)
}

fn no_such_user() -> Fault {
    Fault::new(FaultName::NoSuchUser, "No such user")
}

fn write_all(
    desk: &mut Desk<'_>,
    context: i32,
    is_wanted: impl Fn(&Group) -> bool,
    groups: &[i32],
) -> Result<(), Fault> {
    let Desk { answer, world, .. } = desk;
    if let Some(context) = world.context(context) {
        for group in groups.iter().filter_map(|id| context.group(*id)) {
            if is_wanted(group) {
                write(answer, context, group);
            }
        }
    }
    Ok(())
}

fn write(answer: &mut Answer<'_>, context: &Context, group: &Group) {
    answer.object(|_, field| match field.name() {
        "displayname" => field.text(&group.display_name),
        "id" => field.integer(group.id),
        "members" => {
            for member in context.members(group) {
                field.integer(member);
            }
        }
        "name" => field.text(&group.name),
        _ => {}
    });
}

fn members(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let group = resolve(desk.context(id)?, desk.argument("grp")?)?.id;
    let Desk { answer, world, .. } = desk;
    if let Some(context) = world.context(id)
        && let Some(group) = context.group(group)
    {
        for member in context.members(group) {
            let is_administrator = context.user(member).is_some_and(|user| user.is_administrator());
            user_list::write_id(answer, member, is_administrator);
        }
    }
    Ok(())
}

/// Member ids that were sent; every one must be a user of the context.
fn checked_members(
    context: &Context,
    sent: impl Iterator<Item = i32>,
) -> Result<BTreeSet<i32>, Fault> {
    sent.map(|id| context.user(id).map(|user| user.id).ok_or_else(no_such_user)).collect()
}

fn create(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let sent = desk.argument("grp")?;
    let context = desk.context(id)?;
    let mut missing = Vec::new();
    let mut required = |field: &'static str| {
        let text = sent.text(field).unwrap_or_default();
        if text.is_empty() {
            missing.push(field);
        }
        text
    };
    let name = required("name");
    let display_name = required("displayname");
    if !missing.is_empty() {
        return Err(user_check::mandatory(&missing));
    }
    user_check::chars(name, " $@%.+_-")?;
    if context.group_named(name).is_some() {
        return Err(Fault::invalid_data("Group already exists!"));
    }
    let members = checked_members(context, sent.ints("members"))?;
    let context = desk.context_mut(id)?;
    let group = Group {
        id: context.draw_id(),
        name: name.to_owned(),
        display_name: display_name.to_owned(),
        members,
    };
    let new = group.id;
    context.insert_group(group);
    write_all(desk, id, |_| true, &[new])
}

fn change(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let sent = desk.argument("grp")?;
    let context = desk.context(id)?;
    let group = resolve(context, sent)?;
    let mut changed = group.clone();
    let emptied: Vec<&str> =
        ["name", "displayname"].into_iter().filter(|field| sent.text(field) == Some("")).collect();
    if !emptied.is_empty() {
        return Err(user_check::mandatory(&emptied));
    }
    if let Some(name) = sent.text("name").filter(|name| *name != group.name) {
        user_check::chars(name, " $@%.+_-")?;
        if context.group_named(name).is_some_and(|other| other.id != group.id) {
            return Err(Fault::invalid_data(format!(
                "Group {name} already exists in this context"
            )));
        }
        changed.name = name.to_owned();
    }
    if let Some(name) = sent.text("displayname") {
        changed.display_name = name.to_owned();
    }
    // Members that are not sent stay: there is no way to send an empty list.
    if sent.ints("members").next().is_some() {
        check_not_standard(group, "changed")?;
        changed.members = checked_members(context, sent.ints("members"))?;
    }
    desk.context_mut(id)?.insert_group(changed);
    Ok(())
}

fn check_not_standard(group: &Group, what: &str) -> Result<(), Fault> {
    if group.id == STANDARD_GROUP {
        return Err(Fault::invalid_data(format!(
            "Group with id {STANDARD_GROUP} cannot be {what}"
        )));
    }
    Ok(())
}

fn delete(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let sent = desk.argument("grp")?;
    delete_all(desk, id, &[sent])
}

fn delete_multiple(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let arguments = desk.arguments;
    let sent: Vec<&Object<'_>> = arguments.objects("grps").collect();
    delete_all(desk, id, &sent)
}

/// Checks all before it deletes the first.
fn delete_all(desk: &mut Desk<'_>, id: i32, sent: &[&Object<'_>]) -> Result<(), Fault> {
    if sent.is_empty() {
        return Err(Fault::invalid_data("Client sent no groups"));
    }
    let context = desk.context(id)?;
    let mut groups = Vec::new();
    for group in sent {
        let group = resolve(context, group)?;
        check_not_standard(group, "deleted")?;
        groups.push(group.id);
    }
    let context = desk.context_mut(id)?;
    for group in groups {
        context.remove_group(group);
    }
    Ok(())
}

/// The group and the users that `addMember` and `removeMember` name.
fn group_and_members(desk: &Desk<'_>, id: i32) -> Result<(i32, Vec<i32>), Fault> {
    let context = desk.context(id)?;
    let group = resolve(context, desk.argument("grp")?)?;
    check_not_standard(group, "changed")?;
    let members = desk
        .arguments
        .objects("members")
        .map(|sent| {
            user::resolve(context, sent).map(|user| user.id).map_err(|fault| {
                match Reference::of(sent) {
                    Some(Reference::Id(_)) => no_such_user(),
                    _ => fault,
                }
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if members.is_empty() {
        return Err(Fault::invalid_data("Client sent no members"));
    }
    Ok((group.id, members))
}

fn add_member(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let (group, members) = group_and_members(desk, id)?;
    let context = desk.context_mut(id)?;
    if context.group(group).is_some_and(|group| members.iter().any(|id| group.members.contains(id)))
    {
        return Err(Fault::invalid_data("Member already exists in group"));
    }
    context.add_members(group, &members);
    Ok(())
}

fn remove_member(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let (group, members) = group_and_members(desk, id)?;
    desk.context_mut(id)?.remove_members(group, &members);
    Ok(())
}
