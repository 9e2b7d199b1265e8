//! The error bodies of the API (kelvin-api 4).

use serde_json::{Value, json};

/// One entry of a list of problems.
#[derive(Debug)]
pub(super) struct Item {
    loc: Vec<Value>,
    msg: String,
    kind: &'static str,
    ctx: Option<Value>,
}

impl Item {
    pub(super) fn new(loc: Vec<Value>, msg: impl Into<String>, kind: &'static str) -> Self {
        Self { loc, msg: msg.into(), kind, ctx: None }
    }

    pub(super) fn with(self, ctx: Value) -> Self {
        Self { ctx: Some(ctx), ..self }
    }

    fn to_json(&self) -> Value {
        let mut item = json!({"loc": self.loc, "msg": self.msg, "type": self.kind});
        if let (Some(ctx), Some(object)) = (&self.ctx, item.as_object_mut()) {
            object.insert("ctx".to_owned(), ctx.clone());
        }
        item
    }
}

/// A request that is not done, or not answered as if it were.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) body: Value,
    /// The problem in one line.
    pub(super) text: String,
    /// Whether the answer asks for credentials.
    pub(super) challenges: bool,
}

impl Refusal {
    /// `{"detail": "text"}`
    pub(super) fn detail(status: u16, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { status, body: json!({ "detail": text }), text, challenges: false }
    }

    /// `{"message": "text"}`
    pub(super) fn message(status: u16, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { status, body: json!({ "message": text }), text, challenges: false }
    }

    /// What validation found.
    pub(super) fn invalid(items: &[Item]) -> Self {
        Self::items(422, items)
    }

    /// The directory service refused.
    pub(super) fn directory(
        status: u16,
        property: &str,
        kind: &'static str,
        text: impl Into<String>,
    ) -> Self {
        let loc = if property.is_empty() { Vec::new() } else { vec![property.into()] };
        Self::items(status, &[Item::new(loc, text, kind)])
    }

    /// Without the right to do this: with `true`, other credentials may help.
    pub(super) fn unauthorized(text: &str, challenges: bool) -> Self {
        Self { challenges, ..Self::detail(401, text) }
    }

    /// An error that the server did not foresee.
    pub(super) fn unhandled(text: &str) -> Self {
        Self::detail(500, text)
    }

    pub(super) fn no_object(name: &str) -> Self {
        Self::detail(404, format!("No object with name={} found or not authorized.", quoted(name)))
    }

    pub(super) fn no_school(name: &str) -> Self {
        Self::detail(404, format!("No school with name={} found.", quoted(name)))
    }

    fn items(status: u16, items: &[Item]) -> Self {
        let text: Vec<String> = items
            .iter()
            .map(|item| {
                let loc: Vec<String> = item
                    .loc
                    .iter()
                    .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
                    .collect();
                format!("{}: {}", loc.join("."), item.msg)
            })
            .collect();
        let list: Vec<Value> = items.iter().map(Item::to_json).collect();
        Self { status, body: json!({ "detail": list }), text: text.join("; "), challenges: false }
    }
}

/// A string as the server's messages show it.
pub(super) fn quoted(text: &str) -> String {
    let (quote, inner) = if text.contains('\'') && !text.contains('"') {
        ('"', text.replace('\\', "\\\\"))
    } else {
        ('\'', text.replace('\\', "\\\\").replace('\'', "\\'"))
    };
    format!("{quote}{inner}{quote}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_as_the_server_does() {
        assert_eq!(quoted("a"), "'a'");
        assert_eq!(quoted("o'n"), "\"o'n\"");
        assert_eq!(quoted("o'n\""), "'o\\'n\"'");
    }
}
