//! OXUserCopyService.

use super::{Desk, Handler, no_such_context, user, user_check};
use crate::ox::fault::{Fault, FaultName};
use crate::ox::world::User;

pub(super) fn handler(operation: &str) -> Option<Handler> {
    (operation == "copyUser").then_some(copy_user as Handler)
}

/// Copies a user with rights and settings, but without its groups, into another context.
fn copy_user(desk: &mut Desk<'_>) -> Result<(), Fault> {
    desk.require_master()?;
    let source = desk.context_id("src")?;
    let destination = desk.context_id("dest")?;
    let from = desk.world.context(source).ok_or_else(|| no_such_context(source))?;
    let to = desk.world.context(destination).ok_or_else(|| no_such_context(destination))?;
    let original = user::find(from, desk.argument("user")?)?;
    if source == destination {
        return Err(Fault::invalid_data("Source and destination context are the same"));
    }
    if original.is_administrator() {
        return Err(Fault::invalid_data("The context administrator cannot be copied"));
    }
    if to.user_named(original.name()).is_some() {
        let text = format!("User {} already exists in context {destination}", original.name());
        return Err(Fault::new(FaultName::UserExists, text));
    }
    user_check::primary_mail(to, original.primary_email(), None)?;
    let display_name = original.text("display_name").unwrap_or_default();
    user_check::free_display_name(desk.rules, to, display_name, None)?;
    let original = original.clone();
    let to = desk.context_mut(destination)?;
    let copy = User { id: to.draw_id(), ..original };
    let id = copy.id;
    to.insert_user(copy);
    // Nothing but the id, not even the flags that lists carry.
    desk.answer.object(|_, field| {
        if field.name() == "id" {
            field.integer(id);
        }
    });
    Ok(())
}
