//! Servers that are away, slow, busy or broken.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use idspool_kelvin_client::{Attributes, Error, FaultClass, Identity, Obstacle};
use serde_json::json;

use crate::server::{After, Reply, Server, builder, user};

fn attributes() -> Attributes {
    json!({"firstname": "Anna"}).as_object().unwrap().clone()
}

fn rename() -> Attributes {
    json!({"name": "anna2"}).as_object().unwrap().clone()
}

fn anna() -> Identity {
    Identity { record_uid: "4711".into(), source_uid: "LAND".into() }
}

fn obstacle(error: Error) -> (Obstacle, bool) {
    assert_eq!(error.class(), FaultClass::Transient);
    match error {
        Error::NoAnswer { obstacle, is_open, .. } => (obstacle, is_open),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nobody_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/ucsschool/kelvin/", listener.local_addr().unwrap());
    drop(listener);
    let error = builder(&url).build().unwrap().create_user(&attributes()).unwrap_err();
    assert!(!error.is_open());
    assert!(error.remedy().contains("runs"), "{error}");
    assert_eq!(obstacle(error), (Obstacle::Connect, false));
}

#[test]
fn a_name_without_address() {
    let client = builder("http://no-such-host.invalid/ucsschool/kelvin/v1/").build().unwrap();
    assert_eq!(obstacle(client.roles().unwrap_err()), (Obstacle::Name, false));
}

/// What changes nothing, or the same again, is sent once more at once.
#[test]
fn lost_connections() {
    let server = Server::start(|request, number| {
        if number.is_multiple_of(2) {
            return Reply::nothing(After::Close);
        }
        match request.method.as_str() {
            "HEAD" => Reply::new(200, "", ""),
            "DELETE" => Reply::new(204, "", ""),
            "PATCH" => Reply::json(200, &user("anna")),
            _ => Reply::json(200, &json!([user("anna")])),
        }
    });
    let client = server.client();
    assert_eq!(client.users(&anna()).unwrap().len(), 1);
    assert!(client.has_school("A").unwrap());
    assert_eq!(client.change_user("anna", &attributes()).unwrap().name, "anna");
    assert!(client.delete_user("anna").unwrap());
    let lines = server.lines();
    assert_eq!(lines.len(), 8, "{lines:?}");
    for pair in server.requests().chunks(2) {
        assert_eq!(pair[0].body, pair[1].body);
        assert_eq!(pair[0].header("x-request-id"), pair[1].header("x-request-id"));
    }
}

#[test]
fn what_is_lost_twice_is_lost() {
    let server = Server::always(Reply::nothing(After::Close));
    let error = server.client().user("anna").unwrap_err();
    assert_eq!(obstacle(error), (Obstacle::Lost, false));
    assert_eq!(server.requests().len(), 2);
}

/// The first try may have done it, and then a second would do something else.
#[test]
fn creating_and_renaming_are_never_repeated() {
    let server = Server::always(Reply::nothing(After::Close));
    let client = server.client();
    for error in [
        client.create_user(&attributes()).unwrap_err(),
        client.create_class(&attributes()).unwrap_err(),
        client.change_user("anna", &rename()).unwrap_err(),
        client.change_class("A", "1a", &rename()).unwrap_err(),
    ] {
        assert!(error.is_open());
        assert_eq!(obstacle(error), (Obstacle::Lost, true));
    }
    assert_eq!(server.requests().len(), 4);
}

/// That it is gone at the second try is the work of the first.
#[test]
fn a_deletion_whose_answer_was_lost() {
    let server = Server::start(|_, number| match number {
        0 => Reply::nothing(After::Close),
        _ => Reply::json(
            404,
            &json!({"detail": "No object with name='anna' found or not authorized."}),
        ),
    });
    assert!(server.client().delete_user("anna").unwrap());
}

#[test]
fn an_answer_that_breaks_off() {
    let whole = Reply::json(200, &json!([user("anna")]));
    let broken = whole.clone().cut(40).then(After::Close);
    let server = Server::start(move |_, number| match number {
        0 => broken.clone(),
        _ => whole.clone(),
    });
    assert_eq!(server.client().users(&anna()).unwrap().len(), 1);
    let broken = Reply::json(201, &user("anna")).cut(40).then(After::Close);
    let server = Server::always(broken);
    let error = server.client().create_user(&attributes()).unwrap_err();
    assert_eq!(obstacle(error), (Obstacle::Lost, true));
    assert_eq!(server.requests().len(), 1);
    // What was handed over is not handed over a second time.
    let server =
        Server::always(Reply::json(200, &json!([user("a"), user("b")])).cut(40).then(After::Close));
    let mut names = Vec::new();
    let result = server.client().each_user_of("A", &mut |user| {
        names.push(user.name);
        true
    });
    assert_eq!(obstacle(result.unwrap_err()), (Obstacle::Lost, false));
    assert_eq!(names, ["a"]);
}

/// The library notices that the server has closed a kept connection, and no request is lost on it.
#[test]
fn a_connection_that_ended_while_it_was_kept() {
    let server = Server::start(|_, number| {
        let after = if number == 0 { After::Close } else { After::Keep };
        Reply::json(201, &user("anna")).then(after)
    });
    let client = server.client();
    client.create_user(&attributes()).unwrap();
    server.wait_for_close();
    client.create_user(&attributes()).unwrap();
    assert_eq!((server.connections(), server.requests().len()), (2, 2));
}

#[test]
fn no_answer_in_time() {
    let server = Server::always(Reply::nothing(After::Stall));
    let limit = Duration::from_millis(700);
    let client = server.builder().call_timeout(limit).build().unwrap();
    let begin = Instant::now();
    let time = Obstacle::Time { limit, while_connecting: false };
    let error = client.create_user(&attributes()).unwrap_err();
    assert!(error.problem().contains("within 0.7 s"), "{error}");
    assert_eq!(obstacle(error), (time.clone(), true));
    assert_eq!(
        obstacle(client.change_user("anna", &attributes()).unwrap_err()),
        (time.clone(), true)
    );
    assert_eq!(obstacle(client.users(&anna()).unwrap_err()), (time, false));
    assert!(begin.elapsed() >= limit * 3);
    assert_eq!(server.requests().len(), 3, "asking again would take as long");
}

#[test]
fn an_answer_that_does_not_end() {
    let endless = Reply::json(200, &json!([user("anna")])).cut(40).then(After::Stall);
    let server = Server::always(endless);
    let limit = Duration::from_millis(700);
    let client = server.builder().call_timeout(limit).build().unwrap();
    let error = client.users(&anna()).unwrap_err();
    assert_eq!(obstacle(error), (Obstacle::Time { limit, while_connecting: false }, false));
}

#[test]
fn a_busy_server() {
    for (status, is_open) in [(429, false), (500, true), (502, true), (503, false), (504, true)] {
        let server = Server::always(Reply::new(status, "", "<html><body><h1>Oh no</h1>"));
        let error = server.client().create_user(&attributes()).unwrap_err();
        assert_eq!(error.class(), FaultClass::Transient);
        assert_eq!(error.is_open(), is_open, "{status}");
        match error {
            Error::Trouble { status: told, text, retry_after: None, .. } => {
                assert_eq!((told, text.as_str()), (status, "Oh no"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(server.requests().len(), 1);
    }
}

/// Until then nothing is sent.
#[test]
fn a_server_that_wants_to_be_left_alone() {
    let server = Server::start(|_, number| match number {
        0 => Reply::new(503, "Retry-After: 2\r\n", "{\"detail\": \"later\"}"),
        _ => Reply::json(200, &json!([])),
    });
    let client = server.client();
    let begin = Instant::now();
    let told = |error: Error| match error {
        Error::Trouble { status: 503, text, retry_after, .. } => {
            assert_eq!(text, "later");
            retry_after.unwrap()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(told(client.roles().unwrap_err()), Duration::from_secs(2));
    let mut tries = 0;
    while let Err(error) = client.roles() {
        assert!(told(error) <= Duration::from_secs(2));
        tries += 1;
        std::thread::yield_now();
    }
    assert!(begin.elapsed() >= Duration::from_secs(2));
    assert!(tries > 0, "the machine slept");
    assert_eq!(server.requests().len(), 2, "after {tries} tries");
}

/// Whoever has to end does not wait for a server that thinks.
#[test]
fn calls_under_way_can_be_ended() {
    let (sender, asked) = std::sync::mpsc::channel();
    let server = Server::start(move |request, _| {
        sender.send(request.line()).unwrap();
        Reply::nothing(After::Stall)
    });
    let client = server.client();
    let calling = client.clone();
    let call = std::thread::spawn(move || calling.create_user(&attributes()).unwrap_err());
    asked.recv_timeout(Duration::from_secs(60)).unwrap();
    let begin = Instant::now();
    client.shutdown();
    assert_eq!(obstacle(call.join().unwrap()), (Obstacle::Lost, true));
    // The limit of time is 60 s.
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert!(client.roles().is_err(), "nothing more is sent");
    assert!(asked.try_recv().is_err());
}

/// A login page, say, that something between us and the server shows.
#[test]
fn only_204_says_that_an_object_is_gone() {
    let page = "Content-Type: text/html\r\n";
    let server = Server::start(move |_, _| Reply::new(200, page, "<html>who are you?</html>"));
    for error in [
        server.client().delete_user("anna").unwrap_err(),
        server.client().delete_class("S", "1a").unwrap_err(),
    ] {
        assert_eq!(error.class(), FaultClass::Transient);
        assert!(matches!(&error, Error::Malformed { .. }), "{error}");
        assert!(error.problem().contains("status 200"), "{error}");
    }
}
