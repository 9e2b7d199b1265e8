//! `idspool-converter`: arguments in, exit status out.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use idspool_converter::arguments::Arguments;
use idspool_converter::{Converter, Mode};
use idspool_service::{Config, Exit, logging, shutdown};

/// An LDAP entry is hundreds of small allocations that one thread makes and another one frees. The
/// system's allocator makes them wait for each other; this one was made for it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(&Arguments::parse()).into()
}

fn run(arguments: &Arguments) -> Exit {
    let config = match Config::load(arguments.config.as_deref()) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    let level = config.converter.log_level.as_str();
    let level = if arguments.quiet { logging::quiet(level) } else { level };
    if let Err(error) = logging::init(level) {
        return refuse(&error);
    }
    let converter = match Converter::new(&config) {
        Ok(converter) => converter,
        Err(error) if arguments.once && error.exit() == Exit::Locked => {
            // Cron starts the next one while this one is still at work: that is no fault.
            tracing::info!("{error}");
            return Exit::Locked;
        }
        Err(error) => {
            tracing::error!("{error}");
            return error.exit();
        }
    };
    let stop = converter.stop();
    if let Err(error) = shutdown::install(move || stop.stop()) {
        tracing::error!("Cannot listen for signals: {error}");
        return Exit::Stopped;
    }
    tracing::info!(
        "idspool-converter {} reads {}",
        env!("CARGO_PKG_VERSION"),
        config.listener.spool.display()
    );
    let mode = if arguments.once { Mode::Once } else { Mode::Daemon };
    match converter.run(mode) {
        Ok(outcome) => {
            let statistics = outcome.statistics;
            tracing::info!(
                "Converted {} changes with {} LDAP requests",
                statistics.items,
                statistics.requests
            );
            outcome.exit
        }
        Err(error) => {
            tracing::error!("{error}");
            error.exit()
        }
    }
}

/// Before logging has started.
fn refuse(error: &dyn std::error::Error) -> Exit {
    let _ = writeln!(std::io::stderr(), "idspool-converter: {error}");
    Exit::Usage
}
