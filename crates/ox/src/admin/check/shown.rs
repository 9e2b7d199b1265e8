//! What one of the three sides says about a property, in the form in which the sides are compared.
//!
//! The sides write the same thing differently: `10` and `"10"`, `"OK"` and `true`, null and an empty
//! list (ox-provisioning 9.4). Here each value has one form.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

/// What one side says about a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The side is not asked: it does not know the property, or nobody wrote it there.
    NotCompared,
    /// No value.
    Nothing,
    /// One value.
    Text(String),
    /// Several values.
    List(Vec<String>),
    /// A picture: its size in bytes and the beginning of its SHA-256.
    Image(usize, String),
    /// A value that is never shown.
    Secret,
}

/// When two values count as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Same {
    /// To the letter.
    Exactly,
    /// In whatever letter case: host names.
    AnyCase,
    /// The same values in whatever order and letter case: mail addresses, members.
    AsSet,
}

impl Shown {
    /// A property of the directory or of a snapshot.
    pub(crate) fn of_property(value: Option<&Json>) -> Self {
        match value {
            Some(Json::Array(list)) => {
                let texts: Vec<String> =
                    list.iter().map(text_of).filter(|text| !text.is_empty()).collect();
                match <[String; 1]>::try_from(texts) {
                    Ok([single]) => Self::Text(single),
                    Err(texts) if texts.is_empty() => Self::Nothing,
                    Err(texts) => Self::List(texts),
                }
            }
            Some(value) => Self::text(text_of(value)),
            None => Self::Nothing,
        }
    }

    /// A text; an empty one is no value.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Nothing } else { Self::Text(text) }
    }

    /// A list that stays one when it has a single value.
    pub(crate) fn list(values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        if values.is_empty() { Self::Nothing } else { Self::List(values) }
    }

    /// The content of a picture.
    pub(crate) fn image(bytes: &[u8]) -> Self {
        use fmt::Write as _;
        if bytes.is_empty() {
            return Self::Nothing;
        }
        let mut hash = String::new();
        for byte in digest(&SHA256, bytes).as_ref().iter().take(8) {
            let _never_fails = write!(hash, "{byte:02x}");
        }
        Self::Image(bytes.len(), hash)
    }

    /// A picture in base64. Text that is none is shown by the hash of the text.
    pub(crate) fn image_of_base64(text: &str) -> Self {
        let compact: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        match STANDARD.decode(&compact) {
            Ok(bytes) => Self::image(&bytes),
            Err(_) => Self::image(&compact),
        }
    }

    /// A field of an OX object.
    pub(crate) fn of_field(value: Option<&idspool_ox_soap::Value>) -> Self {
        use idspool_ox_soap::Value;
        match value {
            None => Self::Nothing,
            Some(Value::Text(text)) => Self::text(text.as_str()),
            Some(Value::Bool(flag)) => Self::Text(flag.to_string()),
            Some(Value::Number(number)) => Self::Text(number.to_string()),
            Some(Value::Bytes(bytes)) => Self::image(bytes),
            Some(Value::List(list)) => Self::list(list),
            Some(Value::Ids(ids)) => Self::list(ids.iter().map(ToString::to_string)),
        }
    }

    /// Whether the side has its say.
    #[must_use]
    pub fn is_compared(&self) -> bool {
        *self != Self::NotCompared
    }

    pub(crate) fn is_same(&self, other: &Self, same: Same) -> bool {
        match same {
            Same::Exactly => self == other,
            Same::AnyCase => self.folded() == other.folded(),
            Same::AsSet => {
                let sorted = |side: &Self| {
                    let mut values = side.folded();
                    values.sort_unstable();
                    values.dedup();
                    values
                };
                sorted(self) == sorted(other)
            }
        }
    }

    fn folded(&self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text.to_lowercase()],
            Self::List(list) => list.iter().map(|text| text.to_lowercase()).collect(),
            Self::Image(_, hash) => vec![hash.clone()],
            Self::NotCompared | Self::Nothing | Self::Secret => Vec::new(),
        }
    }

    /// The same without its content, when it has any.
    pub(crate) fn concealed(self) -> Self {
        match self {
            Self::NotCompared | Self::Nothing => self,
            _ => Self::Secret,
        }
    }
}

/// A single value as text: flags as UDM's texts have them, lists within lists as LDAP stores them.
fn text_of(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Bool(true) => "1".to_owned(),
        Json::Bool(false) => "0".to_owned(),
        Json::Number(number) => number.to_string(),
        Json::Array(list) => list.iter().map(text_of).collect::<Vec<_>>().join(" |:$:| "),
        Json::Object(_) => value.to_string(),
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCompared => f.write_str("-"),
            Self::Nothing => f.write_str("None"),
            Self::Text(text) => f.write_str(text),
            Self::List(list) => write!(f, "[{}]", list.join(", ")),
            Self::Image(size, hash) => write!(f, "image of {size} bytes, SHA-256 {hash}..."),
            Self::Secret => f.write_str("***"),
        }
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::NotCompared | Self::Nothing => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(list) => list.serialize(serializer),
            Self::Image(..) | Self::Secret => serializer.collect_str(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn property(value: Json) -> Shown {
        Shown::of_property(Some(&value))
    }

    #[test]
    fn s9_4_numbers_count_as_text() {
        assert_eq!(property(json!(10)), property(json!("10")));
        assert_ne!(property(json!(10)), property(json!("11")));
    }

    #[test]
    fn s9_4_an_empty_list_is_null() {
        for nothing in [json!(null), json!([]), json!(""), json!([""]), json!([null])] {
            assert_eq!(property(nothing.clone()), Shown::Nothing, "{nothing}");
        }
        assert_eq!(Shown::of_property(None), Shown::Nothing);
        assert_ne!(property(json!("0")), Shown::Nothing);
    }

    #[test]
    fn a_list_of_one_is_its_value() {
        assert_eq!(property(json!(["a"])), property(json!("a")));
        assert_ne!(property(json!(["a", "b"])), property(json!("a")));
        assert_eq!(property(json!([["d", "1", true]])), property(json!(["d |:$:| 1 |:$:| 1"])));
    }

    #[test]
    fn order_and_letter_case_count_where_they_mean_something() {
        let (one, other) = (Shown::list(["A@x", "b@x"]), Shown::list(["b@x", "a@X"]));
        assert!(one.is_same(&other, Same::AsSet));
        assert!(!one.is_same(&other, Same::AnyCase) && !one.is_same(&other, Same::Exactly));
        assert!(Shown::text("Mail").is_same(&Shown::text("mail"), Same::AnyCase));
        assert!(!Shown::text("Mail").is_same(&Shown::text("mail"), Same::Exactly));
        assert!(Shown::list(["a"]).is_same(&Shown::text("a"), Same::AsSet));
    }

    #[test]
    fn images_are_shown_by_size_and_hash() {
        let image = Shown::image_of_base64("aGVs\nbG8=");
        assert_eq!(image, Shown::image(b"hello"));
        assert_ne!(image, Shown::image(b"hallo"));
        // First digits of `printf hello | sha256sum`.
        assert_eq!(image.to_string(), "image of 5 bytes, SHA-256 2cf24dba5fb0a30e...");
        assert_eq!(serde_json::to_value(&image).unwrap(), json!(image.to_string()));
        assert_eq!(Shown::image_of_base64(""), Shown::Nothing);
    }

    #[test]
    fn a_secret_shows_nothing_but_that_it_is_there() {
        let secret = Shown::text("hunter2").concealed();
        assert_eq!(format!("{secret} {secret:?}"), "*** Secret");
        assert_eq!(Shown::Nothing.concealed(), Shown::Nothing);
    }
}
