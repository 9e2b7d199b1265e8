//! The page: contexts, and of one context its users, groups, resources, accounts or deputies, and the
//! latest calls. No scripts, nothing from other servers; everything shown is escaped.

mod tab;

use std::fmt::Write;

use crate::ox::calls::Call;
use crate::ox::engine::{Engine, State};
use crate::ox::world::{Context, User};
use crate::view::{Query, STYLE, escape};

/// Rows on one page of a table.
const ROWS: usize = 50;
const CALLS: usize = 20;
/// Calls on the page that shows nothing else.
const MANY_CALLS: usize = 200;

/// The tabs of a context.
const TABS: [(&str, &str); 5] = [
    ("users", "Users"),
    ("groups", "Groups"),
    ("resources", "Resources"),
    ("accounts", "Accounts"),
    ("deputies", "Deputies"),
];

/// The page for a query: `context`, `tab`, `user`, `find`, `page`, `calls`, `refresh`.
pub(crate) fn render(engine: &Engine, query: &str) -> Vec<u8> {
    let query = Query::parse(query);
    let state = engine.state();
    let mut page = Page { out: String::with_capacity(32 * 1024), query: &query };
    page.head();
    page.contexts(&state);
    let context = query.number("context").and_then(|id| state.world.context(id));
    match context {
        _ if query.text("calls") == "all" => page.calls(&state, MANY_CALLS),
        Some(context) => {
            let user = query.number("user").and_then(|id| context.user(id));
            match user {
                Some(user) => page.user(context, user),
                None => page.context(context),
            }
            page.calls(&state, CALLS);
        }
        None => {
            if query.number::<i32>("context").is_some() {
                page.out.push_str("<p class=empty>There is no such context.</p>");
            }
            page.calls(&state, CALLS);
        }
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
        self.out.push_str("<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>idspool sandbox: OX</title><meta name=viewport content=\"width=device-width, initial-scale=1\">");
        if let Some(seconds) = refresh {
            let _ = write!(self.out, "<meta http-equiv=refresh content={seconds}>");
        }
        let _ = write!(
            self.out,
            "<style>{STYLE}</style></head><body><header><h1><a href=\"/\">OX sandbox</a></h1><p>Stand-in for the OX App Suite administration services. Nothing here is real.</p><nav>"
        );
        let (seconds, label) =
            if refresh.is_some() { ("", "Stop refreshing") } else { ("5", "Refresh every 5 s") };
        let _ = write!(
            self.out,
            "<a href=\"{}\">{label}</a> <a href=\"/?calls=all\">Calls</a> <a href=\"/state\">State as JSON</a></nav></header><main>",
            escape(&self.query.with("refresh", seconds))
        );
    }

    fn contexts(&mut self, state: &State) {
        let count = state.world.contexts().count();
        let _ = write!(self.out, "<section><h2>Contexts <small>{count}</small></h2>");
        if count == 0 {
            self.out.push_str("<p class=empty>No context yet. Create one, or start with --context ID.</p></section>");
            return;
        }
        let selected = self.query.number("context");
        let first = if selected.is_some() { 0 } else { self.first_row() };
        self.out.push_str("<table><thead><tr><th>Id<th>Name<th>State<th>Quota<th>Users<th>Groups<th>Resources<th>Login mappings</tr></thead><tbody>");
        for context in state.world.contexts().skip(first).take(ROWS) {
            let class = if selected == Some(context.id) { " class=selected" } else { "" };
            let quota = match context.max_quota {
                quota if quota < 0 => "unlimited".to_owned(),
                quota => format!("{quota} MB"),
            };
            let _ = write!(
                self.out,
                "<tr{class}><td>{id}<td><a href=\"/?context={id}\">{name}</a><td>{state}<td>{quota}<td>{users}<td>{groups}<td>{resources}<td>{mappings}</tr>",
                id = context.id,
                name = escape(&context.name),
                state = if context.is_enabled { "enabled" } else { "<b>disabled</b>" },
                users = context.users().len(),
                groups = context.groups().len(),
                resources = context.resources().len(),
                mappings = escape(&context.login_mappings.join(", ")),
            );
        }
        self.out.push_str("</tbody></table>");
        if selected.is_none() {
            self.pager(count);
        }
        self.out.push_str("</section>");
    }

    fn context(&mut self, context: &Context) {
        let tab = TABS
            .iter()
            .map(|(key, _)| *key)
            .find(|key| *key == self.query.text("tab"))
            .unwrap_or("users");
        let _ = write!(
            self.out,
            "<section><h2>Context {} <small>{}</small></h2><nav class=tabs>",
            context.id,
            escape(&context.name)
        );
        for (key, label) in TABS {
            let class = if key == tab { " class=selected" } else { "" };
            let _ = write!(
                self.out,
                "<a{class} href=\"/?context={}&amp;tab={key}\">{label}</a> ",
                context.id
            );
        }
        let _ = write!(
            self.out,
            "</nav><form action=\"/\"><input type=hidden name=context value={}><input type=hidden name=tab value={tab}><input type=search name=find value=\"{}\" placeholder=\"Name or address\" aria-label=\"Name or address\"> <button>Find</button></form>",
            context.id,
            escape(self.query.text("find"))
        );
        match tab {
            "groups" => self.groups(context),
            "resources" => self.resources(context),
            "accounts" => self.accounts(context),
            "deputies" => self.deputies(context),
            _ => self.users(context),
        }
        self.out.push_str("</section>");
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

    fn user(&mut self, context: &Context, user: &User) {
        let _ = write!(
            self.out,
            "<section><h2>User {} <small>{} in context {}</small></h2><p><a href=\"/?context={}\">All users of the context</a></p><table class=fields><tbody>",
            user.id,
            escape(user.name()),
            context.id,
            context.id
        );
        let mut row = |name: &str, value: &str| {
            let _ = write!(self.out, "<tr><th>{}<td>{}</tr>", escape(name), escape(value));
        };
        for (name, value) in user.fields().filter(|(_, value)| !value.is_empty()) {
            if name == "image1" {
                row(name, &format!("{} characters of base64", value.len()));
            } else {
                row(name, value);
            }
        }
        row("aliases", &user.aliases().collect::<Vec<_>>().join(", "));
        row("password", &format!("{} characters", user.password_length()));
        let groups: Vec<String> = context
            .groups_of(user.id)
            .map(|group| format!("{} ({})", group.name, group.id))
            .collect();
        row("groups", &groups.join(", "));
        row("rights", &context.rights(user).join(", "));
        for account in context.accounts_of(user.id) {
            row("account", &account.primary_address);
        }
        for deputy in context.deputies().filter(|deputy| deputy.grantor == user.id) {
            row(
                "deputy",
                &format!("{}: {}", tab::login(context, deputy.user), tab::permitted(deputy)),
            );
        }
        self.out.push_str("</tbody></table></section>");
    }

    fn calls(&mut self, state: &State, count: usize) {
        let all = state.calls.last();
        let _ = write!(self.out, "<section><h2>Latest calls <small>{all} in all</small></h2>");
        let mut latest = state.calls.since(0).rev().take(count).peekable();
        if latest.peek().is_none() {
            self.out.push_str("<p class=empty>No calls yet.</p></section>");
            return;
        }
        self.out.push_str("<table><thead><tr><th>No.<th>Service<th>Operation<th>Context<th>Object<th>Outcome<th>ms</tr></thead><tbody>");
        for call in latest {
            self.call(call);
        }
        self.out.push_str("</tbody></table></section>");
    }

    fn call(&mut self, call: &Call) {
        let class = if call.outcome == "ok" { "" } else { " class=fault" };
        let context = call.context.map(|id| id.to_string()).unwrap_or_default();
        let _ = write!(
            self.out,
            "<tr{class}><td>{}<td>{}<td>{}<td>{context}<td>{}<td>{}",
            call.number,
            call.service,
            escape(&call.operation),
            escape(&call.object),
            escape(&call.outcome),
        );
        if !call.text.is_empty() {
            let _ = write!(self.out, "<br><small>{}</small>", escape(&call.text));
        }
        let _ = write!(self.out, "<td>{:.2}</tr>", call.milliseconds);
    }
}
