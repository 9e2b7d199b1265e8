//! The time that a server asked to be left alone (`Retry-After`).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Whatever a server asks: after this time it is looked at again.
const LONGEST: Duration = Duration::from_secs(300);

/// Until when nothing is sent.
#[derive(Debug, Default)]
pub(super) struct Pause(Mutex<Option<Wish>>);

/// What the server said when it asked.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    until: Instant,
    pub(super) status: u16,
    pub(super) text: String,
}

impl Wish {
    /// How long it still holds.
    pub(super) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

impl Pause {
    /// Remembers a wish.
    pub(super) fn begin(&self, time: Duration, status: u16, text: &str) {
        let until = Instant::now() + time.min(LONGEST);
        let wish = Wish { until, status, text: text.to_owned() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(wish);
    }

    /// The wish that holds at the moment.
    pub(super) fn wish(&self) -> Option<Wish> {
        let mut wish = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wish.take_if(|wish| wish.left().is_zero());
        wish.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_ends() {
        let pause = Pause::default();
        assert!(pause.wish().is_none());
        pause.begin(Duration::MAX, 503, "busy");
        let wish = pause.wish().unwrap();
        assert!(wish.left() <= LONGEST && wish.left() > LONGEST / 2);
        assert_eq!((wish.status, wish.text.as_str()), (503, "busy"));
        pause.begin(Duration::ZERO, 503, "busy");
        assert!(pause.wish().is_none());
    }
}
