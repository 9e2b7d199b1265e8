//! Tokens: JWT with HS256 (kelvin-api 2).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};

use super::options::Right;

/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// What a token says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Claims {
    /// Account.
    pub(super) sub: String,
    /// Membership of the groups when the token was issued.
    pub(super) right: Right,
    /// Seconds since 1970.
    pub(super) exp: u64,
}

#[derive(Clone)]
pub(super) struct Key(hmac::Key);

impl Key {
    /// A new one; `None` when the system has no random numbers.
    pub(super) fn random() -> Option<Self> {
        hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok().map(Self)
    }

    pub(super) fn issue(&self, account: &str, right: Right, lifetime: Duration) -> String {
        let exp = now().saturating_add(lifetime).as_secs();
        let claims = Claims { sub: account.to_owned(), right, exp };
        // Strings and numbers only.
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let mut token = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
        let tag = hmac::sign(&self.0, token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(tag, &mut token);
        token
    }

    /// `None` unless it is one of ours and has not expired.
    pub(super) fn verify(&self, token: &str) -> Option<Claims> {
        let (signed, tag) = token.rsplit_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.0, signed.as_bytes(), &tag).ok()?;
        let claims = signed.strip_prefix(HEADER)?.strip_prefix('.')?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        (now().as_secs() < claims.exp).then_some(claims)
    }
}

fn now() -> Duration {
    // A clock before 1970 makes tokens that expire at once.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_holds_until_it_expires_or_the_key_changes() {
        let key = Key::random().unwrap();
        let token = key.issue("connector", Right::Admin, Duration::from_secs(60));
        let claims = key.verify(&token).unwrap();
        assert_eq!((claims.sub.as_str(), claims.right), ("connector", Right::Admin));
        assert_eq!(key.verify(&key.issue("connector", Right::Admin, Duration::ZERO)), None);
        assert_eq!(Key::random().unwrap().verify(&token), None);
        let (_, tag) = token.rsplit_once('.').unwrap();
        let other = serde_json::json!({"sub": "root", "right": "admin", "exp": u64::MAX});
        let forged = format!("{HEADER}.{}.{tag}", URL_SAFE_NO_PAD.encode(other.to_string()));
        for wrong in ["", "a", "a.b.c", &forged, &token[..token.len() - 1]] {
            assert_eq!(key.verify(wrong), None, "{wrong}");
        }
    }
}
