//! The page: schools, and of one school its users, classes and workgroups, and the latest requests.
//! No scripts, nothing from other servers; everything shown is escaped.

use std::fmt::Write;

use crate::kelvin::calls::Call;
use crate::kelvin::engine::{Engine, State};
use crate::kelvin::world::{Group, GroupKind, Role, School, User, World};
use crate::view::{Query, STYLE, escape};

/// Rows on one page of a table.
const ROWS: usize = 50;
const CALLS: usize = 20;
/// Requests on the page that shows nothing else.
const MANY_CALLS: usize = 200;
/// Members that are named in a table.
const MEMBERS: usize = 30;

/// The tabs of a school.
const TABS: [(&str, &str); 3] =
    [("users", "Users"), ("classes", "Classes"), ("workgroups", "Workgroups")];

/// The page for a query: `school`, `tab`, `user`, `find`, `page`, `calls`, `refresh`.
pub(in crate::kelvin) fn render(engine: &Engine, query: &str) -> Vec<u8> {
    let query = Query::parse(query);
    let state = engine.state();
    let world = &state.world;
    let mut page = Page { out: String::with_capacity(32 * 1024), query: &query };
    page.head();
    page.schools(world);
    let user = Some(query.text("user")).filter(|name| !name.is_empty());
    let school = Some(query.text("school")).filter(|name| !name.is_empty());
    if query.text("calls") == "all" {
        page.calls(&state, MANY_CALLS);
    } else {
        match (user, school) {
            (Some(name), _) => match world.user_named(name) {
                Some(user) => page.user(world, user),
                None => page.out.push_str("<p class=empty>There is no such user.</p>"),
            },
            (None, Some(name)) => match world.school(name) {
                Some(school) => page.school(world, school),
                None => page.out.push_str("<p class=empty>There is no such school.</p>"),
            },
            (None, None) => {}
        }
        page.calls(&state, CALLS);
    }
    page.out.push_str("</main></body></html>\n");
    page.out.into_bytes()
}

struct Page<'a> {
    out: String,
    query: &'a Query,
}

impl Page<'_> {
    // Writing to a String does not fail, so the results of write! are dropped.

    fn head(&mut self) {
        let refresh = self.query.number::<u32>("refresh").filter(|seconds| *seconds > 0);
        self.out.push_str("<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>idspool sandbox: Kelvin</title><meta name=viewport content=\"width=device-width, initial-scale=1\">");
        if let Some(seconds) = refresh {
            let _ = write!(self.out, "<meta http-equiv=refresh content={seconds}>");
        }
        let _ = write!(
            self.out,
            "<style>{STYLE}</style></head><body><header><h1><a href=\"/\">Kelvin sandbox</a></h1><p>Stand-in for a UCS@school Kelvin server. Nothing here is real.</p><nav>"
        );
        let (seconds, label) =
            if refresh.is_some() { ("", "Stop refreshing") } else { ("5", "Refresh every 5 s") };
        let _ = write!(
            self.out,
            "<a href=\"{}\">{label}</a> <a href=\"/?calls=all\">Requests</a> <a href=\"/state\">State as JSON</a></nav></header><main>",
            escape(&self.query.with("refresh", seconds))
        );
    }

    fn schools(&mut self, world: &World) {
        let count = world.schools().len();
        let _ = write!(self.out, "<section><h2>Schools <small>{count}</small></h2>");
        if count == 0 {
            self.out.push_str("<p class=empty>No school yet. Create one, or start with --school NAME.</p></section>");
            return;
        }
        let selected = self.query.text("school").to_lowercase();
        let first = if selected.is_empty() { self.first_row() } else { 0 };
        self.out.push_str("<table><thead><tr><th>Name<th>Display name<th>Classes<th>Workgroups</tr></thead><tbody>");
        for school in world.schools().skip(first).take(ROWS) {
            let class = if school.name.to_lowercase() == selected { " class=selected" } else { "" };
            let groups = |kind| world.groups_of_school(kind, &school.name).count();
            let _ = write!(
                self.out,
                "<tr{class}><td><a href=\"{}\">{}</a><td>{}<td>{}<td>{}</tr>",
                escape(&link("school", &school.name)),
                escape(&school.name),
                escape(&school.display_name),
                groups(GroupKind::Class),
                groups(GroupKind::Workgroup),
            );
        }
        self.out.push_str("</tbody></table>");
        if selected.is_empty() {
            self.pager(count);
        }
        self.out.push_str("</section>");
    }

    fn school(&mut self, world: &World, school: &School) {
        let tab = TABS
            .iter()
            .map(|(key, _)| *key)
            .find(|key| *key == self.query.text("tab"))
            .unwrap_or("users");
        let _ = write!(
            self.out,
            "<section><h2>School {} <small>{}</small></h2><nav class=tabs>",
            escape(&school.name),
            escape(&school.display_name)
        );
        for (key, label) in TABS {
            let class = if key == tab { " class=selected" } else { "" };
            let _ = write!(
                self.out,
                "<a{class} href=\"{}&amp;tab={key}\">{label}</a> ",
                escape(&link("school", &school.name))
            );
        }
        let _ = write!(
            self.out,
            "</nav><form action=\"/\"><input type=hidden name=school value=\"{}\"><input type=hidden name=tab value={tab}><input type=search name=find value=\"{}\" placeholder=\"Name or id\" aria-label=\"Name or id\"> <button>Find</button></form>",
            escape(&school.name),
            escape(self.query.text("find"))
        );
        match tab {
            "classes" => self.groups(world, school, GroupKind::Class),
            "workgroups" => self.groups(world, school, GroupKind::Workgroup),
            _ => self.users(world, school),
        }
        self.out.push_str("</section>");
    }

    fn users(&mut self, world: &World, school: &School) {
        let users: Vec<&User> = world
            .users()
            .filter(|user| user.schools.contains(&school.name))
            .filter(|user| {
                self.is_found(&[&user.name, &user.firstname, &user.lastname, &user.record_uid])
            })
            .collect();
        let head = "<th>Login<th>Name<th>Roles<th>Schools<th>Classes<th>Source<th>Id<th>Address";
        self.table(head, &users, |out, user| {
            let _ = write!(
                out,
                "<td><a href=\"{}\">{}</a>{}<td>{} {}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}",
                escape(&link("user", &user.name)),
                escape(&user.name),
                if user.disabled { " <b>disabled</b>" } else { "" },
                escape(&user.firstname),
                escape(&user.lastname),
                roles(user),
                escape(&schools(user)),
                escape(&groups(world, user, GroupKind::Class)),
                escape(&user.source_uid),
                escape(&user.record_uid),
                escape(user.email.as_deref().unwrap_or_default()),
            );
        });
    }

    fn groups(&mut self, world: &World, school: &School, kind: GroupKind) {
        let found: Vec<&Group> = world
            .groups_of_school(kind, &school.name)
            .filter(|group| self.is_found(&[&group.name]))
            .collect();
        self.table("<th>Name<th>Description<th>Count<th>Members", &found, |out, group| {
            let members = world.members(group);
            let some: Vec<&str> = members.iter().copied().take(MEMBERS).collect();
            let _ = write!(
                out,
                "<td>{}<td>{}<td>{}<td>{}{}",
                escape(&group.name),
                escape(group.description.as_deref().unwrap_or_default()),
                members.len(),
                escape(&some.join(", ")),
                if members.len() > some.len() { " …" } else { "" }
            );
        });
    }

    fn user(&mut self, world: &World, user: &User) {
        let _ = write!(
            self.out,
            "<section><h2>User {} <small>{}</small></h2><table class=fields><tbody>",
            escape(&user.name),
            escape(&user.dn())
        );
        let mut row = |name: &str, value: &str| {
            if !value.is_empty() {
                let _ = write!(self.out, "<tr><th>{}<td>{}</tr>", escape(name), escape(value));
            }
        };
        let option = |value: &Option<String>| value.clone().unwrap_or_default();
        row("firstname", &user.firstname);
        row("lastname", &user.lastname);
        row("roles", &roles(user));
        row("school", &user.school);
        row("schools", &schools(user));
        row("school_classes", &groups(world, user, GroupKind::Class));
        row("workgroups", &groups(world, user, GroupKind::Workgroup));
        row("record_uid", &user.record_uid);
        row("source_uid", &user.source_uid);
        row("email", &option(&user.email));
        row("birthday", &option(&user.birthday));
        row("expiration_date", &option(&user.expiration_date));
        row("disabled", if user.disabled { "yes" } else { "no" });
        row("legal_guardians", &world.names(&user.guardians).join(", "));
        row("legal_wards", &world.names(&user.wards).join(", "));
        row("ucsschool_roles", &user.ucsschool_roles().join(", "));
        for (name, value) in &user.properties {
            row(name, &value.to_string());
        }
        let password = match (&user.hashes, user.password_length) {
            (Some(_), _) => "hashes".to_owned(),
            (None, Some(length)) => format!("{length} characters"),
            (None, None) => "random".to_owned(),
        };
        row("password", &password);
        self.out.push_str("</tbody></table></section>");
    }

    fn is_found(&self, texts: &[&str]) -> bool {
        let wanted = self.query.text("find").to_lowercase();
        wanted.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&wanted))
    }

    fn first_row(&self) -> usize {
        let page: usize = self.query.number("page").unwrap_or(1);
        page.saturating_sub(1).saturating_mul(ROWS)
    }

    /// One page of rows out of all; `write` is called for those that are shown.
    fn table<T>(&mut self, head: &str, rows: &[T], mut write: impl FnMut(&mut String, &T)) {
        if rows.is_empty() {
            self.out.push_str("<p class=empty>None.</p>");
            return;
        }
        let _ = write!(self.out, "<table><thead><tr>{head}</tr></thead><tbody>");
        for row in rows.iter().skip(self.first_row()).take(ROWS) {
            self.out.push_str("<tr>");
            write(&mut self.out, row);
            self.out.push_str("</tr>");
        }
        self.out.push_str("</tbody></table>");
        self.pager(rows.len());
    }

    fn pager(&mut self, count: usize) {
        self.query.pager(&mut self.out, count, ROWS);
    }

    fn calls(&mut self, state: &State, count: usize) {
        let all = state.calls.last();
        let _ = write!(self.out, "<section><h2>Latest requests <small>{all} in all</small></h2>");
        let mut latest = state.calls.since(0).rev().take(count).peekable();
        if latest.peek().is_none() {
            self.out.push_str("<p class=empty>No requests yet.</p></section>");
            return;
        }
        self.out.push_str("<table><thead><tr><th>No.<th>Method<th>Path<th>Body<th>ms<th>Status</tr></thead><tbody>");
        for call in latest {
            self.call(call);
        }
        self.out.push_str("</tbody></table></section>");
    }

    fn call(&mut self, call: &Call) {
        let is_fault = !(200..400).contains(&call.status);
        let query = if call.query.is_empty() { String::new() } else { format!("?{}", call.query) };
        let body: String = call.body.chars().take(300).collect();
        let _ = write!(
            self.out,
            "<tr{}><td>{}<td>{}<td>{}{}<td><small>{}{}</small><td>{:.2}<td>",
            if is_fault { " class=fault" } else { "" },
            call.number,
            escape(&call.method),
            escape(&call.path),
            escape(&query),
            escape(&body),
            if body.len() < call.body.len() { " …" } else { "" },
            call.milliseconds,
        );
        match call.status {
            0 => self.out.push_str("no answer"),
            status => {
                let _ = write!(self.out, "{status}");
            }
        }
        if let Some(failure) = call.failure {
            let _ = write!(self.out, " <small>on purpose: {failure}</small>");
        }
        if !call.text.is_empty() {
            let _ = write!(self.out, "<br><small>{}</small>", escape(&call.text));
        }
        self.out.push_str("</tr>");
    }
}

fn link(key: &str, value: &str) -> String {
    Query::default().with(key, value)
}

fn roles(user: &User) -> String {
    user.roles.iter().copied().map(Role::as_str).collect::<Vec<_>>().join(", ")
}

fn schools(user: &User) -> String {
    user.schools.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn groups(world: &World, user: &User, kind: GroupKind) -> String {
    let of_schools = world.group_names(user, kind);
    let parts: Vec<String> = of_schools
        .iter()
        .map(|(school, names)| format!("{school}: {}", names.join(", ")))
        .collect();
    parts.join("; ")
}
