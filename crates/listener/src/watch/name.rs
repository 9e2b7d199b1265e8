//! DNs as the index keeps them: the entry's own part as text, the whole as a number.

pub(super) use idspool_udm::dn::hash;

/// Splits a DN into the entry's own component, in the spelling delivered, and the DN above it.
pub(super) fn split(dn: &str) -> (&str, &str) {
    let mut is_escaped = false;
    for (at, byte) in dn.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b',' => {
                let (rdn, above) = dn.split_at(at);
                return (rdn, above.strip_prefix(',').unwrap_or(above));
            }
            _ => {}
        }
    }
    (dn, "")
}

/// The DN of the entry with this component below `above`.
pub(super) fn join(rdn: &str, above: &str) -> String {
    if above.is_empty() { rdn.to_owned() } else { format!("{rdn},{above}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_are_split_at_the_first_comma_that_is_one() {
        for (dn, expected) in [
            ("uid=a,cn=users,dc=x", ("uid=a", "cn=users,dc=x")),
            ("cn=Vertrieb\\, Süd,dc=x", ("cn=Vertrieb\\, Süd", "dc=x")),
            ("cn=a\\\\,dc=x", ("cn=a\\\\", "dc=x")),
            ("dc=x", ("dc=x", "")),
            ("", ("", "")),
        ] {
            assert_eq!(split(dn), expected);
            assert_eq!(join(expected.0, expected.1), dn);
        }
    }

    #[test]
    fn spellings_of_one_dn_have_one_number_which_never_changes() {
        assert_eq!(hash("CN=Team, dc=X"), hash("cn=team,dc=x"));
        assert_ne!(hash("cn=team,dc=x"), hash("cn=team,dc=y"));
        assert_eq!(hash("cn=team,dc=x"), HASH_OF_TEAM);
    }

    /// The first eight bytes of the SHA-256 of the DN.
    const HASH_OF_TEAM: i64 = 6_475_580_420_609_871_690;
}
