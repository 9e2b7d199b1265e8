//! `idspool`: the operator's command.

use std::process::ExitCode;

use clap::Parser as _;
use idspool::{Arguments, run};
use idspool_service::Exit;

fn main() -> ExitCode {
    match run(&Arguments::parse(), &mut std::io::stdout().lock()) {
        Ok(exit) => exit.into(),
        // `idspool queue list | head`: whoever reads has seen enough.
        Err(error) if is_broken_pipe(&error) => Exit::Done.into(),
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the message is the command's answer")]
            {
                eprintln!("idspool: {error:#}");
            }
            Exit::Usage.into()
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
