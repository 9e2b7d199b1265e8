//! Distinguished names (RFC 4514), and the key under which an object is found whatever spelling of
//! its DN somebody used (udm-ldap.md 5).
//!
//! The same entry appears as `CN=Team, DC=example`, `cn=team,dc=example` and, with a comma in its
//! name, escaped in two ways. Keep the delivered spelling for output; compare and index by [`key`].
//!
//! Two DNs have the same key when a directory server would call them equal: attribute types
//! compare by name or OID; values after composition (NFC), in lower case character by character
//! (as slapd does it, so `ß` stays different from `ss`: both may exist as separate entries), with
//! runs of blanks as one and none at the ends; parts of a multi-valued RDN in any order.

mod parse;
mod write;

use std::borrow::Cow;
use std::fmt;

use ring::digest;

use crate::Error;

/// A parsed distinguished name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dn {
    rdns: Vec<Rdn>,
}

/// One component of a DN: usually one attribute and value, seldom several joined by `+`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rdn {
    parts: Vec<Part>,
}

/// An attribute and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    /// The type in lower case, well-known OIDs and long forms replaced by the usual name.
    attribute: String,
    /// The value without escapes. Bytes that are no UTF-8 are possible (`\ff`), though rare.
    value: Vec<u8>,
}

impl Dn {
    /// Parses a DN. Blanks around `,`, `;`, `+` and `=` are allowed; the empty text is the DN of
    /// the root.
    ///
    /// # Errors
    ///
    /// When the text does not follow RFC 4514.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse::dn(text)
    }

    /// The key under which the object is found: equal for all spellings of one DN, and itself a
    /// spelling of it.
    pub fn normalized(&self) -> String {
        write::normalized(&self.rdns)
    }

    /// The DN of the entry above, `None` at the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.rdns.split_first()?;
        Some(Self { rdns: above.to_vec() })
    }

    /// The components, the entry's own first.
    pub fn rdns(&self) -> &[Rdn] {
        &self.rdns
    }

    /// The entry's own component, `None` at the root.
    pub fn rdn(&self) -> Option<&Rdn> {
        self.rdns.first()
    }

    /// Whether this entry lies below the other one, at any depth.
    pub fn is_below(&self, other: &Self) -> bool {
        let Some(depth) = self.rdns.len().checked_sub(other.rdns.len()) else { return false };
        depth > 0
            && self
                .rdns
                .get(depth..)
                .is_some_and(|tail| write::normalized(tail) == write::normalized(&other.rdns))
    }
}

impl Rdn {
    /// The value of an attribute in this component (type in lower case).
    pub fn value(&self, attribute: &str) -> Option<Cow<'_, str>> {
        self.parts
            .iter()
            .find(|part| part.attribute == attribute)
            .map(|part| String::from_utf8_lossy(&part.value))
    }

    /// The first attribute type, lower case.
    pub fn attribute(&self) -> &str {
        self.parts.first().map_or("", |part| &part.attribute)
    }

    /// The first value.
    pub fn first_value(&self) -> Cow<'_, str> {
        self.parts.first().map_or(Cow::Borrowed(""), |part| String::from_utf8_lossy(&part.value))
    }
}

impl fmt::Display for Dn {
    /// A spelling that any server understands: case and blanks of the values kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write::plain(&self.rdns))
    }
}

impl std::str::FromStr for Dn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// The key of a DN, see [`Dn::normalized`]. Plain ASCII DNs, which nearly all are, take a short
/// way without parsing; one that is its own key is not even copied.
///
/// # Errors
///
/// When the text does not follow RFC 4514.
pub fn normalize(text: &str) -> Result<Cow<'_, str>, Error> {
    match write::shape(text) {
        write::Shape::Key => Ok(Cow::Borrowed(text)),
        write::Shape::KeyButForCase => Ok(Cow::Owned(text.to_ascii_lowercase())),
        write::Shape::Other => Dn::parse(text).map(|dn| Cow::Owned(dn.normalized())),
    }
}

/// As [`normalize`], but what is no DN is its own key, in lower case and without blanks at the
/// ends. For maps filled from data of others, where one bad value must not spoil the rest.
pub fn key(text: &str) -> Cow<'_, str> {
    normalize(text).unwrap_or_else(|_| Cow::Owned(text.trim().to_lowercase()))
}

/// A number for a DN in any spelling. Two DNs share one only by a chance of one to 2⁶⁴.
///
/// It is stored, so it must be the same in every version; and members are written by many people, so
/// it must not be possible to choose two DNs that share one.
pub fn hash(text: &str) -> i64 {
    let digest = digest::digest(&digest::SHA256, key(text).as_bytes());
    let bytes = digest.as_ref().first_chunk().copied().unwrap_or_default();
    i64::from_be_bytes(bytes)
}

/// Whether the first component is a `uid`, which tells users from groups (udm-ldap.md 3.4, 3.5).
pub fn is_user(text: &str) -> bool {
    let Some((attribute, _)) = text.split_once('=') else { return false };
    match attribute.trim() {
        "uid" => true,
        plain if plain.eq_ignore_ascii_case("cn") => false,
        other => parse::attribute_name(other) == "uid",
    }
}

/// The first value of the first component: the short name of a user, the name of a group.
pub fn first_value(text: &str) -> Option<String> {
    let dn = Dn::parse(text).ok()?;
    Some(dn.rdn()?.first_value().into_owned())
}

/// A value by the rule for names, for maps: equal for two texts that [`same_value`] takes for one.
pub fn folded(text: &str) -> String {
    write::folded(text)
}

/// Compares two values by the rule for names: composition, case and blanks do not count.
pub fn same_value(left: &str, right: &str) -> bool {
    left == right || write::folded(left) == write::folded(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_from_the_field_have_the_expected_key() {
        for (text, key) in [
            ("", ""),
            ("  ", ""),
            (
                "cn=weird case,cn=groups,dc=example,dc=org",
                "cn=weird case,cn=groups,dc=example,dc=org",
            ),
            (
                "CN=Weird Case , CN=Groups,DC=Example,  dc=ORG",
                "cn=weird case,cn=groups,dc=example,dc=org",
            ),
            (
                "UID=A.OEHLER, CN=Users, DC=example,DC=org",
                "uid=a.oehler,cn=users,dc=example,dc=org",
            ),
            ("cn=Vertrieb\\, Süd,dc=x", "cn=vertrieb\\2c süd,dc=x"),
            ("cn=Vertrieb\\2C Süd,dc=x", "cn=vertrieb\\2c süd,dc=x"),
            ("cn=Vertrieb\\2c S\\c3\\bcd;dc=x", "cn=vertrieb\\2c süd,dc=x"),
            ("2.5.4.3=a,0.9.2342.19200300.100.1.25=b", "cn=a,dc=b"),
            ("OID.2.5.4.3=a,domainComponent=b", "cn=a,dc=b"),
            ("cn=#0c0341C3A4,dc=x", "cn=a\u{e4},dc=x"),
            ("cn=#04024869", "cn=hi"),
            ("cn=#3003020105", "cn=\\233003020105"),
            ("ou=b+cn=A,dc=x", "cn=a+ou=b,dc=x"),
            ("cn=,dc=x", "cn=,dc=x"),
            ("cn=a\\ ,dc=x", "cn=a,dc=x"),
            ("cn=\\ffx", "cn=\\ffx"),
            ("cn=a=b", "cn=a\\3db"),
            ("uid=exam-a.b_c@d,ou=x", "uid=exam-a.b_c@d,ou=x"),
        ] {
            assert_eq!(normalize(text).unwrap(), key, "{text}");
            assert_eq!(Dn::parse(text).unwrap().normalized(), key, "{text}");
        }
    }

    #[test]
    fn what_is_no_dn_is_an_error_that_says_where() {
        for (text, at) in [
            ("nonsense", 0),
            ("cn=a,", 5),
            ("cn=a,,dc=x", 5),
            (",cn=a", 0),
            ("=a", 0),
            ("c n=a", 0),
            ("cn=a\\", 4),
            ("cn=a\\2", 4),
            ("cn=a\\zb", 4),
            ("cn=\"a\"", 3),
            ("cn=a<b", 4),
            ("cn=#0", 3),
            ("cn=#", 3),
            ("cn=#04zz", 3),
            ("cn=a\0b", 4),
        ] {
            match Dn::parse(text) {
                Err(Error::Dn { at: found, .. }) => assert_eq!(found, at, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
            assert_eq!(key(text), text.trim().to_lowercase());
        }
    }

    #[test]
    fn the_tree_above() {
        let dn = Dn::parse("uid=a+cn=b,ou=Schule\\, Nord,dc=x").unwrap();
        let above = dn.parent().unwrap();
        assert_eq!(above.to_string(), "ou=Schule\\2c Nord,dc=x");
        assert_eq!(dn.rdn().unwrap().value("cn").as_deref(), Some("b"));
        assert_eq!(dn.rdn().unwrap().attribute(), "uid");
        assert!(dn.is_below(&Dn::parse("DC=X").unwrap()) && dn.is_below(&above));
        assert!(!above.is_below(&above) && !above.is_below(&dn));
        assert!(dn.is_below(&Dn::parse("").unwrap()));
        assert_eq!(Dn::parse("").unwrap().parent(), None);
    }

    #[test]
    fn users_are_told_by_their_dn() {
        for text in ["uid=a,dc=x", "UID=a", " uid =a", "0.9.2342.19200300.100.1.1=a", "userId=a"] {
            assert!(is_user(text), "{text}");
        }
        for text in ["cn=uid=a", "", "uid", "uidNumber=5,dc=x", "CN=a"] {
            assert!(!is_user(text), "{text}");
        }
        assert_eq!(first_value("uid=A.\\c3\\96hler,dc=x").as_deref(), Some("A.Öhler"));
        assert_eq!(first_value(""), None);
    }
}
