//! `idspool`: the operator's command.

use std::io::{self, ErrorKind, StdoutLock, Write};
use std::process::ExitCode;

use clap::Parser as _;
use idspool::{Arguments, run};
use idspool_service::{Exit, one_line};

fn main() -> ExitCode {
    let mut out = Answer { out: std::io::stdout().lock(), has_reader: true };
    match run(&Arguments::parse(), &mut out) {
        Ok(exit) => exit.into(),
        // `idspool queue list | head`: whoever reads has seen enough.
        Err(_) if !out.has_reader => Exit::Done.into(),
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the message is the command's answer")]
            for line in message(&error).lines() {
                eprintln!("{}", one_line(line));
            }
            Exit::Usage.into()
        }
    }
}

/// The error and its causes. A cause that an error has in its own text already is not told again.
fn message(error: &anyhow::Error) -> String {
    let mut message = format!("idspool: {error}");
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !message.contains(&cause) {
            message.push_str(": ");
            message.push_str(&cause);
        }
    }
    message
}

/// Standard output. A connection to a server can break as a pipe does, so it is noted where it happened.
struct Answer {
    out: StdoutLock<'static>,
    has_reader: bool,
}

impl Answer {
    fn noted<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
            self.has_reader = false;
        }
        result
    }
}

impl Write for Answer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.noted(flushed)
    }
}
