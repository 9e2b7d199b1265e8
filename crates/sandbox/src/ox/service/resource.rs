//! OXResourceService.

use super::{Desk, Handler, Reference, pattern, user_check};
use crate::ox::answer::Answer;
use crate::ox::fault::{Fault, FaultName};
use crate::ox::schema::Interface;
use crate::ox::value::Object;
use crate::ox::world::{Context, Permission, Resource};

const PRIVILEGES: [&str; 4] = ["none", "ask_to_book", "book_directly", "delegate"];

pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "change" => change,
        "create" => create,
        "delete" => delete,
        "getData" => data,
        "getMultipleData" => multiple_data,
        "list" => list,
        "listAll" => list_all,
        _ => return None,
    })
}

fn find<'w>(context: &'w Context, sent: &Object<'_>) -> Result<&'w Resource, Fault> {
    let reference = Reference::of(sent).ok_or_else(|| {
        Fault::invalid_data("Client sent invalid resource data object: no id and no name")
    })?;
    let found = match reference {
        Reference::Id(id) => context.resource(id),
        Reference::Name(name) => context.resource_named(name),
    };
    found.ok_or_else(|| {
        Fault::new(FaultName::NoSuchResource, format!("No such resource {reference}"))
    })
}

/// For operations that resolve a name to an id first.
fn resolve<'w>(context: &'w Context, sent: &Object<'_>) -> Result<&'w Resource, Fault> {
    find(context, sent).map_err(|fault| match Reference::of(sent) {
        Some(Reference::Name(_)) if fault.name == FaultName::NoSuchResource => fault.resolving(),
        Some(Reference::Id(_)) => {
            Fault::new(FaultName::NoSuchResource, "Resource with this id does not exist")
        }
        _ => fault,
    })
}

fn data(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let resource = find(desk.context(id)?, desk.argument("res")?)?.id;
    write_all(desk, id, |_| true, &[resource])
}

fn multiple_data(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let context = desk.context(id)?;
    let resources = desk
        .arguments
        .objects("resources")
        .map(|sent| find(context, sent).map(|resource| resource.id))
        .collect::<Result<Vec<_>, _>>()?;
    write_all(desk, id, |_| true, &resources)
}

fn list_all(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let all: Vec<i32> = desk.context(id)?.resources().map(|resource| resource.id).collect();
    write_all(desk, id, |_| true, &all)
}

fn list(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let wanted = pattern::argument(desk, "pattern")?.to_lowercase();
    let all: Vec<i32> = desk.context(id)?.resources().map(|resource| resource.id).collect();
    let is_wanted = |resource: &Resource| {
        pattern::matches(&wanted, &resource.name.to_lowercase())
            || pattern::matches(&wanted, &resource.display_name.to_lowercase())
    };
    write_all(desk, id, is_wanted, &all)
}

fn write_all(
    desk: &mut Desk<'_>,
    context: i32,
    is_wanted: impl Fn(&Resource) -> bool,
    resources: &[i32],
) -> Result<(), Fault> {
    let Desk { answer, world, .. } = desk;
    if let Some(context) = world.context(context) {
        for resource in resources.iter().filter_map(|id| context.resource(*id)) {
            if is_wanted(resource) {
                write(answer, desk.interface, resource);
            }
        }
    }
    Ok(())
}

fn write(answer: &mut Answer<'_>, interface: &Interface, resource: &Resource) {
    answer.object(|_, field| match field.name() {
        "available" => field.boolean(resource.is_available),
        "description" => {
            if let Some(description) = &resource.description {
                field.text(description);
            }
        }
        "displayname" => field.text(&resource.display_name),
        "email" => field.text(&resource.email),
        "id" => field.integer(resource.id),
        "name" => field.text(&resource.name),
        "permissions" => {
            for right in &resource.permissions {
                field.object(interface, |_, field| match field.name() {
                    "entity" => field.integer(right.entity),
                    "group" => field.boolean(right.is_group),
                    "privilege" => field.text(&right.privilege),
                    _ => {}
                });
            }
        }
        _ => {}
    });
}

/// Checks name and address against other resources and users; `except` is the resource itself.
fn check(context: &Context, sent: &Object<'_>, except: Option<i32>) -> Result<(), Fault> {
    if let Some(name) = sent.text("name") {
        user_check::chars(name, " $@%.+_-")?;
        if context.resource_named(name).is_some_and(|other| Some(other.id) != except) {
            return Err(Fault::invalid_data(format!(
                "Resource {name} already exists in this context"
            )));
        }
    }
    if let Some(email) = sent.text("email") {
        if !user_check::is_mail_address(email) {
            return Err(Fault::invalid_data("Invalid email address"));
        }
        let is_taken = context.resource_with_mail(email).is_some_and(|other| Some(other) != except);
        if is_taken || context.primary_mail_owner(email).is_some() {
            return Err(Fault::invalid_data("Resource with this email address already exists"));
        }
    }
    for right in sent.objects("permissions") {
        let entity = right.int("entity").unwrap_or_default();
        let is_known = if right.boolean("group").unwrap_or(false) {
            context.group(entity).is_some()
        } else {
            context.user(entity).is_some()
        };
        let privilege = right.text("privilege").unwrap_or_default();
        if !is_known || !PRIVILEGES.contains(&privilege) {
            return Err(Fault::invalid_data(format!(
                "Invalid resource permission: entity {entity}, privilege \"{privilege}\""
            )));
        }
    }
    Ok(())
}

fn permissions(sent: &Object<'_>) -> Vec<Permission> {
    sent.objects("permissions")
        .map(|right| Permission {
            entity: right.int("entity").unwrap_or_default(),
            is_group: right.boolean("group").unwrap_or(false),
            privilege: right.text("privilege").unwrap_or_default().to_owned(),
        })
        .collect()
}

fn create(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let sent = desk.argument("res")?;
    let text = |name: &str| sent.text(name).unwrap_or_default().to_owned();
    let missing: Vec<&str> = ["name", "displayname", "email"]
        .into_iter()
        .filter(|field| text(field).is_empty())
        .collect();
    if !missing.is_empty() {
        return Err(user_check::mandatory(&missing));
    }
    check(desk.context(id)?, sent, None)?;
    let context = desk.context_mut(id)?;
    let resource = Resource {
        id: context.draw_id(),
        name: text("name"),
        display_name: text("displayname"),
        email: text("email"),
        is_available: sent.boolean("available").unwrap_or(true),
        description: sent.text("description").map(str::to_owned),
        permissions: permissions(sent),
    };
    let new = resource.id;
    context.insert_resource(resource);
    write_all(desk, id, |_| true, &[new])
}

fn change(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let sent = desk.argument("res")?;
    let context = desk.context(id)?;
    let mut resource = resolve(context, sent)?.clone();
    let emptied: Vec<&str> = ["name", "displayname", "email"]
        .into_iter()
        .filter(|field| sent.text(field) == Some(""))
        .collect();
    if !emptied.is_empty() {
        return Err(user_check::mandatory(&emptied));
    }
    check(context, sent, Some(resource.id))?;
    let set = |target: &mut String, field: &str| {
        if let Some(text) = sent.text(field) {
            text.clone_into(target);
        }
    };
    set(&mut resource.name, "name");
    set(&mut resource.display_name, "displayname");
    set(&mut resource.email, "email");
    if let Some(is_available) = sent.boolean("available") {
        resource.is_available = is_available;
    }
    if let Some(description) = sent.text("description") {
        resource.description = Some(description.to_owned());
    }
    if sent.objects("permissions").next().is_some() {
        resource.permissions = permissions(sent);
    }
    desk.context_mut(id)?.insert_resource(resource);
    Ok(())
}

fn delete(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let resource = resolve(desk.context(id)?, desk.argument("res")?)?.id;
    desk.context_mut(id)?.remove_resource(resource);
    Ok(())
}
