//! The password hashes of a user, which are one unit: all of them, or none (udm-ldap.md 3.8).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::{Entry, UserPasswords};

/// The LDAP attributes that [`user_passwords`] needs. They are asked for only where they are wanted.
pub const PASSWORD_ATTRIBUTES: [&str; 5] =
    ["userPassword", "sambaNTPassword", "krb5Key", "krb5KeyVersionNumber", "sambaPwdLastSet"];

/// The password hashes of an entry. `None`: at least one is missing, or of a form that it cannot have.
pub fn user_passwords(entry: &Entry) -> Option<UserPasswords> {
    let number = |name| entry.first_text(name)?.trim().parse::<i64>().ok();
    let passwords = UserPasswords {
        user_password: all_texts(entry, "userPassword")?,
        samba_nt_password: entry.first_text("sambaNTPassword")?.to_owned(),
        krb5_key: entry.values("krb5Key").iter().map(|key| STANDARD.encode(key)).collect(),
        krb5_key_version_number: number("krb5KeyVersionNumber")?,
        samba_pwd_last_set: number("sambaPwdLastSet")?,
    };
    let is_whole = !passwords.krb5_key.is_empty() && !passwords.samba_nt_password.is_empty();
    is_whole.then_some(passwords)
}

/// All values, at least one of them; a hash that is no text cannot travel.
fn all_texts(entry: &Entry, name: &str) -> Option<Vec<String>> {
    let values = entry.values(name).iter().map(|value| String::from_utf8(value.clone()).ok());
    let values: Vec<String> = values.collect::<Option<_>>()?;
    (!values.is_empty()).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let mut entry = Entry::new("uid=a");
        entry.push("userPassword", "{crypt}$6$a");
        entry.push("userPassword", "{crypt}$6$b");
        entry.push("sambaNTPassword", "15EC");
        entry.push("krb5Key", vec![0x30, 0xff, 0x00]);
        entry.push("krb5Key", vec![0x30, 0x3e]);
        entry.push("krb5KeyVersionNumber", "3");
        entry.push("sambaPwdLastSet", "1700000000");
        entry
    }

    #[test]
    fn all_five_make_a_record_with_keys_in_base64() {
        let passwords = user_passwords(&entry()).unwrap();
        assert_eq!(passwords.user_password, ["{crypt}$6$a", "{crypt}$6$b"]);
        assert_eq!(passwords.samba_nt_password, "15EC");
        assert_eq!(passwords.krb5_key, ["MP8A", "MD4="]);
        assert_eq!(
            (passwords.krb5_key_version_number, passwords.samba_pwd_last_set),
            (3, 1_700_000_000)
        );
    }

    #[test]
    fn one_that_is_missing_or_odd_takes_the_others_along() {
        for (name, odd) in [
            ("userPassword", Some(vec![0xff])),
            ("sambaNTPassword", None),
            ("krb5Key", None),
            ("krb5KeyVersionNumber", Some(b"three".to_vec())),
            ("sambaPwdLastSet", None),
        ] {
            let whole = entry();
            let mut entry = Entry::new("uid=a");
            for other in PASSWORD_ATTRIBUTES.into_iter().filter(|other| *other != name) {
                entry.push_all(other, whole.values(other).to_vec());
            }
            entry.push_all(name, odd.into_iter().collect());
            assert_eq!(user_passwords(&entry), None, "{name}");
        }
    }
}
