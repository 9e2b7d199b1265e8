//! How long to wait between attempts at a faulty item.

use std::time::Duration;

/// The first pause: a server that restarts is often back within seconds.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause: nobody should have to wait more than a minute for a queue whose cause of
/// stopping is gone.
const LONGEST: Duration = Duration::from_secs(60);

/// The pause after the `attempts`-th failed attempt, counted from 1: doubling, bounded.
#[must_use]
pub fn after(attempts: u64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    FIRST.saturating_mul(1 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::after;

    #[test]
    fn doubles_up_to_a_minute() {
        let seconds: Vec<_> = [1, 2, 3, 6, 7, 8, u64::MAX].map(|n| after(n).as_secs()).into();
        assert_eq!(seconds, [1, 2, 4, 32, 60, 60, 60]);
    }
}
