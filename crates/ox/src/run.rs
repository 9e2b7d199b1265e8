//! The process: from configuration to exit status.

use std::path::PathBuf;

use anyhow::Context as _;
use idspool_ox_soap::Client;
use idspool_provisioner::{Ended, Engine, Mode, Objects};
use idspool_service::{Config, Exit, logging, shutdown};
use idspool_spool::Spool;
use tracing::{error, info};

use crate::client::StopTime;
use crate::dry_run::DryRun;
use crate::recipient::OxRecipient;
use crate::settings::Settings;

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The configuration file.
    pub config: Option<PathBuf>,
    /// In place of `ox.data_dir`.
    pub data: Option<PathBuf>,
    /// Take what is there, then end.
    pub once: bool,
    /// Say nothing but warnings and faults.
    pub quiet: bool,
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
        config.ox.data_dir = std::path::absolute(data)
            .with_context(|| format!("find the data directory {}", data.display()))?;
    }
    if let Some(dry_run) = &options.dry_run {
        // The lines of the rules would say that things were done.
        logging::init("WARNING")?;
        let shutdown = shutdown::install(|| ()).context("catch signals")?;
        return dry_run.run(&config, &shutdown);
    }
    let level = config.ox.log_level.as_str();
    logging::init(if options.quiet { logging::quiet(level) } else { level })?;
    let settings = Settings::new(&config.ox)?;
    let client = client(&config.ox)?;
    crate::admin::adopt::refuse_half_done(&config.ox.data_dir)?;
    let queue = config.ox.queue();
    let consumer = match Spool::create(&queue).and_then(|spool| spool.consumer("idspool-ox")) {
        Ok(consumer) => consumer,
        Err(problem @ idspool_spool::Error::Locked { .. }) => {
            if options.once {
                // Cron starts the next one while this one is still at work: that is no fault.
                info!("{problem}");
            } else {
                error!("{problem}");
            }
            return Ok(Exit::Locked);
        }
        Err(problem) => {
            return Err(problem).with_context(|| format!("open the queue {}", queue.display()));
        }
    };
    let (waker, stop) = (consumer.waker(), StopTime::default());
    let signalled = stop.clone();
    let shutdown = shutdown::install(move || {
        signalled.request();
        waker.wake();
    })
    .context("catch signals")?;
    let recipient = match OxRecipient::with_stop(settings, client, stop) {
        Ok(recipient) => recipient,
        Err(fault) => {
            let remedy = fault.remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default();
            anyhow::bail!("{}{remedy}", fault.message);
        }
    };
    let objects = Objects::open(&queue, OxRecipient::INDEXING)?;
    info!("Provisioning {} to {}", queue.display(), config.ox.soap_server);
    let mode = if options.once { Mode::Once } else { Mode::Daemon };
    let ended = Engine::new(consumer, &recipient, &objects, shutdown).run(mode);
    if let Err(problem) = objects.close() {
        // The index is compared with the files at the next start: slower, nothing else.
        error!("{problem}");
    }
    Ok(match ended {
        Ok(Ended::Done | Ended::Requested) => Exit::Done,
        Ok(Ended::Stopped) => Exit::Stopped,
        Err(problem) => {
            error!("{problem}");
            Exit::Stopped
        }
    })
}

/// The SOAP client of a configuration.
///
/// # Errors
/// The server's address or the CA certificates cannot be used.
pub fn client(config: &idspool_service::Ox) -> Result<Client, idspool_ox_soap::Error> {
    let directory = config.ca_certificates();
    Client::builder(config.soap_server.as_str())
        .connect_timeout(std::time::Duration::from_secs(config.connect_timeout))
        .call_timeout(std::time::Duration::from_secs(config.call_timeout))
        .ca_certificates(Some(directory))
        .ca_bundle(config.ca_bundle.clone())
        .build()
}
