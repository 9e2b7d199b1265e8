//! The fingerprint of what was last delivered: equal means there is nothing to send.
//!
//! It covers what would go over the wire, so that a changed mapping or school shows as well as a changed
//! object.

use ring::digest::{Context, SHA256};
use serde_json::Value;

/// Fingerprint of a value in the first `length` bytes of the hash, in hexadecimal. `kind` tells values of
/// different meaning apart, and changes when the meaning does.
pub(crate) fn of_json(kind: &str, value: &Value, length: usize) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(2 * length);
    for byte in hash(kind, value).as_ref().iter().take(length) {
        let _never_fails = write!(text, "{byte:02x}");
    }
    text
}

/// Fingerprint of a value as a number that is not negative.
pub(crate) fn number_of_json(kind: &str, value: &Value) -> i64 {
    let mut bytes = [0; 8];
    for (byte, hashed) in bytes.iter_mut().zip(hash(kind, value).as_ref()) {
        *byte = *hashed;
    }
    i64::from_be_bytes(bytes) & i64::MAX
}

fn hash(kind: &str, value: &Value) -> ring::digest::Digest {
    let mut hasher = Context::new(&SHA256);
    hasher.update(kind.as_bytes());
    // Keys are in order; no text of JSON contains this byte.
    hasher.update(&[0]);
    hasher.update(value.to_string().as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_difference_shows() {
        let value = json!({"b": ["x"], "a": null});
        assert_eq!(of_json("k", &value, 16), of_json("k", &json!({"a": null, "b": ["x"]}), 16));
        assert_eq!(of_json("k", &value, 16).len(), 32);
        for other in [json!({"b": ["x"]}), json!({"b": "x", "a": null}), json!({"b": [], "a": "x"})]
        {
            assert_ne!(of_json("k", &value, 16), of_json("k", &other, 16));
            assert_ne!(number_of_json("k", &value), number_of_json("k", &other));
        }
        assert_ne!(of_json("k", &value, 16), of_json("l", &value, 16));
        assert!(number_of_json("k", &value) >= 0);
    }
}
