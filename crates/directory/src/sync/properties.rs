//! What must hold for every byte that a server may send: a message or an error, never a panic.

use idspool_udm::EntryUuid;
use ldap3::ResultEntry;
use ldap3::asn1::{PL, StructureTag, TagClass};
use ldap3::controls::{Control, RawControl};
use proptest::prelude::*;

use super::message::{self, EntryState, RawUuid, SyncMessage, decode, decode_done};

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length @ ..0x80) => bytes.push(length),
        _ => {
            bytes.push(0x84);
            bytes.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        }
    }
    bytes.extend(content);
    bytes
}

fn optional(tag: u8, content: Option<&[u8]>) -> Vec<u8> {
    content.map_or_else(Vec::new, |content| tlv(tag, content))
}

fn state_bytes(state: u8, uuid: &[u8], cookie: Option<&[u8]>) -> Vec<u8> {
    tlv(0x30, &[tlv(10, &[state]), tlv(4, uuid), optional(4, cookie)].concat())
}

fn info_bytes(message: &SyncMessage) -> Vec<u8> {
    let flag = |value: bool| tlv(1, &[if value { 0xff } else { 0 }]);
    match message {
        SyncMessage::NewCookie(cookie) => tlv(0x80, cookie),
        SyncMessage::Refreshed { cookie, are_deletes_listed, is_done } => {
            let tag = if *are_deletes_listed { 0xa1 } else { 0xa2 };
            tlv(tag, &[optional(4, cookie.as_deref()), flag(*is_done)].concat())
        }
        SyncMessage::Uuids { cookie, are_deleted, uuids } => {
            let set: Vec<u8> = uuids.iter().flat_map(|uuid| tlv(4, &uuid.0)).collect();
            let parts = [optional(4, cookie.as_deref()), flag(*are_deleted), tlv(0x31, &set)];
            tlv(0xa3, &parts.concat())
        }
        SyncMessage::Entry { .. } => Vec::new(),
    }
}

fn leaf(class: TagClass, id: u64, bytes: &[u8]) -> StructureTag {
    StructureTag { class, id, payload: PL::P(bytes.to_vec()) }
}

fn list(class: TagClass, id: u64, parts: Vec<StructureTag>) -> StructureTag {
    StructureTag { class, id, payload: PL::C(parts) }
}

fn intermediate(value: &[u8]) -> ResultEntry {
    let name = leaf(TagClass::Context, 0, b"1.3.6.1.4.1.4203.1.9.1.4");
    let parts = vec![name, leaf(TagClass::Context, 1, value)];
    ResultEntry::new(list(TagClass::Application, 25, parts))
}

fn control(oid: &str, value: Option<&[u8]>) -> Control {
    Control(None, RawControl { ctype: oid.into(), crit: false, val: value.map(<[u8]>::to_vec) })
}

fn entry(controls: Vec<Control>) -> ResultEntry {
    let parts =
        vec![leaf(TagClass::Universal, 4, b"cn=a"), list(TagClass::Universal, 16, Vec::new())];
    let mut entry = ResultEntry::new(list(TagClass::Application, 4, parts));
    entry.1 = controls;
    entry
}

fn cookie() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop::option::of(prop::collection::vec(any::<u8>(), 1..200))
}

fn message() -> impl Strategy<Value = SyncMessage> {
    let uuids = prop::collection::vec(any::<[u8; 16]>().prop_map(RawUuid), 0..40);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300).prop_map(SyncMessage::NewCookie),
        (cookie(), any::<bool>(), any::<bool>()).prop_map(
            |(cookie, are_deletes_listed, is_done)| SyncMessage::Refreshed {
                cookie,
                are_deletes_listed,
                is_done
            }
        ),
        (cookie(), any::<bool>(), uuids).prop_map(|(cookie, are_deleted, uuids)| {
            SyncMessage::Uuids { cookie, are_deleted, uuids }
        }),
    ]
}

/// Any tree of tags, as the protocol library may hand over.
fn tree() -> impl Strategy<Value = StructureTag> {
    let class = || {
        prop::sample::select(vec![TagClass::Universal, TagClass::Application, TagClass::Context])
    };
    let id = || prop_oneof![0_u64..6, Just(16), Just(17), Just(19), Just(25), any::<u64>()];
    let leaf = (class(), id(), prop::collection::vec(any::<u8>(), 0..40))
        .prop_map(|(class, id, bytes)| leaf(class, id, &bytes));
    leaf.prop_recursive(4, 24, 4, move |inner| {
        (class(), id(), prop::collection::vec(inner, 0..4))
            .prop_map(|(class, id, parts)| list(class, id, parts))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_was_encoded_is_decoded(message in message()) {
        let decoded = decode(intermediate(&info_bytes(&message)));
        prop_assert_eq!(decoded, Ok(Some(message)));
    }

    #[test]
    fn states_are_decoded(state in 0_u8..4, uuid: [u8; 16], cookie in cookie()) {
        let bytes = state_bytes(state, &uuid, cookie.as_deref());
        let control = control("1.3.6.1.4.1.4203.1.9.1.2", Some(&bytes));
        let Ok(Some(SyncMessage::Entry { state: found, uuid: of, cookie: at, entry })) =
            decode(entry(vec![control]))
        else {
            panic!("no entry");
        };
        let states =
            [EntryState::Present, EntryState::Add, EntryState::Modify, EntryState::Delete];
        prop_assert_eq!(found, states[usize::from(state)]);
        prop_assert_eq!((of, at, entry.dn.as_str()), (RawUuid(uuid), cookie, "cn=a"));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = message::state_value(&bytes);
        let _ = message::done_value(&bytes);
        let _ = message::info_value(&bytes);
        let _ = decode(entry(vec![control("1.3.6.1.4.1.4203.1.9.1.2", Some(&bytes))]));
        let _ = decode_done(&[control("1.3.6.1.4.1.4203.1.9.1.3", Some(&bytes))]);
    }

    #[test]
    fn changed_messages_never_panic(
        message in message(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = info_bytes(&message);
        let mut bytes = whole.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = decode(intermediate(&bytes));
        let _ = message::done_value(&bytes);
        let cut = &whole[..cut.index(whole.len())];
        prop_assert!(decode(intermediate(cut)).is_err(), "it was cut short");
    }

    #[test]
    fn arbitrary_trees_never_panic(tag in tree()) {
        let _ = decode(ResultEntry::new(tag));
    }

    #[test]
    fn uuids_are_spelled_as_the_directory_does(bytes: [u8; 16]) {
        let text = RawUuid(bytes).to_string();
        let uuid: EntryUuid = text.parse().unwrap();
        prop_assert_eq!(uuid.as_str(), text.as_str());
        prop_assert_eq!(RawUuid::from(&uuid), RawUuid(bytes));
    }
}

#[test]
fn messages_of_a_real_server_are_understood() {
    let cookie = b"rid=000,csn=20261121160614.141156Z#000000#000#000000".to_vec();
    let done = tlv(0x30, &[tlv(4, &cookie), tlv(1, &[0xff])].concat());
    let expected = SyncMessage::Refreshed {
        cookie: Some(cookie.clone()),
        are_deletes_listed: true,
        is_done: true,
    };
    assert_eq!(message::done_value(&done), Ok(expected.clone()));
    // Without `refreshDone`, which is TRUE by default.
    assert_eq!(message::info_value(&tlv(0xa1, &tlv(4, &cookie))), Ok(expected));
    // "Nothing has changed".
    let nothing = SyncMessage::Refreshed { cookie: None, are_deletes_listed: true, is_done: true };
    assert_eq!(message::info_value(&[0xa1, 0]), Ok(nothing));
    // The empty cookie must not replace a good one.
    let present = SyncMessage::Refreshed { cookie: None, are_deletes_listed: false, is_done: true };
    assert_eq!(message::info_value(&tlv(0xa2, &tlv(4, b""))), Ok(present));
}

#[test]
fn an_entry_must_say_what_happened_to_it() {
    let error = decode(entry(Vec::new())).unwrap_err();
    assert!(error.contains("without the control"), "{error}");
    let error = decode(entry(vec![control("1.3.6.1.4.1.4203.1.9.1.2", None)])).unwrap_err();
    assert!(error.contains("without the control"), "{error}");
    for (state, uuid) in [(4, &[0; 16][..]), (1, &[0; 15]), (1, &[0; 17]), (0xff, &[0; 16])] {
        let bytes = state_bytes(state, uuid, None);
        let control = control("1.3.6.1.4.1.4203.1.9.1.2", Some(&bytes));
        assert_eq!(decode(entry(vec![control])), Err(message::MALFORMED), "{state} {uuid:x?}");
    }
    assert!(decode_done(&[]).is_err());
}
