//! Passwords of new context administrators (ox-provisioning 7.3).

use idspool_service::Secret;

/// Length of a generated password.
pub(crate) const LENGTH: usize = 64;
const ALPHABET: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// 64 letters and digits from the operating system's generator, at least one lower-case letter, one
/// upper-case letter and one digit.
///
/// # Errors
/// The operating system has no random numbers to give.
pub(crate) fn generate() -> Result<Secret, getrandom::Error> {
    loop {
        let password = draw()?;
        // About one draw in 60,000 lacks a digit; drawing again keeps every password equally likely.
        if is_generated(&password) {
            return Ok(Secret::new(password));
        }
    }
}

/// Whether a password has the form that [`generate`] gives.
pub(crate) fn is_generated(password: &str) -> bool {
    let has = |kind: fn(&char) -> bool| password.chars().any(|c| kind(&c));
    password.len() == LENGTH
        && password.chars().all(|c| c.is_ascii_alphanumeric())
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_digit)
}

fn draw() -> Result<String, getrandom::Error> {
    let mut password = String::with_capacity(LENGTH);
    let mut bytes = [0; 2 * LENGTH];
    while password.len() < LENGTH {
        getrandom::fill(&mut bytes)?;
        let chars = bytes
            .iter()
            // 248 is the largest multiple of 62 in a byte: below it every character is equally likely.
            .filter(|&&byte| byte < 248)
            .filter_map(|byte| ALPHABET.get(usize::from(byte % 62)))
            .map(|&byte| char::from(byte));
        password.extend(chars.take(LENGTH - password.len()));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn s7_3_a_password_has_the_required_form_and_is_never_the_same() {
        let mut seen = HashSet::new();
        for _ in 0..200 {
            let password = generate().unwrap();
            assert!(is_generated(password.expose()));
            assert!(seen.insert(password.expose().to_owned()));
        }
        let used: HashSet<char> = seen.iter().flat_map(|password| password.chars()).collect();
        assert_eq!(used.len(), 62, "every character occurs");
    }
}
