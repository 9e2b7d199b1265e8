//! What ordering needs to know of an item, at the price of a look at its first bytes.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::converted::{Fields, Seed, WHAT, check_id};
use super::reader::{self, Notes};
use crate::{Error, Module};

/// The little that scheduling needs to know of a converted item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemHead {
    /// The `entryUUID`.
    pub id: String,
    /// The module as written.
    pub udm_object_type: String,
    /// The DN.
    pub dn: String,
    /// Whether `object` is `null`.
    pub deleted: bool,
    /// Whether it belongs to a re-provisioning.
    pub resync: bool,
}

impl ItemHead {
    /// Reads the head from the first bytes of a file, if they are in the form that
    /// [`super::ConvertedItem::to_queue_bytes`] writes and reach as far as the beginning of
    /// `object`; 512 bytes nearly always do. `None` means "don't know", so parse all of it. What it
    /// does tell is what [`ItemHead::parse`] would tell, if the rest of the file is valid at all.
    pub fn scan(prefix: &[u8]) -> Option<Self> {
        let mut scan = Scan { rest: prefix };
        scan.literal(br#"{"id":"#)?;
        let id = scan.text()?;
        scan.literal(br#","udm_object_type":"#)?;
        let udm_object_type = scan.text()?;
        scan.literal(br#","dn":"#)?;
        let dn = scan.text()?;
        let resync = scan.literal(br#","resync":true"#).is_some();
        scan.literal(br#","options":"#)?;
        scan.texts_or_null()?;
        scan.literal(br#","object":"#)?;
        let deleted = scan.literal(b"null").is_some();
        if !deleted {
            scan.literal(b"{")?;
        }
        check_id(&id).ok()?;
        Some(Self { id, udm_object_type, dn, deleted, resync })
    }

    /// Reads the head from a whole file in whatever form, without keeping the properties.
    ///
    /// # Errors
    ///
    /// As [`super::ConvertedItem::parse`], except that it does not look into `object`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let notes = Notes::default();
        let fields = reader::read(WHAT, bytes, &notes, Seed::<Presence>::new(&notes))?;
        check_id(&fields.id)?;
        let Fields { id, udm_object_type, dn, object, resync, .. } = fields;
        Ok(Self { id, udm_object_type, dn, deleted: !object.0, resync })
    }

    /// The module, when it is one that idspool knows.
    pub fn module(&self) -> Option<Module> {
        self.udm_object_type.parse().ok()
    }
}

impl From<&super::ConvertedItem> for ItemHead {
    fn from(item: &super::ConvertedItem) -> Self {
        Self {
            id: item.id.clone(),
            udm_object_type: item.udm_object_type.clone(),
            dn: item.dn.clone(),
            deleted: item.is_deleted(),
            resync: item.resync,
        }
    }
}

/// Reads along the bytes of our own form; every step says `None` at the first deviation.
struct Scan<'a> {
    rest: &'a [u8],
}

impl Scan<'_> {
    fn literal(&mut self, expected: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    fn text(&mut self) -> Option<String> {
        let body = self.rest.strip_prefix(b"\"")?;
        let mut escaped = false;
        let mut has_escapes = false;
        let end = body.iter().position(|&byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            has_escapes |= escaped;
            ends
        })?;
        let (inner, behind) = body.split_at_checked(end)?;
        let text = if has_escapes || inner.iter().any(|&byte| byte < 0x20) {
            // With both quotes; serde knows the escapes and refuses control characters.
            serde_json::from_slice(self.rest.get(..end + 2)?).ok()?
        } else {
            std::str::from_utf8(inner).ok()?.to_owned()
        };
        self.rest = behind.strip_prefix(b"\"")?;
        Some(text)
    }

    fn texts_or_null(&mut self) -> Option<()> {
        if self.literal(b"null").is_some() {
            return Some(());
        }
        self.literal(b"[")?;
        if self.literal(b"]").is_some() {
            return Some(());
        }
        loop {
            self.text()?;
            if self.literal(b"]").is_some() {
                return Some(());
            }
            self.literal(b",")?;
        }
    }
}

/// `object` without its content: only whether it is one.
#[derive(Default)]
struct Presence(bool);

impl<'de> Deserialize<'de> for Presence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PresenceVisitor)
    }
}

struct PresenceVisitor;

impl<'de> Visitor<'de> for PresenceVisitor {
    type Value = Presence;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }

    fn visit_unit<E>(self) -> Result<Presence, E> {
        Ok(Presence(false))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Presence, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Presence(true))
    }
}
