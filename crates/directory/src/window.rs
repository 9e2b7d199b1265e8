//! Keeps the server from being far ahead of whoever takes its messages.
//!
//! The protocol library decodes whatever it is given and keeps it in a queue without a bound. A long answer
//! that is handled more slowly than it comes would be in memory as a whole, at several times its size. So
//! the relay, which carries the bytes of the server to the library, stops while messages of more than
//! [`LIMIT`] bytes are on their way: given to the library, and not taken yet.
//!
//! Only whole messages count. One that is longer than the limit gets through, since the relay goes on until
//! it is whole; and once something counts, it is where somebody can take it. So nobody waits for ever.
//! What the library keeps for itself (a notice of the server that nobody asked for) is not taken by anybody:
//! when nothing has come for a while, nothing is on its way ([`Window::clear`]).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Bytes on their way. Decoded they take several times as much; less would make the server wait for us
/// more often than it has to.
const LIMIT: u64 = 1 << 20;

/// Between the relay of a connection and whoever takes what it carries. Clones are the same window.
#[derive(Debug, Clone, Default)]
pub(crate) struct Window(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Somebody takes the messages one by one, and says so.
    is_bounded: AtomicBool,
    on_the_way: Mutex<OnTheWay>,
    freed: Notify,
}

/// Sizes of messages in the order in which they came, and their sum. Searches that share a connection take
/// theirs in another order; then single sizes are wrong for a time, and the number of messages is right.
#[derive(Debug, Default)]
struct OnTheWay {
    sizes: VecDeque<u64>,
    sum: u64,
}

impl Window {
    /// From now on messages are taken with [`Window::take`]. Nothing is on its way.
    pub(crate) fn bound(&self) {
        self.0.is_bounded.store(true, Ordering::SeqCst);
    }

    /// A message has come as a whole.
    pub(crate) fn add(&self, size: u64) {
        if self.0.is_bounded.load(Ordering::SeqCst) {
            let mut on_the_way = self.on_the_way();
            on_the_way.sizes.push_back(size);
            on_the_way.sum += size;
        }
    }

    /// Somebody has taken a message.
    pub(crate) fn take(&self) {
        let mut on_the_way = self.on_the_way();
        let size = on_the_way.sizes.pop_front().unwrap_or_default();
        on_the_way.sum -= size;
        drop(on_the_way);
        self.0.freed.notify_one();
    }

    /// Nothing is on its way.
    pub(crate) fn clear(&self) {
        *self.on_the_way() = OnTheWay::default();
        self.0.freed.notify_one();
    }

    /// Waits until more may come.
    pub(crate) async fn room(&self) {
        while self.on_the_way().sum >= LIMIT {
            self.0.freed.notified().await;
        }
    }

    fn on_the_way(&self) -> MutexGuard<'_, OnTheWay> {
        self.0.on_the_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// Whether more may come, now that everything that could run has run.
    fn has_room(window: &Window) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async { timeout(Duration::ZERO, window.room()).await.is_ok() })
    }

    #[test]
    fn more_may_come_when_enough_was_taken() {
        let window = Window::default();
        window.bound();
        for _ in 0..3 {
            window.add(LIMIT / 2);
        }
        assert!(!has_room(&window));
        window.take();
        assert!(!has_room(&window), "it is full");
        window.take();
        assert!(has_room(&window));
        // One that nobody will take.
        window.add(LIMIT);
        assert!(!has_room(&window));
        window.clear();
        assert!(has_room(&window));
    }

    #[test]
    fn who_waits_is_told() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let window = Window::default();
        window.bound();
        window.add(LIMIT);
        let waiting = window.clone();
        let task = runtime.spawn(async move { waiting.room().await });
        runtime.block_on(tokio::task::yield_now());
        assert!(!task.is_finished());
        window.take();
        runtime.block_on(task).unwrap();
    }

    #[test]
    fn without_a_bound_nothing_counts() {
        let window = Window::default();
        window.add(2 * LIMIT);
        assert!(has_room(&window));
        window.take();
        assert!(has_room(&window));
    }
}
