//! `idspool-kelvin`: provisions UCS@school Kelvin servers.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use idspool_service::Exit;

/// Provisions UCS@school Kelvin servers: hands each item of the in queue to the school authorities that it
/// concerns, and brings their servers to its state.
///
/// Runs in the foreground until SIGTERM or SIGINT.
///
/// Exit status: 0 done; 1 stopped at a faulty item; 2 wrong usage or configuration; 3 another
/// instance holds the lock.
#[derive(Debug, Parser)]
#[command(name = "idspool-kelvin", version)]
struct Arguments {
    /// Configuration file [default: $IDSPOOL_CONFIG, ./idspool.toml, /etc/idspool/idspool.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data directory, in place of kelvin.data_dir
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Take what is there, then exit
    #[arg(long)]
    once: bool,
    /// Say nothing but warnings and faults, for cron; not even that another one is at work
    #[arg(long, requires = "once")]
    quiet: bool,
    /// Work on the out queue of this school authority alone; the in queue is left alone
    #[arg(long, value_name = "NAME")]
    authority: Option<String>,
    /// Distribute the in queue to the out queues; without --authority, do nothing else
    #[arg(long, conflicts_with = "dry_run")]
    route: bool,
    /// Tell what would be done with each item that waits for a school authority, and change nothing
    ///
    /// Nothing is written, touched or locked in the data directory, and the servers are only read from, so this
    /// may be run beside a running idspool-kelvin. Exit status: 0 all items would succeed; 1 a fault is foreseen;
    /// 2 wrong usage or configuration.
    #[arg(long, conflicts_with = "once")]
    dry_run: bool,
    /// With --dry-run: one JSON object per item, and one with the sums of each authority
    #[arg(long, requires = "dry_run")]
    json: bool,
    /// With --dry-run: only this waiting item, by name or path; may be given several times
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    item: Vec<PathBuf>,
    /// With --dry-run: only the first N items of each authority
    #[arg(long, value_name = "N", requires = "dry_run")]
    limit: Option<usize>,
    /// With --dry-run: ask the servers nothing; what was last delivered counts as what they have
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
    let options = idspool_kelvin::Options {
        config: arguments.config,
        data: arguments.data,
        once: arguments.once,
        quiet: arguments.quiet,
        authority: arguments.authority,
        route: arguments.route,
        dry_run: arguments.dry_run.then_some(idspool_kelvin::DryRun {
            json: arguments.json,
            items: arguments.item,
            limit: arguments.limit,
            offline: arguments.offline,
        }),
    };
    match idspool_kelvin::run(&options) {
        Ok(exit) => exit.into(),
        Err(error) => {
            use std::io::Write as _;
            let _closed = writeln!(std::io::stderr(), "idspool-kelvin: {error:#}");
            Exit::Usage.into()
        }
    }
}
