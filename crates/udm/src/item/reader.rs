//! Turning serde's errors into ones that name the key.
//!
//! serde says "invalid type: string, expected a map" without saying of which key, and may quote
//! the value, which can be a secret. A reader therefore notes the key it is at, and only that and
//! the place go into our error.

use std::cell::Cell;

use serde::de::{DeserializeSeed, Error as _};

use crate::Error;

/// What a reader notes while it reads.
#[derive(Default)]
pub(super) struct Notes {
    /// The key whose value is being read, and what that value must be.
    at: Cell<Option<(&'static str, &'static str)>>,
    /// A fault that serde has no name for.
    fault: Cell<Option<Fault>>,
}

#[derive(Clone, Copy)]
enum Fault {
    Missing(&'static str),
    Twice(&'static str),
}

impl Notes {
    /// Reads the value of a key, which must not have been read before.
    pub(super) fn value<'de, T, A>(
        &self,
        map: &mut A,
        slot: &mut Option<T>,
        key: &'static str,
        expected: &'static str,
    ) -> Result<(), A::Error>
    where
        T: serde::Deserialize<'de>,
        A: serde::de::MapAccess<'de>,
    {
        if slot.is_some() {
            self.fault.set(Some(Fault::Twice(key)));
            return Err(A::Error::duplicate_field(key));
        }
        self.at.set(Some((key, expected)));
        *slot = Some(map.next_value()?);
        self.at.set(None);
        Ok(())
    }

    /// The value of a key that must be there.
    pub(super) fn required<T, E: serde::de::Error>(
        &self,
        slot: Option<T>,
        key: &'static str,
    ) -> Result<T, E> {
        slot.ok_or_else(|| {
            self.fault.set(Some(Fault::Missing(key)));
            E::missing_field(key)
        })
    }
}

/// Runs a seed over all bytes; anything but blanks behind the value is an error. `notes` are those
/// the seed writes to.
pub(super) fn read<'de, S: DeserializeSeed<'de>>(
    what: &'static str,
    bytes: &'de [u8],
    notes: &Notes,
    seed: S,
) -> Result<S::Value, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    seed.deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|source| match (notes.fault.get(), notes.at.get()) {
            (Some(Fault::Missing(key)), _) => Error::Missing { what, key },
            (Some(Fault::Twice(key)), _) => Error::Twice { what, key },
            (None, Some((key, expected))) if source.is_data() => {
                Error::Kind { what, key, expected, line: source.line(), column: source.column() }
            }
            (None, None) if source.is_data() => Error::NoObject { what },
            (None, _) => Error::Syntax { what, source },
        })
}
