//! A search result entry as the protocol library hands it over, turned into an [`Entry`].
//!
//! The library's own conversion panics on anything unexpected, so this one is ours.

use idspool_udm::Entry;
use ldap3::ResultEntry;
use ldap3::asn1::{PL, StructureTag};

/// Application tag of a SearchResultEntry (RFC 4511, 4.5.2).
const SEARCH_RESULT_ENTRY: u64 = 4;

/// What one message of an answer is.
pub(crate) enum Message {
    Entry {
        entry: Entry,
        /// Bytes of names and values.
        size: usize,
    },
    /// A continuation reference, or an intermediate message: no entry of this server.
    Other,
}

/// `None`: the message does not have the form of RFC 4511.
pub(crate) fn message(result: ResultEntry) -> Option<Message> {
    if result.0.id != SEARCH_RESULT_ENTRY {
        return Some(Message::Other);
    }
    let mut parts = constructed(result.0)?.into_iter();
    let dn = text(parts.next()?)?;
    let mut size = dn.len();
    let mut entry = Entry::new(dn);
    for attribute in constructed(parts.next()?)? {
        let mut parts = constructed(attribute)?.into_iter();
        let name = text(parts.next()?)?;
        let values: Vec<Vec<u8>> =
            constructed(parts.next()?)?.into_iter().map(primitive).collect::<Option<_>>()?;
        size += name.len() + values.iter().map(Vec::len).sum::<usize>();
        entry.push_all(name, values);
    }
    Some(Message::Entry { entry, size })
}

fn constructed(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    }
}

fn primitive(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

fn text(tag: StructureTag) -> Option<String> {
    String::from_utf8(primitive(tag)?).ok()
}

#[cfg(test)]
mod tests {
    use ldap3::asn1::TagClass;

    use super::*;

    fn leaf(bytes: &[u8]) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 4, payload: PL::P(bytes.to_vec()) }
    }

    fn list(id: u64, parts: Vec<StructureTag>) -> StructureTag {
        StructureTag { class: TagClass::Universal, id, payload: PL::C(parts) }
    }

    #[test]
    fn an_entry_keeps_dn_names_values_and_their_order() {
        let attribute = list(16, vec![leaf(b"uid"), list(17, vec![leaf(b"b"), leaf(b"a")])]);
        let tag = list(4, vec![leaf(b"uid=b"), list(16, vec![attribute])]);
        let Some(Message::Entry { entry, size }) = message(ResultEntry::new(tag)) else {
            panic!("no entry")
        };
        assert_eq!((entry.dn.as_str(), size), ("uid=b", 10));
        assert_eq!(entry.texts("UID").collect::<Vec<_>>(), ["b", "a"]);
    }

    #[test]
    fn malformed_entries_are_none_and_never_a_panic() {
        for tag in [
            leaf(b"no list"),
            list(4, vec![]),
            list(4, vec![leaf(b"\xff"), list(16, vec![])]),
            list(4, vec![leaf(b"uid=b")]),
            list(4, vec![leaf(b"uid=b"), leaf(b"")]),
            list(4, vec![leaf(b"uid=b"), list(16, vec![leaf(b"uid")])]),
            list(4, vec![leaf(b"uid=b"), list(16, vec![list(16, vec![leaf(b"uid")])])]),
            list(4, vec![leaf(b"uid=b"), list(16, vec![list(16, vec![leaf(b"uid"), leaf(b"b")])])]),
        ] {
            assert!(message(ResultEntry::new(tag.clone())).is_none(), "{tag:?}");
        }
    }
}
