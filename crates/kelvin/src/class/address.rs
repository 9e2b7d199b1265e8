//! Where a class is at the server, and what is noted of it there.

use std::fmt;

/// A class at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) school: String,
    /// Without the school.
    pub(super) name: String,
}

impl Address {
    pub(super) fn new(school: impl Into<String>, name: impl Into<String>) -> Self {
        Self { school: school.into(), name: name.into() }
    }

    /// Whether the server takes both for one class.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.is_beside(other) && same(&self.name, &other.name)
    }

    /// Whether both are of one school: only then one can become the other.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        same(&self.school, &other.school)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' of school '{}'", self.name, self.school)
    }
}

/// Whether the server takes both for one name (kelvin-api 3).
pub(super) fn same(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

/// What the index notes of a class: where it was delivered to, and the fingerprint of what was sent.
///
/// As text `1;FINGERPRINT;SCHOOL/NAME`. Neither a school nor a class can have a slash in its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    /// `None`: a later delivery broke off, so the server may have something else.
    pub(super) fingerprint: Option<String>,
    pub(super) address: Address,
}

/// Grows when the meaning changes, so that old notes no longer count.
const VERSION: &str = "1";
/// In place of a fingerprint.
const UNSETTLED: &str = "-";

impl Note {
    pub(super) fn to_text(&self) -> String {
        let fingerprint = self.fingerprint.as_deref().unwrap_or(UNSETTLED);
        let Address { school, name } = &self.address;
        format!("{VERSION};{fingerprint};{school}/{name}")
    }

    /// `None`: of another version, or no such text at all.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ';');
        let (version, fingerprint, address) = (parts.next()?, parts.next()?, parts.next()?);
        let (school, name) = address.split_once('/').filter(|_| version == VERSION)?;
        let fingerprint = Some(fingerprint).filter(|text| *text != UNSETTLED).map(str::to_owned);
        Some(Self { fingerprint, address: Address::new(school, name) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        for fingerprint in [None, Some("ab12".to_owned())] {
            let note = Note { fingerprint, address: Address::new("GymNord", "5a; b-c") };
            assert_eq!(Note::parse(&note.to_text()), Some(note));
        }
        for text in ["", "2;ab;S/1", "1;ab", "1;ab;S", "1"] {
            assert_eq!(Note::parse(text), None, "{text}");
        }
    }

    #[test]
    fn letter_case_makes_no_other_class() {
        let class = Address::new("GymNord", "5A");
        assert!(class.is(&Address::new("gymnord", "5a")));
        assert!(!class.is(&Address::new("gymnord", "5b")) && !class.is(&Address::new("g", "5a")));
        assert!(class.is_beside(&Address::new("GYMNORD", "5b")));
    }
}
