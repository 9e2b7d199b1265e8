//! Where the work on cache and index is followed: lines on standard output, warnings and a progress bar
//! on standard error.

use std::io::{self, Write};

use idspool_ox::admin::Progress;
use idspool_ox::admin::cache::{CacheError, Line, Watcher};
use idspool_service::Exit;

use crate::format;
use crate::progress::Bar;

pub(super) struct Screen<'a> {
    bar: Bar,
    /// `None`: the answer is JSON, so there are no lines.
    out: Option<&'a mut dyn Write>,
}

impl<'a> Screen<'a> {
    pub(super) fn new(out: &'a mut dyn Write, as_json: bool) -> Self {
        Self { bar: Bar::new(), out: (!as_json).then_some(out) }
    }
}

impl Progress for Screen<'_> {
    fn begin(&mut self, part: &'static str, steps: u64) {
        self.bar.begin(part, steps);
    }

    fn step(&mut self) {
        self.bar.step();
    }
}

impl Watcher for Screen<'_> {
    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        let Some(out) = &mut self.out else { return Ok(()) };
        let line = format::line(&line.to_string());
        self.bar.aside(|| writeln!(out, "{line}"))
    }

    fn warn(&mut self, text: &str) {
        self.bar.aside(|| complain(&format!("warning: {}", format::line(text))));
    }
}

/// Tells why the work ended early. What was wrong with arguments or configuration is handed back.
pub(super) fn ended(error: CacheError) -> anyhow::Result<Exit> {
    let exit = match error {
        CacheError::Busy { .. } => Exit::Locked,
        CacheError::Ox { .. } | CacheError::Stopped => Exit::Stopped,
        other => return Err(other.into()),
    };
    complain(&format::line(&error.to_string()));
    Ok(exit)
}

#[expect(clippy::print_stderr, reason = "standard output is the command's answer")]
fn complain(text: &str) {
    eprintln!("idspool: {text}");
}
