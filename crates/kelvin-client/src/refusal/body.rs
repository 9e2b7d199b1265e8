//! The four shapes of an error's body.

use serde_json::Value;

use idspool_http::one_line;

/// What the body of an error says.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) shape: Shape,
    /// Without values of the request, as far as they are told apart from the text.
    pub(super) text: String,
}

/// How it says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `{"detail": "…"}`
    Detail,
    /// `{"detail": [{"loc": […], "msg": "…", "type": "…"}]}`
    List,
    /// `{"message": "…"}`
    Message,
}

impl Said {
    /// What a body says; `None`: it is of no shape that Kelvin uses.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let Ok(Value::Object(body)) = serde_json::from_slice(body) else { return None };
        match (body.get("detail"), body.get("message")) {
            (Some(Value::String(text)), _) => {
                Some(Self { shape: Shape::Detail, text: text.clone() })
            }
            (Some(Value::Array(entries)), _) => {
                Some(Self { shape: Shape::List, text: of_entries(entries) })
            }
            (None, Some(Value::String(text))) => {
                Some(Self { shape: Shape::Message, text: text.clone() })
            }
            _ => None,
        }
    }
}

/// Place and message of each entry. What it may have beside them (`ctx`, `input`) holds values of the request.
fn of_entries(entries: &[Value]) -> String {
    /// More than a reader reads.
    const LIMIT: usize = 10;
    let mut texts: Vec<String> = entries.iter().take(LIMIT).map(of_entry).collect();
    if let Some(more) = entries.len().checked_sub(LIMIT).filter(|more| *more > 0) {
        texts.push(format!("and {more} more"));
    }
    texts.join("; ")
}

fn of_entry(entry: &Value) -> String {
    let text = |key: &str| one_line(entry.get(key).and_then(Value::as_str).unwrap_or(""), 300);
    let place = entry.get("loc").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    // Where in the request, which is always its body: `body`, or nothing for the directory service.
    let place: Vec<String> = place
        .iter()
        .filter(|part| !matches!(part.as_str(), Some("body" | "__root__")))
        .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
        .collect();
    let (place, message, kind) = (one_line(&place.join("."), 100), text("msg"), text("type"));
    let message = match (message.is_empty(), kind.starts_with("UdmError")) {
        (true, _) => kind,
        (false, true) => format!("{message} ({kind})"),
        (false, false) => message,
    };
    if place.is_empty() { message } else { format!("{place}: {message}") }
}
