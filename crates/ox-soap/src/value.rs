//! The value of one field of a data object.

use std::fmt;

/// What a field carries. A value of another type than the field's is converted when it is sent,
/// where that loses nothing (the text `"143"` for a number); otherwise the call is refused with an
/// error that names the field, and nothing is sent.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Text; a date is text of the form `YYYY-MM-DD`. The empty text is sent as an empty element,
    /// which clears the field in OX.
    Text(String),
    /// A flag.
    Bool(bool),
    /// A number (`xs:int` or `xs:long`, by the field).
    Number(i64),
    /// Bytes, base64 on the wire. A text given for such a field has to be base64 already.
    Bytes(Vec<u8>),
    /// Texts, one element each. An empty list sends nothing: OX cannot empty a list by `change`.
    List(Vec<String>),
    /// Ids (members of a group), one element each; empty as for `List`.
    Ids(Vec<i32>),
}

impl Value {
    /// The text, when it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, also when it is written as text.
    pub(crate) fn to_number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// What it is, for messages, which never hold the value itself.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Text(text) if text.is_empty() => "an empty text",
            Self::Text(_) => "a text",
            Self::Bool(_) => "a flag",
            Self::Number(_) => "a number",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list of texts",
            Self::Ids(_) => "a list of ids",
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Bool(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
            // An image would bury everything else.
            Self::Bytes(bytes) => write!(f, "<{} bytes>", bytes.len()),
            Self::List(list) => list.fmt(f),
            Self::Ids(ids) => ids.fmt(f),
        }
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident($value:ident) $convert:expr;)*) => {
        $(impl From<$type> for Value {
            fn from($value: $type) -> Self {
                Self::$variant($convert)
            }
        })*
    };
}

from! {
    &str => Text(v) v.to_owned();
    String => Text(v) v;
    &String => Text(v) v.clone();
    bool => Bool(v) v;
    i32 => Number(v) i64::from(v);
    u16 => Number(v) i64::from(v);
    i64 => Number(v) v;
    crate::OxUserId => Number(v) v.into();
    crate::OxGroupId => Number(v) v.into();
    crate::OxResourceId => Number(v) v.into();
    crate::ContextId => Number(v) v.into();
    Vec<u8> => Bytes(v) v;
    &[u8] => Bytes(v) v.to_vec();
    Vec<String> => List(v) v;
    &[String] => List(v) v.to_vec();
    &[&str] => List(v) v.iter().map(|&text| text.to_owned()).collect();
    Vec<&str> => List(v) v.into_iter().map(str::to_owned).collect();
    Vec<i32> => Ids(v) v;
    Vec<crate::OxUserId> => Ids(v) v.into_iter().map(i32::from).collect();
}
