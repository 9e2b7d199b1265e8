//! Passwords for users that get none from us otherwise (id-connector 3.4).

use idspool_provisioner::Fault;

const CHARACTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
const LENGTH: usize = 15;

/// A random password in which no character is twice. It is noted nowhere.
pub(super) fn random() -> Result<String, Fault> {
    let mut left = CHARACTERS.to_vec();
    let mut password = String::with_capacity(LENGTH);
    while password.len() < LENGTH {
        let mut byte = [0];
        getrandom::fill(&mut byte).map_err(|error| {
            Fault::transient(format!("the system has no random bytes for a password: {error}"))
        })?;
        // Greater numbers are drawn anew, so that each character is as likely as any other.
        let [byte] = byte;
        let number = usize::from(byte & 0x7f);
        if number < left.len() {
            password.push(char::from(left.swap_remove(number)));
        }
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn fifteen_different_characters_different_each_time() {
        let (one, other) = (random().unwrap(), random().unwrap());
        for password in [&one, &other] {
            assert_eq!(password.bytes().collect::<BTreeSet<_>>().len(), LENGTH, "{password}");
            assert!(password.bytes().all(|byte| CHARACTERS.contains(&byte)));
        }
        assert_ne!(one, other);
    }
}
