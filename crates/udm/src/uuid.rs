//! The identity of an entry.

use std::fmt;
use std::str::FromStr;

use crate::Error;
use crate::error::shortened;

/// An LDAP `entryUUID`: survives renames and moves, is new after delete and re-create.
///
/// Always the usual spelling, lower case with hyphens, and thereby safe as part of a file name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryUuid(Box<str>);

impl EntryUuid {
    /// The usual spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EntryUuid {
    type Err = Error;

    /// Accepts upper case and blanks around, as they come from shell scripts.
    fn from_str(text: &str) -> Result<Self, Error> {
        let trimmed = text.trim();
        let well_formed = trimmed.len() == 36
            && trimmed.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        if well_formed {
            Ok(Self(trimmed.to_ascii_lowercase().into()))
        } else {
            Err(Error::Uuid { text: shortened(text) })
        }
    }
}

impl fmt::Display for EntryUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EntryUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for EntryUuid {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_spelling_is_kept_and_upper_case_is_lowered() {
        let plain: EntryUuid = "0f3c9c6a-0000-103f-8000-00000000000a".parse().unwrap();
        let upper: EntryUuid = " 0F3C9C6A-0000-103F-8000-00000000000A\n".parse().unwrap();
        assert_eq!(plain, upper);
        assert_eq!(plain.as_str(), "0f3c9c6a-0000-103f-8000-00000000000a");
    }

    #[test]
    fn anything_else_is_an_error_that_shows_it() {
        for text in [
            "",
            "0f3c9c6a-0000-103f-8000-00000000000",
            "0f3c9c6a-0000-103f-8000-00000000000g",
            "0f3c9c6a00000-103f-8000-00000000000a",
            "{0f3c9c6a-0000-103f-8000-00000000000a}",
            "../../../../etc/passwd/xxxxxxxxxxxxxx",
        ] {
            let error = text.parse::<EntryUuid>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
