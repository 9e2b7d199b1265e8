//! What the supervisor knows of a thread.

use std::fmt;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Instant;

use super::outcome::Outcome;
use super::standing::Job;
use super::stop::Stop;
use super::supervisor::Event;
use crate::conf::AuthorityName;

/// Whose thread it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// The one between the in queue and the out queues.
    Router,
    /// That of an authority.
    Authority(AuthorityName),
}

impl Who {
    /// The kernel shows the first 15 bytes.
    pub(super) fn thread_name(&self) -> String {
        match self {
            Self::Router => "router".to_owned(),
            Self::Authority(name) => format!("a {name}"),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Router => f.write_str("InQueue"),
            Self::Authority(name) => write!(f, "OutQueue({name})"),
        }
    }
}

/// A thread that runs, or is to run.
#[derive(Default)]
pub(super) struct Thread {
    /// What an authority's thread is to do.
    pub(super) wanted: Option<Job>,
    pub(super) running: Option<Running>,
    /// How often it came to its end unasked, and when it is begun again.
    pub(super) ends: u64,
    pub(super) due: Option<Instant>,
}

/// A thread that runs.
pub(super) struct Running {
    pub(super) job: Option<Job>,
    pub(super) stop: Stop,
    pub(super) begun: Instant,
    /// When what is under way is waited for no longer.
    pub(super) breaks_at: Option<Instant>,
    pub(super) thread: JoinHandle<Outcome>,
}

/// Tells that a thread came to its end, however it did.
pub(super) struct Announce(pub(super) Sender<Event>, pub(super) Who);

impl Drop for Announce {
    fn drop(&mut self) {
        // Nobody listens any more when the process ends.
        let _ended = self.0.send(Event::Ended(self.1.clone()));
    }
}
