//! The one persistent connection behind [`Directory`]: made when first needed, made anew when lost.
//!
//! The protocol library is asynchronous; a runtime of our own, driven only while a call waits, turns
//! that into blocking calls with time limits. Everything that touches the library runs in tasks of
//! that runtime, because it panics on some malformed messages: a panic ends the task, not us.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult};
use rustls::ClientConfig;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::error::{Error, NOT_LDAP};
use crate::settings::{Endpoint, Settings};
use crate::tls;
use crate::transport::{self, Ended};
use crate::window::Window;

/// How long the task that reads from the socket may take to say why it ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What LDAP client libraries return for a filter that they cannot parse (LDAP_FILTER_ERROR).
const FILTER_ERROR: u32 = 87;

/// A blocking handle on one LDAP server; see the crate's introduction.
pub struct Directory {
    pub(crate) settings: Arc<Settings>,
    endpoint: Endpoint,
    tls: Option<Arc<ClientConfig>>,
    runtime: Runtime,
    session: Option<Session>,
    interrupt: Interrupt,
    pub(crate) requests: u64,
}

struct Session {
    ldap: Ldap,
    window: Window,
    driver: JoinHandle<Result<(), LdapError>>,
    relay: JoinHandle<Ended>,
}

impl Session {
    /// The library tells who waits only that nothing more comes. The tasks between it and the server
    /// know why.
    async fn why_it_ended(self, doing: &'static str, url: String) -> Error {
        let Self { ldap, driver, relay, .. } = self;
        drop(ldap);
        let ended = timeout(LAST_WORDS, driver).await;
        let problem = match timeout(LAST_WORDS, relay).await {
            Ok(Ok(Ended::Malformed(problem))) => Some(problem),
            _ => None,
        };
        let problem = problem.or(match ended {
            // It panicked.
            Ok(Err(_)) => Some(NOT_LDAP),
            Ok(Ok(Err(LdapError::Io { source }))) if is_decoding_error(&source) => Some(NOT_LDAP),
            _ => None,
        });
        match problem {
            Some(problem) => Error::Malformed { doing, url, problem },
            None => Error::Closed { doing, url },
        }
    }

    /// Gives the connection up; nobody is told anything any more.
    async fn close(self) {
        let Self { ldap, driver, relay, .. } = self;
        drop(ldap);
        for task in [driver.abort_handle(), relay.abort_handle()] {
            task.abort();
        }
        // Lets the runtime drop the aborted tasks, and with them the sockets.
        let _aborted = timeout(LAST_WORDS, driver).await;
        let _aborted = timeout(LAST_WORDS, relay).await;
    }
}

/// Ends what a [`Directory`] is waiting for, from another thread (a signal's, say).
#[derive(Clone, Default)]
pub struct Interrupt(Arc<InterruptState>);

#[derive(Default)]
struct InterruptState {
    requested: AtomicBool,
    notify: Notify,
}

impl Interrupt {
    /// The running operation and all later ones end with [`Error::Interrupted`].
    pub fn interrupt(&self) {
        self.0.requested.store(true, Ordering::SeqCst);
        self.0.notify.notify_one();
    }

    async fn requested(&self) {
        while !self.0.requested.load(Ordering::SeqCst) {
            self.0.notify.notified().await;
        }
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Interrupt").field(&self.0.requested).finish()
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("settings", &self.settings)
            .field("is_connected", &self.session.is_some())
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}

impl Directory {
    /// Checks the settings and reads the certificates. Nothing is sent yet.
    ///
    /// # Errors
    /// The URL, the certificates or the credentials cannot be used
    /// ([`Error::is_configuration`]).
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let endpoint = Endpoint::parse(&settings.url)?;
        if let Some(credentials) = &settings.credentials {
            credentials.password()?;
        }
        let needs_tls = match &endpoint {
            Endpoint::Tcp { is_tls, .. } => *is_tls || settings.start_tls,
            Endpoint::Unix { .. } => false,
        };
        let tls = if needs_tls {
            Some(tls::client_config(settings.ca_certificates.as_deref())?)
        } else {
            None
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| Error::Runtime { source })?;
        Ok(Self {
            settings: Arc::new(settings),
            endpoint,
            tls,
            runtime,
            session: None,
            interrupt: Interrupt::default(),
            requests: 0,
        })
    }

    /// Makes sure that there is a connection: connects, switches to TLS and binds if there is none.
    ///
    /// # Errors
    /// Whatever keeps us from a bound connection.
    pub fn connect(&mut self) -> Result<(), Error> {
        if self.session.is_some() {
            return Ok(());
        }
        if self.tls.is_some() {
            // An authority that was added meanwhile needs no restart.
            match tls::client_config(self.settings.ca_certificates.as_deref()) {
                Ok(config) => self.tls = Some(config),
                Err(error) => tracing::warn!("cannot {error}; going on with those read before"),
            }
        }
        let settings = Arc::clone(&self.settings);
        let endpoint = self.endpoint.clone();
        let tls = self.tls.clone();
        let session =
            self.run_task("connect", async move { open(&settings, &endpoint, tls).await })?;
        self.session = Some(session);
        Ok(())
    }

    /// The library's handle on the connection, and what bounds how much it reads, if there is one.
    pub(crate) fn handle(&self) -> Option<(Ldap, Window)> {
        self.session.as_ref().map(|session| (session.ldap.clone(), session.window.clone()))
    }

    /// Starts a task that runs whenever this handle waits for something.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.runtime.spawn(work)
    }

    /// Waits for `work`, or until somebody interrupts.
    pub(crate) fn wait_for<T>(
        &self,
        doing: &'static str,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let interrupt = self.interrupt.clone();
        self.runtime.block_on(async move {
            tokio::select! {
                biased;
                () = interrupt.requested() => {
                    Err(Error::Interrupted { doing, url: self.settings.url.clone() })
                }
                answer = work => Ok(answer),
            }
        })
    }

    /// Gives the connection up; the next operation makes a new one.
    pub fn disconnect(&mut self) {
        let Some(session) = self.session.take() else { return };
        self.runtime.block_on(session.close());
    }

    /// A handle that ends waiting operations from another thread.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// How many searches were sent so far.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Runs `operation` on the connection. When a connection from earlier turns out to be closed
    /// (the server restarted, or dropped an idle client), a new one is tried once.
    pub(crate) fn with_session<T, F, O>(
        &mut self,
        doing: &'static str,
        mut operation: O,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
        O: FnMut(Ldap) -> F,
    {
        loop {
            let was_connected = self.session.is_some();
            self.connect()?;
            let Some(session) = &self.session else {
                return Err(Error::Closed { doing, url: self.settings.url.clone() });
            };
            let task = operation(session.ldap.clone());
            let url = self.settings.url.clone();
            let limit = self.settings.timeout;
            let base = self.settings.base_dn.clone();
            let error = match self.run_task(doing, async move { Ok(task.await) }) {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(Failure::Library(LdapError::LdapResult { result }))) => {
                    return Err(refusal(doing, url, base, result));
                }
                // Nothing was sent.
                Ok(Err(Failure::Library(LdapError::FilterParsing))) => {
                    let text = "the filter is malformed, it was not sent".to_owned();
                    return Err(Error::Refused { doing, url, code: FILTER_ERROR, text });
                }
                Ok(Err(Failure::Library(LdapError::Timeout { .. }))) => {
                    Error::Timeout { doing, url, limit }
                }
                Ok(Err(Failure::Library(_))) => self.why_it_ended(doing),
                Ok(Err(Failure::Answer(problem))) => Error::Malformed { doing, url, problem },
                Err(error) => error,
            };
            if error.breaks_connection() {
                self.disconnect();
            }
            if was_connected && matches!(error, Error::Closed { .. }) {
                tracing::debug!(
                    "the connection to {} was closed, trying a new one",
                    self.settings.url
                );
                continue;
            }
            return Err(error);
        }
    }

    /// Waits for `work` in a task of its own, so that a panic in it is an error, and an interrupt
    /// ends the wait.
    fn run_task<T, F>(&mut self, doing: &'static str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let url = || self.settings.url.clone();
        let interrupt = self.interrupt.clone();
        let outcome = self.runtime.block_on(async move {
            let mut task = tokio::spawn(work);
            tokio::select! {
                biased;
                finished = &mut task => Some(finished),
                () = interrupt.requested() => {
                    task.abort();
                    None
                }
            }
        });
        match outcome {
            None => Err(Error::Interrupted { doing, url: url() }),
            Some(Ok(result)) => result,
            Some(Err(_panic)) => Err(Error::Malformed { doing, url: url(), problem: NOT_LDAP }),
        }
    }

    /// What has ended the connection, which is given up.
    pub(crate) fn why_it_ended(&mut self, doing: &'static str) -> Error {
        let url = self.settings.url.clone();
        match self.session.take() {
            Some(session) => self.runtime.block_on(session.why_it_ended(doing, url)),
            None => Error::Closed { doing, url },
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.disconnect();
    }
}

/// Why an operation on an open connection gave no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    Library(LdapError),
    /// The answer is not what was asked for.
    Answer(&'static str),
}

impl From<LdapError> for Failure {
    fn from(error: LdapError) -> Self {
        Self::Library(error)
    }
}

/// The codec's own error and the one about a message that the end of the stream cut short have the
/// same kind; a server that was killed in the middle of an answer is nothing to blame the URL for.
fn is_decoding_error(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Other && error.to_string() != "bytes remaining on stream"
}

async fn open(
    settings: &Settings,
    endpoint: &Endpoint,
    tls: Option<Arc<ClientConfig>>,
) -> Result<Session, Error> {
    let limit = settings.timeout;
    let late = |doing| Error::Timeout { doing, url: settings.url.clone(), limit };
    let stream = transport::open(settings, endpoint, tls).await?;
    let (ours, theirs) =
        transport::pair(settings.receive_buffer).map_err(|source| Error::Runtime { source })?;
    let connection = LdapConnSettings::new().set_std_stream(theirs);
    let (driver, mut ldap) = LdapConnAsync::with_settings(connection, transport::PAIRED)
        .await
        .map_err(|_| Error::Closed { doing: "connect", url: settings.url.clone() })?;
    let window = Window::default();
    let relay = tokio::spawn(transport::relay(stream, ours, window.clone()));
    let driver = tokio::spawn(driver.drive());
    let session = Session { ldap: ldap.clone(), window, driver, relay };
    if let Some(credentials) = &settings.credentials {
        let password = credentials.password()?;
        let bound = timeout(limit, ldap.simple_bind(&credentials.dn, &password))
            .await
            .map_err(|_| late("bind"))?
            .map_err(drop);
        let Ok(bound) = bound else {
            drop(ldap);
            return Err(session.why_it_ended("bind", settings.url.clone()).await);
        };
        if bound.rc == 49 {
            let dn = credentials.dn.clone();
            return Err(Error::InvalidCredentials { dn, url: settings.url.clone() });
        }
        if bound.rc != 0 {
            let base = credentials.dn.clone();
            return Err(refusal("bind", settings.url.clone(), base, bound));
        }
    }
    Ok(session)
}

pub(crate) fn refusal(doing: &'static str, url: String, base: String, result: LdapResult) -> Error {
    let code = result.rc;
    match code {
        32 => Error::MissingBase { base, url },
        // strongerAuthRequired, confidentialityRequired, inappropriateAuthentication,
        // insufficientAccessRights
        8 | 13 | 48 | 50 => Error::InsufficientAccess { doing, url, code },
        // timeLimitExceeded, sizeLimitExceeded, adminLimitExceeded
        3 | 4 | 11 => Error::LimitExceeded { doing, url, code },
        _ => {
            // The text is the server's; it may be long and have line breaks.
            let text = result.text.chars().filter(|c| !c.is_control()).take(200).collect();
            Error::Refused { doing, url, code, text }
        }
    }
}
