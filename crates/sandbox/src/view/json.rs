//! JSON that is written straight from the state.

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

/// The value and a line end.
pub(crate) fn to_vec(value: &impl Serialize) -> Vec<u8> {
    // Keys are strings and writing to memory does not fail.
    let mut out = serde_json::to_vec(value).unwrap_or_default();
    out.push(b'\n');
    out
}

/// A sequence from a function that makes its iterator.
pub(crate) struct Sequence<F>(pub(crate) F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Sequence<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(None)?;
        for item in (self.0)() {
            sequence.serialize_element(&item)?;
        }
        sequence.end()
    }
}
