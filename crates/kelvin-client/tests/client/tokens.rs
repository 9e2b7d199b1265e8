//! Tokens (kelvin-api 2).

use std::sync::Barrier;

use idspool_kelvin_client::{Error, FaultClass};
use serde_json::json;

use crate::server::{After, Reply, Request, Server};

const ASK: &str = "WWW-Authenticate: Bearer\r\n";

fn good() -> Reply {
    Reply::json(200, &json!([]))
}

fn refusal(headers: &str, detail: &str) -> Reply {
    Reply::new(401, headers, &json!({"detail": detail}).to_string())
}

/// The name that the token of a request was made with.
fn token_of(request: &Request) -> &str {
    request.header("authorization").rsplit('.').next().unwrap()
}

#[test]
fn a_token_is_fetched_once() {
    let server = Server::always(good());
    let client = server.client();
    assert!(server.logins().is_empty(), "not before it is needed");
    for _ in 0..3 {
        client.clone().roles().unwrap();
    }
    let [login] = &server.logins()[..] else { panic!() };
    assert_eq!(login.line(), "POST /token");
    assert_eq!(login.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(login.body, "username=connector&password=s3%20cret%26");
    assert_eq!(login.header("authorization"), "");
}

/// Half of the life of one that does not hold long.
#[test]
fn a_token_that_ends_soon_is_renewed() {
    let server = Server::bare(|request, number| match request.is_login() {
        true => Reply::token(&format!("t{number}"), if number == 0 { 1 } else { 3600 }),
        false => good(),
    });
    let client = server.client();
    client.roles().unwrap();
    while server.logins().len() < 2 {
        std::thread::yield_now();
        client.roles().unwrap();
    }
    let requests = server.requests();
    assert_eq!(token_of(&requests[0]), "t0");
    assert_ne!(token_of(requests.last().unwrap()), "t0");
}

/// The server gave it out, so its clock or its form is odd.
#[test]
fn a_token_whose_end_is_past_holds_until_it_is_refused() {
    let server = Server::bare(|request, _| match request.is_login() {
        true => Reply::token("t", 0),
        false => good(),
    });
    let client = server.client();
    (0..3).for_each(|_| drop(client.roles().unwrap()));
    assert_eq!(server.logins().len(), 1);
}

#[test]
fn a_token_that_has_ended_is_replaced_once() {
    let server = Server::bare(|request, number| {
        if request.is_login() {
            return Reply::token(&format!("t{number}"), 3600);
        }
        match token_of(request) {
            "t0" if number > 1 => refusal(ASK, "Could not validate credentials"),
            _ => good(),
        }
    });
    let client = server.client();
    (0..5).for_each(|_| drop(client.roles().unwrap()));
    let tokens: Vec<_> = server.requests().iter().map(|r| token_of(r).to_owned()).collect();
    assert_eq!(tokens, ["t0", "t0", "t0", "t3", "t3", "t3"]);
    assert_eq!(server.connections(), 1);
}

/// A refused request was not done, so one that creates is repeated, too.
#[test]
fn also_what_creates_is_repeated_with_a_new_token() {
    let server = Server::start(|_, number| match number {
        0 => refusal(ASK, "Could not validate credentials"),
        _ => Reply::json(201, &crate::server::user("anna")),
    });
    let attributes = json!({"name": "anna"}).as_object().unwrap().clone();
    assert_eq!(server.client().create_user(&attributes).unwrap().name, "anna");
    assert_eq!(server.requests()[0].body, server.requests()[1].body);
}

#[test]
fn a_new_token_that_does_not_help_is_the_end() {
    let server = Server::always(refusal(ASK, "Could not validate credentials"));
    let error = server.client().roles().unwrap_err();
    assert!(
        matches!(&error, Error::Unauthorized { reason, .. } if reason == "Could not validate credentials")
    );
    assert_eq!((server.requests().len(), server.logins().len()), (2, 2));
}

#[test]
fn without_a_right_repeating_is_useless() {
    let server = Server::always(refusal("", "Unauthorized"));
    let error = server.client().schools().unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    assert_eq!(error.class(), FaultClass::Transient);
    assert!(error.remedy().contains("ucsschool-kelvin-rest-api-admins"), "{error}");
    assert_eq!((server.requests().len(), server.logins().len()), (1, 1));
    let server = Server::always(refusal("", "Inactive user"));
    let error = server.client().schools().unwrap_err();
    assert!(error.remedy().contains("enable the account"), "{error}");
}

#[test]
fn a_wrong_password_is_not_tried_again_and_again() {
    let server = Server::bare(|_, _| refusal("", "Incorrect username or password"));
    let client = server.client();
    for _ in 0..5 {
        let error = client.roles().unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
        assert!(error.remedy().contains("correct username and password"), "{error}");
        assert!(!error.to_string().contains("s3 cret"), "{error}");
    }
    assert_eq!(server.logins().len(), 1);
    // But whoever asks on purpose gets an answer of now.
    client.log_in().unwrap_err();
    assert_eq!(server.logins().len(), 2);
}

#[test]
fn logging_in_takes_a_new_token() {
    let server = Server::always(Reply::json(200, &json!([{"name": "student"}])));
    let client = server.client();
    assert_eq!(client.log_in().unwrap(), ["student"]);
    assert_eq!(client.log_in().unwrap(), ["student"]);
    assert_eq!(server.logins().len(), 2);
}

#[test]
fn threads_share_one_token() {
    const THREADS: usize = 6;
    let server = Server::start(|request, _| match token_of(request) {
        "t" => good(),
        _ => refusal(ASK, "Could not validate credentials"),
    });
    let (client, begin) = (server.client(), Barrier::new(THREADS));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                begin.wait();
                client.roles().unwrap();
            });
        }
    });
    assert_eq!((server.logins().len(), server.requests().len()), (1, THREADS));
}

#[test]
fn tokens_without_an_end_hold() {
    for token in ["opaque", "a.b.c", "a.e30.c"] {
        let server = Server::bare(move |request, _| match request.is_login() {
            true => Reply::json(200, &json!({"access_token": token})),
            false => good(),
        });
        let client = server.client();
        (0..2).for_each(|_| drop(client.roles().unwrap()));
        assert_eq!(server.logins().len(), 1, "{token}");
        assert_eq!(server.requests()[0].header("authorization"), format!("Bearer {token}"));
    }
}

#[test]
fn what_is_no_token() {
    let long = "x".repeat(100_000);
    for body in [
        json!({}),
        json!([]),
        json!({"access_token": 7}),
        json!({"access_token": ""}),
        json!({"access_token": "a\r\nX-Other: b"}),
        json!({"access_token": long}),
    ] {
        let server = Server::bare(move |_, _| Reply::json(200, &body));
        let error = server.client().roles().unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
    }
    // Something answers there, but not Kelvin.
    for reply in [
        Reply::json(404, &json!({"detail": "Not Found"})),
        Reply::json(
            422,
            &json!({"detail": [{"loc": ["body", "username"], "msg": "field required"}]}),
        ),
        Reply::new(200, "", "<html>log in</html>"),
        Reply::new(302, "Location: https://sso.example.org/login?state=s3cret\r\n", ""),
    ] {
        let server = Server::bare(move |_, _| reply.clone());
        let error = server.client().roles().unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
        assert_eq!(error.class(), FaultClass::Transient);
        assert!(
            error.problem().contains("POST /ucsschool/kelvin/token at http://127.0.0.1"),
            "{error}"
        );
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

/// A kept connection may have ended; a token too many does no harm.
#[test]
fn a_login_whose_connection_is_lost() {
    let lost = std::sync::atomic::AtomicBool::new(false);
    let server = Server::bare(move |request, _| {
        if request.is_login() && !lost.swap(true, std::sync::atomic::Ordering::SeqCst) {
            return Reply::nothing(After::Close);
        }
        if request.is_login() { Reply::token("t", 3600) } else { good() }
    });
    server.client().roles().unwrap();
    assert_eq!(server.logins().len(), 2);
}
