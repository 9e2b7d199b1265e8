//! `OXDeputyPermissionsService`. Its interface description is a draft; so are its faults.

use super::{Desk, Handler};
use crate::ox::fault::{Fault, FaultName};
use crate::ox::value::Object;
use crate::ox::world::{Context, Deputy, Module};

const MODULES: [&str; 2] = ["mail", "calendar"];
/// Of a folder, reading, writing and deleting, in this order.
const LEVELS: [&str; 4] =
    ["folderPermission", "readPermission", "writePermission", "deletePermission"];

pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "blockManual" => block_manual,
        "grant" => grant,
        "list" => list,
        "revokeAll" => revoke_all,
        "unblockManual" => unblock_manual,
        _ => return None,
    })
}

fn existing(context: &Context, id: Option<i32>) -> Result<i32, Fault> {
    let id = id.unwrap_or_default();
    context.user(id).map(|user| user.id).ok_or_else(|| {
        let text = format!("No such user {id} in context {}", context.id);
        Fault::new(FaultName::NoSuchUser, text)
    })
}

/// Context and grantor, with the rights to change something.
fn grantor(desk: &Desk<'_>) -> Result<(i32, i32), Fault> {
    let id = desk.require_administrator("context")?;
    let grantor = existing(desk.context(id)?, desk.argument("user")?.int("id"))?;
    Ok((id, grantor))
}

fn module(sent: &Object<'_>) -> Result<Module, Fault> {
    let name = sent.text("moduleId").unwrap_or_default();
    if !MODULES.contains(&name) {
        return Err(Fault::invalid_data(format!("Unknown module \"{name}\"")));
    }
    let mut levels = [0; 4];
    for (level, field) in levels.iter_mut().zip(LEVELS) {
        *level = sent.int(field).unwrap_or_default();
        // 64 and 128 stand for everything and for the administrator's maximum.
        if ![0, 2, 4, 8, 64, 128].contains(level) {
            return Err(Fault::invalid_data(format!("Invalid value {level} of {field}")));
        }
    }
    let is_admin = sent.boolean("admin").unwrap_or_default();
    Ok(Module { name: name.to_owned(), is_admin, levels })
}

/// A permission that permits nothing is accepted and not kept.
fn grant(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let (id, grantor) = grantor(desk)?;
    let sent = desk.argument("deputyPermission")?;
    let context = desk.context(id)?;
    let user = existing(context, sent.int("userId"))?;
    if user == grantor {
        return Err(Fault::invalid_data("A user cannot be a deputy of itself"));
    }
    if context.deputies.has(grantor, user) {
        let text = format!("User {user} is a deputy of user {grantor} already");
        return Err(Fault::invalid_data(text));
    }
    let mut modules =
        sent.objects("modulePermissions").map(module).collect::<Result<Vec<_>, _>>()?;
    modules.retain(|module| !module.is_empty());
    let sends_on_behalf = sent.boolean("sendOnBehalfOf").unwrap_or_default();
    let deputies = &mut desk.context_mut(id)?.deputies;
    let name = deputies.draw_id();
    if sends_on_behalf || !modules.is_empty() {
        deputies.insert(Deputy { id: name.clone(), grantor, user, sends_on_behalf, modules });
    }
    desk.answer.value(&name);
    Ok(())
}

fn revoke_all(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let (id, grantor) = grantor(desk)?;
    desk.context_mut(id)?.deputies.revoke(grantor);
    Ok(())
}

fn block_manual(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let (id, grantor) = grantor(desk)?;
    desk.context_mut(id)?.deputies.set_blocked(grantor, true);
    Ok(())
}

fn unblock_manual(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let (id, grantor) = grantor(desk)?;
    desk.context_mut(id)?.deputies.set_blocked(grantor, false);
    Ok(())
}

fn list(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("context")?;
    let Desk { answer, world, interface, .. } = desk;
    let Some(context) = world.context(id) else { return Ok(()) };
    for deputy in context.deputies() {
        answer.object(|_, field| match field.name() {
            "deputyId" => field.text(&deputy.id),
            "grantorId" => field.integer(deputy.grantor),
            "userId" => field.integer(deputy.user),
            "sendOnBehalfOf" => field.boolean(deputy.sends_on_behalf),
            "modulePermissions" => {
                for module in &deputy.modules {
                    field.object(interface, |_, field| match field.name() {
                        "moduleId" => field.text(&module.name),
                        "admin" => field.boolean(module.is_admin),
                        name => {
                            let level = LEVELS.iter().position(|level| *level == name);
                            if let Some(level) = level.and_then(|at| module.levels.get(at)) {
                                field.integer(*level);
                            }
                        }
                    });
                }
            }
            _ => {}
        });
    }
    Ok(())
}
