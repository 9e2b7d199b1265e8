//! The bodies of good answers.

use std::io::BufRead as _;

use idspool_http::{Reply, Stream, TransportError};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::call::Failure;
use crate::elements::{ElementError, Elements};
use crate::object::{Attributes, Class, User};
use crate::reference::from_wire;

/// A class of half a million members.
const OBJECT_LIMIT: u64 = 64 << 20;
/// All users of a school, or all classes.
const LIST_LIMIT: u64 = 512 << 20;

/// Reads one object.
pub(super) fn object<T: DeserializeOwned>(reply: Reply) -> Result<T, Failure> {
    let mut body = Vec::with_capacity(4 << 10);
    reply.read_to(&mut body, OBJECT_LIMIT)?;
    parse(&body)
}

/// The answer to a deletion. A page that something in between shows says 200.
pub(super) fn nothing(reply: Reply) -> Result<(), Failure> {
    match reply.status {
        204 => Ok(()),
        status => {
            Err(Failure::Malformed(format!("status {status} where 204 says that it is gone")))
        }
    }
}

/// Reads a list, one object after the other. `take` gets each with its size in bytes, and tells what it keeps;
/// `None` ends the list.
pub(super) fn list(
    reply: Reply,
    take: &mut dyn FnMut(Attributes) -> Result<Next, Failure>,
) -> Result<(), Failure> {
    let mut stream = reply.into_stream(LIST_LIMIT, OBJECT_LIMIT);
    let limit = usize::try_from(OBJECT_LIMIT).unwrap_or(usize::MAX);
    let mut elements = Elements::new(&mut stream, limit);
    while let Some(element) = elements.next()? {
        let size = element.len();
        match take(parse(element)?)? {
            Next::End => return Ok(()),
            Next::Keep => elements.source().keep(size).map_err(ElementError::Io)?,
            Next::Drop => {}
        }
        elements.source().begin_piece();
    }
    finish(stream)
}

/// What becomes of an object of a list.
#[derive(Clone, Copy)]
pub(super) enum Next {
    /// It stays in memory.
    Keep,
    /// It does not.
    Drop,
    /// No more are wanted.
    End,
}

/// Nothing may follow; and the connection is used again when its end was seen.
fn finish(mut stream: Stream) -> Result<(), Failure> {
    loop {
        let rest = stream.fill_buf().map_err(ElementError::Io)?;
        if rest.is_empty() {
            return Ok(());
        }
        if !rest.trim_ascii().is_empty() {
            return Err(Failure::Malformed("something follows the list".into()));
        }
        let length = rest.len();
        stream.consume(length);
    }
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Failure> {
    // The parser's own words may hold values of the answer.
    serde_json::from_slice(json).map_err(|error| {
        let what =
            if error.is_data() { "it is another object than expected" } else { "it is not JSON" };
        let (line, column) = (error.line(), error.column());
        Failure::Malformed(format!("{what} (line {line}, column {column})"))
    })
}

/// The name of an object of which nothing else is wanted.
pub(super) fn name(object: &Attributes) -> Result<String, Failure> {
    text(object, "name")
}

pub(super) fn user(mut attributes: Attributes) -> Result<User, Failure> {
    from_wire(&mut attributes);
    Ok(User { name: name(&attributes)?, attributes })
}

pub(super) fn class(mut attributes: Attributes) -> Result<Class, Failure> {
    from_wire(&mut attributes);
    let (school, name) = (text(&attributes, "school")?, name(&attributes)?);
    Ok(Class { school, name, attributes })
}

fn text(object: &Attributes, key: &str) -> Result<String, Failure> {
    match object.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        _ => Err(Failure::Malformed(format!("an object in it has no {key}"))),
    }
}

impl From<ElementError> for Failure {
    fn from(error: ElementError) -> Self {
        match error {
            ElementError::Io(error) => Self::Transport(TransportError::of_io(&error)),
            ElementError::Malformed(reason) => Self::Malformed(reason),
        }
    }
}
