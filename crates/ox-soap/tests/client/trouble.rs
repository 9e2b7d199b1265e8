//! Servers, proxies and networks that misbehave.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use idspool_ox_soap::{
    CallOutcome, Client, ContextId, Credentials, Error, FaultClass, FaultKind, OxUserId, User,
    UserField, UserKey,
};

use crate::server::{After, Reply, Server, envelope, exists, fault};

const CONTEXT: ContextId = ContextId::new(10);
/// Fails a test that would hang, and is never waited for in one that passes.
const PATIENCE: Duration = Duration::from_secs(30);

fn admin() -> Credentials {
    Credentials::new("oxadmin", "s3cret")
}

fn client(server: &Server) -> Client {
    Client::builder(&server.url).call_timeout(PATIENCE).build().unwrap()
}

/// A call that only reads.
fn look(client: &Client) -> Result<bool, Error> {
    client.users(CONTEXT, &admin()).exists(UserKey::name("anna"))
}

/// A call that writes.
fn change(client: &Client) -> Result<(), Error> {
    let user = User::new().with(UserField::Id, 3).with(UserField::Name, "anna");
    client.users(CONTEXT, &admin()).change(&user)
}

fn void() -> String {
    envelope("")
}

/// Names the call and the server, tells the remedy, keeps the password.
fn check_message(error: &Error) {
    let message = error.to_string();
    assert!(message.starts_with("OXUserService."), "{message}");
    assert!(message.contains("user \"anna\"") && message.contains("in context 10"), "{message}");
    assert!(message.ends_with(&error.remedy()) && !error.remedy().is_empty(), "{message}");
    assert!(!message.contains('\n') && !message.contains("s3cret"), "{message}");
    assert!(!format!("{error:?}").contains("s3cret"));
}

#[test]
fn connections_are_kept() {
    let server = Server::always(200, exists(true));
    let client = client(&server);
    for _ in 0..20 {
        assert!(look(&client).unwrap());
    }
    assert_eq!(server.connections(), 1);
    assert_eq!(server.requests().len(), 20);
}

#[test]
fn connections_are_kept_across_faults() {
    let server = Server::always(500, fault("NoSuchUserException", "No such user"));
    let client = client(&server);
    for _ in 0..3 {
        assert!(change(&client).unwrap_err().is_not_found());
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn threads_have_a_connection_each() {
    let server = Server::always(200, exists(true));
    let client = client(&server);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    look(&client).unwrap();
                }
            });
        }
    });
    assert!((1..=4).contains(&server.connections()), "{}", server.connections());
    assert_eq!(server.requests().len(), 40);
}

/// A connection that the server closed while it was idle is not used again, for a write just as for
/// a read.
#[test]
fn a_closed_idle_connection_is_replaced() {
    let server = Server::start(|_, _| Reply::Raw(Reply::bytes(200, &void()), After::Close));
    let client = client(&server);
    for calls in 1..=3 {
        change(&client).unwrap();
        server.wait_for_close();
        assert_eq!(server.connections(), calls);
    }
    assert_eq!(server.requests().len(), 3, "nothing was sent twice");
}

/// The server closes in the moment in which the request arrives: what only reads is sent again,
/// once.
#[test]
fn a_read_is_repeated_when_the_connection_breaks() {
    let server = Server::start(|number, _| match number {
        1 => Reply::Raw(Vec::new(), After::Close),
        _ => Reply::ok(exists(true)),
    });
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let client = Client::builder(&server.url)
        .observer(move |info| log.lock().unwrap().push(info.requests))
        .build()
        .unwrap();
    look(&client).unwrap();
    assert!(look(&client).unwrap());
    assert_eq!(server.requests().len(), 3);
    assert_eq!(*seen.lock().unwrap(), [1, 2]);
}

/// The same for a write: OX may have done it, so it is not sent again behind the caller's back.
#[test]
fn a_write_is_never_repeated() {
    let server = Server::start(|number, _| match number {
        1 => Reply::Raw(Vec::new(), After::Close),
        _ => Reply::ok(void()),
    });
    let client = client(&server);
    change(&client).unwrap();
    let error = change(&client).unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    assert_eq!(error.fault_class(), FaultClass::Transient);
    check_message(&error);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_read_is_repeated_only_once() {
    let server = Server::start(|_, _| Reply::Raw(Vec::new(), After::Close));
    let error = look(&client(&server)).unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn nobody_listens() {
    // Port 1 belongs to a service that nobody runs; a port that was just free may be taken again.
    let error = look(&Client::builder("http://127.0.0.1:1").build().unwrap()).unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert_eq!(error.fault_class(), FaultClass::Transient);
    check_message(&error);
}

#[test]
fn a_name_without_address() {
    // A label may have 63 characters (RFC 1035), so no name service is asked.
    let url = format!("http://{}.invalid", "a".repeat(64));
    let client = Client::builder(url).build().unwrap();
    let error = look(&client).unwrap_err();
    assert!(matches!(error, Error::Resolve { .. }), "{error:?}");
    assert_eq!(error.fault_class(), FaultClass::Transient);
    check_message(&error);
}

#[test]
fn a_server_that_does_not_answer() {
    let server = Server::start(|_, _| Reply::Raw(Vec::new(), After::Stall));
    let limit = Duration::from_millis(500);
    let client = Client::builder(&server.url).call_timeout(limit).build().unwrap();
    let begin = Instant::now();
    let error = look(&client).unwrap_err();
    assert!(begin.elapsed() >= limit && begin.elapsed() < PATIENCE);
    assert!(matches!(error, Error::Timeout { while_connecting: false, .. }), "{error:?}");
    assert_eq!(error.fault_class(), FaultClass::Transient);
    check_message(&error);
    assert_eq!(server.requests().len(), 1, "a call that took its time is not repeated");
}

#[test]
fn a_server_that_stops_in_the_middle() {
    let server = Server::start(|_, _| {
        let mut bytes = Reply::bytes(200, &exists(true));
        bytes.truncate(bytes.len() - 20);
        Reply::Raw(bytes, After::Stall)
    });
    let limit = Duration::from_millis(500);
    let client = Client::builder(&server.url).call_timeout(limit).build().unwrap();
    let error = change(&client).unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}

#[test]
fn half_an_answer() {
    let whole = Reply::bytes(200, &void());
    for length in [1, 12, 30, whole.len() - 30, whole.len() - 1] {
        let half = whole[..length].to_vec();
        let server = Server::start(move |_, _| Reply::Raw(half.clone(), After::Close));
        let error = change(&client(&server)).unwrap_err();
        assert!(matches!(error, Error::Disconnected { .. }), "{length}: {error:?}");
        assert_eq!(error.fault_class(), FaultClass::Transient);
        check_message(&error);
    }
}

/// Without a length in the header only the XML tells that there is more to come.
#[test]
fn half_an_answer_that_ends_with_the_connection() {
    let body = exists(true);
    let server = Server::start(move |_, _| {
        let bytes =
            format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", &body[..body.len() - 20]);
        Reply::Raw(bytes.into_bytes(), After::Close)
    });
    let error = look(&client(&server)).unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
}

#[test]
fn a_giant_answer() {
    let giant = envelope(&"<!-- -->".repeat(20_000));
    let server = Server::always(200, giant);
    let client = Client::builder(&server.url).answer_limit(100_000).build().unwrap();
    let error = change(&client).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 100_000, .. }), "{error:?}");
    check_message(&error);
}

#[test]
fn an_answer_that_never_ends() {
    let server = Server::start(|_, _| {
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        bytes.extend(chunk.repeat(100).into_bytes());
        Reply::Raw(bytes, After::Stall)
    });
    let client = Client::builder(&server.url).answer_limit(1 << 20).build().unwrap();
    let error = change(&client).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
}

#[test]
fn bytes_that_are_no_http() {
    for bytes in
        [&b"SSH-2.0-OpenSSH_9.2\r\n\r\n"[..], b"\0\xFF\0\xFF\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"]
    {
        let server = Server::start(move |_, _| Reply::Raw(bytes.to_vec(), After::Close));
        let error = change(&client(&server)).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
        assert_eq!(error.fault_class(), FaultClass::Transient);
        check_message(&error);
    }
}

#[test]
fn headers_without_end() {
    let bytes = format!("HTTP/1.1 200 OK\r\n{}", "X-A: b\r\n".repeat(20_000)).into_bytes();
    let server = Server::start(move |_, _| Reply::Raw(bytes.clone(), After::Stall));
    let error = change(&client(&server)).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
}

#[test]
fn a_redirect_is_not_followed() {
    let target = Server::always(200, void());
    let location = format!("{}/webservices/OXUserService?session=abc", target.url);
    let server = Server::start(move |_, _| {
        let head =
            format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        Reply::Raw(head.into_bytes(), After::Keep)
    });
    let error = change(&client(&server)).unwrap_err();
    assert!(matches!(error, Error::Status { status: 302, .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains(&target.url) && !message.contains("session"), "{message}");
    assert!(message.contains("OX_SOAP_SERVER"), "{message}");
    check_message(&error);
    assert_eq!(target.connections(), 0);
}

#[test]
fn pages_of_a_proxy() {
    let page = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n<body><h1>Bad Gateway</h1></body></html>";
    for (status, class) in [
        (401, FaultClass::Transient),
        (403, FaultClass::Transient),
        (404, FaultClass::Transient),
        (413, FaultClass::Permanent),
        (429, FaultClass::Transient),
        (500, FaultClass::Transient),
        (502, FaultClass::Transient),
        (503, FaultClass::Transient),
        (504, FaultClass::Transient),
    ] {
        let server = Server::always(status, page);
        let error = change(&client(&server)).unwrap_err();
        assert!(
            matches!(error, Error::Status { status: found, .. } if found == status),
            "{error:?}"
        );
        assert_eq!(error.fault_class(), class, "{status}");
        assert!(error.to_string().contains("502 Bad Gateway Bad Gateway"), "{error}");
        check_message(&error);
    }
    let error = change(&client(&Server::always(200, page))).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    assert_eq!(error.fault_class(), FaultClass::Transient);
    check_message(&error);
}

/// An envelope that says "done" does not count under a status that says the opposite.
#[test]
fn an_empty_envelope_under_a_status_of_failure() {
    let error = change(&client(&Server::always(503, void()))).unwrap_err();
    assert!(matches!(error, Error::Status { status: 503, .. }), "{error:?}");
}

#[test]
fn classes_of_faults() {
    for (name, class) in [
        ("ContextExistsException", FaultClass::Permanent),
        ("DatabaseUpdateException", FaultClass::Transient),
        ("InvalidCredentialsException", FaultClass::Transient),
        ("InvalidDataException", FaultClass::Permanent),
        ("NoSuchContextException", FaultClass::Transient),
        ("NoSuchUserException", FaultClass::Permanent),
        ("NoSuchReasonException", FaultClass::Permanent),
        ("RemoteException", FaultClass::Transient),
        ("StorageException", FaultClass::Transient),
        ("UserExistsException", FaultClass::Permanent),
    ] {
        // 500 as OX does, and 200 and 400 as other servers of the same library may.
        for status in [200, 400, 500] {
            let server = Server::always(status, fault(name, "some text"));
            let error = change(&client(&server)).unwrap_err();
            assert_eq!(error.fault_class(), class, "{name}");
            let fault = error.fault().unwrap();
            assert_eq!(fault.text, "some text");
            assert_eq!(fault.exception_id.as_deref(), Some("-225208343-74"));
            assert_eq!(format!("{}Exception", fault.kind), name);
            check_message(&error);
        }
    }
}

#[test]
fn a_copy_names_both_contexts() {
    let server = Server::always(500, fault("NoSuchContextException", "Context 11 does not exist"));
    let client = client(&server);
    let admin = admin();
    let copies = client.user_copies(&admin);
    let error = copies.copy_user(OxUserId::new(3), CONTEXT, ContextId::new(11)).unwrap_err();
    insta::assert_snapshot!(error, @"OXUserCopyService.copyUser of user 3 in context 10 to context 11: NoSuchContext: Context 11 does not exist (exceptionId -225208343-74); create context 10 or 11 in OX");
}

#[test]
fn a_fault_without_type() {
    let fault = "<soap:Fault><faultcode>soap:Client</faultcode><faultstring>Unexpected element \"x\" (URI=...). \
                 Please remove that element from SOAP request.</faultstring></soap:Fault>";
    let error = change(&client(&Server::always(500, envelope(fault)))).unwrap_err();
    assert_eq!(error.fault_kind(), Some(&FaultKind::Request));
    assert_eq!(error.fault_class(), FaultClass::Ours);
    check_message(&error);
}

#[test]
fn characters_that_xml_does_not_have() {
    let server = Server::always(200, void());
    let client = client(&server);
    let user = User::new().with(UserField::Name, "anna").with(UserField::Note, "line\u{b}line");
    let error = client.users(CONTEXT, &admin()).change(&user).unwrap_err();
    assert_eq!(error.fault_class(), FaultClass::Permanent);
    let message = error.to_string();
    assert!(message.contains("\"note\"") && message.contains("U+000B"), "{message}");
    assert!(!message.contains("line\u{b}line"));
    check_message(&error);
    // A login or password with such a character is not sent either.
    let odd = Credentials::new("oxadmin", "s3cret\0");
    let error = client.users(CONTEXT, &odd).change(&user).unwrap_err();
    assert!(!error.to_string().contains("s3cret"), "{error}");
    assert_eq!(server.connections(), 0, "nothing was sent");
}

#[test]
fn the_observer_hears_of_every_call() {
    let server = Server::start(|number, _| match number {
        0 => Reply::ok(exists(true)),
        1 => Reply::Answer(500, fault("NoSuchUserException", "No such user")),
        _ => Reply::Answer(502, String::new()),
    });
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let client = Client::builder(&server.url)
        .observer(move |info| {
            let context = info.context.map(ContextId::value);
            log.lock().unwrap().push((info.service, info.operation, context, info.outcome.clone()));
        })
        .build()
        .unwrap();
    look(&client).unwrap();
    change(&client).unwrap_err();
    change(&client).unwrap_err();
    assert_eq!(
        *seen.lock().unwrap(),
        [
            ("OXUserService", "exists", Some(10), CallOutcome::Done),
            ("OXUserService", "change", Some(10), CallOutcome::Fault(FaultKind::NoSuchUser)),
            ("OXUserService", "change", Some(10), CallOutcome::Error(FaultClass::Transient)),
        ]
    );
}
