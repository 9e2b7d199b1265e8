//! OXUserService: the lists, which answer ids only.

use super::{Desk, Handler, pattern};
use crate::ox::answer::Answer;
use crate::ox::fault::Fault;
use crate::ox::world::User;

pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "list" => list,
        "listAll" => list_all,
        "listByAliasDomain" => list_by_alias_domain,
        "listCaseInsensitive" => list_case_insensitive,
        _ => return None,
    })
}

fn list_all(desk: &mut Desk<'_>) -> Result<(), Fault> {
    write_page(desk, |_| Ok(Box::new(|_| true)))
}

fn list(desk: &mut Desk<'_>) -> Result<(), Fault> {
    write_page(desk, |desk| {
        let wanted = text(desk, "search_pattern")?.to_owned();
        Ok(Box::new(move |user| {
            pattern::matches(&wanted, user.name())
                || pattern::matches(&wanted, user.text("display_name").unwrap_or_default())
        }))
    })
}

fn list_case_insensitive(desk: &mut Desk<'_>) -> Result<(), Fault> {
    write_page(desk, |desk| {
        let wanted = text(desk, "search_pattern")?.to_lowercase();
        Ok(Box::new(move |user| {
            let display_name = user.text("display_name").unwrap_or_default();
            pattern::matches(&wanted, &user.name().to_lowercase())
                || pattern::matches(&wanted, &display_name.to_lowercase())
        }))
    })
}

fn list_by_alias_domain(desk: &mut Desk<'_>) -> Result<(), Fault> {
    write_page(desk, |desk| {
        let domain = text(desk, "alias_domain")?.trim_start_matches('@').to_lowercase();
        Ok(Box::new(move |user| {
            user.aliases().any(|alias| {
                alias.rsplit_once('@').is_some_and(|(_, own)| own.to_lowercase() == domain)
            })
        }))
    })
}

fn text<'d>(desk: &'d Desk<'_>, name: &str) -> Result<&'d str, Fault> {
    desk.arguments
        .text(name)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Fault::invalid_data(format!("Invalid {name}")))
}

type Filter = Box<dyn Fn(&User) -> bool>;

fn write_page(
    desk: &mut Desk<'_>,
    filter: impl FnOnce(&Desk<'_>) -> Result<Filter, Fault>,
) -> Result<(), Fault> {
    let id = desk.require_administrator("ctx")?;
    let filter = filter(desk)?;
    let bound = |name: &str| match desk.arguments.int(name) {
        None => Ok(None),
        Some(number) => usize::try_from(number)
            .map(Some)
            .map_err(|_| Fault::invalid_data(format!("Invalid {name} {number}"))),
    };
    let offset = bound("offset")?.unwrap_or(0);
    let length = bound("length")?.unwrap_or(usize::MAX);
    // There are no guests here, so without the users nobody is left.
    let has_users = !desk.arguments.boolean("exclude_users").unwrap_or(false);
    let Desk { answer, world, .. } = desk;
    if let Some(context) = world.context(id).filter(|_| has_users) {
        for user in context.users().filter(|user| filter(user)).skip(offset).take(length) {
            write_id(answer, user.id, user.is_administrator());
        }
    }
    Ok(())
}

/// A user with its id only; the flags that cannot be nil are there as well.
pub(super) fn write_id(answer: &mut Answer<'_>, id: i32, is_administrator: bool) {
    answer.object(|_, field| match field.name() {
        "id" => field.integer(id),
        "contextadmin" => field.boolean(is_administrator),
        "convert_drive_user_folders" => field.boolean(false),
        _ => {}
    });
}
