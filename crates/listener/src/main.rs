//! `idspool-listener`: arguments in, exit status out.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use idspool_listener::arguments::{Action, Arguments};
use idspool_service::Exit;

fn main() -> ExitCode {
    let Action::Hook(hook) = Arguments::parse().action;
    let exit = match idspool_listener::run(hook) {
        Ok(_) => Exit::Done,
        Err(error) => {
            // No log line: whoever called reads this. A closed standard error changes nothing.
            let _ = writeln!(std::io::stderr(), "idspool-listener: {error}");
            if error.is_usage() { Exit::Usage } else { Exit::Stopped }
        }
    };
    exit.into()
}
