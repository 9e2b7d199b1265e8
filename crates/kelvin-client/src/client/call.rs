//! One call: from the request to the answer, with one repetition where that does no harm.

use std::cell::Cell;
use std::time::Instant;

use idspool_http::{Reply, TransportError};
use ureq::http::{HeaderValue, Method, header};

use super::Client;
use super::wire::{Body, Try};
use crate::error::Error;
use crate::object::Attributes;
use crate::reference::to_wire;
use crate::request_id::RequestId;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Delete,
    Get,
    Head,
    Patch,
    Post,
}

impl Verb {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Patch => "PATCH",
            Self::Post => "POST",
        }
    }

    pub(super) const fn method(self) -> Method {
        match self {
            Self::Delete => Method::DELETE,
            Self::Get => Method::GET,
            Self::Head => Method::HEAD,
            Self::Patch => Method::PATCH,
            Self::Post => Method::POST,
        }
    }
}

/// A call to be made.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) verb: Verb,
    /// Path and query.
    pub(super) path: String,
    /// With names; they become URLs on the way.
    pub(super) body: Option<&'a Attributes>,
    /// Statuses beside 2xx that are good answers.
    pub(super) good: &'static [u16],
    /// Whether the connection of a first try was lost: the server may have done it.
    pub(super) was_lost: Cell<bool>,
}

impl<'a> Question<'a> {
    pub(super) const fn new(verb: Verb, path: String) -> Self {
        Self { verb, path, body: None, good: &[], was_lost: Cell::new(false) }
    }

    pub(super) fn with_body(self, body: &'a Attributes) -> Self {
        Self { body: Some(body), ..self }
    }

    /// Whether doing it twice is as good as once. A server may close a connection in the very moment in which we
    /// use it, and whether it has read the request cannot be known.
    fn may_be_repeated(&self) -> bool {
        match self.verb {
            Verb::Delete | Verb::Get | Verb::Head => true,
            // Under a new name the old one is gone.
            Verb::Patch => self.body.is_none_or(|body| !body.contains_key("name")),
            Verb::Post => false,
        }
    }
}

/// Why there is nothing of an answer, before it is known to which call.
#[derive(Debug)]
pub(super) enum Failure {
    Malformed(String),
    Transport(TransportError),
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

impl Client {
    /// Asks, and reads a good answer.
    pub(super) fn call<T>(
        &self,
        question: &Question<'_>,
        mut read: impl FnMut(Reply) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        let begin = Instant::now();
        let id = RequestId::new();
        let result = self.call_as(question, id, &mut read);
        tracing::debug!(
            server = self.inner.addresses.server,
            method = question.verb.as_str(),
            path = question.path,
            duration = ?begin.elapsed(),
            request_id = id.map(tracing::field::display),
            is_done = result.is_ok(),
            "called Kelvin"
        );
        result
    }

    fn call_as<T>(
        &self,
        question: &Question<'_>,
        id: Option<RequestId>,
        read: &mut dyn FnMut(Reply) -> Result<T, Failure>,
    ) -> Result<T, Error> {
        let inner = &*self.inner;
        let site = || inner.site(question.verb, &question.path);
        inner.check_pause(site)?;
        let id = id.and_then(|id| HeaderValue::from_str(&id.to_string()).ok());
        let body =
            match question.body {
                None => None,
                Some(attributes) => {
                    let wire = to_wire(attributes, &inner.addresses);
                    let json = serde_json::to_vec(&wire);
                    Some(json.map_err(|error| {
                        inner.error(site(), Failure::Malformed(error.to_string()))
                    })?)
                }
            };
        let mut token = inner.token(None)?;
        let mut may_renew = true;
        loop {
            let mut request = inner.request(question.verb.method(), &question.path);
            if let Some(id) = &id {
                request = request.header("X-Request-ID", id);
            }
            let request = request.header(header::AUTHORIZATION, &token.header);
            let body = body.as_deref().map_or(Body::None, Body::Json);
            let tried = inner.send(request, body).map_err(Failure::from);
            match tried.and_then(|reply| inner.read(question, reply, read)) {
                Ok(Try::Good(value)) => return Ok(value),
                Ok(Try::Bad(bad)) if bad.wants_token && may_renew => {
                    may_renew = false;
                    token = inner.token(Some(token.number))?;
                }
                Ok(Try::Bad(bad)) => return Err(inner.refused(site(), bad, question.body)),
                Err(Failure::Transport(TransportError::Disconnected(reason)))
                    if question.may_be_repeated() && !question.was_lost.get() =>
                {
                    question.was_lost.set(true);
                    tracing::debug!(path = question.path, reason, "connection lost, asking again");
                }
                Err(failure) => return Err(inner.error(site(), failure)),
            }
        }
    }
}
