//! `idspool-listener`: arguments in, exit status out.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use idspool_directory::Interrupt;
use idspool_listener::arguments::{Action, Arguments, Hook, Resync, Watch};
use idspool_listener::resync::Resyncer;
use idspool_listener::watch::{WatchMode, WatchSettings, Watcher};
use idspool_service::{Config, Exit, logging, shutdown};

/// What the server sends is hundreds of small allocations per entry; the system's allocator does not
/// give their memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let exit = match Arguments::parse().action {
        Action::Hook(arguments) => hook(arguments),
        Action::Watch(arguments) => watch(&arguments),
        Action::Resync(arguments) => resync(&arguments),
    };
    exit.into()
}

fn hook(arguments: Hook) -> Exit {
    match idspool_listener::run(arguments) {
        Ok(_) => Exit::Done,
        Err(error) => {
            // No log line: whoever called reads this.
            refuse(&error);
            if error.is_usage() { Exit::Usage } else { Exit::Stopped }
        }
    }
}

fn watch(arguments: &Watch) -> Exit {
    let config = match Config::load(arguments.config.as_deref()) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    if let Err(error) = logging::init(&config.listener.log_level) {
        return refuse(&error);
    }
    let made =
        WatchSettings::new(&config).and_then(|settings| Watcher::new(settings, arguments.adopt));
    let watcher = match made {
        Ok(watcher) => watcher,
        // Cron starts the next one while this one is still at work, and sends a mail for every word.
        Err(error) if arguments.once && error.exit() == Exit::Locked => return Exit::Locked,
        Err(error) => {
            tracing::error!("{error}");
            return error.exit();
        }
    };
    let stop = watcher.stop();
    if let Err(error) = shutdown::install(move || stop.stop()) {
        tracing::error!("Cannot listen for signals: {error}");
        return Exit::Stopped;
    }
    let mode = if arguments.once { WatchMode::Once } else { WatchMode::Daemon };
    watcher.run(mode)
}

fn resync(arguments: &Resync) -> Exit {
    let outcome = Resyncer::new(arguments).and_then(|mut resyncer| {
        let interrupts = resyncer.interrupts();
        // Without it a signal ends the process at once, which the spool survives.
        let _unlikely = shutdown::install(move || {
            interrupts.iter().for_each(Interrupt::interrupt);
        });
        resyncer.run()
    });
    match outcome {
        Ok(resynced) => {
            let mut text = String::new();
            for (module, count) in &resynced.counts {
                text.push_str(&format!("{count} {module}\n"));
            }
            text.push_str(&format!("{} enqueued\n", resynced.total()));
            let _closed = std::io::stdout().write_all(text.as_bytes());
            Exit::Done
        }
        Err(error) => {
            refuse(&error);
            error.exit()
        }
    }
}

/// A closed standard error changes nothing.
fn refuse(error: &dyn std::error::Error) -> Exit {
    let _ = writeln!(std::io::stderr(), "idspool-listener: {error}");
    Exit::Usage
}
