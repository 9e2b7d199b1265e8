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
    #[arg(long)]
    route: bool,
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
