//! Whether a school authority's configuration fits its server: what `idspool kelvin authorities test` finds.
//!
//! Nothing is changed at the server.

mod mapping;
mod server;
#[cfg(test)]
mod tests;

use idspool_kelvin_client::Error;
use idspool_service::Config;
use serde::Serialize;

use crate::conf::{Authority, AuthorityName, Loaded};

pub use server::Sample;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Worth a look, or not to be told.
    Note,
    /// Something cannot be delivered like this.
    Problem,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name, for machines.
    pub check: &'static str,
    /// What it came to.
    pub verdict: Verdict,
    /// In words, without secrets.
    pub message: String,
    /// What to do about a problem.
    pub remedy: Option<String>,
}

impl Check {
    fn good(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Good, message: message.into(), remedy: None }
    }

    fn note(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Note, message: message.into(), remedy: None }
    }

    fn problem(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { check, verdict: Verdict::Problem, message: message.into(), remedy }
    }

    fn failed(check: &'static str, error: &Error) -> Self {
        Self::problem(check, error.problem(), error.remedy())
    }
}

/// Checks one authority: its file, its mapping, and what its server says.
pub fn authority(config: &Config, loaded: &Loaded, name: &AuthorityName) -> Vec<Check> {
    const FILE: &str = "file";
    let Some(authority) = loaded.authority(name) else {
        let problem = loaded.problems().find(|problem| problem.authority.as_ref() == Some(name));
        let (message, remedy) = match problem {
            Some(problem) => (problem.to_string(), "correct the file"),
            None => (
                format!("there is no school authority '{name}'"),
                "look at idspool kelvin authorities list",
            ),
        };
        return vec![Check::problem(FILE, message, remedy)];
    };
    let mut checks = vec![Check::good(FILE, "the file can be used")];
    if !authority.active {
        checks.push(Check::note("active", "it is inactive: changes are kept in its queue"));
    }
    checks.extend(mapping::checks(authority));
    let client = match crate::client(&config.kelvin, authority) {
        Ok(client) => client,
        Err(error) => {
            checks.push(Check::failed("settings", &error));
            return checks;
        }
    };
    match client.log_in() {
        Ok(_) => {
            checks.push(Check::good("login", format!("logged in as {}", authority.username)));
        }
        Err(error) => {
            checks.push(Check::failed("login", &error));
            return checks;
        }
    }
    let mut sample = |school: &str| {
        let mut found = None;
        client.each_user_of(school, &mut |user| {
            found = Some(user);
            false
        })?;
        Ok(found)
    };
    checks.extend(server::checks(authority, &loaded.mapping, &client, &mut sample));
    checks
}

/// The mappings for users with the names that they have in the file, `users` first.
fn user_mappings(
    authority: &Authority,
) -> impl Iterator<Item = (String, &crate::conf::AttributeMapping)> {
    let mappings = &authority.mappings;
    let by_role = mappings.users_by_role.iter();
    let users = mappings.users.iter().map(|mapping| ("users".to_owned(), mapping));
    users.chain(by_role.map(|(role, mapping)| (format!("users_{role}"), mapping)))
}
