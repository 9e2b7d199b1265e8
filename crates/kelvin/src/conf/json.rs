//! Reading JSON files that administrators edit.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Bytes of the largest file. A mapping of a hundred thousand schools has a few of them.
const LARGEST: u64 = 16 << 20;

/// Reads a JSON object. `None`: there is no such file.
///
/// # Errors
/// What is wrong with the file, in words, with line and column where it has one. Nothing of its values is told.
pub fn read_object(path: &Path) -> Result<Option<Map<String, Value>>, String> {
    match read(path) {
        Ok(bytes) => parse_object(&bytes).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("it cannot be read: {error}")),
    }
}

/// Reads a JSON object from bytes.
///
/// # Errors
/// As for [`read_object`].
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    match parse(bytes)? {
        Value::Object(map) => Ok(map),
        _ => Err("it holds no JSON object: it must begin with '{'".into()),
    }
}

fn parse(bytes: &[u8]) -> Result<Value, String> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err("it begins with a byte order mark: save it as UTF-8 without one".into());
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("it is UTF-16: save it as UTF-8".into());
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("it is empty".into());
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Unique.deserialize(&mut reader);
    value.and_then(|value| reader.end().map(|()| value)).map_err(|error| {
        format!("it is not JSON: {}", idspool_service::one_line(&error.to_string()))
    })
}

/// At most [`LARGEST`] bytes of a regular file: a named pipe would be waited for, for ever.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let too_large =
        || io::Error::new(ErrorKind::FileTooLarge, format!("it is larger than {LARGEST} bytes"));
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if metadata.len() > LARGEST {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        return Err(too_large());
    }
    Ok(bytes)
}

/// Any value, in which no key is twice: of two passwords one would win silently.
struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(Unique)? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if values.contains_key(&key) {
                let key: String = key.chars().take(80).collect();
                return Err(A::Error::custom(format_args!("the key '{key}' is there twice")));
            }
            values.insert(key, map.next_value_seed(Unique)?);
        }
        Ok(values.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, expected) in [
            (&b"\xef\xbb\xbf{}"[..], "byte order mark"),
            (b"\xff\xfe{\0}\0", "UTF-16"),
            (b" \n", "it is empty"),
            (b"[]", "no JSON object"),
            (b"{\n \"a\": 1,\n}", "line 3 column 1"),
            (b"{\"a\": {\"b\": 1,\n\"b\": 2}}", "the key 'b' is there twice at line 2"),
            (b"{} x", "trailing characters"),
            (b"{\"a\": \"\xff\"}", "it is not JSON"),
        ] {
            let problem = parse_object(text).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }

    #[test]
    fn a_file_that_is_none_or_huge_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_object(&dir.path().join("none")), Ok(None));
        assert!(read_object(dir.path()).unwrap_err().contains("no regular file"));
        let huge = dir.path().join("huge");
        File::create(&huge).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(read_object(&huge).unwrap_err().contains("larger than"));
    }

    #[test]
    fn all_kinds_of_values_are_kept() {
        let text =
            r#"{"a": [null, true, -1, 18446744073709551615, 1.5, "\u00e4"], "b": {"c": {}}}"#;
        let expected = json!({"a": [null, true, -1, u64::MAX, 1.5, "ä"], "b": {"c": {}}});
        assert_eq!(Value::Object(parse_object(text.as_bytes()).unwrap()), expected);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _any = parse_object(&bytes);
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{{\"a\": {}", "[".repeat(100_000));
        assert!(parse_object(deep.as_bytes()).unwrap_err().contains("recursion limit"));
    }
}
