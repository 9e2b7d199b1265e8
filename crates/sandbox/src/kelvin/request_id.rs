//! `X-Request-ID` (kelvin-api 1).

use std::borrow::Cow;

/// The client's id if it is a UUID of version 4, else a new one.
pub(super) fn request_id(sent: &str) -> Cow<'_, str> {
    let hex: Vec<u8> = sent.bytes().filter(|byte| *byte != b'-').collect();
    let is_shaped = match sent.len() {
        32 => hex.len() == 32,
        36 => {
            hex.len() == 32
                && [8, 13, 18, 23].iter().all(|at| sent.as_bytes().get(*at) == Some(&b'-'))
        }
        _ => false,
    };
    let is_version_4 =
        hex.get(12) == Some(&b'4') && hex.get(16).is_some_and(|byte| b"89abAB".contains(byte));
    if is_shaped && is_version_4 && hex.iter().all(u8::is_ascii_hexdigit) {
        return Cow::Borrowed(sent);
    }
    let mut random = [0_u8; 16];
    // Without random numbers all get the same id, which does no harm.
    let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut random);
    let mut number = u128::from_be_bytes(random);
    number = number & !(0xf << 76) | 4 << 76;
    number = number & !(0b11 << 62) | 0b10 << 62;
    Cow::Owned(format!("{number:032x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_over_when_it_is_a_random_uuid() {
        for sent in ["7d0d4bd3a3a14d0c8d3f6f1c2b3a4d5e", "7d0d4bd3-a3a1-4d0c-8d3f-6f1c2b3a4d5e"] {
            assert_eq!(request_id(sent), sent);
        }
        for sent in [
            "",
            "x",
            "7d0d4bd3a3a11d0c8d3f6f1c2b3a4d5e",
            "7d0d4bd3a3a14d0c0d3f6f1c2b3a4d5e",
            "7d0d4bd3a3a1-4d0c-8d3f-6f1c2b3a4d5e-",
            "zd0d4bd3a3a14d0c8d3f6f1c2b3a4d5e",
        ] {
            let new = request_id(sent);
            assert_ne!(new, sent);
            assert!(matches!(request_id(&new), Cow::Borrowed(_)), "{new}");
        }
    }
}
