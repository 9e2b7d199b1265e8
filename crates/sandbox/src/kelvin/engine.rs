//! From a request to an answer: failures on purpose, the token, the work, the list of requests.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Map, Value};

use super::Error;
use super::answer::Shown;
use super::body;
use super::calls::{Call, Calls};
use super::check;
use super::failure::{Failure, FailureKind, Failures};
use super::memory::Memory;
use super::options::{Options, Right};
use super::refusal::{Item, Refusal};
use super::route::{PREFIX, Route, Target, Version, route};
use super::service::{self, Answer, Desk};
use super::token::Key;
use super::world::{Past, World};
use crate::http::{JSON, Reaction, Request, Response};
use crate::view::Query;

/// Largest body that the list of requests keeps.
const MAX_KEPT_BODY: usize = 256 * 1024;

/// The server without its network side.
pub(super) struct Engine {
    pub(super) options: Options,
    /// `http` or `https`.
    scheme: &'static str,
    /// For clients that send no usable Host header.
    address: String,
    state: Mutex<State>,
}

/// Everything that changes; requests take effect one after the other.
pub(super) struct State {
    pub(super) world: World,
    pub(super) calls: Calls,
    past: Past,
    memory: Memory,
    failures: Failures,
    key: Key,
}

impl State {
    fn new(options: &Options) -> Result<Self, Error> {
        let mut world = World::default();
        for name in &options.schools {
            world.add_school(service::new_school(name));
        }
        let mut failures = Failures::default();
        failures.add(options.failures.iter().cloned());
        Ok(Self {
            world,
            calls: Calls::default(),
            past: Past::new(options.lag),
            memory: Memory::new(options.school_cache),
            failures,
            key: Key::random().ok_or(Error::Random)?,
        })
    }
}

impl Engine {
    pub(super) fn new(
        options: Options,
        scheme: &'static str,
        address: String,
    ) -> Result<Self, Error> {
        let state = Mutex::new(State::new(&options)?);
        Ok(Self { options, scheme, address, state })
    }

    /// What a start needs and the options may lack.
    pub(super) fn check(options: &Options) -> Result<(), Error> {
        match options.schools.iter().find(|name| !check::is_school_name(name)) {
            Some(name) => Err(Error::School(name.clone())),
            None => Ok(()),
        }
    }

    /// A panic while the lock was held would be a mistake of ours; the state is used on.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Back to the beginning; tokens stay valid.
    pub(super) fn reset(&self) {
        if let Ok(new) = State::new(&self.options) {
            let mut state = self.state();
            let key = std::mem::replace(&mut *state, new).key;
            state.key = key;
        }
    }

    /// All tokens that were issued become invalid.
    pub(super) fn revoke(&self) {
        if let Some(key) = Key::random() {
            self.state().key = key;
        }
    }

    pub(super) fn add_failures(&self, failures: Vec<Failure>) {
        self.state().failures.add(failures);
    }

    pub(super) fn remove_school(&self, name: &str) -> bool {
        self.state().write(|world, _| world.remove_school(name))
    }

    /// Answers a request to the API.
    pub(super) fn react(&self, request: &Request) -> Reaction {
        let start = Instant::now();
        if !self.options.latency.is_zero() {
            std::thread::sleep(self.options.latency);
        }
        let route = route(&request.path);
        let has_body = matches!(request.method.as_str(), "POST" | "PUT" | "PATCH");
        let body = match &route {
            Route::Target(Target::Token) => None,
            Route::Target(_) if has_body => Some(body::parse(request)),
            _ => None,
        };
        let request_id = request_id(&request.request_id);
        let path = request.path.strip_prefix(PREFIX).unwrap_or(&request.path);
        let mut call = Call {
            number: 0,
            method: request.method.clone(),
            path: path.to_owned(),
            query: request.query.clone(),
            status: 0,
            failure: None,
            text: String::new(),
            body: kept_body(request, body.as_ref()),
            request_id: request_id.to_string(),
            milliseconds: 0.0,
        };
        let label = match &route {
            Route::Target(target) => target.label(),
            Route::Redirect(_) | Route::Unknown => "other",
        };

        let mut state = self.state();
        let failure = state.failures.next(&request.method, path);
        let done = match &failure {
            Some(failure) if !failure.kind.is_late() => None,
            _ => Some(self.perform(&mut state, request, &route, body)),
        };
        let mut response = match (done, &failure) {
            (_, Some(failure)) => failed(failure),
            (Some(Ok(answer)), None) => Some(Response::new(answer.status, JSON, answer.body)),
            (Some(Err(refusal)), None) => Some(self.refused(request, &route, refusal, &mut call)),
            (None, None) => None,
        };
        if let Some(response) = &mut response {
            let headers = response.more_headers.to_mut();
            let _ = write!(headers, "X-Request-ID: {request_id}\r\n");
            call.status = response.status;
        }
        call.failure = failure.map(|failure| failure.kind.as_str());
        call.milliseconds = start.elapsed().as_secs_f64() * 1000.0;
        state.calls.push(label, call);
        response.map_or(Reaction::Close, Reaction::Answer)
    }

    fn perform(
        &self,
        state: &mut State,
        request: &Request,
        route: &Route,
        body: Option<Result<Map<String, Value>, Refusal>>,
    ) -> Result<Answer, Refusal> {
        let method = request.method.as_str();
        let target = match route {
            Route::Target(target) => target,
            Route::Redirect(_) => return Err(Refusal::detail(307, "")),
            Route::Unknown => return Err(Refusal::detail(404, "Not Found")),
        };
        if !target.methods().split(", ").any(|one| one == method) {
            return Err(Refusal::detail(405, "Method Not Allowed"));
        }
        let version = match target {
            Target::Token => return self.token(state, request),
            Target::Collection(version, _) | Target::Object(version, ..) => *version,
        };
        let is_read = matches!(method, "GET" | "HEAD");
        self.authorize(state, &request.authorization, is_read)?;
        let origin = self.origin(&request.host);
        if is_read {
            let is_late = version == Version::V2 || self.options.lags_everywhere;
            let world = if is_late && method != "HEAD" {
                state.past.seen(Instant::now(), &state.world)
            } else {
                &state.world
            };
            let shown =
                Shown { world, origin: &origin, version, properties: &self.options.properties };
            return service::read(shown, method, target, &Query::parse(&request.query));
        }
        let body = body.transpose()?.unwrap_or_default();
        state.write(|world, memory| {
            let options = &self.options;
            let mut desk = Desk { world, memory, options, version, origin: &origin };
            service::write(&mut desk, method, target, &body)
        })
    }

    /// A token for the right credentials.
    fn token(&self, state: &State, request: &Request) -> Result<Answer, Refusal> {
        let is_form = request.content_type.split(';').next().is_some_and(|kind| {
            kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        let text = String::from_utf8_lossy(&request.body);
        let form = if is_form { Query::parse(&text) } else { Query::default() };
        let missing: Vec<Item> = ["username", "password"]
            .into_iter()
            .filter(|name| form.text(name).is_empty())
            .map(|name| {
                let loc = vec!["body".into(), name.into()];
                Item::new(loc, "field required", "value_error.missing")
            })
            .collect();
        if !missing.is_empty() {
            return Err(Refusal::invalid(&missing));
        }
        if !["", "password"].contains(&form.text("grant_type")) {
            let loc = vec!["body".into(), "grant_type".into()];
            let msg = "string does not match regex \"password\"";
            return Err(Refusal::invalid(&[Item::new(loc, msg, "value_error.str.regex")]));
        }
        let user = form.text("username");
        let account = self.account(user).filter(|(password, _)| *password == form.text("password"));
        let Some((_, right)) = account else {
            return Err(Refusal::unauthorized("Incorrect username or password", true));
        };
        let token = state.key.issue(user, right, self.options.token_lifetime);
        let body = serde_json::json!({ "access_token": token, "token_type": "bearer" });
        Ok(Answer { status: 200, body: body.to_string().into_bytes() })
    }

    /// Password and right of an account.
    fn account(&self, user: &str) -> Option<(&str, Right)> {
        if user == self.options.user {
            return Some((&self.options.password, Right::Admin));
        }
        let account = self.options.accounts.iter().find(|account| account.user == user)?;
        Some((&account.password, account.right))
    }

    fn authorize(&self, state: &State, header: &str, is_read: bool) -> Result<(), Refusal> {
        let token = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let Some(token) = token else {
            return Err(Refusal::unauthorized("Not authenticated", true));
        };
        let claims = state.key.verify(token);
        let Some(claims) = claims.filter(|claims| self.account(&claims.sub).is_some()) else {
            return Err(Refusal::unauthorized("Could not validate credentials", true));
        };
        match claims.right {
            Right::Admin => Ok(()),
            Right::Reader if is_read => Ok(()),
            Right::Disabled => Err(Refusal::unauthorized("Inactive user", false)),
            Right::Reader | Right::None => Err(Refusal::unauthorized("Unauthorized", false)),
        }
    }

    fn refused(
        &self,
        request: &Request,
        route: &Route,
        refusal: Refusal,
        call: &mut Call,
    ) -> Response {
        let mut response = match refusal.status {
            307 => Response::new(307, JSON, ""),
            status => Response::new(status, JSON, refusal.body.to_string()),
        };
        call.text = refusal.text;
        match route {
            Route::Redirect(path) => {
                let origin = self.origin(&request.host);
                let query = if request.query.is_empty() {
                    String::new()
                } else {
                    format!("?{}", request.query)
                };
                response.more_headers = Cow::Owned(format!("Location: {origin}{path}{query}\r\n"));
            }
            Route::Target(target) if refusal.status == 405 => {
                response.more_headers = Cow::Owned(format!("Allow: {}\r\n", target.methods()));
            }
            _ if refusal.challenges => {
                response.more_headers = Cow::Borrowed("WWW-Authenticate: Bearer\r\n");
            }
            _ => {}
        }
        response
    }

    /// Scheme and host of the URLs in answers: what the client called.
    fn origin(&self, host: &str) -> String {
        // It stands in answers and headers: only what a host can look like.
        let is_usable = !host.is_empty()
            && host.len() <= 255
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-_[]".contains(&byte));
        format!("{}://{}", self.scheme, if is_usable { host } else { &self.address })
    }
}

impl State {
    /// Every change of the world goes through here, so that reads can lag behind it.
    fn write<T>(&mut self, change: impl FnOnce(&mut World, &mut Memory) -> T) -> T {
        self.past.keep(Instant::now(), &self.world);
        change(&mut self.world, &mut self.memory)
    }
}

/// The answer of a failure on purpose; `None`: the connection is closed.
fn failed(failure: &Failure) -> Option<Response> {
    let detail = |status, text: &str| {
        Response::new(status, JSON, serde_json::json!({ "detail": text }).to_string())
    };
    let wait = |response: Response| Response {
        more_headers: Cow::Owned(format!("Retry-After: {}\r\n", failure.retry_after)),
        ..response
    };
    let html = |status, text: &str| {
        let page = format!(
            "<html><head><title>{status} {text}</title></head><body><h1>{status} {text}</h1></body></html>"
        );
        Response::new(status, "text/html", page)
    };
    Some(match failure.kind {
        FailureKind::Close | FailureKind::LateClose => return None,
        FailureKind::Unauthorized => Response {
            more_headers: Cow::Borrowed("WWW-Authenticate: Bearer\r\n"),
            ..detail(401, "Could not validate credentials")
        },
        FailureKind::TooMany => wait(detail(429, "Too many requests")),
        FailureKind::Internal | FailureKind::LateInternal => detail(500, "Failure on purpose"),
        FailureKind::BadGateway => html(502, "Bad Gateway"),
        FailureKind::Unavailable => wait(detail(503, "Failure on purpose")),
        FailureKind::GatewayTimeout => html(504, "Gateway Timeout"),
        FailureKind::Garbage => Response::new(200, JSON, "{\"name\": \"cut o"),
    })
}

/// The body for the list of requests, without secrets.
fn kept_body(request: &Request, body: Option<&Result<Map<String, Value>, Refusal>>) -> String {
    let Some(Ok(body)) = body.filter(|_| request.body.len() <= MAX_KEPT_BODY) else {
        return String::new();
    };
    let secrets = ["password", "kelvin_password_hashes"];
    if !secrets.iter().any(|name| body.contains_key(*name)) {
        // Parsed a moment ago, so it is UTF-8.
        return String::from_utf8_lossy(&request.body).into_owned();
    }
    let hidden: Map<String, Value> = body
        .iter()
        .map(|(name, value)| {
            let is_secret = secrets.contains(&name.as_str()) && !value.is_null();
            (name.clone(), if is_secret { "***".into() } else { value.clone() })
        })
        .collect();
    Value::Object(hidden).to_string()
}

/// The client's id if it is a UUID of version 4, else a new one.
fn request_id(sent: &str) -> Cow<'_, str> {
    let hex: Vec<u8> = sent.bytes().filter(|byte| *byte != b'-').collect();
    let is_shaped = match sent.len() {
        32 => hex.len() == 32,
        36 => {
            hex.len() == 32
                && [8, 13, 18, 23].iter().all(|at| sent.as_bytes().get(*at) == Some(&b'-'))
        }
        _ => false,
    };
    let is_version_4 =
        hex.get(12) == Some(&b'4') && hex.get(16).is_some_and(|byte| b"89abAB".contains(byte));
    if is_shaped && is_version_4 && hex.iter().all(u8::is_ascii_hexdigit) {
        return Cow::Borrowed(sent);
    }
    let mut random = [0_u8; 16];
    // Without random numbers all get the same id, which does no harm.
    let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut random);
    let mut number = u128::from_be_bytes(random);
    number = number & !(0xf << 76) | 4 << 76;
    number = number & !(0b11 << 62) | 0b10 << 62;
    Cow::Owned(format!("{number:032x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_over_when_it_is_a_random_uuid() {
        for sent in ["7d0d4bd3a3a14d0c8d3f6f1c2b3a4d5e", "7d0d4bd3-a3a1-4d0c-8d3f-6f1c2b3a4d5e"] {
            assert_eq!(request_id(sent), sent);
        }
        for sent in [
            "",
            "x",
            "7d0d4bd3a3a11d0c8d3f6f1c2b3a4d5e",
            "7d0d4bd3a3a14d0c0d3f6f1c2b3a4d5e",
            "7d0d4bd3a3a1-4d0c-8d3f-6f1c2b3a4d5e-",
            "zd0d4bd3a3a14d0c8d3f6f1c2b3a4d5e",
        ] {
            let new = request_id(sent);
            assert_ne!(new, sent);
            assert!(matches!(request_id(&new), Cow::Borrowed(_)), "{new}");
        }
    }
}
