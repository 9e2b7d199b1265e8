//! From the bytes of a request to the bytes of an answer, without HTTP.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::Error;
use super::answer::Answer;
use super::calls::{Call, Calls};
use super::fault::{Fault, FaultName, rejection_envelope};
use super::options::{Failure, FailureKind, Options};
use super::request::{self, Request};
use super::schema::Interface;
use super::service::{self, Desk, Handler};
use super::world::World;

/// The server without its network side.
pub(crate) struct Engine {
    pub(crate) options: Options,
    interfaces: Vec<Service>,
    state: Mutex<State>,
}

struct Service {
    interface: Interface,
    /// By position of the operation.
    handlers: Vec<Option<Handler>>,
}

/// Everything that changes; calls take effect one after the other.
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) calls: Calls,
    failures: Vec<Pending>,
    /// Counter in exception ids.
    faults: u64,
}

/// A failure and how many calls of its operation there were since it was added.
struct Pending {
    failure: Failure,
    seen: u64,
}

/// What goes back to the client.
pub(crate) enum Reply {
    /// The connection is closed without an answer.
    Close,
    /// An envelope with its HTTP status.
    Envelope(u16, String),
    /// Something else than an envelope.
    Other(u16, &'static str, &'static str),
}

impl Engine {
    pub(crate) fn new(options: Options) -> Result<Self, Error> {
        let interfaces = super::wsdl::interfaces()?;
        let world = World::new(&interfaces);
        let interfaces: Vec<Service> = interfaces
            .into_iter()
            .map(|interface| Service {
                handlers: interface
                    .operations
                    .iter()
                    .map(|operation| service::handler(interface.name, &operation.name))
                    .collect(),
                interface,
            })
            .collect();
        let mut failures = Vec::new();
        for failure in &options.failures {
            failures.push(pending(&interfaces, failure.clone())?);
        }
        let state = Mutex::new(State { world, calls: Calls::default(), failures, faults: 0 });
        let engine = Self { options, interfaces, state };
        engine.populate(&mut engine.state());
        Ok(engine)
    }

    /// A panic while the lock was held would be a mistake of ours; the state is used on, as it is
    /// changed only after all checks.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn populate(&self, state: &mut State) {
        for spec in &self.options.contexts {
            service::add_context(&mut state.world, spec);
        }
    }

    /// Back to the beginning: contexts, calls and failures are those of the start.
    pub(crate) fn reset(&self) {
        let mut state = self.state();
        state.world.clear();
        state.calls = Calls::default();
        state.failures = self
            .options
            .failures
            .iter()
            .map(|failure| Pending { failure: failure.clone(), seen: 0 })
            .collect();
        self.populate(&mut state);
    }

    /// Adds all or none.
    pub(crate) fn add_failures(&self, failures: Vec<Failure>) -> Result<(), Error> {
        let pending = failures
            .into_iter()
            .map(|failure| pending(&self.interfaces, failure))
            .collect::<Result<Vec<_>, _>>()?;
        self.state().failures.extend(pending);
        Ok(())
    }

    pub(crate) fn interface(&self, service: &str) -> Option<&Interface> {
        self.interfaces
            .iter()
            .map(|service| &service.interface)
            .find(|interface| interface.name == service)
    }

    /// Handles one request to a service; `None` when there is no such service.
    pub(crate) fn call(&self, service: &str, body: &[u8]) -> Option<Reply> {
        let start = Instant::now();
        let service =
            self.interfaces.iter().find(|candidate| candidate.interface.name == service)?;
        if !self.options.latency.is_zero() {
            std::thread::sleep(self.options.latency);
        }
        let interface = &service.interface;
        let request = match request::parse(interface, body) {
            Ok(request) => request,
            Err(rejection) => {
                let call = Call {
                    outcome: rejection.code().to_owned(),
                    text: rejection.text().to_owned(),
                    ..new_call(interface.name, start)
                };
                self.state().calls.push(call);
                return Some(Reply::Envelope(500, rejection_envelope(&rejection)));
            }
        };
        Some(self.perform(service, &request, start))
    }

    fn perform(&self, service: &Service, request: &Request<'_>, start: Instant) -> Reply {
        let interface = &service.interface;
        let operation = request.operation;
        let (context, object) = service::subject(interface.name, &request.arguments);
        let handler = interface
            .operations
            .iter()
            .position(|candidate| std::ptr::eq(candidate, operation))
            .and_then(|index| service.handlers.get(index).copied().flatten());
        let mut guard = self.state();
        let state = &mut *guard;
        let failure = state.failure(interface.name, &operation.name);
        let mut desk = Desk {
            world: &mut state.world,
            rules: &self.options,
            interface,
            arguments: &request.arguments,
            answer: Answer::new(interface, operation.output.as_ref()),
        };
        let done = match failure {
            None | Some(FailureKind::LateClose) => match handler {
                Some(handler) => handler(&mut desk),
                None => Err(Fault::new(
                    FaultName::Remote,
                    format!(
                        "Operation {} of {} is not implemented by this sandbox",
                        operation.name, interface.name
                    ),
                )),
            },
            Some(FailureKind::DatabaseUpdate) => Err(Fault::new(
                FaultName::DatabaseUpdate,
                "Database is locked or is now beeing updated, please try again later",
            )),
            Some(FailureKind::Remote) => Err(Fault::new(FaultName::Remote, "Failure on purpose")),
            Some(FailureKind::Storage) => Err(Fault::storage("Failure on purpose")),
            Some(FailureKind::Close | FailureKind::Garbage | FailureKind::Http502) => Ok(()),
        };
        let answer = desk.answer.finish();
        let mut call = Call {
            operation: operation.name.clone(),
            context,
            object,
            ..new_call(interface.name, start)
        };
        let reply = match &done {
            Ok(()) => {
                call.outcome = "ok".to_owned();
                Reply::Envelope(200, answer)
            }
            Err(fault) => {
                state.faults += 1;
                call.outcome = fault.name.as_str().to_owned();
                call.text = fault.text.clone();
                Reply::Envelope(500, fault.envelope(interface, &operation.faults, state.faults))
            }
        };
        let reply = match failure {
            Some(FailureKind::Close | FailureKind::LateClose) => Reply::Close,
            Some(FailureKind::Garbage) => Reply::Other(200, "text/xml;charset=UTF-8", GARBAGE),
            Some(FailureKind::Http502) => Reply::Other(502, "text/html", BAD_GATEWAY),
            _ => reply,
        };
        if let (Some(kind), true) = (failure, matches!(reply, Reply::Close | Reply::Other(..))) {
            kind.as_str().clone_into(&mut call.outcome);
        }
        state.calls.push(call);
        reply
    }
}

impl State {
    /// Counts this call against every failure of its operation; the first that is due applies.
    fn failure(&mut self, service: &str, operation: &str) -> Option<FailureKind> {
        let mut due = None;
        for pending in &mut self.failures {
            let failure = &pending.failure;
            let is_meant = failure.service.as_deref().is_none_or(|name| name == service)
                && (failure.operation == operation || failure.operation == "*");
            if is_meant {
                pending.seen += 1;
                let is_due = failure.nth.is_none_or(|nth| nth == pending.seen);
                if is_due && due.is_none() {
                    due = Some(failure.kind);
                }
            }
        }
        self.failures.retain(|pending| pending.failure.nth.is_none_or(|nth| pending.seen < nth));
        due
    }
}

/// A misspelt operation would never fail and the test would prove nothing.
fn pending(services: &[Service], failure: Failure) -> Result<Pending, Error> {
    let is_known = services
        .iter()
        .map(|service| &service.interface)
        .filter(|interface| failure.service.as_deref().is_none_or(|name| name == interface.name))
        .any(|interface| {
            failure.operation == "*" || interface.operation(&failure.operation).is_some()
        });
    if is_known {
        Ok(Pending { failure, seen: 0 })
    } else {
        let service = failure.service.map(|name| name + ".").unwrap_or_default();
        Err(Error::UnknownOperation(service + &failure.operation))
    }
}

fn new_call(service: &'static str, start: Instant) -> Call {
    Call {
        number: 0,
        service,
        operation: String::new(),
        context: None,
        object: String::new(),
        outcome: String::new(),
        text: String::new(),
        milliseconds: start.elapsed().as_secs_f64() * 1000.0,
    }
}

const GARBAGE: &str =
    "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body><cut off";
const BAD_GATEWAY: &str = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>";
