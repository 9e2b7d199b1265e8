//! Keeps the protocol library from reading ahead of us.
//!
//! It decodes whatever the server sends and keeps it in a queue without a bound. A long answer that is
//! handled more slowly than it comes would be in memory as a whole, at several times its size. So the
//! task that reads is not run while there is enough to handle, and reads only little at a time.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::task::coop::poll_proceed;

/// Of the 128 steps that tokio allows a task at a time, those that are left for reading. One reads
/// some kilobytes.
const STEPS_KEPT: usize = 128 - 8;

/// Stands before a connection's reading task. Clones are the same gate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Somebody takes what is read piece by piece.
    is_guarded: AtomicBool,
    is_closed: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Gate {
    /// From now on the task reads little at a time, and stops at a closed gate.
    pub(crate) fn guard(&self) {
        self.0.is_guarded.store(true, Ordering::SeqCst);
    }

    pub(crate) fn close(&self) {
        self.0.is_closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn open(&self) {
        if self.0.is_closed.swap(false, Ordering::SeqCst)
            && let Some(waker) = self.waiting().take()
        {
            waker.wake();
        }
    }

    /// The task, behind the gate.
    pub(crate) async fn pass<T>(self, task: impl Future<Output = T>) -> T {
        let mut task = std::pin::pin!(task);
        std::future::poll_fn(|context| self.poll(task.as_mut(), context)).await
    }

    fn poll<F: Future>(&self, task: Pin<&mut F>, context: &mut Context<'_>) -> Poll<F::Output> {
        if self.0.is_guarded.load(Ordering::SeqCst) {
            *self.waiting() = Some(context.waker().clone());
            if self.0.is_closed.load(Ordering::SeqCst) {
                return Poll::Pending;
            }
            for _ in 0..STEPS_KEPT {
                match poll_proceed(context) {
                    Poll::Ready(step) => step.made_progress(),
                    // Nothing is left; the task is run again soon.
                    Poll::Pending => return Poll::Pending,
                }
            }
        }
        task.poll(context)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_waits_at_a_closed_gate_and_goes_on_when_it_opens() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let gate = Gate::default();
        gate.guard();
        gate.close();
        let ran = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&ran);
        let task =
            runtime.spawn(gate.clone().pass(async move { done.store(true, Ordering::SeqCst) }));
        runtime.block_on(async { tokio::task::yield_now().await });
        assert!(!ran.load(Ordering::SeqCst));
        gate.open();
        runtime.block_on(task).unwrap();
        assert!(ran.load(Ordering::SeqCst));
    }
}
