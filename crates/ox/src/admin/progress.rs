//! How far long work is.

/// Is told how far the work is.
pub trait Progress {
    /// A part begins, with about so many steps.
    fn begin(&mut self, part: &'static str, steps: u64);
    /// One step is done.
    fn step(&mut self);
}

/// Nobody wants to know.
#[derive(Debug)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _part: &'static str, _steps: u64) {}
    fn step(&mut self) {}
}
