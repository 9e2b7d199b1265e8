//! Names of authorities, which are names of files and folders, too.

use std::fmt;
use std::str::FromStr;

/// The name of a school authority, fit for a file name.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct AuthorityName(String);

/// A text cannot name an authority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{name}' cannot name a school authority: {reason}")]
pub struct BadName {
    /// What was given, shortened.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl AuthorityName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AuthorityName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        /// With `.json` and the prefix of a temporary file it still fits.
        const LONGEST: usize = 200;
        let reason = if text.is_empty() {
            "it is empty"
        } else if text.len() > LONGEST {
            "it is too long for a file name"
        } else if text.starts_with('.') {
            "it begins with a dot, as hidden files do"
        } else if text.contains(['/', '\0']) || text.chars().any(char::is_control) {
            "it names a file and a folder, so slashes and control characters cannot be in it"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(BadName { name: text.chars().take(80).collect(), reason })
    }
}

impl TryFrom<String> for AuthorityName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<AuthorityName> for String {
    fn from(name: AuthorityName) -> Self {
        name.0
    }
}

impl fmt::Display for AuthorityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_folder() {
        for name in ["", ".", "..", "../x", "a/b", ".hidden", "a\nb", &"x".repeat(300)] {
            assert!(name.parse::<AuthorityName>().is_err(), "{name}");
        }
        for name in ["authority-a", "Schulträger Nord", "a.b"] {
            assert_eq!(name.parse::<AuthorityName>().unwrap().as_str(), name);
        }
    }
}
