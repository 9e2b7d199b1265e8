//! Times in answers: how long a token holds, how long the server wants to be left alone.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::Deserialize;

/// A time as HTTP headers have it, in seconds since 1970.
fn http_date(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc2822(text.trim()).ok().map(|time| time.timestamp())
}

/// The present by the server's own clock, so that a clock of ours that is wrong does not matter.
fn now(date: Option<&str>) -> i64 {
    date.and_then(http_date).unwrap_or_else(|| Utc::now().timestamp())
}

/// What `Retry-After` says: seconds, or a time. `date`: the answer's `Date`.
pub(crate) fn retry_after(value: Option<&str>, date: Option<&str>) -> Option<Duration> {
    let value = value?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(value)?;
    Some(Duration::from_secs(until.saturating_sub(now(date)).try_into().unwrap_or(0)))
}

/// How long a token holds, from now on; `None`: it does not tell. The signature is the server's business.
pub(crate) fn token_life(token: &str, date: Option<&str>) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let claims = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let Claims { exp } = serde_json::from_slice(&claims).ok()?;
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 have 31 bits")]
    let seconds = exp - now(date) as f64;
    // What a clock that is wrong makes of it says nothing.
    Duration::try_from_secs_f64(seconds).ok().filter(|life| !life.is_zero())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DATE: Option<&str> = Some("Sat, 21 Nov 2026 17:35:07 GMT");
    const SECONDS: i64 = 1_795_282_507;

    fn token(claims: &str) -> String {
        format!("eyJhbGciOiJIUzI1NiJ9.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn retry_after_in_both_forms() {
        let wait = |value| retry_after(Some(value), DATE);
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(wait(" 0 "), Some(Duration::ZERO));
        assert_eq!(wait("Sat, 21 Nov 2026 17:36:07 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(wait("Sat, 21 Nov 2026 17:30:00 GMT"), Some(Duration::ZERO));
        for other in ["", "soon", "-1", "1.5", "Sat, 99 Nov 2026 17:36:07 GMT"] {
            assert_eq!(wait(other), None, "{other}");
        }
        assert_eq!(retry_after(None, DATE), None);
    }

    #[test]
    fn the_life_of_a_token() {
        let life = |claims: &str| token_life(&token(claims), DATE);
        let hour = format!("{{\"sub\": \"x\", \"exp\": {}}}", SECONDS + 3600);
        assert_eq!(life(&hour), Some(Duration::from_secs(3600)));
        assert_eq!(
            life(&format!("{{\"exp\": {}.5}}", SECONDS + 1)),
            Some(Duration::from_millis(1500))
        );
        for other in ["{}", "{\"exp\": \"x\"}", "{\"exp\": 0}", "{\"exp\": 1e300}", "[]"] {
            assert_eq!(life(other), None, "{other}");
        }
        for token in ["", "a", "a.b", "a.%.c", "...", "a.e30.c"] {
            assert_eq!(token_life(token, DATE), None, "{token}");
        }
    }

    /// A clock of ours that is hours ahead would renew the token at each request.
    #[test]
    fn the_servers_clock_counts() {
        let claims = format!("{{\"exp\": {}}}", SECONDS + 3600);
        assert_eq!(token_life(&token(&claims), DATE), Some(Duration::from_secs(3600)));
        let far = token_life(&token("{\"exp\": 99999999999}"), Some("no date")).unwrap();
        assert!(far > Duration::from_secs(1_000_000_000));
    }

    proptest! {
        #[test]
        fn any_text_is_taken(token in "\\PC*", value in "\\PC*", date in "\\PC*") {
            let _ = token_life(&token, Some(&date));
            let _ = retry_after(Some(&value), Some(&date));
        }
    }
}
