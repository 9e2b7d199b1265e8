//! What a recipient's rules say in the log while an item is rehearsed, as far as it is worth knowing beforehand.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::dispatcher::{Dispatch, with_default};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Collects log lines.
#[derive(Debug)]
pub struct Notices {
    dispatch: Dispatch,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Default for Notices {
    fn default() -> Self {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        Self { dispatch: Dispatch::new(Collector(Arc::clone(&lines))), lines }
    }
}

impl Notices {
    /// Does `work`; the lines that it logged and an administrator should know of, each once.
    pub fn of<T>(&self, work: impl FnOnce() -> T) -> (T, Vec<String>) {
        let result = with_default(&self.dispatch, work);
        (result, std::mem::take(&mut *lock(&self.lines)))
    }
}

struct Collector(Arc<Mutex<Vec<String>>>);

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let is_warning = *event.metadata().level() <= Level::WARN;
        let mut message = Message(String::new());
        event.record(&mut message);
        // The OX Connector tells about unknown members, and about what it leaves out for them, in
        // ordinary lines (ox-provisioning 3.7).
        if is_warning || message.0.contains("Ignoring") {
            let mut lines = lock(&self.0);
            if !lines.contains(&message.0) {
                lines.push(message.0);
            }
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn lock(lines: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    // A rule that panicked has left whole lines.
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            use fmt::Write as _;
            let _never_fails = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing::{debug, info, warn};

    use super::*;

    #[test]
    fn warnings_and_unknown_members_are_told_once() {
        let notices = Notices::default();
        let work = || {
            warn!("first");
            info!("ordinary");
            info!("Group wants {} as member. But the user is unknown. Ignoring...", "uid=x");
            debug!("details");
            warn!("first");
            7
        };
        let (result, lines) = notices.of(work);
        assert_eq!(result, 7);
        assert_eq!(
            lines,
            ["first", "Group wants uid=x as member. But the user is unknown. Ignoring..."]
        );
        assert_eq!(notices.of(|| ()).1, [""; 0]);
    }
}
