//! The thread between the in queue and the out queues.

use idspool_provisioner::Mode;

use super::stop::Stop;
use super::worker::Outcome;

/// Distributes the in queue; a seam for tests.
pub(crate) trait Routing: Send + Sync {
    /// Works until it is done or asked to stop.
    fn run(&self, mode: Mode, stop: &Stop) -> Outcome;
}
