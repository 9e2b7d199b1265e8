//! The process: from configuration to exit status.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use idspool_provisioner::Mode;
use idspool_service::{Config, Exit, logging, shutdown};
use tracing::info;

use crate::Layout;
use crate::conf::{self, AuthorityName, Current, Loaded};
use crate::serve::{Equipment, Event, Selection, Standing, Supervisor, Task};

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
    let level = config.kelvin.log_level.as_str();
    logging::init(if options.quiet { logging::quiet(level) } else { level })?;
    let layout = Layout::new(&config.kelvin);
    let loaded = conf::load(&layout)?;
    let selection = selection(options, &loaded)?;
    let equip = Arc::new(Equipment::new(config)?);
    info!("IDConnectorService {} starting...", env!("CARGO_PKG_VERSION"));
    let mut standing = Standing::default();
    standing.take_over(Ok(loaded), &layout);
    let mode = if options.once { Mode::Once } else { Mode::Daemon };
    let current = Current::default();
    let task = Task { layout, mode, router: None, selection, equip, current };
    let supervisor = Supervisor::new(task, standing);
    let events = supervisor.sender();
    let _signals = shutdown::install(move || {
        // Nobody listens any more when the process ends anyway.
        let _ended = events.send(Event::Stop);
    })
    .context("catch signals")?;
    let exit = supervisor.run();
    info!("IDConnectorService {} stopped.", env!("CARGO_PKG_VERSION"));
    Ok(exit)
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
