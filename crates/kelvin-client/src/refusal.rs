//! What an answer that is no success means (kelvin-api 4). The only place that looks at texts of the server.

mod body;

use idspool_http::one_line;

use crate::error::{Refusal, RefusalKind};
use crate::segment::decoded;
use body::{Said, Shape};

/// Longest text of a server in a message, in characters.
const TEXT_LIMIT: usize = 500;

/// What an answer means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The values, or what they refer to.
    Refused(Refusal),
    /// Name, password, token or rights.
    Unauthorized(String),
    /// The server or what stands before it.
    Trouble(String),
    /// It comes from something that is not Kelvin.
    Malformed(String),
}

/// What an answer means. `creates`: the path of the request is that of a collection, so that nothing but what the
/// body refers to can be missing.
pub(crate) fn judge(status: u16, body: &[u8], creates: bool) -> Verdict {
    let said = Said::read(body);
    let text = || match &said {
        Some(said) => one_line(&said.text, TEXT_LIMIT),
        None => excerpt(body),
    };
    match (status, &said) {
        (401, _) => Verdict::Unauthorized(text()),
        (408 | 425 | 429 | 500.., _) => Verdict::Trouble(text()),
        (413, _) => Verdict::Refused(Refusal { kind: RefusalKind::Invalid, status, text: text() }),
        (400 | 404 | 409 | 422, Some(said)) => match kind(status, said, creates) {
            Some(kind) => Verdict::Refused(Refusal { kind, status, text: text() }),
            None => Verdict::Malformed(format!("status {status}: {}", text())),
        },
        _ => Verdict::Malformed(format!("status {status}: {}", text())),
    }
}

/// Why a request is refused; `None`: Kelvin does not say such a thing.
fn kind(status: u16, said: &Said, creates: bool) -> Option<RefusalKind> {
    let text = said.text.as_str();
    match (status, said.shape) {
        // What the framework says when the path is not one of the API.
        (404, Shape::Detail) if text == "Not Found" => None,
        (404, Shape::Message) => Some(RefusalKind::NoReference(named_by_url(text))),
        (404, _) if text.starts_with("No school with name=") => {
            Some(RefusalKind::NoReference(quoted_after(text, "name=")))
        }
        (404, _) if creates => Some(RefusalKind::NoReference(None)),
        (404, _) => Some(RefusalKind::NoObject),
        (409, _) => Some(RefusalKind::Taken),
        (400 | 422, _) if is_about_missing_relation(text) => Some(RefusalKind::NoRelation),
        _ => Some(RefusalKind::Invalid),
    }
}

/// Whether a guardian or ward that is named does not exist (kelvin-api 11, id-connector 3.8). That naming one is
/// not allowed, or that there are too many, is something else.
fn is_about_missing_relation(text: &str) -> bool {
    let text = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let is_relation = has(&["legal guardian", "legal_guardians", "legal ward", "legal_wards"]);
    let is_missing = has(&["couldn't find", "do not exist", "does not exist", "not found"]);
    is_relation && is_missing || has(&["couldn't find student", "students do not exist"])
}

/// The name of the object whose URL ends a text in quotes.
fn named_by_url(text: &str) -> Option<String> {
    let url = quoted_after(text, "with URL ")?;
    let name = decoded(crate::address::name_of(&url));
    (!name.is_empty()).then_some(name)
}

/// What stands in quotes after a word. A quote that is part of it has a backslash before it.
fn quoted_after(text: &str, word: &str) -> Option<String> {
    let (_, rest) = text.split_once(word)?;
    let mut rest = rest.chars();
    let quote = rest.next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let mut quoted = String::new();
    loop {
        match rest.next()? {
            '\\' => quoted.push(rest.next()?),
            end if end == quote => return Some(one_line(&quoted, 300)),
            other => quoted.push(other),
        }
    }
}

/// How the page of a proxy begins: its text without the tags.
fn excerpt(body: &[u8]) -> String {
    let body = body.get(..2_000).unwrap_or(body);
    let mut text = String::new();
    let mut is_tag = false;
    for character in String::from_utf8_lossy(body).chars() {
        match character {
            '<' => is_tag = true,
            '>' if is_tag => {
                is_tag = false;
                text.push(' ');
            }
            _ if is_tag => {}
            character => text.push(character),
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.is_empty() {
        true => "no text".into(),
        false => one_line(&words.join(" "), 200),
    }
}

#[cfg(test)]
mod tests;
