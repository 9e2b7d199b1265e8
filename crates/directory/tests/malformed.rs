//! Servers that do not speak LDAP, or not properly: always an error in time, never a panic or a hang.
//!
//! What they send cannot be had from a slapd, so a socket plays it back.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use idspool_directory::{Credentials, Directory, Error, Settings};

/// A server that answers each request with the next of these byte strings, then closes.
fn serve(answers: Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            let mut request = [0; 4096];
            for answer in &answers {
                if !matches!(stream.read(&mut request), Ok(1..))
                    || stream.write_all(answer).is_err()
                {
                    break;
                }
            }
        }
    });
    url
}

fn ask(answers: Vec<Vec<u8>>, is_bound: bool) -> Error {
    let mut settings = Settings::new(serve(answers), "dc=example,dc=org");
    settings.timeout = Duration::from_millis(500);
    settings.credentials = is_bound.then(|| Credentials::new("cn=reader", "secret"));
    Directory::new(settings).unwrap().check().unwrap_err()
}

/// A message with this content; all lengths here fit into one byte.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag, u8::try_from(content.len()).unwrap()];
    bytes.extend_from_slice(content);
    bytes
}

fn message(id: u8, operation: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&[2, 1, id][..], operation].concat())
}

/// Each breaks the protocol library in another place.
fn broken_messages(id: u8, operation: u8) -> Vec<Vec<u8>> {
    let text = |bytes: &[u8]| tlv(4, bytes);
    vec![
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        tlv(0x30, &[]),
        tlv(0x30, &[2, 1, id]),
        tlv(0x02, &[1]),
        message(id, &tlv(operation, &[])),
        message(id, &tlv(operation, &[10, 1, 0])),
        message(id, &tlv(operation, &[&[10, 1, 0][..], &text(b"\xff"), &text(b"")].concat())),
        message(id, &tlv(operation & !0x20, b"primitive")),
        message(id, &[&tlv(operation, b"")[..], &tlv(0xa0, &[0x30, 0])].concat()),
        vec![0xff; 64],
        vec![0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ]
}

#[test]
fn broken_answers_to_a_bind_are_errors() {
    for answer in broken_messages(1, 0x61) {
        let error = ask(vec![answer.clone()], true);
        assert!(error.is_transient(), "{answer:x?}: {error}");
    }
}

#[test]
fn broken_answers_to_a_search_are_errors() {
    // SearchResultDone, SearchResultEntry, an operation that does not belong to a search
    for operation in [0x65, 0x64, 0x78] {
        for answer in broken_messages(1, operation) {
            let error = ask(vec![answer.clone()], false);
            assert!(error.is_transient(), "{answer:x?}: {error}");
        }
    }
}

#[test]
fn a_server_that_is_no_ldap_server_is_named_as_such() {
    let error = ask(vec![b"\x02\x01\x01 not LDAP at all".to_vec()], false);
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    assert!(error.to_string().contains("directory.url"), "{error}");
}

#[test]
fn more_entries_than_asked_for_are_refused() {
    let entry = message(1, &tlv(0x64, &[tlv(4, b"dc=org"), tlv(0x30, b"")].concat()));
    let error = ask(vec![entry.repeat(3)], false);
    assert!(error.to_string().contains("more entries"), "{error}");
}

#[test]
fn a_connection_closed_in_the_middle_is_closed() {
    let error = ask(vec![vec![0x30, 0x20, 2, 1]], false);
    assert!(matches!(error, Error::Closed { .. }), "{error}");
}

/// A length in the form of four bytes.
fn long(tag: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![tag, 0x84];
    bytes.extend_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
    bytes
}

/// A message of `depth` elements, one in the other.
fn nested(depth: usize) -> Vec<u8> {
    (0..depth).rev().flat_map(|inside| long(0x30, inside * 6)).collect()
}

#[test]
fn elements_in_elements_without_end_are_refused() {
    for is_bound in [false, true] {
        let error = ask(vec![nested(200_000)], is_bound);
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
    }
}

#[test]
fn a_message_of_any_size_is_refused_before_it_comes() {
    let error = ask(vec![long(0x30, 0x7fff_ffff)], false);
    assert!(error.to_string().contains("larger than 64 MiB"), "{error}");
}

#[test]
fn an_element_that_is_longer_than_its_message_is_refused() {
    // The protocol library waits for the rest, and takes in whatever comes until then.
    let error = ask(vec![message(1, &[0x64, 0x20, 4, 1, b'a'])], false);
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
}

#[test]
fn a_server_that_goes_on_without_an_entry_is_left() {
    let reference = message(1, &tlv(0x73, &tlv(4, b"ldap://elsewhere")));
    let error = ask(vec![reference.repeat(50_000)], false);
    assert!(error.to_string().contains("references"), "{error}");
}

#[test]
fn a_switch_to_tls_is_refused_when_more_comes_with_the_answer() {
    let granted = message(1, &tlv(0x78, &[10, 1, 0, 4, 0, 4, 0]));
    let refused = message(1, &tlv(0x78, &[10, 1, 52, 4, 0, 4, 0]));
    let start = |answer: Vec<u8>| {
        let mut settings = Settings::new(serve(vec![answer]), "dc=example,dc=org");
        settings.timeout = Duration::from_millis(500);
        settings.start_tls = true;
        Directory::new(settings).unwrap().check().unwrap_err()
    };
    let error = start(refused);
    assert!(matches!(error, Error::StartTls { code: 52, .. }), "{error}");
    let error = start([granted, message(2, &tlv(0x61, &[10, 1, 0, 4, 0, 4, 0]))].concat());
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    for answer in broken_messages(1, 0x78) {
        let error = start(answer.clone());
        assert!(error.is_transient(), "{answer:x?}: {error}");
    }
}
