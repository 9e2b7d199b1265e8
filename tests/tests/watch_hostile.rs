//! Servers that send what is no LDAP, or never stop: the programs say so in time, and neither end nor
//! grow.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use idspool_tests::{Daemon, Installation, peak_memory};

const SOON: Duration = Duration::from_secs(120);

/// MiB that a program may have taken in the end. Two million parts of a message, decoded, would be
/// about 200.
const MEMORY: f64 = 150.0;

const BOUND: &[u8] = &[0x30, 12, 2, 1, 1, 0x61, 7, 10, 1, 0, 4, 0, 4, 0];

/// What a server answers to a search, and what has to be said about it.
type Attack = (&'static str, fn(&mut TcpStream) -> std::io::Result<()>, &'static str);

const ATTACKS: [Attack; 6] = [
    ("parts in parts", nested, "without end"),
    ("a message of 2 GiB", endless, "larger than 64 MiB"),
    ("too many parts", many, "two million parts"),
    ("half a message", truncated, "the connection was closed"),
    ("a web server", web, "check that directory.url leads to an LDAP server"),
    ("nothing", silent, "no answer within"),
];

fn nested(stream: &mut TcpStream) -> std::io::Result<()> {
    let depth = 300_000_u32;
    let header = |inside: u32| [&[0x30, 0x84][..], &(inside * 6).to_be_bytes()].concat();
    stream.write_all(&(0..depth).rev().flat_map(header).collect::<Vec<u8>>())
}

fn endless(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 4, 0x84, 0x7f, 0xff, 0xff, 0xf0])?;
    forever(stream, &[0x41; 1 << 16])
}

fn many(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(&[0x30, 0x84, 0x03, 0xff, 0xff, 0xff])?;
    forever(stream, &[5, 0].repeat(1 << 15))
}

fn forever(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    loop {
        stream.write_all(bytes)?;
    }
}

fn truncated(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(&[0x30, 0x40, 2, 1, 2, 0x64, 0x3b, 4, 0x20, b'u'])
}

fn web(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
}

fn silent(stream: &mut TcpStream) -> std::io::Result<()> {
    // Until the other side gives up.
    std::io::copy(stream, &mut std::io::sink()).map(drop)
}

fn serve(answer: fn(&mut TcpStream) -> std::io::Result<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                let mut ask = |stream: &mut TcpStream| matches!(stream.read(&mut request), Ok(1..));
                if ask(&mut stream) && stream.write_all(BOUND).is_ok() && ask(&mut stream) {
                    let _gone = answer(&mut stream);
                }
            });
        }
    });
    url
}

fn installation(url: &str) -> Installation {
    let idspool = Installation::new(url, "http://127.0.0.1:1").unwrap();
    let path = idspool.path().join("idspool.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("[directory]\n", "[directory]\ntimeout = 1\n");
    std::fs::write(&path, text).unwrap();
    idspool
}

/// It says what is wrong, goes on, and stops when it is told to.
fn outlives(name: &str, daemon: Daemon, phrase: &str) {
    let said = daemon.wait_for(phrase, SOON);
    said.unwrap_or_else(|error| panic!("{name}: {error}"));
    let memory = peak_memory(daemon.pid()).unwrap();
    assert!(memory < MEMORY, "{name}: {memory} MiB");
    let begin = Instant::now();
    let ended = daemon.terminate(SOON).unwrap();
    assert_eq!(ended.code(), Some(0), "{name}: {}", ended.log());
    assert!(begin.elapsed() < Duration::from_secs(30), "{name}: {:?}", begin.elapsed());
}

#[test]
fn a_watcher_outlives_a_hostile_server() {
    for (name, answer, phrase) in ATTACKS {
        let idspool = installation(&serve(answer));
        outlives(name, idspool.start("idspool-listener", &["watch"]).unwrap(), phrase);
    }
}

#[test]
fn a_converter_outlives_a_hostile_server() {
    for (name, answer, phrase) in ATTACKS {
        let idspool = installation(&serve(answer));
        let uuid = "0a1b2c3d-0000-4000-8000-000000000001";
        idspool.hook(uuid, "uid=anna,dc=example,dc=org", "users/user", "modify").unwrap();
        outlives(name, idspool.start("idspool-converter", &[]).unwrap(), phrase);
        assert_eq!(Installation::waiting(&idspool.listener_spool()).len(), 1, "{name}");
    }
}

#[test]
fn resync_ends_at_a_hostile_server() {
    for (name, answer, phrase) in ATTACKS {
        let idspool = installation(&serve(answer));
        let ended = idspool.start("idspool-listener", &["resync"]).unwrap().wait(SOON).unwrap();
        assert_eq!(ended.code(), Some(1), "{name}: {}", ended.log());
        assert!(ended.log().contains(phrase), "{name}: {}", ended.log());
    }
}
