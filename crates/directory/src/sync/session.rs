//! Searches that are kept in step: refreshed once, or followed until somebody says stop.

use std::fmt;
use std::time::Duration;

use ldap3::controls::{CriticalControl, MakeCritical as _, RefreshMode, SyncRequest};
use ldap3::{Ldap, LdapError, LdapResult, Scope};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::message::{self, SyncMessage};
use crate::connection::{Directory, Failure, refusal};
use crate::error::{Error, NOT_LDAP};
use crate::window::Window;

const DOING: &str = "follow the directory";

/// Messages that are decoded ahead of whoever takes them.
const AHEAD: usize = 1024;

/// What is to be kept in step.
#[derive(Debug, Clone)]
pub struct SyncSearch {
    /// DN below which entries count, itself included.
    pub base: String,
    /// Which entries count.
    pub filter: String,
    /// Attributes to be sent with each.
    pub attributes: Vec<String>,
    /// Where an earlier synchronisation of the same base and filter got to.
    pub cookie: Option<Vec<u8>>,
}

/// When a synchronisation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncMode {
    /// When we have what is there.
    Refresh,
    /// Never: what changes is sent as it happens.
    Persist,
}

enum Event {
    Message(SyncMessage),
    /// The search is over.
    Done(LdapResult),
    Failed(Failure),
}

/// Running synchronisations. They end when this is dropped, with their connection.
pub struct Synchronisation<'d> {
    directory: &'d mut Directory,
    bases: Vec<String>,
    mode: SyncMode,
    receiver: mpsc::Receiver<(usize, Event)>,
    window: Window,
    tasks: Vec<JoinHandle<()>>,
    /// Searches that have not ended yet.
    open: usize,
    failure: Option<Error>,
}

impl fmt::Debug for Synchronisation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Synchronisation")
            .field("bases", &self.bases)
            .field("mode", &self.mode)
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

impl Directory {
    /// Starts to synchronise, over a connection of its own: whatever was on this one is given up.
    ///
    /// # Errors
    /// No connection. What the server says to the searches comes with [`Synchronisation::receive`].
    pub fn synchronise(
        &mut self,
        searches: Vec<SyncSearch>,
        mode: SyncMode,
    ) -> Result<Synchronisation<'_>, Error> {
        self.disconnect();
        self.connect()?;
        let closed = Error::Closed { doing: DOING, url: self.settings.url.clone() };
        let (ldap, window) = self.handle().ok_or(closed)?;
        window.bound();
        self.requests += searches.len() as u64;
        let (sender, receiver) = mpsc::channel(AHEAD);
        let bases: Vec<String> = searches.iter().map(|search| search.base.clone()).collect();
        let open = searches.len();
        // A task for each, since the library may panic on what it is sent.
        let tasks = searches
            .into_iter()
            .enumerate()
            .map(|(index, search)| {
                let sink = Sink { index, sender: sender.clone(), window: window.clone() };
                self.spawn(follow(ldap.clone(), search, mode, sink))
            })
            .collect();
        Ok(Synchronisation {
            directory: self,
            bases,
            mode,
            receiver,
            window,
            tasks,
            open,
            failure: None,
        })
    }
}

impl Synchronisation<'_> {
    /// Waits for messages and appends what is there, at most `most`, each with the number of the
    /// search that it belongs to. Nothing is appended when `wait` has passed, or when all searches
    /// have ended (see [`Synchronisation::is_over`]).
    ///
    /// As long as nobody calls this, nothing is read from the connection, and the server has to wait. It
    /// has to as well while about a megabyte has been read and not been taken.
    ///
    /// # Errors
    /// The connection or a search has failed. What came before it has been handed over.
    pub fn receive(
        &mut self,
        into: &mut Vec<(usize, SyncMessage)>,
        most: usize,
        wait: Option<Duration>,
    ) -> Result<(), Error> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        if self.open == 0 {
            return Ok(());
        }
        let mut events = Vec::new();
        let is_late = {
            let (receiver, events) = (&mut self.receiver, &mut events);
            let gather = gather(receiver, events, most);
            self.directory.wait_for(DOING, async move {
                match wait {
                    None => gather.await,
                    Some(limit) => return tokio::time::timeout(limit, gather).await.is_err(),
                }
                false
            })?
        };
        if events.is_empty() {
            if is_late {
                self.window.clear();
                return Ok(());
            }
            // All tasks are gone, and one of them without a word.
            return Err(self.directory.why_it_ended(DOING));
        }
        let before = into.len();
        for (index, event) in events {
            self.window.take();
            match self.accept(index, event) {
                Ok(Some(message)) => into.push((index, message)),
                Ok(None) => {}
                Err(error) if into.len() == before => return Err(error),
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether all searches have ended, as they do when they only refresh.
    pub fn is_over(&self) -> bool {
        self.open == 0 && self.failure.is_none()
    }

    fn accept(&mut self, index: usize, event: Event) -> Result<Option<SyncMessage>, Error> {
        let url = || self.directory.settings.url.clone();
        match event {
            Event::Message(message) => Ok(Some(message)),
            Event::Done(result) => {
                self.open = self.open.saturating_sub(1);
                self.ended(index, result)
            }
            Event::Failed(Failure::Answer(problem)) => {
                Err(Error::Malformed { doing: DOING, url: url(), problem })
            }
            Event::Failed(Failure::Library(LdapError::FilterParsing)) => {
                let text = "the filter is malformed, it was not sent".to_owned();
                Err(Error::Refused { doing: DOING, url: url(), code: 87, text })
            }
            Event::Failed(Failure::Library(_)) => Err(self.directory.why_it_ended(DOING)),
        }
    }

    fn ended(&self, index: usize, result: LdapResult) -> Result<Option<SyncMessage>, Error> {
        let url = self.directory.settings.url.clone();
        match result.rc {
            0 if self.mode == SyncMode::Refresh => message::decode_done(&result.ctrls)
                .map(Some)
                .map_err(|problem| Error::Malformed { doing: DOING, url, problem }),
            // It should go on for ever; a proxy in between may think otherwise.
            0 => Err(Error::Closed { doing: DOING, url }),
            // unavailableCriticalExtension: with the module but without the overlay, too.
            12 => Err(Error::NoSynchronisation { url }),
            // e-syncRefreshRequired (RFC 4533 5); slapd says unwillingToPerform when its state is
            // older than the cookie.
            4096 | 53 => {
                let text = result.text.chars().filter(|c| !c.is_control()).take(200).collect();
                Err(Error::CookieRefused { url, code: result.rc, text })
            }
            _ => {
                let base = self.bases.get(index).cloned().unwrap_or_default();
                Err(refusal(DOING, url, base, result))
            }
        }
    }
}

impl Drop for Synchronisation<'_> {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        // The searches would go on at the server otherwise.
        self.directory.disconnect();
    }
}

/// Waits for events, and takes as many as there are, at most so many; none if no more will come.
async fn gather(
    receiver: &mut mpsc::Receiver<(usize, Event)>,
    events: &mut Vec<(usize, Event)>,
    most: usize,
) {
    // The tasks hand over a few at a time, and go on while we let them.
    while receiver.recv_many(events, most - events.len()).await > 0 && events.len() < most {
        tokio::task::yield_now().await;
        if receiver.is_empty() {
            break;
        }
    }
}

/// Where the messages of one search go.
#[derive(Debug, Clone)]
struct Sink {
    index: usize,
    sender: mpsc::Sender<(usize, Event)>,
    window: Window,
}

impl Sink {
    /// `false`: nobody wants them any more.
    async fn send(&self, event: Event) -> bool {
        self.sender.send((self.index, event)).await.is_ok()
    }
}

async fn follow(ldap: Ldap, search: SyncSearch, mode: SyncMode, sink: Sink) {
    // A panic in here must be a word, too, when the other searches go on.
    let last = match tokio::spawn(messages(ldap, search, mode, sink.clone())).await {
        Ok(last) => last,
        Err(_) => Event::Failed(Failure::Answer(NOT_LDAP)),
    };
    sink.send(last).await;
}

/// Hands over all messages; returns how it ended.
async fn messages(mut ldap: Ldap, search: SyncSearch, mode: SyncMode, sink: Sink) -> Event {
    let mode = match mode {
        SyncMode::Refresh => RefreshMode::RefreshOnly,
        SyncMode::Persist => RefreshMode::RefreshAndPersist,
    };
    let request = SyncRequest { mode, cookie: search.cookie, reload_hint: false };
    // Critical: a server that ignores it would answer with a plain list.
    let request: CriticalControl<SyncRequest> = request.critical();
    ldap.with_controls(request);
    let opened =
        ldap.streaming_search(&search.base, Scope::Subtree, &search.filter, search.attributes);
    let mut stream = match opened.await {
        Ok(stream) => stream,
        Err(error) => return Event::Failed(error.into()),
    };
    loop {
        let message = match stream.next().await {
            Ok(Some(result)) => message::decode(result),
            Ok(None) => return Event::Done(stream.finish().await),
            Err(error) => return Event::Failed(error.into()),
        };
        match message {
            Ok(None) => sink.window.take(),
            Ok(Some(message)) => {
                if !sink.send(Event::Message(message)).await {
                    return Event::Failed(Failure::Answer(NOT_LDAP));
                }
            }
            Err(problem) => return Event::Failed(Failure::Answer(problem)),
        }
    }
}
