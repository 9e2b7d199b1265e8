//! A progress bar for work that takes minutes: on a terminal only, and never in the way of the answer.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error; nothing is shown where that is no terminal.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new() -> Self {
        Self(ProgressBar::hidden())
    }

    /// So many of about so many are done.
    pub(crate) fn show(&mut self, part: &'static str, done: u64, of: u64) {
        use idspool_ox::admin::adopt::Progress as _;
        if self.0.is_hidden() && self.0.length().is_none() {
            self.begin(part, of.max(1));
        }
        self.0.set_length(of);
        self.0.set_position(done);
    }

    /// Takes the bar away while a line of the answer is written.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }
}

impl idspool_ox::admin::adopt::Progress for Bar {
    fn begin(&mut self, part: &'static str, steps: u64) {
        self.0.finish_and_clear();
        let form = if steps == 0 {
            "{msg}: {elapsed}"
        } else {
            "{msg}: {human_pos} of {human_len}, {per_sec}, {eta} left {wide_bar}"
        };
        // Standard error is the default target; it stays silent where it is no terminal.
        self.0 = ProgressBar::new(steps).with_message(part);
        if let Ok(style) = ProgressStyle::with_template(form) {
            self.0.set_style(style);
        }
        self.0.enable_steady_tick(Duration::from_millis(200));
    }

    fn step(&mut self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
