//! When to begin nothing new.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long after the request to stop further calls are begun. An item's calls take well below a
/// second each, so an ordinary item is finished; supervisors kill after 90 s or so.
const GRACE: Duration = Duration::from_secs(10);
/// When a stop was requested.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopTime(Arc<OnceLock<Instant>>);

impl StopTime {
    /// A stop is requested now.
    pub(crate) fn request(&self) {
        self.request_at(Instant::now());
    }

    pub(super) fn request_at(&self, time: Instant) {
        let _only_the_first_counts = self.0.set(time);
    }

    pub(super) fn is_requested(&self) -> bool {
        self.0.get().is_some()
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.get().is_some_and(|requested| requested.elapsed() > GRACE)
    }
}
