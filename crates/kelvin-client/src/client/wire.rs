//! Requests and answers of one server, and what it means when they fail.

use std::path::PathBuf;
use std::time::Duration;

use idspool_http::{Http, Reply, TransportError, one_line};
use serde_json::Value;
use ureq::http::{Method, Request, header, request};

use super::call::{Failure, Question, Verb};
use super::pause::Pause;
use crate::address::Addresses;
use crate::credentials::Credentials;
use crate::error::{Call, Error, Obstacle};
use crate::object::Attributes;
use crate::refusal::{Verdict, judge};
use crate::time;
use crate::token::Tokens;

/// What of the body of an error is read.
const ERROR_LIMIT: u64 = 1 << 20;

/// A server, its connections and the token of the account.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) addresses: Addresses,
    pub(super) credentials: Credentials,
    pub(super) http: Http,
    pub(super) tokens: Tokens,
    pub(super) pause: Pause,
    pub(super) ca_certificates: Option<PathBuf>,
}

/// What is sent.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    None,
    Form(&'a str),
    Json(&'a [u8]),
}

/// How one try ended.
pub(super) enum Try<T> {
    Good(T),
    Bad(Bad),
}

/// An answer that is no success.
pub(super) struct Bad {
    status: u16,
    verdict: Verdict,
    /// 401 with `WWW-Authenticate`: another token may be taken (kelvin-api 2).
    pub(super) wants_token: bool,
    retry_after: Option<Duration>,
}

impl Inner {
    /// Which call it is, for messages.
    pub(super) fn site(&self, verb: Verb, path: &str) -> Box<Call> {
        let (method, path) = (verb.as_str(), one_line(path, 300));
        Box::new(Call { method, path, server: self.addresses.server.clone() })
    }

    pub(super) fn request(&self, method: Method, path: &str) -> request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.addresses.server))
            .header(header::ACCEPT, "application/json")
            // The language of the texts that `refusal` knows.
            .header(header::ACCEPT_LANGUAGE, "en-US")
    }

    pub(super) fn send(
        &self,
        request: request::Builder,
        body: Body<'_>,
    ) -> Result<Reply, TransportError> {
        let strange = |error: ureq::http::Error| TransportError::Protocol(error.to_string());
        let (kind, body) = match body {
            Body::None => return self.http.send(request.body(()).map_err(strange)?),
            Body::Form(form) => ("application/x-www-form-urlencoded", form.as_bytes()),
            Body::Json(json) => ("application/json", json),
        };
        let request = request.header(header::CONTENT_TYPE, kind).body(body);
        self.http.send(request.map_err(strange)?)
    }

    /// Reads an answer: a good one with `read`, any other here.
    pub(super) fn read<T>(
        &self,
        question: &Question<'_>,
        reply: Reply,
        read: &mut dyn FnMut(Reply) -> Result<T, Failure>,
    ) -> Result<Try<T>, Failure> {
        if (200..300).contains(&reply.status) || question.good.contains(&reply.status) {
            return read(reply).map(Try::Good);
        }
        Self::bad(reply, question.verb == Verb::Post).map(Try::Bad)
    }

    /// Reads an answer that is no success. `creates`: the path is that of a collection.
    pub(super) fn bad(reply: Reply, creates: bool) -> Result<Bad, Failure> {
        let status = reply.status;
        let wants_token = status == 401 && reply.header("WWW-Authenticate").is_some();
        let retry_after = time::retry_after(reply.header("Retry-After"), reply.header("Date"));
        let verdict = match reply.location() {
            Some(location) => {
                Verdict::Malformed(format!("status {status}, which redirects to {location}"))
            }
            None => judge(status, &reply.read_beginning(ERROR_LIMIT)?, creates),
        };
        Ok(Bad { status, verdict, wants_token, retry_after })
    }

    /// The error of an answer that is no success, without the secrets of the request.
    pub(super) fn refused(&self, call: Box<Call>, bad: Bad, body: Option<&Attributes>) -> Error {
        let clean = |text: String| self.clean(text, body);
        match bad.verdict {
            Verdict::Refused(mut refusal) => {
                refusal.text = clean(refusal.text);
                Error::Refused { call, refusal }
            }
            Verdict::Unauthorized(reason) => Error::Unauthorized { call, reason: clean(reason) },
            Verdict::Malformed(reason) => Error::Malformed { call, reason: clean(reason) },
            Verdict::Trouble(text) => {
                let (status, text, retry_after) = (bad.status, clean(text), bad.retry_after);
                if let Some(time) = retry_after {
                    self.pause.begin(time, status, &text);
                }
                Error::Trouble { call, status, text, retry_after }
            }
        }
    }

    /// The error of a call without an answer.
    pub(super) fn error(&self, call: Box<Call>, failure: Failure) -> Error {
        let error = match failure {
            Failure::Malformed(reason) => return Error::Malformed { call, reason },
            Failure::Transport(error) => error,
        };
        let writes = !matches!(call.method, "GET" | "HEAD") && call.path != self.addresses.token();
        let limits = self.http.limits();
        let (obstacle, reason, is_open) = match error {
            TransportError::Protocol(reason) => return Error::Malformed { call, reason },
            TransportError::TooLarge(limit) => {
                let reason = format!("it is larger than {limit} bytes");
                return Error::Malformed { call, reason };
            }
            TransportError::Connect(reason) => (Obstacle::Connect, reason, false),
            TransportError::Disconnected(reason) => (Obstacle::Lost, reason, writes),
            TransportError::Resolve => (Obstacle::Name, "it has no address".into(), false),
            TransportError::Timeout { while_connecting } => {
                let limit = if while_connecting { limits.connect } else { limits.call };
                let obstacle = Obstacle::Time { limit, while_connecting };
                (obstacle, "it took too long".into(), writes && !while_connecting)
            }
            TransportError::Tls { problem, reason } => {
                let ca_certificates = self.ca_certificates.clone();
                (Obstacle::Tls { problem, ca_certificates }, reason, false)
            }
        };
        Error::NoAnswer { call, obstacle, reason, is_open }
    }

    /// Sends nothing as long as the server asked to be left alone.
    pub(super) fn check_pause(&self, site: impl FnOnce() -> Box<Call>) -> Result<(), Error> {
        match self.pause.wish() {
            None => Ok(()),
            Some(wish) => {
                let retry_after = Some(wish.left());
                Err(Error::Trouble {
                    call: site(),
                    status: wish.status,
                    text: wish.text,
                    retry_after,
                })
            }
        }
    }

    /// A server's text without passwords, hashes and keys that it may have got from the request.
    fn clean(&self, text: String, body: Option<&Attributes>) -> String {
        let mut secrets = vec![self.credentials.password.expose()];
        for key in ["password", "kelvin_password_hashes"] {
            if let Some(value) = body.and_then(|body| body.get(key)) {
                add_texts(&mut secrets, value);
            }
        }
        secrets.retain(|secret| !secret.is_empty());
        secrets.into_iter().fold(text, |text, secret| match text.contains(secret) {
            true => text.replace(secret, "***"),
            false => text,
        })
    }
}

fn add_texts<'a>(texts: &mut Vec<&'a str>, value: &'a Value) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(list) => list.iter().for_each(|value| add_texts(texts, value)),
        Value::Object(map) => map.values().for_each(|value| add_texts(texts, value)),
        _ => {}
    }
}
