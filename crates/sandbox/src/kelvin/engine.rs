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
use super::options::Options;
use super::refusal::Refusal;
use super::request_id::request_id;
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
    pub(super) key: Key,
}

impl State {
    fn new(options: &Options, key: Key) -> Self {
        let mut world = World::default();
        for name in &options.schools {
            world.add_school(service::new_school(name));
        }
        let mut failures = Failures::default();
        failures.add(options.failures.iter().cloned());
        Self {
            world,
            calls: Calls::default(),
            past: Past::new(options.lag),
            memory: Memory::new(options.school_cache),
            failures,
            key,
        }
    }
}

impl Engine {
    pub(super) fn new(
        options: Options,
        scheme: &'static str,
        address: String,
    ) -> Result<Self, Error> {
        let key = Key::random().ok_or(Error::Random)?;
        let state = Mutex::new(State::new(&options, key));
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
        let mut state = self.state();
        let key = state.key.clone();
        *state = State::new(&self.options, key);
    }

    /// All tokens that were issued become invalid. Tells whether the system had numbers for a new key.
    pub(super) fn revoke(&self) -> bool {
        let key = Key::random();
        let is_new = key.is_some();
        if let Some(key) = key {
            self.state().key = key;
        }
        is_new
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
