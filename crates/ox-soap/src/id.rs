//! Ids that OX App Suite gives out: newtypes, so that a user id can never pass for a context id.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i32);

        impl $name {
            /// Wraps a number as it stands on the wire (`xs:int`).
            #[must_use]
            pub const fn new(id: i32) -> Self {
                Self(id)
            }

            /// The number as it stands on the wire.
            #[must_use]
            pub const fn value(self) -> i32 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$name> for i32 {
            fn from(id: $name) -> i32 {
                id.0
            }
        }

        impl From<$name> for i64 {
            fn from(id: $name) -> i64 {
                i64::from(id.0)
            }
        }

        impl TryFrom<i64> for $name {
            type Error = IdError;

            fn try_from(id: i64) -> Result<Self, IdError> {
                match i32::try_from(id) {
                    Ok(id) if id >= 0 => Ok(Self(id)),
                    _ => Err(IdError { what: $what, found: id.to_string() }),
                }
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let id: Result<i64, ParseIntError> = text.trim().parse();
                id.map_err(|_| IdError { what: $what, found: text.chars().take(40).collect() })
                    .and_then(Self::try_from)
            }
        }
    };
}

id!(
    /// The number of a context (tenant) of OX App Suite.
    ContextId,
    "context"
);
id!(
    /// The number of a user within its context. The context administrator is 2.
    OxUserId,
    "user"
);
id!(
    /// The number of a group within its context. 1 is the standard group of every context; 0 stands
    /// for "everybody" in calls about secondary accounts.
    OxGroupId,
    "group"
);

id!(
    /// The number of a resource within its context.
    OxResourceId,
    "resource"
);

/// A text or number that cannot be an id: not a number, negative, or beyond `xs:int`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an OX {what} id: {found:?}, expected a number from 0 to 2147483647")]
pub struct IdError {
    what: &'static str,
    found: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_fits_on_the_wire() {
        assert_eq!("10".parse(), Ok(ContextId::new(10)));
        assert_eq!(ContextId::try_from(2_147_483_647), Ok(ContextId::new(i32::MAX)));
        assert_eq!("0".parse(), Ok(OxGroupId::new(0)));
    }

    #[test]
    fn refuses_the_rest_by_name() {
        for text in ["", "x", "-1", "2147483648", "9223372036854775808", "1.0"] {
            let error = text.parse::<OxUserId>().unwrap_err();
            assert!(error.to_string().contains("OX user id"), "{error}");
        }
    }
}
