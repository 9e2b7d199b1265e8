//! The small file that says that an entry changed.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::reader::{self, Notes};
use crate::{EntryUuid, Error};

const WHAT: &str = "listener item";

/// "Something about this entry changed": what a listener writes and the converter reads.
///
/// Administrators write such files by hand, with the snippet of the product manual. Reading is
/// therefore lenient about everything that the converter can do without: `command` may be any
/// text or missing, `object_type` any text or missing, further keys are passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerItem {
    /// The entry.
    pub entry_uuid: EntryUuid,
    /// Its DN, as far as the writer knew.
    pub dn: String,
    /// The module as written, `""` when the file has none. See [`ListenerItem::module`].
    pub object_type: String,
    /// `add`, `modify`, `delete`, or whatever the file says; `modify` when it says nothing.
    pub command: String,
    /// Part of a re-provisioning: recipients are called even if nothing seems to have changed.
    pub resync: bool,
}

impl ListenerItem {
    /// Reads the content of a listener file.
    ///
    /// # Errors
    ///
    /// When the bytes are no JSON object, when `entry_uuid` or `dn` is missing or unusable, or when
    /// a key has a value of another kind than text.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let notes = Notes::default();
        let raw = reader::read(WHAT, bytes, &notes, Seed { notes: &notes })?;
        let entry_uuid = raw.entry_uuid.parse().map_err(|error: Error| Error::Unusable {
            what: WHAT,
            key: "entry_uuid",
            reason: error.to_string(),
        })?;
        if raw.dn.trim().is_empty() {
            return Err(Error::Unusable {
                what: WHAT,
                key: "dn",
                reason: "it is empty; it must be the DN of the entry, or the last known one".into(),
            });
        }
        Ok(Self {
            entry_uuid,
            dn: raw.dn,
            object_type: raw.object_type,
            command: raw.command,
            resync: raw.resync,
        })
    }

    /// The content of a listener file, one line.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut map = Map::new();
        let mut put = |key: &str, text: &str| map.insert(key.to_owned(), Value::from(text));
        put("entry_uuid", self.entry_uuid.as_str());
        put("dn", &self.dn);
        put("object_type", &self.object_type);
        put("command", &self.command);
        if self.resync {
            map.insert("resync".to_owned(), Value::Bool(true));
        }
        let mut bytes = Value::Object(map).to_string().into_bytes();
        bytes.push(b'\n');
        bytes
    }

    /// The module, when the file names one that idspool knows.
    pub fn module(&self) -> Option<crate::Module> {
        self.object_type.parse().ok()
    }
}

struct Raw {
    entry_uuid: String,
    dn: String,
    object_type: String,
    command: String,
    resync: bool,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    EntryUuid,
    Dn,
    ObjectType,
    Command,
    Resync,
    #[serde(other)]
    Other,
}

struct Seed<'n> {
    notes: &'n Notes,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Raw;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let (mut entry_uuid, mut dn) = (None, None);
        let mut object_type: Option<Option<String>> = None;
        let mut command: Option<Option<String>> = None;
        let mut resync = None;
        let notes = self.notes;
        while let Some(key) = map.next_key::<Key>()? {
            match key {
                Key::EntryUuid => notes.value(&mut map, &mut entry_uuid, "entry_uuid", "text")?,
                Key::Dn => notes.value(&mut map, &mut dn, "dn", "text")?,
                Key::ObjectType => {
                    notes.value(&mut map, &mut object_type, "object_type", "text or null")?;
                }
                Key::Command => notes.value(&mut map, &mut command, "command", "text or null")?,
                Key::Resync => notes.value(&mut map, &mut resync, "resync", "true or false")?,
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Raw {
            entry_uuid: notes.required(entry_uuid, "entry_uuid")?,
            dn: notes.required(dn, "dn")?,
            object_type: object_type.flatten().unwrap_or_default(),
            command: command.flatten().unwrap_or_else(|| "modify".to_owned()),
            resync: resync.unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0f3c9c6a-0000-103f-8000-000000000001";

    #[test]
    fn the_snippet_of_the_manual_is_read() {
        let text = format!(
            "{{\n    \"entry_uuid\": \"{UUID}\",\n    \"dn\": \"uid=ox1,cn=users,dc=example,dc=com\",\n    \
             \"object_type\": \"users/user\",\n    \"command\": \"modify\"\n}}\n"
        );
        let item = ListenerItem::parse(text.as_bytes()).unwrap();
        assert_eq!(item.entry_uuid.as_str(), UUID);
        assert_eq!(item.module(), Some(crate::Module::User));
        assert_eq!((item.command.as_str(), item.resync), ("modify", false));
    }

    #[test]
    fn what_can_be_done_without_may_be_missing_or_unknown() {
        let bare = format!(r#"{{"dn": "cn=x", "entry_uuid": "{UUID}"}}"#);
        let item = ListenerItem::parse(bare.as_bytes()).unwrap();
        assert_eq!((item.object_type.as_str(), item.command.as_str()), ("", "modify"));
        let odd = format!(
            r#"{{"dn": "cn=x", "entry_uuid": "{UUID}", "object_type": "shares/share",
                "command": "m", "why": {{"deep": [1, 2]}}}}"#
        );
        let item = ListenerItem::parse(odd.as_bytes()).unwrap();
        assert_eq!((item.object_type.as_str(), item.command.as_str()), ("shares/share", "m"));
        assert_eq!(item.module(), None);
    }

    #[test]
    fn an_error_names_the_key_and_never_the_value() {
        let cases = [
            (r#"{"dn": "cn=x"}"#.to_owned(), "\"entry_uuid\" is missing"),
            (format!(r#"{{"entry_uuid": "{UUID}"}}"#), "\"dn\" is missing"),
            (format!(r#"{{"entry_uuid": "{UUID}", "dn": " "}}"#), "\"dn\" is not usable"),
            (format!(r#"{{"entry_uuid": "{UUID}", "dn": 5}}"#), "\"dn\" must be text"),
            (r#"{"entry_uuid": "nix", "dn": "cn=x"}"#.to_owned(), "\"entry_uuid\" is not usable"),
            (r#"{"dn": "cn=x", "dn": "cn=y"}"#.to_owned(), "\"dn\" occurs twice"),
            ("[]".to_owned(), "expected a JSON object"),
            ("{".to_owned(), "not valid JSON"),
            (String::new(), "not valid JSON"),
            (format!(r#"{{"entry_uuid": "{UUID}", "dn": "cn=x"}} x"#), "not valid JSON"),
        ];
        for (text, expected) in cases {
            let error = ListenerItem::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn writing_and_reading_agree() {
        let item = ListenerItem {
            entry_uuid: UUID.parse().unwrap(),
            dn: "cn=Vertrieb\\2C Süd,dc=example,dc=org".into(),
            object_type: "groups/group".into(),
            command: "delete".into(),
            resync: true,
        };
        assert_eq!(ListenerItem::parse(&item.to_bytes()).unwrap(), item);
        let quiet = ListenerItem { resync: false, ..item };
        assert!(!String::from_utf8(quiet.to_bytes()).unwrap().contains("resync"));
    }
}
