//! The converter as the outside sees it: made from a configuration, run, stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use idspool_directory::{Directory, Interrupt, Settings};
use idspool_service::{Config, ConfigError, Exit, GroupsFrom};
use idspool_spool::{Consumer, Spool, Waker};
use idspool_udm::dn::Dn;

use crate::readings::Readings;
use crate::stage::{MappingStage, WritingStage};
use crate::target::Target;
use crate::work::{IN_FLIGHT, Work};

/// When to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// When told to.
    Daemon,
    /// When everything that was there is done, or something stands in the way.
    Once,
}

/// Why the converter cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No consumer is enabled.
    #[error("no consumer is enabled: set ox.enabled or kelvin.enabled to true")]
    NoConsumer,
    /// The connection to LDAP is configured in a way that cannot work.
    #[error("cannot {0}")]
    Directory(#[from] idspool_directory::Error),
    /// A spool cannot be used.
    #[error("cannot {0}")]
    Spool(#[from] idspool_spool::Error),
    /// The operating system gives us no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
}

impl StartError {
    /// The exit status that goes with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Spool(idspool_spool::Error::Locked { .. }) => Exit::Locked,
            Self::Spool(_) | Self::Thread(_) => Exit::Stopped,
            Self::Config(_) | Self::NoConsumer | Self::Directory(_) => Exit::Usage,
        }
    }
}

/// Asks a running converter to stop, from any thread.
#[derive(Debug, Clone)]
pub struct Stop {
    requested: Arc<AtomicBool>,
    waker: Waker,
    interrupt: Interrupt,
}

impl Stop {
    /// What is being written is finished; nothing new is begun.
    pub fn stop(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.interrupt.interrupt();
        self.waker.wake();
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Listener files that are done.
    pub items: u64,
    /// LDAP searches that were sent.
    pub requests: u64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The exit status.
    pub exit: Exit,
    /// What was done until then.
    pub statistics: Statistics,
}

/// The converter, holding the lock of the listener's spool.
#[derive(Debug)]
pub struct Converter {
    pub(crate) consumer: Consumer,
    pub(crate) directory: Directory,
    pub(crate) targets: Vec<Target>,
    /// Which LDAP attributes they need.
    pub(crate) attributes: Vec<&'static str>,
    pub(crate) groups_from: GroupsFrom,
    pub(crate) group_size: usize,
    country_from_state: bool,
    base: Option<Dn>,
    stop: Stop,
}

impl Converter {
    /// Opens all spools and takes the lock. LDAP is not contacted yet.
    ///
    /// # Errors
    /// Something is wrong that no waiting will mend.
    pub fn new(config: &Config) -> Result<Self, StartError> {
        let directory = Directory::new(Settings::of_config(&config.directory)?)?;
        if !config.ox.enabled && !config.kelvin.enabled {
            return Err(StartError::NoConsumer);
        }
        let consumer = Spool::create(&config.listener.spool)?.consumer("idspool-converter")?;
        let targets = Target::all(config)?;
        let stop = Stop {
            requested: Arc::default(),
            waker: consumer.waker(),
            interrupt: directory.interrupt(),
        };
        Ok(Self {
            consumer,
            directory,
            attributes: Target::attributes(&targets),
            targets,
            groups_from: config.directory.groups_from,
            country_from_state: config.directory.country_from_state,
            base: Dn::parse(&config.directory.base_dn).ok(),
            group_size: config.converter.group_size.max(1),
            stop,
        })
    }

    /// A handle that stops [`Converter::run`].
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Works until `mode` says that it is over, or until asked to stop.
    ///
    /// # Errors
    /// Only [`StartError::Thread`]; whatever stands in the way later is logged, recorded in the
    /// state file, and ends in an exit status.
    pub fn run(self, mode: Mode) -> Result<Outcome, StartError> {
        let (round_sender, rounds) = mpsc::sync_channel(IN_FLIGHT);
        let (mapped_sender, mapped) = mpsc::sync_channel(IN_FLIGHT);
        let (report_sender, reports) = mpsc::channel();
        let listener = self.consumer.spool();
        let mapping = MappingStage {
            listener: listener.clone(),
            targets: self.targets.clone(),
            base: self.base.clone(),
            country_from_state: self.country_from_state,
        };
        let readings = Readings::new(listener);
        let writing = WritingStage { targets: self.targets.clone(), readings };
        thread::scope(|scope| {
            let mapping = thread::Builder::new()
                .name("mapping".into())
                .spawn_scoped(scope, move || mapping.run(&rounds, &mapped_sender))
                .map_err(StartError::Thread)?;
            let writing = thread::Builder::new()
                .name("writing".into())
                .spawn_scoped(scope, move || writing.run(&mapped, &report_sender))
                .map_err(StartError::Thread)?;
            let mut work = Work::new(self, round_sender, reports);
            let exit = work.run(mode);
            let statistics = work.statistics();
            // This closes the channel, which ends the threads one after the other. One that panicked
            // has been reported as what stands in the way.
            drop(work);
            let _ = (mapping.join(), writing.join());
            Ok(Outcome { exit, statistics })
        })
    }
}
