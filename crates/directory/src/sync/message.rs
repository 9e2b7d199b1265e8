//! The messages of RFC 4533, decoded from the raw tags and control values of the protocol library.

use std::fmt;

use idspool_udm::{Entry, EntryUuid};
use ldap3::ResultEntry;
use ldap3::asn1::{PL, TagClass};
use ldap3::controls::{Control, RawControl};

use crate::ber::{self, BOOLEAN, ENUMERATED, NotBer, OCTET_STRING, Reader, SEQUENCE, SET};
use crate::decode::{self, Message};

/// Sync State control (RFC 4533 2.3).
const STATE_OID: &str = "1.3.6.1.4.1.4203.1.9.1.2";
/// Sync Done control (RFC 4533 2.4).
const DONE_OID: &str = "1.3.6.1.4.1.4203.1.9.1.3";
/// Sync Info message (RFC 4533 2.5).
const INFO_OID: &str = "1.3.6.1.4.1.4203.1.9.1.4";

/// Application tag of an IntermediateResponse (RFC 4511 4.13).
const INTERMEDIATE_RESPONSE: u64 = 25;

/// UUIDs that one message may name. slapd sends 256; this is about 16 MB.
const MOST_UUIDS: usize = 1 << 20;

/// An `entryUUID` as the protocol carries it: 16 bytes in network order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawUuid(pub [u8; 16]);

impl RawUuid {
    fn of(bytes: &[u8]) -> Result<Self, NotBer> {
        bytes.try_into().map(Self).map_err(|_| NotBer)
    }
}

impl fmt::Display for RawUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for RawUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<&EntryUuid> for RawUuid {
    fn from(uuid: &EntryUuid) -> Self {
        let mut bytes = [0; 16];
        // An EntryUuid has 32 hexadecimal digits; anything else would leave zeros.
        let digits = uuid.as_str().chars().filter_map(|digit| digit.to_digit(16));
        for (at, digit) in digits.enumerate() {
            if let (Some(byte), Ok(digit)) = (bytes.get_mut(at / 2), u8::try_from(digit)) {
                *byte = *byte << 4 | digit;
            }
        }
        Self(bytes)
    }
}

/// What the server says about an entry (RFC 4533 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryState {
    /// It is there and unchanged; the message has no attributes.
    Present,
    /// It is there. During a refresh that says nothing about whether it was there before.
    Add,
    /// It has changed.
    Modify,
    /// It is gone, or has left base or filter. The DN may already be the new one.
    Delete,
}

/// One message of a synchronisation.
///
/// A cookie is opaque. An empty one is left out: slapd answers with it to a cookie that it does not
/// understand, and it would replace a good one.
#[derive(Debug, Clone, PartialEq)]
pub enum SyncMessage {
    /// An entry.
    Entry {
        /// What is said about it.
        state: EntryState,
        /// Which one it is, whatever its DN.
        uuid: RawUuid,
        /// Where we are after it.
        cookie: Option<Vec<u8>>,
        /// DN and attributes; no attributes when it is deleted or merely present.
        entry: Entry,
    },
    /// Something changed that was never of interest.
    NewCookie(Vec<u8>),
    /// Part of the refresh, or all of it, is over.
    Refreshed {
        /// Where we are after it; `None` when nothing has changed.
        cookie: Option<Vec<u8>>,
        /// Deletions were listed. Otherwise what was not mentioned is gone (RFC 4533 3.3.2).
        are_deletes_listed: bool,
        /// The refresh is over.
        is_done: bool,
    },
    /// Entries by their UUIDs.
    Uuids {
        /// Not a safe point: the entries that changed come later.
        cookie: Option<Vec<u8>>,
        /// They are gone; otherwise they exist.
        are_deleted: bool,
        /// Which ones.
        uuids: Vec<RawUuid>,
    },
}

/// What to call what cannot be decoded.
pub(crate) const MALFORMED: &str = "a message does not have the form of RFC 4533";
const NO_STATE: &str = "an entry came without the control that says what happened to it";

/// Decodes one message; `None`: it is none of the synchronisation (a referral).
pub(crate) fn decode(result: ResultEntry) -> Result<Option<SyncMessage>, &'static str> {
    if result.is_intermediate() {
        return intermediate(&result).map_err(|NotBer| MALFORMED);
    }
    if result.is_ref() {
        return Ok(None);
    }
    let state = value_of(&result.1, STATE_OID).map(<[u8]>::to_vec);
    match decode::message(result) {
        None => Err("an entry does not have the form of RFC 4511"),
        Some(Message::Other) => Ok(None),
        Some(Message::Entry { entry, .. }) => {
            let (state, uuid, cookie) =
                state_value(&state.ok_or(NO_STATE)?).map_err(|NotBer| MALFORMED)?;
            Ok(Some(SyncMessage::Entry { state, uuid, cookie, entry }))
        }
    }
}

/// Decodes the end of a search that only refreshes.
pub(crate) fn decode_done(controls: &[Control]) -> Result<SyncMessage, &'static str> {
    let Some(value) = value_of(controls, DONE_OID) else {
        return Err("the answer ended without the control that says where the refresh stands");
    };
    done_value(value).map_err(|NotBer| MALFORMED)
}

fn value_of<'a>(controls: &'a [Control], oid: &str) -> Option<&'a [u8]> {
    let raw = |control: &'a Control| -> &'a RawControl { &control.1 };
    controls.iter().map(raw).find(|raw| raw.ctype == oid)?.val.as_deref()
}

fn intermediate(result: &ResultEntry) -> Result<Option<SyncMessage>, NotBer> {
    if result.0.id != INTERMEDIATE_RESPONSE {
        return Err(NotBer);
    }
    let PL::C(parts) = &result.0.payload else { return Err(NotBer) };
    let part = |id: u64| {
        let found = parts.iter().find(|tag| tag.class == TagClass::Context && tag.id == id)?;
        match &found.payload {
            PL::P(bytes) => Some(bytes.as_slice()),
            PL::C(_) => None,
        }
    };
    // Another kind of intermediate message, which nobody asked for.
    if part(0) != Some(INFO_OID.as_bytes()) {
        return Ok(None);
    }
    info_value(part(1).ok_or(NotBer)?).map(Some)
}

pub(super) fn state_value(value: &[u8]) -> Result<(EntryState, RawUuid, Option<Vec<u8>>), NotBer> {
    let mut parts = Reader::only(value, SEQUENCE)?;
    let state = match ber::unsigned(parts.expect(ENUMERATED)?)? {
        0 => EntryState::Present,
        1 => EntryState::Add,
        2 => EntryState::Modify,
        3 => EntryState::Delete,
        _ => return Err(NotBer),
    };
    let uuid = RawUuid::of(parts.expect(OCTET_STRING)?)?;
    let cookie = cookie(&mut parts)?;
    all_read(parts)?;
    Ok((state, uuid, cookie))
}

pub(super) fn done_value(value: &[u8]) -> Result<SyncMessage, NotBer> {
    let mut parts = Reader::only(value, SEQUENCE)?;
    let cookie = cookie(&mut parts)?;
    let are_deletes_listed = flag(&mut parts, false)?;
    all_read(parts)?;
    Ok(SyncMessage::Refreshed { cookie, are_deletes_listed, is_done: true })
}

pub(super) fn info_value(value: &[u8]) -> Result<SyncMessage, NotBer> {
    /// Context tags; all but the first are constructed.
    const NEW_COOKIE: u8 = 0x80;
    const REFRESH_DELETE: u8 = 0xa1;
    const REFRESH_PRESENT: u8 = 0xa2;
    const SYNC_ID_SET: u8 = 0xa3;
    let mut outer = Reader::new(value);
    let (tag, content) = outer.any()?;
    all_read(outer)?;
    let mut parts = Reader::new(content);
    match tag {
        NEW_COOKIE => Ok(SyncMessage::NewCookie(content.to_vec())),
        REFRESH_DELETE | REFRESH_PRESENT => {
            let cookie = cookie(&mut parts)?;
            let is_done = flag(&mut parts, true)?;
            all_read(parts)?;
            let are_deletes_listed = tag == REFRESH_DELETE;
            Ok(SyncMessage::Refreshed { cookie, are_deletes_listed, is_done })
        }
        SYNC_ID_SET => {
            let cookie = cookie(&mut parts)?;
            let are_deleted = flag(&mut parts, false)?;
            let mut set = Reader::new(parts.expect(SET)?);
            all_read(parts)?;
            let mut uuids = Vec::new();
            while !set.is_empty() {
                if uuids.len() == MOST_UUIDS {
                    return Err(NotBer);
                }
                uuids.push(RawUuid::of(set.expect(OCTET_STRING)?)?);
            }
            Ok(SyncMessage::Uuids { cookie, are_deleted, uuids })
        }
        _ => Err(NotBer),
    }
}

fn cookie(parts: &mut Reader<'_>) -> Result<Option<Vec<u8>>, NotBer> {
    let cookie = parts.optional(OCTET_STRING)?;
    Ok(cookie.filter(|cookie| !cookie.is_empty()).map(<[u8]>::to_vec))
}

fn flag(parts: &mut Reader<'_>, default: bool) -> Result<bool, NotBer> {
    parts.optional(BOOLEAN)?.map_or(Ok(default), ber::boolean)
}

fn all_read(parts: Reader<'_>) -> Result<(), NotBer> {
    if parts.is_empty() { Ok(()) } else { Err(NotBer) }
}
