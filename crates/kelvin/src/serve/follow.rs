//! Notices that a file of the configuration changed.

use std::path::Path;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tracing::debug;

use crate::Layout;

/// How often the files are looked at although no change was reported: those on a network file system, and
/// certificates that lie elsewhere.
const SLOW: Duration = Duration::from_secs(30);
/// The same where nothing is reported.
const FAST: Duration = Duration::from_secs(1);

/// Watches the folders of the configuration.
#[derive(Debug)]
pub(crate) struct Follow {
    watcher: Option<RecommendedWatcher>,
    is_complete: bool,
}

impl Follow {
    /// Calls `changed` when something in the folders may have changed, which is not often.
    pub(crate) fn start(layout: &Layout, changed: impl Fn() + Send + 'static) -> Self {
        let watcher = notify::recommended_watcher(move |report: notify::Result<Event>| {
            if report.as_ref().map_or(true, may_be_change) {
                changed();
            }
        });
        let watcher = watcher.map_err(|error| debug!("no watch on the configuration: {error}"));
        let mut follow = Self { watcher: watcher.ok(), is_complete: false };
        follow.again(layout);
        follow
    }

    /// Watches the folders that are there now, which may be others than before.
    pub(crate) fn again(&mut self, layout: &Layout) {
        let Some(watcher) = &mut self.watcher else { return };
        let mut watch = |folder: &Path| watcher.watch(folder, RecursiveMode::NonRecursive).is_ok();
        let (conf, authorities) = (watch(&layout.conf), watch(&layout.authorities()));
        self.is_complete = conf && authorities;
    }

    /// How long nothing is looked at without a report.
    pub(crate) fn interval(&self) -> Duration {
        if self.is_complete { SLOW } else { FAST }
    }
}

/// Reading, our own included, changes nothing.
fn may_be_change(event: &Event) -> bool {
    !matches!(
        event.kind,
        EventKind::Access(
            AccessKind::Open(_) | AccessKind::Read | AccessKind::Close(AccessMode::Read)
        )
    )
}
