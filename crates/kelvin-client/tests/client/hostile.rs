//! Servers that answer anything.

use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc;

use idspool_kelvin_client::{Client, Error, Identity};
use proptest::prelude::*;
use serde_json::json;

use crate::server::{Reply, builder, class, read_request, user};

/// A client, and the way to say what the next connection answers to its first request; then it ends.
fn server() -> (Client, mpsc::Sender<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/ucsschool/kelvin/v1/", listener.local_addr().unwrap());
    let (sender, answers) = mpsc::channel::<Vec<u8>>();
    std::thread::spawn(move || {
        let mut answer = Vec::new();
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let Some(request) = read_request(&mut std::io::BufReader::new(&stream)) else {
                continue;
            };
            while let Ok(next) = answers.try_recv() {
                answer = next;
            }
            let bytes =
                if request.is_login() { Reply::token("t", 9999).bytes } else { answer.clone() };
            let _ = (&stream).write_all(&bytes);
        }
    });
    (builder(&url).build().unwrap(), sender)
}

fn ask_everything(client: &Client) {
    let anna = Identity { record_uid: "4711".into(), source_uid: "LAND".into() };
    let attributes = json!({"name": "anna", "password": "x"}).as_object().unwrap().clone();
    let _ = client.users(&anna);
    let _ = client.user("anna");
    let _ = client.create_user(&attributes);
    let _ = client.class("A", "1a");
    let _ = client.schools();
    let _ = client.delete_class("A", "1a");
    let _ = client.each_user_of("A", &mut |_| true);
}

#[test]
fn any_answer_is_survived() {
    let (client, answers) = server();
    let good = [
        Reply::json(200, &json!([user("anna"), user("ben")])).bytes,
        Reply::json(201, &user("anna")).bytes,
        Reply::json(200, &class("A", "1a")).bytes,
        Reply::json(404, &json!({"detail": "No school with name='A' found."})).bytes,
        Reply::new(503, "Retry-After: 0\r\n", "").bytes,
    ];
    let mutated = (
        0..good.len(),
        proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        0..3,
    )
        .prop_map(move |(which, changes, how)| {
            let mut bytes = good[which].clone();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                match how {
                    0 => bytes[place] = byte,
                    1 => bytes.insert(place, byte),
                    _ => bytes.truncate(place.max(1)),
                }
            }
            bytes
        });
    let body = proptest::collection::vec(any::<u8>(), 0..200).prop_map(|body| {
        let mut bytes =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        bytes.extend(body);
        bytes
    });
    let any_bytes = proptest::collection::vec(any::<u8>(), 0..200);
    let config =
        ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(bytes in prop_oneof![3 => mutated, 1 => body, 1 => any_bytes])| {
        answers.send(bytes).unwrap();
        ask_everything(&client);
    });
}

/// An answer that goes on for ever is not collected for ever.
#[test]
fn answers_without_end() {
    let begin_with = |begin: &'static str| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/ucsschool/kelvin/v1/", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let mut source = std::io::BufReader::new(&stream);
                while let Some(request) = read_request(&mut source) {
                    if request.is_login() {
                        (&stream).write_all(&Reply::token("t", 9999).bytes).unwrap();
                        continue;
                    }
                    let _ = (&stream).write_all(format!("HTTP/1.1 {begin}").as_bytes());
                    while (&stream).write_all(&[b'x'; 64 << 10]).is_ok() {}
                    break;
                }
            }
        });
        builder(&url).build().unwrap()
    };
    let too_large = |error: Error| match error {
        Error::Malformed { reason, .. } => {
            assert!(reason.contains("larger than 67108864 bytes"), "{reason}")
        }
        other => panic!("{other}"),
    };
    too_large(begin_with("200 OK\r\n\r\n{\"name\": \"").user("anna").unwrap_err());
    too_large(begin_with("200 OK\r\n\r\n[{\"name\": \"").schools().unwrap_err());
    // Of a refusal the beginning says enough.
    let error = begin_with("500 Oops\r\n\r\noh, ").schools().unwrap_err();
    assert!(matches!(&error, Error::Trouble { text, .. } if text.starts_with("oh, x")), "{error}");
    begin_with("200 OK\r\nX-Long: ").schools().unwrap_err();
}
