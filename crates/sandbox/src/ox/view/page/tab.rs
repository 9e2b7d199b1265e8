//! The tabs of a context.

use std::fmt::Write;

use super::Page;
use crate::ox::world::{Context, Deputy, User};
use crate::view::escape;

impl Page<'_> {
    pub(super) fn users(&mut self, context: &Context) {
        let users: Vec<&User> = context
            .users()
            .filter(|user| {
                let display_name = user.text("display_name").unwrap_or_default();
                self.is_found(&[user.name(), display_name, user.primary_email()])
            })
            .collect();
        let head = "<th>Id<th>Login<th>Display name<th>Primary address<th>Groups<th>Rights";
        self.table(head, &users, |out, user| {
            let groups: Vec<&str> =
                context.groups_of(user.id).skip(1).map(|group| group.name.as_str()).collect();
            let _ = write!(
                out,
                "<td>{id}<td><a href=\"/?context={context}&amp;user={id}\">{name}</a>{admin}<td>{display}<td>{mail}<td>{groups}<td>{rights}",
                id = user.id,
                context = context.id,
                name = escape(user.name()),
                admin = if user.is_administrator() { " <b>administrator</b>" } else { "" },
                display = escape(user.text("display_name").unwrap_or_default()),
                mail = escape(user.primary_email()),
                groups = escape(&groups.join(", ")),
                rights = rights(context, user),
            );
        });
    }

    pub(super) fn groups(&mut self, context: &Context) {
        let groups: Vec<_> = context
            .groups()
            .filter(|group| self.is_found(&[&group.name, &group.display_name]))
            .collect();
        let head = "<th>Id<th>Name<th>Display name<th>Count<th>Members";
        self.table(head, &groups, |out, group| {
            let some: Vec<String> =
                context.members(group).take(30).map(|id| login(context, id)).collect();
            let count = context.members(group).count();
            let _ = write!(
                out,
                "<td>{}<td>{}<td>{}<td>{count}<td>{}{}",
                group.id,
                escape(&group.name),
                escape(&group.display_name),
                escape(&some.join(", ")),
                if count > some.len() { " …" } else { "" }
            );
        });
    }

    pub(super) fn resources(&mut self, context: &Context) {
        let resources: Vec<_> = context
            .resources()
            .filter(|resource| {
                self.is_found(&[&resource.name, &resource.display_name, &resource.email])
            })
            .collect();
        let head = "<th>Id<th>Name<th>Display name<th>Address<th>Available<th>Description";
        self.table(head, &resources, |out, resource| {
            let _ = write!(
                out,
                "<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}",
                resource.id,
                escape(&resource.name),
                escape(&resource.display_name),
                escape(&resource.email),
                if resource.is_available { "yes" } else { "no" },
                escape(resource.description.as_deref().unwrap_or_default())
            );
        });
    }

    pub(super) fn accounts(&mut self, context: &Context) {
        let accounts: Vec<_> = context
            .accounts()
            .filter(|account| self.is_found(&[&account.primary_address]))
            .collect();
        let head = "<th>Id<th>User<th>Address<th>Name<th>Login";
        self.table(head, &accounts, |out, account| {
            let _ = write!(
                out,
                "<td>{}<td>{}<td>{}<td>{}<td>{}",
                account.id,
                escape(&login(context, account.user)),
                escape(&account.primary_address),
                escape(account.text("name").unwrap_or_default()),
                escape(account.text("login").unwrap_or_default())
            );
        });
    }

    pub(super) fn deputies(&mut self, context: &Context) {
        let blocked: Vec<String> =
            context.blocked_grantors().map(|id| login(context, id)).collect();
        if !blocked.is_empty() {
            let _ = write!(
                self.out,
                "<p>May not grant on their own: {}.</p>",
                escape(&blocked.join(", "))
            );
        }
        let deputies: Vec<&Deputy> = context
            .deputies()
            .filter(|deputy| {
                let grantor = login(context, deputy.grantor);
                self.is_found(&[&grantor, &login(context, deputy.user), &deputy.id])
            })
            .collect();
        let head = "<th>Id<th>Granted by<th>Deputy<th>Permissions";
        self.table(head, &deputies, |out, deputy| {
            let _ = write!(
                out,
                "<td>{}<td>{}<td>{}<td>{}",
                escape(&deputy.id),
                escape(&login(context, deputy.grantor)),
                escape(&login(context, deputy.user)),
                escape(&permitted(deputy))
            );
        });
    }
}

/// Login and id of a user.
pub(super) fn login(context: &Context, id: i32) -> String {
    format!("{} ({id})", context.user(id).map_or("", User::name))
}

/// `mail 0 2 4 0 0` for each module, as the directory writes it, and whether mail may be sent.
pub(super) fn permitted(deputy: &Deputy) -> String {
    let mut parts: Vec<String> = deputy
        .modules
        .iter()
        .map(|module| {
            let levels = module.levels.map(|level| level.to_string()).join(" ");
            format!("{} {} {levels}", module.name, u8::from(module.is_admin))
        })
        .collect();
    if deputy.sends_on_behalf {
        parts.push("sends on behalf".to_owned());
    }
    parts.join(", ")
}

/// A short form of a user's rights; the user's own page has all of them.
fn rights(context: &Context, user: &User) -> String {
    let rights = context.rights(user);
    let main: Vec<&str> = rights
        .iter()
        .copied()
        .filter(|right| ["webmail", "calendar", "contacts", "tasks", "infostore"].contains(right))
        .collect();
    match (main.len(), rights.len() - main.len()) {
        (0, 0) => "none".to_owned(),
        (_, 0) => main.join(", "),
        (0, more) => format!("{more} others"),
        (_, more) => format!("{} and {more} others", main.join(", ")),
    }
}
