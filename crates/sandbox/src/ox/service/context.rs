//! OXContextService: create, change, delete and the single-context operations.

use super::{Desk, Handler, Reference, context_list, no_such_context, user_check, user_write};
use crate::ox::fault::{Fault, FaultName};
use crate::ox::options::ContextSpec;
use crate::ox::value::Object;
use crate::ox::world::{ADMINISTRATOR, Attributes, Context, Record, User, World};

pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "change" => change,
        "changeModuleAccess" => change_module_access,
        "create" => create,
        "createModuleAccess" => create_module_access,
        "delete" => delete,
        "disable" => disable,
        "disableAll" => disable_all,
        "enable" => enable,
        "enableAll" => enable_all,
        "exists" | "existsInServer" => exists,
        "getAdminId" => admin_id,
        "getData" => data,
        "getModuleAccess" => module_access,
        other => return context_list::handler(other),
    })
}

/// The context that `ctx` names, by id or name.
fn resolve(desk: &Desk<'_>) -> Result<i32, Fault> {
    let context = desk
        .arguments
        .object("ctx")
        .ok_or_else(|| Fault::invalid_credentials("Client sent invalid context data object"))?;
    match Reference::of(context) {
        Some(Reference::Id(id)) if desk.world.context(id).is_some() => Ok(id),
        Some(Reference::Id(id)) => Err(no_such_context(id)),
        Some(Reference::Name(name)) => desk.world.context_named(name).ok_or_else(|| {
            let text = format!("Context {name} does not exist");
            Fault::new(FaultName::NoSuchContext, text).resolving()
        }),
        None => Err(Fault::invalid_credentials("Client sent invalid context data object")),
    }
}

fn create(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let access = desk.world.access_layout.defaults();
    create_with(desk, access)
}

fn create_module_access(desk: &mut Desk<'_>) -> Result<(), Fault> {
    desk.require_master()?;
    let access = user_write::access(desk, desk.argument("access")?);
    create_with(desk, access)
}

fn create_with(desk: &mut Desk<'_>, access: crate::ox::world::Access) -> Result<(), Fault> {
    desk.require_master()?;
    let sent = desk.argument("ctx")?;
    let admin = desk.argument("admin_user")?;
    let mut missing = Vec::new();
    let id = sent.int("id").filter(|id| *id > 0);
    if id.is_none() {
        missing.push("id");
    }
    let max_quota = sent.integer("maxQuota");
    if max_quota.is_none() {
        missing.push("maxQuota");
    }
    let (Some(id), Some(max_quota)) = (id, max_quota) else {
        return Err(user_check::mandatory(&missing));
    };
    check_quota(max_quota)?;
    if desk.world.context(id).is_some() {
        return Err(Fault::new(FaultName::ContextExists, format!("Context {id} already exists!")));
    }
    let name = match sent.text("name") {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => id.to_string(),
    };
    check_name_is_free(desk, &name, id)?;
    let mappings = mappings(sent, id, &name);
    check_mappings(desk, &mappings, id)?;
    user_check::new_user(desk.rules, None, admin)?;

    let mut context = Context::new(id, name, desk.world.access_layout.clone());
    context.max_quota = max_quota;
    context.login_mappings = mappings;
    context.is_enabled = sent.boolean("enabled").unwrap_or(true);
    set_other_fields(&mut context, sent);
    let admin = user_write::new_user(&desk.world.user_layout, &mut context, admin, access);
    context.insert_user(admin);
    desk.world.insert_context(context);
    let Desk { answer, world, .. } = desk;
    if let Some(context) = world.context(id) {
        context_list::write(answer, desk.interface, context);
    }
    Ok(())
}

fn check_quota(max_quota: i64) -> Result<(), Fault> {
    if max_quota < -1 {
        return Err(Fault::invalid_data(format!("Invalid maxQuota {max_quota}")));
    }
    Ok(())
}

fn check_name_is_free(desk: &Desk<'_>, name: &str, id: i32) -> Result<(), Fault> {
    match desk.world.context_named(name) {
        Some(owner) if owner != id => {
            Err(Fault::new(FaultName::ContextExists, format!("Context {name} already exists!")))
        }
        _ => Ok(()),
    }
}

/// Login mappings as sent, then the id and the name, which always lead to the context.
fn mappings(sent: &Object<'_>, id: i32, name: &str) -> Vec<String> {
    let mut mappings: Vec<String> = Vec::new();
    let id = id.to_string();
    for mapping in sent.texts("loginMappings").chain([id.as_str(), name]) {
        if !mapping.is_empty() && !mappings.iter().any(|known| known == mapping) {
            mappings.push(mapping.to_owned());
        }
    }
    mappings
}

fn check_mappings(desk: &Desk<'_>, mappings: &[String], id: i32) -> Result<(), Fault> {
    let taken = mappings
        .iter()
        .find(|mapping| desk.world.login_mapping(mapping).is_some_and(|owner| owner != id));
    match taken {
        Some(mapping) => Err(Fault::storage(format!(
            "A mapping with login info \"{mapping}\" already exists in the system!"
        ))),
        None => Ok(()),
    }
}

fn set_other_fields(context: &mut Context, sent: &Object<'_>) {
    if let Some(mode) = sent.text("gabMode") {
        context.gab_mode = mode.to_owned();
    }
    if let Some(size) = sent.integer("average_size") {
        context.average_size = size;
    }
    if let Some(attributes) = sent.object("userAttributes") {
        user_write::merge_attributes(&mut context.attributes, attributes);
    }
}

fn change(desk: &mut Desk<'_>) -> Result<(), Fault> {
    desk.require_master()?;
    let id = resolve(desk)?;
    let sent = desk.argument("ctx")?;
    let new_name = sent.text("name").filter(|name| !name.is_empty());
    if let Some(name) = new_name {
        // Only create declares the fault of its own.
        check_name_is_free(desk, name, id).map_err(|fault| Fault::invalid_data(fault.text))?;
    }
    if let Some(max_quota) = sent.integer("maxQuota") {
        check_quota(max_quota)?;
    }
    let name = new_name.unwrap_or(&desk.context(id)?.name).to_owned();
    let mappings = mappings(sent, id, &name);
    let are_mappings_sent = sent.texts("loginMappings").next().is_some();
    check_mappings(desk, &mappings, id)?;
    desk.world.change_context(id, |context| {
        if let Some(max_quota) = sent.integer("maxQuota") {
            context.max_quota = max_quota;
        }
        if let Some(is_enabled) = sent.boolean("enabled") {
            context.is_enabled = is_enabled;
        }
        if are_mappings_sent {
            context.login_mappings = mappings;
        } else if context.name != name {
            // Mappings that were not sent stay; the one of the former name goes with the name.
            let old_name = std::mem::take(&mut context.name);
            context.login_mappings.retain(|mapping| *mapping != old_name);
            if !context.login_mappings.contains(&name) {
                context.login_mappings.push(name.clone());
            }
        }
        context.name = name;
        set_other_fields(context, sent);
    });
    Ok(())
}

fn delete(desk: &mut Desk<'_>) -> Result<(), Fault> {
    desk.require_master()?;
    let id = resolve(desk)?;
    desk.world.remove_context(id);
    Ok(())
}

fn set_enabled(desk: &mut Desk<'_>, is_enabled: bool) -> Result<(), Fault> {
    desk.require_master()?;
    let id = resolve(desk)?;
    desk.context_mut(id)?.is_enabled = is_enabled;
    Ok(())
}

fn enable(desk: &mut Desk<'_>) -> Result<(), Fault> {
    set_enabled(desk, true)
}

fn disable(desk: &mut Desk<'_>) -> Result<(), Fault> {
    set_enabled(desk, false)
}

fn set_all_enabled(desk: &mut Desk<'_>, is_enabled: bool) -> Result<(), Fault> {
    desk.require_master()?;
    for context in desk.world.contexts_mut() {
        context.is_enabled = is_enabled;
    }
    Ok(())
}

fn enable_all(desk: &mut Desk<'_>) -> Result<(), Fault> {
    set_all_enabled(desk, true)
}

fn disable_all(desk: &mut Desk<'_>) -> Result<(), Fault> {
    set_all_enabled(desk, false)
}

fn exists(desk: &mut Desk<'_>) -> Result<(), Fault> {
    desk.require_master()?;
    let found = match desk.argument("ctx").map(Reference::of)? {
        Some(Reference::Id(id)) => desk.world.context(id).is_some(),
        Some(Reference::Name(name)) => desk.world.context_named(name).is_some(),
        None => return Err(Fault::invalid_data("Context id or name must be set")),
    };
    desk.answer.value(if found { "true" } else { "false" });
    Ok(())
}

fn admin_id(desk: &mut Desk<'_>) -> Result<(), Fault> {
    desk.require_master()?;
    resolve(desk)?;
    desk.answer.value(&ADMINISTRATOR.to_string());
    Ok(())
}

fn data(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let reference = desk.arguments.object("ctx").and_then(Reference::of);
    let claimed = match reference {
        Some(Reference::Id(id)) => id,
        Some(Reference::Name(name)) => desk.world.context_named(name).unwrap_or_default(),
        None => 0,
    };
    desk.require_master_or_administrator(claimed)?;
    let id = resolve(desk)?;
    let Desk { answer, world, .. } = desk;
    if let Some(context) = world.context(id) {
        context_list::write(answer, desk.interface, context);
    }
    Ok(())
}

/// The rights of the administrator stand for those of the context.
fn module_access(desk: &mut Desk<'_>) -> Result<(), Fault> {
    desk.require_master()?;
    let id = resolve(desk)?;
    let access = desk.context(id)?.user(ADMINISTRATOR).map(|admin| admin.access);
    user_write::write_access(desk, access.unwrap_or_default());
    Ok(())
}

fn change_module_access(desk: &mut Desk<'_>) -> Result<(), Fault> {
    desk.require_master()?;
    let id = resolve(desk)?;
    let access = user_write::access(desk, desk.argument("access")?);
    desk.context_mut(id)?.set_all_access(access);
    Ok(())
}

/// A context with its administrator, as the command line names it. One that exists stays.
pub(super) fn add(world: &mut World, spec: &ContextSpec) {
    if world.context(spec.id).is_some() {
        return;
    }
    let layout = world.user_layout.clone();
    let mut context =
        Context::new(spec.id, format!("context{}", spec.id), world.access_layout.clone());
    context.login_mappings = vec![context.name.clone(), spec.id.to_string()];
    let mail = format!("{}@context{}.invalid", spec.admin, spec.id);
    let fields = [
        ("name", spec.admin.as_str()),
        ("display_name", "OX Admin"),
        ("given_name", "OX"),
        ("sur_name", "Admin"),
        ("primaryEmail", &mail),
        ("email1", &mail),
        ("defaultSenderAddress", &mail),
    ];
    let mut all = user_write::defaults(&layout);
    all.extend(
        fields.iter().filter_map(|(name, value)| Some((layout.position(name)?, (*value).into()))),
    );
    let admin = User {
        id: context.draw_id(),
        fields: Record::default().with(all),
        aliases: vec![mail.as_str().into()],
        attributes: None::<Box<Attributes>>,
        password: spec.password.as_str().into(),
        access: world.access_layout.defaults(),
        layout,
    };
    context.insert_user(admin);
    world.insert_context(context);
}
