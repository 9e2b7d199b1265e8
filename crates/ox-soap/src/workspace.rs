//! Buffers that calls use again, so that a call allocates next to nothing.

use std::sync::{Mutex, PoisonError};

/// A buffer that one large answer blew up is not kept.
const KEPT_CAPACITY: usize = 1 << 20;
/// One for each call that runs at a time; more callers than this allocate their own.
const KEPT_COUNT: usize = 16;

/// The buffers of one call.
#[derive(Default)]
pub(crate) struct Workspace {
    pub(crate) request: String,
    pub(crate) answer: Vec<u8>,
}

/// The buffers that no call uses at the moment.
#[derive(Default)]
pub(crate) struct Workspaces(Mutex<Vec<Workspace>>);

impl Workspaces {
    /// Runs a call with buffers of its own.
    pub(crate) fn lend<T>(&self, call: impl FnOnce(&mut Workspace) -> T) -> T {
        // A panic elsewhere leaves nothing half done here.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut space = kept.pop().unwrap_or_default();
        drop(kept);
        let result = call(&mut space);
        space.request.clear();
        space.answer.clear();
        if space.request.capacity() <= KEPT_CAPACITY && space.answer.capacity() <= KEPT_CAPACITY {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < KEPT_COUNT {
                kept.push(space);
            }
        }
        result
    }
}
