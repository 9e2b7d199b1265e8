//! OXContextService: the lists, and how a context is written.

use super::{Desk, Handler, pattern, user_answer};
use crate::ox::answer::Answer;
use crate::ox::fault::Fault;
use crate::ox::schema::Interface;
use crate::ox::world::Context;

pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "list" | "listPage" => list,
        "listAll" | "listPageAll" => list_all,
        _ => return None,
    })
}

fn list(desk: &mut Desk<'_>) -> Result<(), Fault> {
    desk.require_master()?;
    let wanted = pattern::argument(desk, "search_pattern")?.to_owned();
    write_page(desk, |context| {
        pattern::matches(&wanted, &context.name)
            || pattern::matches(&wanted, &context.id.to_string())
            || context.login_mappings.iter().any(|mapping| pattern::matches(&wanted, mapping))
    })
}

fn list_all(desk: &mut Desk<'_>) -> Result<(), Fault> {
    desk.require_master()?;
    write_page(desk, |_| true)
}

/// `offset` and `length` are strings in this service, and absent in the calls without pages.
fn page_bound(desk: &Desk<'_>, name: &str) -> Result<Option<usize>, Fault> {
    match desk.arguments.text(name) {
        None => Ok(None),
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|_| Fault::invalid_data(format!("Invalid {name} \"{text}\""))),
    }
}

fn write_page(desk: &mut Desk<'_>, is_wanted: impl Fn(&Context) -> bool) -> Result<(), Fault> {
    let offset = page_bound(desk, "offset")?.unwrap_or(0);
    let length = page_bound(desk, "length")?.unwrap_or(usize::MAX);
    let Desk { answer, world, .. } = desk;
    for context in world.contexts().filter(|context| is_wanted(context)).skip(offset).take(length) {
        write(answer, desk.interface, context);
    }
    Ok(())
}

/// One context. The database and file store are those of a small server with one of each.
pub(super) fn write(answer: &mut Answer<'_>, interface: &Interface, context: &Context) {
    let database = |is_master: bool| {
        move |_: usize, field: &mut crate::ox::answer::FieldWriter<'_>| match field.name() {
            "id" => field.integer(3),
            "master" => field.boolean(is_master),
            "scheme" => field.text("oxdatabase_5"),
            _ => {}
        }
    };
    answer.object(|_, field| match field.name() {
        "average_size" => field.integer(context.average_size),
        "enabled" => field.boolean(context.is_enabled),
        "filestoreId" => field.integer(1),
        "filestore_name" => field.text(&format!("{}_ctx_store", context.id)),
        "id" => field.integer(context.id),
        "loginMappings" => {
            for mapping in &context.login_mappings {
                field.text(mapping);
            }
        }
        // An unlimited quota is left out.
        "maxQuota" if context.max_quota >= 0 => field.integer(context.max_quota),
        "name" => field.text(&context.name),
        "readDatabase" => field.object(interface, database(false)),
        "usedQuota" => field.integer(0),
        "userAttributes" => user_answer::write_attributes(field, interface, &context.attributes),
        "writeDatabase" => field.object(interface, database(true)),
        "gabMode" => field.text(&context.gab_mode),
        _ => {}
    });
}
