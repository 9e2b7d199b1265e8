//! The client: one server, its connections, and the way of one call.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::answer::{self, Answer, FromReturn, IdOnly, Void};
use crate::credentials::Credentials;
use crate::envelope::{Envelope, ValueError};
use crate::error::{CallSite, Error, FaultClass, Target};
use crate::fault::{Fault, FaultKind, one_line};
use crate::id::{ContextId, OxUserId};
use crate::service::Operation;
use crate::service::context::ContextService;
use crate::service::deputy::DeputyService;
use crate::service::group::GroupService;
use crate::service::resource::ResourceService;
use crate::service::secondary_account::SecondaryAccountService;
use crate::service::user::UserService;
use crate::service::user_copy::UserCopyService;
use crate::transport::{Reply, Transport, TransportError};
use crate::workspace::Workspaces;
use crate::xml::XmlError;

/// Longer than a connection takes on any network that still works.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Creating a context makes OX build a database schema, which takes a minute on a busy server.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// `listGroupsForUser` sends 31 bytes for each user of the context, so this is enough for two
/// million.
const ANSWER_LIMIT: u64 = 64 << 20;
/// `listAll` of users sends some 10 kB for each and is read as a stream, so that this is time
/// rather than memory.
const STREAM_FACTOR: u64 = 64;

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

/// Settings of a [`Client`].
pub struct ClientBuilder {
    base_url: String,
    connect_timeout: Duration,
    call_timeout: Duration,
    answer_limit: u64,
    ca_certificates: Option<PathBuf>,
    ca_bundle: Option<PathBuf>,
    observer: Option<Box<Observer>>,
}

impl ClientBuilder {
    /// Longest time to make a connection, TLS included. Default: 10 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Longest time of a whole call. Default: 120 s.
    #[must_use]
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// Largest answer in bytes. Default: 64 MiB. Lists of ids, which are not kept in memory, may
    /// have 64 times as much.
    #[must_use]
    pub fn answer_limit(mut self, bytes: u64) -> Self {
        self.answer_limit = bytes;
        self
    }

    /// A directory of `*.pem` files with certificates that are trusted beside the system's CA
    /// certificates. The system's place is found as OpenSSL finds it, `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` included. A directory that does not exist holds none. Read once, by
    /// [`Self::build`], for `https` only.
    ///
    /// A file may hold the certificate of a CA, or that of the server itself, which then need not
    /// be signed by anyone else. The host name must be in its subjectAltName either way.
    #[must_use]
    pub fn ca_certificates(mut self, directory: Option<PathBuf>) -> Self {
        self.ca_certificates = directory;
        self
    }

    /// A file of certificates that are trusted as those of the directory (`REQUESTS_CA_BUNDLE`).
    #[must_use]
    pub fn ca_bundle(mut self, file: Option<PathBuf>) -> Self {
        self.ca_bundle = file;
        self
    }

    /// A function that is told about each call, on the thread of the call.
    #[must_use]
    pub fn observer(mut self, observer: impl Fn(&CallInfo) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Checks the settings. Makes no connection.
    ///
    /// # Errors
    /// [`Error::BaseUrl`], [`Error::CaCertificates`].
    pub fn build(self) -> Result<Client, Error> {
        let transport = Transport::new(
            &self.base_url,
            self.connect_timeout,
            self.call_timeout,
            self.ca_certificates,
            self.ca_bundle,
        )?;
        let inner = Inner {
            transport,
            workspaces: Workspaces::default(),
            answer_limit: self.answer_limit,
            observer: self.observer,
        };
        Ok(Client { inner: Arc::new(inner) })
    }
}

impl Client {
    /// Begins the settings of a client of the server at `base_url` (`OX_SOAP_SERVER`): scheme,
    /// host, optional port.
    pub fn builder(base_url: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            base_url: base_url.into(),
            connect_timeout: CONNECT_TIMEOUT,
            call_timeout: CALL_TIMEOUT,
            answer_limit: ANSWER_LIMIT,
            ca_certificates: None,
            ca_bundle: None,
            observer: None,
        }
    }

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

    /// An operation that answers a long list. It is read as it comes in, so that only what is taken
    /// from it is kept.
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
        let (status, location) = reply.read_to(space, self.inner.answer_limit)?;
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

/// Why a call failed, before it is known where.
enum Failure {
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
    fn at(self, site: Box<CallSite>, transport: &Transport) -> Error {
        match self {
            Self::Fault(fault) => Error::Fault { site, fault },
            Self::Status { status, location, excerpt } => {
                Error::Status { site, status, location, excerpt }
            }
            Self::Transport(error) => error.at(site, transport),
            Self::Value(ValueError { field, problem }) => Error::Value { site, field, problem },
            Self::Xml(XmlError::Io(error)) => TransportError::of_io(&error).at(site, transport),
            Self::Xml(XmlError::Malformed(reason)) => Error::Malformed { site, reason },
            Self::Xml(XmlError::Truncated) => {
                Error::Disconnected { site, reason: "its XML ends too early".into() }
            }
            Self::Xml(XmlError::Unexpected(reason)) => Error::Unexpected { site, reason },
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
    one_line(&words.join(" "), 200)
}
