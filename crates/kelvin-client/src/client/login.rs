//! Getting a token (kelvin-api 2).

use idspool_http::{Reply, TransportError};
use serde::Deserialize;
use ureq::http::{HeaderValue, Method};

use super::answer;
use super::call::{Failure, Verb};
use super::wire::{Body, Inner};
use crate::error::Error;
use crate::segment::push_encoded;
use crate::time::token_life;
use crate::token::{Fetched, Token};

/// Tokens have some hundred bytes; proxies refuse longer header lines.
const TOKEN_LIMIT: usize = 16 << 10;

#[derive(Deserialize)]
struct Given {
    access_token: String,
}

impl Inner {
    /// The token, or a new one when it ends soon or the server refused the one of that number.
    pub(super) fn token(&self, refused: Option<u64>) -> Result<Token, Error> {
        self.tokens.get(refused, || self.fetch_token())
    }

    /// A new token, whatever there is.
    pub(super) fn new_token(&self) -> Result<Token, Error> {
        self.tokens.renew(|| self.fetch_token())
    }

    fn fetch_token(&self) -> Result<Fetched, Error> {
        let path = self.addresses.token();
        let site = || self.site(Verb::Post, &path);
        self.check_pause(site)?;
        let mut form = String::from("username=");
        push_encoded(&mut form, &self.credentials.username);
        form.push_str("&password=");
        push_encoded(&mut form, self.credentials.password.expose());
        let send = || self.send(self.request(Method::POST, &path), Body::Form(&form));
        let reply = match send() {
            // A kept connection may have been closed, and a token too many does no harm.
            Err(TransportError::Disconnected(_)) => send(),
            sent => sent,
        };
        let reply = reply.map_err(|error| self.error(site(), error.into()))?;
        if reply.status != 200 {
            let bad = Self::bad(reply, true).map_err(|failure| self.error(site(), failure))?;
            return Err(match self.refused(site(), bad, None) {
                // There is nothing of an item in it that could be refused.
                Error::Refused { call, refusal } => {
                    let reason = format!("status {}: {}", refusal.status, refusal.text);
                    Error::Malformed { call, reason }
                }
                error => error,
            });
        }
        let fetched = read(reply).map_err(|failure| self.error(site(), failure))?;
        tracing::debug!(server = self.addresses.server, life = ?fetched.life, "got a token");
        Ok(fetched)
    }
}

fn read(reply: Reply) -> Result<Fetched, Failure> {
    let date = reply.header("Date").map(str::to_owned);
    let Given { access_token } = answer::object(reply)?;
    let header = Some(&access_token).filter(|token| (1..=TOKEN_LIMIT).contains(&token.len()));
    let header = header.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok());
    let mut header = header
        .ok_or_else(|| Failure::Malformed("its token cannot stand in a header line".into()))?;
    header.set_sensitive(true);
    Ok(Fetched { header, life: token_life(&access_token, date.as_deref()) })
}
