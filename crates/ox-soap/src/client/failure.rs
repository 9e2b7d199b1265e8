//! Why a call failed, before it is known where.

use idspool_http::{TransportError, one_line};

use crate::envelope::ValueError;
use crate::error::{CallSite, Error};
use crate::fault::Fault;
use crate::transport::Transport;
use crate::xml::XmlError;

/// Why a call failed, before it is known where.
pub(super) enum Failure {
    Fault(Box<Fault>),
    Status { status: u16, location: Option<String>, excerpt: String },
    Transport(TransportError),
    Value(ValueError),
    Xml(XmlError),
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

impl Failure {
    pub(super) fn at(self, site: Box<CallSite>, transport: &Transport) -> Error {
        match self {
            Self::Fault(fault) => Error::Fault { site, fault },
            Self::Status { status, location, excerpt } => {
                Error::Status { site, status, location, excerpt }
            }
            Self::Transport(error) => transport.error(error, site),
            Self::Value(ValueError { field, problem }) => Error::Value { site, field, problem },
            Self::Xml(XmlError::Io(error)) => transport.error(TransportError::of_io(&error), site),
            Self::Xml(XmlError::Malformed(reason)) => Error::Malformed { site, reason },
            Self::Xml(XmlError::Truncated) => {
                Error::Disconnected { site, reason: "its XML ends too early".into() }
            }
            Self::Xml(XmlError::Unexpected(reason)) => Error::Unexpected { site, reason },
        }
    }
}

/// How the page of a proxy begins: its text without the tags.
pub(super) fn excerpt(body: &[u8]) -> String {
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
    one_line(&words.join(" "), 200)
}
