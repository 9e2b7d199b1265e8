//! OXUserService: reading, creating, changing and deleting users.

use super::credentials::{unknown_for_change, unknown_for_reading};
use super::{Desk, Handler, Reference, user_answer, user_check, user_list, user_write};
use crate::ox::fault::{Fault, FaultName};
use crate::ox::value::Object;
use crate::ox::world::{ADMINISTRATOR, Context, User};

pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "change" => change,
        "changeByModuleAccess" => change_by_module_access,
        "create" => create,
        "createByModuleAccess" => create_by_module_access,
        "delete" => delete,
        "deleteMultiple" => delete_multiple,
        "exists" => exists,
        "getContextAdmin" => context_admin,
        "getData" => data,
        "getModuleAccess" => module_access,
        "getMultipleData" => multiple_data,
        other => return user_list::handler(other),
    })
}

/// The user that is meant, with the text that reading operations give.
pub(super) fn find<'w>(context: &'w Context, sent: &Object<'_>) -> Result<&'w User, Fault> {
    let reference = Reference::of(sent).ok_or_else(|| {
        Fault::invalid_data("Client sent invalid user data object: no id and no name")
    })?;
    let found = match reference {
        Reference::Id(id) => context.user(id),
        Reference::Name(name) => context.user_named(name),
    };
    found.ok_or_else(|| {
        let text = format!("No such user {reference} in context {}", context.id);
        Fault::new(FaultName::NoSuchUser, text)
    })
}

/// The user that is meant, for operations that resolve a name to an id first.
pub(super) fn resolve<'w>(context: &'w Context, sent: &Object<'_>) -> Result<&'w User, Fault> {
    find(context, sent).map_err(|fault| match Reference::of(sent) {
        Some(Reference::Name(_)) if fault.name == FaultName::NoSuchUser => fault.resolving(),
        _ => fault,
    })
}

fn exists(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let sent = desk.argument("user")?;
    let found = match find(desk.context(id)?, sent) {
        Ok(_) => true,
        Err(fault) if fault.name == FaultName::NoSuchUser => false,
        Err(fault) => return Err(fault),
    };
    desk.answer.value(if found { "true" } else { "false" });
    Ok(())
}

fn data(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let sent = desk.argument("user")?;
    let id = desk.require_administrator_or(unknown_for_reading, sent)?;
    let user = find(desk.context(id)?, sent)?.id;
    write_users(desk, id, &[user])
}

fn multiple_data(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let context = desk.context(id)?;
    let users = desk
        .arguments
        .objects("users")
        .map(|sent| find(context, sent).map(|user| user.id))
        .collect::<Result<Vec<_>, _>>()?;
    if users.is_empty() {
        return Err(Fault::invalid_data("Client sent no users"));
    }
    write_users(desk, id, &users)
}

fn context_admin(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    write_users(desk, id, &[ADMINISTRATOR])
}

fn write_users(desk: &mut Desk<'_>, context: i32, users: &[i32]) -> Result<(), Fault> {
    let Desk { answer, world, .. } = desk;
    if let Some(context) = world.context(context) {
        for user in users.iter().filter_map(|id| context.user(*id)) {
            user_answer::write(answer, desk.interface, context, user);
        }
    }
    Ok(())
}

fn create(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let access = desk.world.access_layout.defaults();
    create_with(desk, |_| Ok(access))
}

fn create_by_module_access(desk: &mut Desk<'_>) -> Result<(), Fault> {
    create_with(desk, |desk| Ok(user_write::access(desk, desk.argument("access")?)))
}

fn create_with(
    desk: &mut Desk<'_>,
    access: impl FnOnce(&Desk<'_>) -> Result<crate::ox::world::Access, Fault>,
) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let sent = desk.argument("usrdata")?;
    let access = access(desk)?;
    user_check::new_user(desk.rules, Some(desk.context(id)?), sent)?;
    let layout = desk.world.user_layout.clone();
    let context = desk.context_mut(id)?;
    let user = user_write::new_user(&layout, context, sent, access);
    user_answer::write_as_sent(&mut desk.answer, desk.interface, &user, sent);
    desk.context_mut(id)?.insert_user(user);
    Ok(())
}

fn change(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let sent = desk.argument("usrdata")?;
    let id = desk.require_administrator_or(unknown_for_change, sent)?;
    let context = desk.context(id)?;
    let user = resolve(context, sent)?;
    user_check::changed_user(desk.rules, context, user, sent)?;
    let changed = user_write::changed_user(user, sent);
    desk.context_mut(id)?.insert_user(changed);
    Ok(())
}

fn change_by_module_access(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let user = resolve(desk.context(id)?, desk.argument("user")?)?.id;
    let access = user_write::access(desk, desk.argument("moduleAccess")?);
    desk.context_mut(id)?.set_access(user, access);
    Ok(())
}

fn module_access(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let access = resolve(desk.context(id)?, desk.argument("user")?)?.access;
    user_write::write_access(desk, access);
    Ok(())
}

fn delete(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let sent = desk.argument("user")?;
    delete_all(desk, id, &[sent])
}

fn delete_multiple(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let arguments = desk.arguments;
    let sent: Vec<&Object<'_>> = arguments.objects("users").collect();
    delete_all(desk, id, &sent)
}

/// Checks all before it deletes the first.
fn delete_all(desk: &mut Desk<'_>, id: i32, sent: &[&Object<'_>]) -> Result<(), Fault> {
    if sent.is_empty() {
        return Err(Fault::invalid_data("Client sent no users"));
    }
    let context = desk.context(id)?;
    let mut users = Vec::new();
    let mut unknown = Vec::new();
    for user in sent {
        match (Reference::of(user), resolve(context, user)) {
            (_, Ok(user)) => users.push(user.id),
            (Some(Reference::Id(user)), Err(fault)) if fault.name == FaultName::NoSuchUser => {
                unknown.push(user.to_string());
            }
            (_, Err(fault)) => return Err(fault),
        }
    }
    if !unknown.is_empty() {
        let text = format!("No such user(s) {} in context {id}", unknown.join(", "));
        return Err(Fault::new(FaultName::NoSuchUser, text));
    }
    if users.contains(&ADMINISTRATOR) {
        return Err(Fault::invalid_data("Admin delete not supported"));
    }
    if let Some(heir) = desk.arguments.int("reassign").filter(|heir| *heir > 0)
        && (context.user(heir).is_none() || users.contains(&heir))
    {
        let text = format!("No such user(s) {heir} in context {id}");
        return Err(Fault::new(FaultName::NoSuchUser, text));
    }
    let context = desk.context_mut(id)?;
    for user in users {
        context.remove_user(user);
    }
    Ok(())
}
