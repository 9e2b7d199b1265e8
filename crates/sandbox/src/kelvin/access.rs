//! Tokens for credentials, and what the bearer of a token may do (kelvin-api 2).

use super::engine::{Engine, State};
use super::options::Right;
use super::refusal::{Item, Refusal};
use super::service::Answer;
use crate::http::Request;
use crate::view::Query;

impl Engine {
    /// A token for the right credentials.
    pub(super) fn token(&self, state: &State, request: &Request) -> Result<Answer, Refusal> {
        let is_form = request.content_type.split(';').next().is_some_and(|kind| {
            kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        let text = String::from_utf8_lossy(&request.body);
        let form = if is_form { Query::parse(&text) } else { Query::default() };
        let missing: Vec<Item> = ["username", "password"]
            .into_iter()
            .filter(|name| form.text(name).is_empty())
            .map(|name| {
                let loc = vec!["body".into(), name.into()];
                Item::new(loc, "field required", "value_error.missing")
            })
            .collect();
        if !missing.is_empty() {
            return Err(Refusal::invalid(&missing));
        }
        if !["", "password"].contains(&form.text("grant_type")) {
            let loc = vec!["body".into(), "grant_type".into()];
            let msg = "string does not match regex \"password\"";
            return Err(Refusal::invalid(&[Item::new(loc, msg, "value_error.str.regex")]));
        }
        let user = form.text("username");
        let account = self.account(user).filter(|(password, _)| *password == form.text("password"));
        let Some((_, right)) = account else {
            return Err(Refusal::unauthorized("Incorrect username or password", true));
        };
        let token = state.key.issue(user, right, self.options.token_lifetime);
        let body = serde_json::json!({ "access_token": token, "token_type": "bearer" });
        Ok(Answer { status: 200, body: body.to_string().into_bytes() })
    }

    /// Password and right of an account.
    fn account(&self, user: &str) -> Option<(&str, Right)> {
        if user == self.options.user {
            return Some((&self.options.password, Right::Admin));
        }
        let account = self.options.accounts.iter().find(|account| account.user == user)?;
        Some((&account.password, account.right))
    }

    pub(super) fn authorize(
        &self,
        state: &State,
        header: &str,
        is_read: bool,
    ) -> Result<(), Refusal> {
        let token = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let Some(token) = token else {
            return Err(Refusal::unauthorized("Not authenticated", true));
        };
        let claims = state.key.verify(token);
        let Some(claims) = claims.filter(|claims| self.account(&claims.sub).is_some()) else {
            return Err(Refusal::unauthorized("Could not validate credentials", true));
        };
        match claims.right {
            Right::Admin => Ok(()),
            Right::Reader if is_read => Ok(()),
            Right::Disabled => Err(Refusal::unauthorized("Inactive user", false)),
            Right::Reader | Right::None => Err(Refusal::unauthorized("Unauthorized", false)),
        }
    }
}
