//! The process: from configuration to exit status.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use idspool_provisioner::Mode;
use idspool_service::{Config, Exit, logging, shutdown};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, error, info, warn};

use crate::conf::{self, AuthorityName, Loaded};
use crate::dry_run::{DryRun, Work};
use crate::routing::{Current, RouterError};
use crate::serve::{Equipment, Event, InQueue, Routing, Selection, Standing, Supervisor, Task};
use crate::{Layout, Settings};

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The configuration file.
    pub config: Option<PathBuf>,
    /// In place of `kelvin.data_dir`.
    pub data: Option<PathBuf>,
    /// Take what is there, then end.
    pub once: bool,
    /// Say nothing but warnings and faults.
    pub quiet: bool,
    /// Work on the out queue of this authority alone.
    pub authority: Option<String>,
    /// Distribute the in queue; with no authority, nothing else.
    pub route: bool,
    /// Only tell what would be done.
    pub dry_run: Option<DryRun>,
}

/// Runs the provisioner until it is done or asked to stop.
///
/// # Errors
/// Only what is wrong with configuration or environment: [`Exit::Usage`]. Everything later is in the
/// log and the exit status.
pub fn run(options: &Options) -> anyhow::Result<Exit> {
    let mut config = Config::load(options.config.as_deref())?;
    if let Some(data) = &options.data {
        config.kelvin.data_dir = std::path::absolute(data)
            .with_context(|| format!("find the data directory {}", data.display()))?;
    }
    if let Some(dry_run) = &options.dry_run {
        return rehearse(&config, options, dry_run);
    }
    let level = config.kelvin.log_level.as_str();
    logging::init(if options.quiet { logging::quiet(level) } else { level })?;
    let layout = Layout::new(&config.kelvin);
    let loaded = conf::load(&layout)?;
    let selection = selection(options, &loaded)?;
    let current = Current::default();
    let router: Option<Box<dyn Routing>> = if options.authority.is_none() || options.route {
        let containers = Settings::new(&config.kelvin).containers;
        let directory = idspool_directory::Settings::of_config(&config.directory)?;
        match InQueue::open(layout.clone(), containers, current.clone(), directory) {
            Ok(queue) => Some(Box::new(queue)),
            Err(RouterError::InQueue(problem @ idspool_spool::Error::Locked { .. })) => {
                if options.once {
                    // Cron starts the next one while this one is still at work: that is no fault.
                    info!("{problem}");
                } else {
                    error!("{problem}");
                }
                return Ok(Exit::Locked);
            }
            Err(problem) => {
                let place = layout.in_queue();
                return Err(problem).with_context(|| format!("open the queue {}", place.display()));
            }
        }
    } else {
        None
    };
    let equip = Arc::new(Equipment::new(config)?);
    allow_many_files();
    info!("IDConnectorService {} starting...", env!("CARGO_PKG_VERSION"));
    let mut standing = Standing::default();
    standing.take_over(Ok(loaded), &layout);
    let mode = if options.once { Mode::Once } else { Mode::Daemon };
    let task = Task { layout, mode, router, selection, equip, current };
    let supervisor = Supervisor::new(task, standing);
    let events = supervisor.sender();
    shutdown::install(move || {
        // Nobody listens any more when the process ends anyway.
        let _ended = events.send(Event::Stop);
    })
    .context("catch signals")?;
    let exit = supervisor.run();
    info!("IDConnectorService {} stopped.", env!("CARGO_PKG_VERSION"));
    Ok(exit)
}

fn rehearse(config: &Config, options: &Options, dry_run: &DryRun) -> anyhow::Result<Exit> {
    // The lines of the rules would say that things were done.
    logging::init("WARNING")?;
    let layout = Layout::new(&config.kelvin);
    let loaded = conf::load(&layout)?;
    let shutdown = shutdown::install(|| ()).context("catch signals")?;
    let authorities = match selection(options, &loaded)? {
        Selection::One(name) => loaded.authority(&name).into_iter().cloned().collect(),
        Selection::All | Selection::None => {
            loaded.usable().filter(|authority| authority.active).cloned().collect()
        }
    };
    for problem in loaded.problems() {
        warn!("{problem}; what waits for it is not looked at");
    }
    let (layout, loaded, shutdown) = (&layout, &loaded, &shutdown);
    dry_run.run(&Work { config, layout, loaded, authorities, shutdown })
}

/// Each authority takes a dozen open files, and the usual limit of 1,024 is there for programs of another age. What
/// the administrator has set as the hard limit holds.
fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        debug!("the limit of open files stays as it is: {error}");
    }
}

/// Which authorities are worked on.
fn selection(options: &Options, loaded: &Loaded) -> anyhow::Result<Selection> {
    let Some(text) = &options.authority else {
        return Ok(if options.route { Selection::None } else { Selection::All });
    };
    let name: AuthorityName = text.parse()?;
    if !loaded.names().any(|known| *known == name) {
        let names: Vec<String> = loaded.names().map(|name| format!("'{name}'")).collect();
        bail!("there is no school authority '{name}': known are [{}]", names.join(", "));
    }
    if loaded.authority(&name).is_some_and(|authority| !authority.active) {
        bail!(
            "school authority '{name}' is not active, so nothing is delivered to it; see: idspool \
             kelvin authorities activate"
        );
    }
    Ok(Selection::One(name))
}
