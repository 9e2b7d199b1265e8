//! The file that carries the whole state of an object to a consumer.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::reader::{self, Notes};
use super::school::{OldData, UserPasswords};
use super::snapshot;
use crate::{Error, Module};

pub(super) const WHAT: &str = "converted item";

/// The whole state of one UDM object, or the fact that it is gone: what the converter writes and a
/// provisioner reads and keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvertedItem {
    /// The `entryUUID`. Always fit to be part of a file name.
    pub id: String,
    /// The module as written.
    pub udm_object_type: String,
    /// The DN in the spelling delivered; of a deleted object the last known one.
    pub dn: String,
    /// Property name to value; `None`: the object was deleted.
    pub object: Option<Map<String, Value>>,
    /// UDM options; `None` when deleted, or never known.
    pub options: Option<Vec<String>>,
    /// Part of a re-provisioning: the recipient is called even if nothing seems to have changed.
    pub resync: bool,
    /// What was known before this change, for school authorities. Not part of a snapshot.
    pub old_data: Option<OldData>,
    /// The password hashes of a user, for school authorities. Not part of a snapshot.
    pub user_passwords: Option<UserPasswords>,
}

impl ConvertedItem {
    /// Reads the content of a queue file or snapshot.
    ///
    /// # Errors
    ///
    /// When the bytes are no JSON object, when one of the five keys `id`, `udm_object_type`, `dn`,
    /// `object`, `options` is missing, one that is known is twice there or of the wrong kind, or `id` cannot be
    /// part of a file name. Further keys are passed over.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let notes = Notes::default();
        Self::read(bytes, &notes, Seed::new(&notes))
    }

    /// Reads a dump for the ID Connector, where `object` and `options` of a deleted object may be missing
    /// (id-connector 1.2).
    ///
    /// # Errors
    ///
    /// As for [`ConvertedItem::parse`].
    pub fn parse_dump(bytes: &[u8]) -> Result<Self, Error> {
        let notes = Notes::default();
        Self::read(bytes, &notes, Seed::new(&notes).deleted_by_absence())
    }

    fn read(
        bytes: &[u8],
        notes: &Notes,
        seed: Seed<'_, Option<Map<String, Value>>>,
    ) -> Result<Self, Error> {
        let fields = reader::read(WHAT, bytes, notes, seed)?;
        check_id(&fields.id)?;
        let Fields { id, udm_object_type, dn, object, options, resync, old_data, user_passwords } =
            fields;
        Ok(Self { id, udm_object_type, dn, object, options, resync, old_data, user_passwords })
    }

    /// The content of a queue file: one line, the keys in an order that lets [`super::ItemHead`]
    /// see all it needs at the beginning.
    pub fn to_queue_bytes(&self) -> Vec<u8> {
        snapshot::queue_bytes(self)
    }

    /// The content of a snapshot, to the byte as the OX Connector writes it (ox-provisioning.md
    /// 2.2): keys sorted, four spaces, non-ASCII escaped. `resync` is left out: a snapshot is a
    /// state, not a request.
    pub fn to_snapshot_bytes(&self) -> Vec<u8> {
        snapshot::snapshot_bytes(self)
    }

    /// The module, when it is one that idspool knows.
    pub fn module(&self) -> Option<Module> {
        self.udm_object_type.parse().ok()
    }

    /// Whether the object was deleted.
    pub fn is_deleted(&self) -> bool {
        self.object.is_none()
    }

    /// A property; `null` and absent are the same.
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.object.as_ref()?.get(name).filter(|value| !value.is_null())
    }
}

/// `id` names the snapshot file, so it must not lead elsewhere.
pub(super) fn check_id(id: &str) -> Result<(), Error> {
    /// Longest file name of common file systems, less room for `.json` and a temporary's prefix.
    const LONGEST: usize = 200;
    let reason = if id.is_empty() {
        "it is empty"
    } else if id.len() > LONGEST {
        "it is too long for a file name"
    } else if id.starts_with('.') || id.contains(['/', '\0']) {
        "it cannot be a file name"
    } else {
        return Ok(());
    };
    Err(Error::Unusable {
        what: WHAT,
        key: "id",
        reason: format!("{reason}; it must be the entryUUID of the object"),
    })
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Id,
    UdmObjectType,
    Dn,
    Object,
    Options,
    Resync,
    OldData,
    UserPasswords,
    #[serde(other)]
    Other,
}

/// The keys of a converted item, with as much of its object as `O` takes.
pub(super) struct Fields<O> {
    pub(super) id: String,
    pub(super) udm_object_type: String,
    pub(super) dn: String,
    pub(super) object: O,
    pub(super) options: Option<Vec<String>>,
    pub(super) resync: bool,
    pub(super) old_data: Option<OldData>,
    pub(super) user_passwords: Option<UserPasswords>,
}

/// Reads the [`Fields`]; what is wrong is told to the notes.
pub(super) struct Seed<'n, O> {
    notes: &'n Notes,
    /// Whether `object` and `options` may be missing, which means `null`.
    may_be_absent: bool,
    object: PhantomData<O>,
}

impl<'n, O> Seed<'n, O> {
    pub(super) fn new(notes: &'n Notes) -> Self {
        Self { notes, may_be_absent: false, object: PhantomData }
    }

    fn deleted_by_absence(self) -> Self {
        Self { may_be_absent: true, ..self }
    }
}

impl<'de, O: Deserialize<'de> + Default> DeserializeSeed<'de> for Seed<'_, O> {
    type Value = Fields<O>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, O: Deserialize<'de> + Default> Visitor<'de> for Seed<'_, O> {
    type Value = Fields<O>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut id, mut kind, mut dn) = (None, None, None);
        let (mut object, mut options, mut resync) = (None, None, None);
        let (mut old_data, mut user_passwords) = (None, None);
        let notes = self.notes;
        while let Some(key) = map.next_key::<Key>()? {
            match key {
                Key::Id => notes.value(&mut map, &mut id, "id", "text")?,
                Key::UdmObjectType => {
                    notes.value(&mut map, &mut kind, "udm_object_type", "text")?
                }
                Key::Dn => notes.value(&mut map, &mut dn, "dn", "text")?,
                Key::Object => notes.value(&mut map, &mut object, "object", "an object or null")?,
                Key::Options => {
                    notes.value(&mut map, &mut options, "options", "a list of texts or null")?;
                }
                Key::Resync => notes.value(&mut map, &mut resync, "resync", "true or false")?,
                Key::OldData => {
                    notes.value(
                        &mut map,
                        &mut old_data,
                        "old_data",
                        "what was known before, or null",
                    )?;
                }
                Key::UserPasswords => {
                    let expected = "five password hashes or null";
                    notes.value(&mut map, &mut user_passwords, "user_passwords", expected)?;
                }
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if self.may_be_absent {
            object.get_or_insert_with(O::default);
            options.get_or_insert(None);
        }
        Ok(Fields {
            id: notes.required(id, "id")?,
            udm_object_type: notes.required(kind, "udm_object_type")?,
            dn: notes.required(dn, "dn")?,
            object: notes.required(object, "object")?,
            options: notes.required(options, "options")?,
            resync: resync.unwrap_or(false),
            old_data: old_data.flatten(),
            user_passwords: user_passwords.flatten(),
        })
    }
}
