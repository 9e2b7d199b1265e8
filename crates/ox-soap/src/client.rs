//! The client: one server, its connections, and the way of one call.

mod builder;
mod failure;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use idspool_http::{Reply, TransportError};

use crate::answer::{self, Answer, FromReturn, IdOnly, Void};
use crate::credentials::Credentials;
use crate::envelope::{Envelope, ValueError};
use crate::error::{CallSite, Error, FaultClass, Target};
use crate::fault::FaultKind;
use crate::id::{ContextId, OxUserId};
use crate::service::Operation;
use crate::service::context::ContextService;
use crate::service::deputy::DeputyService;
use crate::service::group::GroupService;
use crate::service::resource::ResourceService;
use crate::service::secondary_account::SecondaryAccountService;
use crate::service::user::UserService;
use crate::service::user_copy::UserCopyService;
use crate::transport::Transport;
use crate::workspace::Workspaces;
use crate::xml::XmlError;

/// `listAll` of users sends some 10 kB for each, and lists are read as they come in: this is time
/// rather than memory, for which the limit for answers stands.
const STREAM_FACTOR: u64 = 64;

pub use self::builder::ClientBuilder;
use self::failure::{Failure, excerpt};

/// A client of one OX server. Cheap to clone; clones share the connections. May be used from
/// several threads at once.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    transport: Transport,
    workspaces: Workspaces,
    answer_limit: u64,
    observer: Option<Box<Observer>>,
}

type Observer = dyn Fn(&CallInfo) + Send + Sync;

/// What the observer is told after each call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CallInfo {
    /// Service name, e.g. `OXUserService`.
    pub service: &'static str,
    /// Operation name, e.g. `change`.
    pub operation: &'static str,
    /// The context the call is about.
    pub context: Option<ContextId>,
    /// From the first byte of the request to the end of the answer.
    pub duration: Duration,
    /// How it went.
    pub outcome: CallOutcome,
    /// HTTP requests made: 2 when a broken connection made one repetition necessary, 0 when a value
    /// kept the call from being sent.
    pub requests: u32,
}

/// How a call went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// OX did it.
    Done,
    /// OX answered a fault.
    Fault(FaultKind),
    /// Anything else went wrong.
    Error(FaultClass),
}

impl Client {
    /// Calls about contexts; `master` is the master administrator.
    #[must_use]
    pub const fn contexts<'a>(&'a self, master: &'a Credentials) -> ContextService<'a> {
        ContextService::new(self, master)
    }

    /// Calls about the users of a context; `admin` is the context's administrator.
    #[must_use]
    pub const fn users<'a>(
        &'a self,
        context: ContextId,
        admin: &'a Credentials,
    ) -> UserService<'a> {
        UserService::new(self, context, admin)
    }

    /// Calls about the groups of a context; `admin` is the context's administrator.
    #[must_use]
    pub const fn groups<'a>(
        &'a self,
        context: ContextId,
        admin: &'a Credentials,
    ) -> GroupService<'a> {
        GroupService::new(self, context, admin)
    }

    /// Calls about the resources of a context; `admin` is the context's administrator.
    #[must_use]
    pub const fn resources<'a>(
        &'a self,
        context: ContextId,
        admin: &'a Credentials,
    ) -> ResourceService<'a> {
        ResourceService::new(self, context, admin)
    }

    /// Calls about the secondary mail accounts of a context; `admin` is the context's administrator.
    #[must_use]
    pub const fn secondary_accounts<'a>(
        &'a self,
        context: ContextId,
        admin: &'a Credentials,
    ) -> SecondaryAccountService<'a> {
        SecondaryAccountService::new(self, context, admin)
    }

    /// Calls about the deputy permissions of a context; `admin` is the context's administrator.
    #[must_use]
    pub const fn deputies<'a>(
        &'a self,
        context: ContextId,
        admin: &'a Credentials,
    ) -> DeputyService<'a> {
        DeputyService::new(self, context, admin)
    }

    /// Copies of users between contexts; `master` is the master administrator.
    #[must_use]
    pub const fn user_copies<'a>(&'a self, master: &'a Credentials) -> UserCopyService<'a> {
        UserCopyService::new(self, master)
    }

    /// An operation that answers one object.
    pub(crate) fn call_one<T: FromReturn>(
        &self,
        operation: &'static Operation,
        target: &Target<'_>,
        write: impl FnOnce(&mut Envelope<'_>) -> Result<(), ValueError>,
    ) -> Result<T, Error> {
        let mut returns = self.call_all(operation, target, write)?;
        match (returns.pop(), returns.is_empty()) {
            (Some(one), true) => Ok(one),
            (Some(_), false) => Err(self.unexpected(operation, target, "several objects for one")),
            (None, _) => Err(self.unexpected(operation, target, "no object")),
        }
    }

    /// An operation that answers nothing.
    pub(crate) fn call_void(
        &self,
        operation: &'static Operation,
        target: &Target<'_>,
        write: impl FnOnce(&mut Envelope<'_>) -> Result<(), ValueError>,
    ) -> Result<(), Error> {
        self.call_all::<Void>(operation, target, write).map(drop)
    }

    /// An operation that answers a list.
    pub(crate) fn call_all<T: FromReturn>(
        &self,
        operation: &'static Operation,
        target: &Target<'_>,
        write: impl FnOnce(&mut Envelope<'_>) -> Result<(), ValueError>,
    ) -> Result<Vec<T>, Error> {
        self.call(operation, target, write, |reply, space| self.read_whole(operation, reply, space))
    }

    /// An operation that answers a long list. It is read as it comes in, and what is taken from it is
    /// what the limit for answers counts.
    pub(crate) fn call_long<T: FromReturn>(
        &self,
        operation: &'static Operation,
        target: &Target<'_>,
        write: impl FnOnce(&mut Envelope<'_>) -> Result<(), ValueError>,
    ) -> Result<Vec<T>, Error> {
        self.call(operation, target, write, |reply, space| match reply.status {
            200 => self.read_stream(operation, reply),
            _ => self.read_whole(operation, reply, space),
        })
    }

    /// The same, when only the ids of the objects are wanted.
    pub(crate) fn call_ids(
        &self,
        operation: &'static Operation,
        target: &Target<'_>,
        write: impl FnOnce(&mut Envelope<'_>) -> Result<(), ValueError>,
    ) -> Result<Vec<OxUserId>, Error> {
        let ids: Vec<IdOnly> = self.call_long(operation, target, write)?;
        Ok(ids.into_iter().map(|IdOnly(id)| OxUserId::new(id)).collect())
    }

    /// The error for an answer that OX does not give.
    pub(crate) fn unexpected(
        &self,
        operation: &Operation,
        target: &Target<'_>,
        found: &str,
    ) -> Error {
        let site = self.site(operation, target);
        Error::Unexpected { site, reason: format!("it holds {found}") }
    }

    /// One call from the request to the answer, and the word to the observer.
    fn call<T>(
        &self,
        operation: &'static Operation,
        target: &Target<'_>,
        write: impl FnOnce(&mut Envelope<'_>) -> Result<(), ValueError>,
        read: impl Fn(Reply, &mut Vec<u8>) -> Result<Vec<T>, Failure>,
    ) -> Result<Vec<T>, Error> {
        let begin = Instant::now();
        let mut requests = 0;
        let result = self.inner.workspaces.lend(|space| {
            let mut envelope = Envelope::begin(&mut space.request, operation);
            write(&mut envelope).map_err(Failure::Value)?;
            envelope.finish();
            loop {
                requests += 1;
                let reply = self.inner.transport.post(operation, space.request.as_bytes());
                let result =
                    reply.map_err(Failure::from).and_then(|reply| read(reply, &mut space.answer));
                match result {
                    // A server may close an idle connection in the very moment in which we send on
                    // it. Whether it has read the request cannot be known, so only what changes
                    // nothing is repeated.
                    Err(Failure::Transport(TransportError::Disconnected(reason)))
                        if operation.reads_only && requests == 1 =>
                    {
                        tracing::debug!(
                            operation = operation.name,
                            reason,
                            "connection lost, reading again"
                        );
                    }
                    result => return result,
                }
            }
        });
        let result = result
            .map_err(|failure| failure.at(self.site(operation, target), &self.inner.transport));
        self.observe(operation, target, begin.elapsed(), requests, &result);
        result
    }

    fn read_whole<T: FromReturn>(
        &self,
        operation: &Operation,
        reply: Reply,
        space: &mut Vec<u8>,
    ) -> Result<Vec<T>, Failure> {
        let (status, location) = (reply.status, reply.location());
        reply.read_to(space, self.inner.answer_limit)?;
        match answer::read(space.as_slice(), operation) {
            Ok(Answer::Fault(fault)) => Err(Failure::Fault(fault)),
            Ok(Answer::Return(returns)) if status == 200 => Ok(returns),
            Err(error) if status == 200 => Err(Failure::Xml(error)),
            // OX answers 200 or a fault. This comes from something before it.
            _ => Err(Failure::Status { status, location, excerpt: excerpt(space) }),
        }
    }

    fn read_stream<T: FromReturn>(
        &self,
        operation: &Operation,
        reply: Reply,
    ) -> Result<Vec<T>, Failure> {
        let mut source = reply.into_stream(
            self.inner.answer_limit.saturating_mul(STREAM_FACTOR),
            self.inner.answer_limit,
        );
        match answer::read(&mut source, operation) {
            Ok(Answer::Fault(fault)) => Err(Failure::Fault(fault)),
            Ok(Answer::Return(returns)) => {
                source.finish();
                Ok(returns)
            }
            Err(XmlError::Io(error)) => Err(Failure::Transport(TransportError::of_io(&error))),
            Err(error) => Err(Failure::Xml(error)),
        }
    }

    fn site(&self, operation: &Operation, target: &Target<'_>) -> Box<CallSite> {
        Box::new(CallSite::new(operation, target, self.inner.transport.server()))
    }

    fn observe<T>(
        &self,
        operation: &Operation,
        target: &Target<'_>,
        duration: Duration,
        requests: u32,
        result: &Result<T, Error>,
    ) {
        let outcome = match result {
            Ok(_) => CallOutcome::Done,
            Err(error) => match error.fault_kind() {
                Some(kind) => CallOutcome::Fault(kind.clone()),
                None => CallOutcome::Error(error.fault_class()),
            },
        };
        tracing::debug!(
            service = operation.service.as_str(),
            operation = operation.name,
            context = target.context.map(ContextId::value),
            ?duration,
            ?outcome,
            "called OX"
        );
        if let Some(observer) = &self.inner.observer {
            observer(&CallInfo {
                service: operation.service.as_str(),
                operation: operation.name,
                context: target.context,
                duration,
                outcome,
                requests,
            });
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", &self.inner.transport.server())
            .finish_non_exhaustive()
    }
}
