//! The token that requests carry: one thread fetches it, others wait for it (kelvin-api 2).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::http::HeaderValue;

use crate::error::Error;

/// A token is renewed so long before its end, or after half of its life if that is short.
const MARGIN: Duration = Duration::from_secs(30);
/// After a login that was refused, so long none is tried; the time doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A token as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// `Bearer …`; does not show.
    pub(crate) header: HeaderValue,
    /// Counts the tokens of a client.
    pub(crate) number: u64,
}

/// What the server gave.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) header: HeaderValue,
    /// `None`: it holds until the server says otherwise.
    pub(crate) life: Option<Duration>,
}

/// The token of a client.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    renew_at: Option<Instant>,
    /// How many there were.
    count: u64,
    failure: Option<Failure>,
}

/// The last login that failed.
#[derive(Debug)]
struct Failure {
    at: Instant,
    error: Error,
    /// Until when none is tried.
    pause_until: Instant,
    /// What the next refusal costs.
    next_pause: Duration,
}

impl Tokens {
    /// The token, or a new one when it ends soon, or when it is the one that the server refused.
    pub(crate) fn get(
        &self,
        refused: Option<u64>,
        fetch: impl FnOnce() -> Result<Fetched, Error>,
    ) -> Result<Token, Error> {
        self.get_since(Instant::now(), refused, fetch)
    }

    /// The same for who has waited since `asked`: a login that failed meanwhile counts for all who waited for it.
    fn get_since(
        &self,
        asked: Instant,
        refused: Option<u64>,
        fetch: impl FnOnce() -> Result<Fetched, Error>,
    ) -> Result<Token, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(token) = &state.token
            && refused != Some(token.number)
            && state.renew_at.is_none_or(|renew_at| now < renew_at)
        {
            return Ok(token.clone());
        }
        if let Some(failure) = &state.failure
            && (failure.at >= asked || now < failure.pause_until)
        {
            return Err(failure.error.clone());
        }
        state.token = None;
        state.fetched(fetch())
    }

    /// A new token, whatever there is.
    pub(crate) fn renew(
        &self,
        fetch: impl FnOnce() -> Result<Fetched, Error>,
    ) -> Result<Token, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.token = None;
        state.fetched(fetch())
    }
}

impl State {
    fn fetched(&mut self, result: Result<Fetched, Error>) -> Result<Token, Error> {
        let now = Instant::now();
        match result {
            Ok(Fetched { header, life }) => {
                self.count += 1;
                let token = Token { header, number: self.count };
                let holds = life.map(|life| life.saturating_sub(MARGIN.min(life / 2)));
                self.renew_at = holds.and_then(|holds| now.checked_add(holds));
                self.failure = None;
                self.token = Some(token.clone());
                Ok(token)
            }
            Err(error) => {
                let pause = match (&error, &self.failure) {
                    // Whoever asks too often with a wrong password is locked out.
                    (Error::Unauthorized { .. }, Some(failure)) => failure.next_pause,
                    (Error::Unauthorized { .. }, None) => FIRST_PAUSE,
                    _ => Duration::ZERO,
                };
                self.failure = Some(Failure {
                    at: now,
                    error: error.clone(),
                    pause_until: now + pause,
                    next_pause: (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE),
                });
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::error::Call;

    fn fetched(life: Option<u64>) -> Result<Fetched, Error> {
        let header = HeaderValue::from_static("Bearer x");
        Ok(Fetched { header, life: life.map(Duration::from_secs) })
    }

    fn call() -> Box<Call> {
        Box::new(Call { method: "POST", path: "/token".into(), server: "http://k".into() })
    }

    fn refused() -> Result<Fetched, Error> {
        Err(Error::Unauthorized { call: call(), reason: "wrong".into() })
    }

    fn none() -> Result<Fetched, Error> {
        panic!("there is a token, or none is to be had")
    }

    #[test]
    fn a_token_is_kept() {
        let tokens = Tokens::default();
        let first = tokens.get(None, || fetched(Some(3600))).unwrap();
        assert_eq!(tokens.get(None, none).unwrap().number, first.number);
        // One that was refused, but is not the present one any more, is of no importance.
        let second = tokens.get(Some(first.number), || fetched(None)).unwrap();
        assert_ne!(second.number, first.number);
        assert_eq!(tokens.get(Some(first.number), none).unwrap().number, second.number);
        assert_ne!(tokens.renew(|| fetched(None)).unwrap().number, second.number);
    }

    #[test]
    fn a_token_is_renewed_before_its_end() {
        for (life, seconds) in [(3600, 3570), (60, 30), (40, 20), (0, 0)] {
            let tokens = Tokens::default();
            let before = Instant::now();
            tokens.get(None, || fetched(Some(life))).unwrap();
            let renew_at = tokens.state.lock().unwrap().renew_at.unwrap();
            let expected = before + Duration::from_secs(seconds);
            assert!(renew_at >= expected && renew_at < expected + Duration::from_secs(20));
        }
        let tokens = Tokens::default();
        tokens.get(None, || fetched(Some(0))).unwrap();
        assert_eq!(tokens.get(None, || fetched(None)).unwrap().number, 2, "it has ended");
    }

    #[test]
    fn after_a_refusal_there_is_a_pause() {
        let tokens = Tokens::default();
        assert!(tokens.get(None, refused).is_err());
        let error = tokens.get(None, none).unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }));
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let mut state = tokens.state.lock().unwrap();
            let failure = state.failure.as_mut().unwrap();
            pauses.push(failure.pause_until.duration_since(failure.at).as_secs());
            failure.pause_until = failure.at;
            drop(state);
            assert!(tokens.get(None, refused).is_err());
        }
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60]);
        // Whoever asks on purpose is not held up.
        assert!(tokens.renew(|| fetched(None)).is_ok());
        assert!(tokens.get(None, none).is_ok());
    }

    #[test]
    fn a_server_that_is_away_is_asked_again() {
        let tokens = Tokens::default();
        let away = || {
            let (status, text) = (503, "busy".into());
            Err(Error::Trouble { call: call(), status, text, retry_after: None })
        };
        let asked = Instant::now();
        assert!(tokens.get(None, away).is_err());
        // Whoever waited meanwhile would otherwise wait for as long again, one after the other.
        assert!(tokens.get_since(asked, None, none).is_err());
        assert!(tokens.get(None, || fetched(None)).is_ok());
    }

    /// Each thread asks before the first has an answer; all take what it got.
    fn ask_at_once(result: impl Fn() -> Result<Fetched, Error> + Sync) -> (usize, usize) {
        const THREADS: usize = 8;
        let (tokens, fetches, good) = (Tokens::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        let begin = Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    begin.wait();
                    let token = tokens.get(None, || {
                        fetches.fetch_add(1, Ordering::SeqCst);
                        // The others have come by then, but if not, the test only proves less.
                        std::thread::sleep(Duration::from_millis(100));
                        result()
                    });
                    good.fetch_add(usize::from(token.is_ok()), Ordering::SeqCst);
                });
            }
        });
        (fetches.into_inner(), good.into_inner())
    }

    #[test]
    fn one_fetches_and_others_wait() {
        assert_eq!(ask_at_once(|| fetched(None)), (1, 8));
        assert_eq!(ask_at_once(refused), (1, 0));
    }
}
