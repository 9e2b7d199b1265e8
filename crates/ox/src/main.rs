//! `idspool-ox`: provisions OX App Suite.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use idspool_service::Exit;

/// Provisions OX App Suite: takes the items of the queue in order and brings OX to their state.
///
/// Runs in the foreground until SIGTERM or SIGINT. Settings come from the configuration file and from
/// environment variables such as OX_SOAP_SERVER and OX_MASTER_PASSWORD; a file is not needed when the
/// environment says enough.
///
/// Exit status: 0 done; 1 stopped at a faulty item; 2 wrong usage or configuration; 3 another
/// instance holds the lock.
#[derive(Debug, Parser)]
#[command(name = "idspool-ox", version)]
struct Arguments {
    /// Configuration file [default: $IDSPOOL_CONFIG, ./idspool.toml, /etc/idspool/idspool.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data directory, in place of ox.data_dir
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Take what is there, then exit
    #[arg(long)]
    once: bool,
    /// Say nothing but warnings and faults, for cron; not even that another one is at work
    #[arg(long, requires = "once")]
    quiet: bool,
    /// Tell what would be done with each waiting item, and change nothing
    ///
    /// Nothing is written, touched or locked in the data directory, and OX is only read from, so this
    /// may be run beside a running idspool-ox. Exit status: 0 all items would succeed; 1 a fault is
    /// foreseen; 2 wrong usage or configuration.
    #[arg(long, conflicts_with = "once")]
    dry_run: bool,
    /// With --dry-run: one JSON object per item, and one with the sums at the end
    #[arg(long, requires = "dry_run")]
    json: bool,
    /// With --dry-run: only this waiting item, by name or path; may be given several times
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    item: Vec<PathBuf>,
    /// With --dry-run: only the first N items
    #[arg(long, value_name = "N", requires = "dry_run")]
    limit: Option<usize>,
    /// With --dry-run: ask OX nothing; what was last delivered counts as what it has
    #[arg(long, requires = "dry_run")]
    offline: bool,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _closed = error.print();
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            return exit.into();
        }
    };
    let options = idspool_ox::Options {
        config: arguments.config,
        data: arguments.data,
        once: arguments.once,
        quiet: arguments.quiet,
        dry_run: arguments.dry_run.then_some(idspool_ox::DryRun {
            json: arguments.json,
            items: arguments.item,
            limit: arguments.limit,
            offline: arguments.offline,
        }),
    };
    match idspool_ox::run(&options) {
        Ok(exit) => exit.into(),
        Err(error) => {
            use std::io::Write as _;
            let _closed = writeln!(std::io::stderr(), "idspool-ox: {error:#}");
            Exit::Usage.into()
        }
    }
}
