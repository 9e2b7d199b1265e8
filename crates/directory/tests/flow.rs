//! A server that sends faster than anybody takes: it has to wait, and nothing piles up in between.
//!
//! How much it could send shows only at its own end, so a socket plays it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper of a test may fail as a test does"
)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::net::sockopt;

use idspool_directory::{Directory, Settings, SyncMessage, SyncMode, SyncSearch};

const SOON: Duration = Duration::from_secs(30);

/// What may be on its way: a megabyte, what the sockets of both sides hold, and what is in hand.
const AHEAD: usize = 3 << 20;

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84][..], &length, content].concat()
}

/// An entry of a synchronisation, with an attribute of that many bytes.
fn entry(number: u32, size: usize) -> Vec<u8> {
    let text = |bytes: &[u8]| element(0x04, bytes);
    let values = element(0x31, &text(&vec![b'x'; size]));
    let attribute = element(0x30, &[text(b"description"), values].concat());
    let dn = format!("cn=e{number},dc=example,dc=org");
    let content = [text(dn.as_bytes()), element(0x30, &attribute)].concat();
    let mut uuid = [0; 16];
    uuid[..4].copy_from_slice(&number.to_be_bytes());
    let state = element(0x30, &[element(0x0a, &[1]), text(&uuid)].concat());
    let control = [text(b"1.3.6.1.4.1.4203.1.9.1.2"), text(&state)].concat();
    let controls = element(0xa0, &element(0x30, &control));
    element(0x30, &[element(0x02, &[1]), element(0x64, &content), controls].concat())
}

/// Takes `count` entries from a server that sends them as fast as it can; how many bytes it was ahead at
/// most, when some had just been taken.
fn furthest_ahead(count: u32, size: usize, most: usize) -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicUsize::new(0));
    // It can send no more, or has sent everything.
    let is_waiting = Arc::new(AtomicBool::new(false));
    let (counter, waits) = (Arc::clone(&sent), Arc::clone(&is_waiting));
    let length = entry(0, size).len();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // It would grow to megabytes by itself.
        sockopt::set_socket_send_buffer_size(&stream, 64 << 10).unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).unwrap() > 0);
        for number in 0..count {
            let entry = entry(number, size);
            let mut rest = entry.as_slice();
            while !rest.is_empty() {
                stream.set_nonblocking(true).unwrap();
                let written = stream.write(rest).unwrap_or_else(|_full| {
                    stream.set_nonblocking(false).unwrap();
                    waits.store(true, Ordering::SeqCst);
                    let written = stream.write(rest).unwrap();
                    waits.store(false, Ordering::SeqCst);
                    written
                });
                rest = &rest[written..];
                counter.fetch_add(written, Ordering::SeqCst);
            }
        }
        waits.store(true, Ordering::SeqCst);
        stream.set_nonblocking(false).unwrap();
        // Until the other side has had enough.
        let _closed = stream.read(&mut request);
    });
    let mut settings = Settings::new(url, "dc=example,dc=org");
    settings.timeout = SOON;
    settings.receive_buffer = Some(256 << 10);
    let mut directory = Directory::new(settings).unwrap();
    let search = SyncSearch {
        base: "dc=example,dc=org".into(),
        filter: "(objectClass=*)".into(),
        attributes: Vec::new(),
        cookie: None,
    };
    let mut sync = directory.synchronise(vec![search], SyncMode::Persist).unwrap();
    let (mut taken, mut furthest) = (0, 0);
    let mut messages = Vec::new();
    while taken < count as usize {
        messages.clear();
        sync.receive(&mut messages, most, Some(SOON)).unwrap();
        assert!((1..=most).contains(&messages.len()), "{} messages", messages.len());
        for (_, message) in &messages {
            let SyncMessage::Entry { entry, .. } = message else { panic!("{message:?}") };
            assert!(entry.dn.starts_with(&format!("cn=e{taken},")), "{}", entry.dn);
            taken += 1;
        }
        // As slow as somebody who does something with them.
        while !is_waiting.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        let ahead = sent.load(Ordering::SeqCst).saturating_sub(taken * length);
        furthest = furthest.max(ahead);
    }
    drop(sync);
    server.join().unwrap();
    furthest
}

#[test]
fn many_small_entries_do_not_pile_up() {
    for most in [1, 16, 1024] {
        let ahead = furthest_ahead(40_000, 100, most);
        assert!(ahead < AHEAD, "{} KiB ahead, {most} at a time", ahead >> 10);
    }
}

#[test]
fn an_entry_that_is_larger_than_what_may_be_on_its_way_comes_nevertheless() {
    let size = 4 << 20;
    let ahead = furthest_ahead(6, size, 16);
    assert!(ahead < AHEAD + size, "{} KiB ahead", ahead >> 10);
}
