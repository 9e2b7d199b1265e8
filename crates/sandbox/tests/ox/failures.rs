//! Failures on purpose.

use idspool_sandbox::ox::FailureKind;

use crate::support::{ADMIN, CTX, Client, MASTER, server, server_with, user};

fn exists() -> String {
    format!("{CTX}<s:user><d:id>2</d:id></s:user>{ADMIN}")
}

#[test]
fn the_nth_call_of_an_operation_fails() {
    let server = server_with(|options| {
        options.failures = ["exists:2", "OXUserService.exists:4:remote", "OXGroupService.exists:*"]
            .iter()
            .take(2)
            .map(|failure| failure.parse().unwrap())
            .collect();
    });
    let mut client = Client::new(server.address());
    client.ok("OXUserService", "exists", &exists());
    // Calls of the same name of another service count for `exists`, not for `OXUserService.exists`.
    let context = format!("{CTX}{MASTER}");
    let (name, text) = client.fault("OXContextService", "exists", &context);
    assert_eq!((name.as_str(), text.as_str()), ("StorageException", "Failure on purpose"));
    client.ok("OXUserService", "exists", &exists());
    client.ok("OXUserService", "exists", &exists());
    assert_eq!(client.fault("OXUserService", "exists", &exists()).0, "RemoteException");
    client.ok("OXUserService", "exists", &exists());
}

#[test]
fn every_kind_fails_in_its_way() {
    let server = server();
    let mut client = Client::new(server.address());
    let mut create = |kind: FailureKind, name: &str| {
        server.fail(format!("OXUserService.create:1:{}", kind.as_str()).parse().unwrap()).unwrap();
        let body = crate::support::envelope("create", &format!("{CTX}{}{ADMIN}", user(name)));
        let response = client.post("OXUserService", body.as_bytes());
        if response.is_none() {
            client = Client::new(server.address());
        }
        let is_there =
            server.inspect(|world| world.context(10).unwrap().user_named(name).is_some());
        (response, is_there)
    };
    for (kind, name) in [
        (FailureKind::Storage, "StorageException"),
        (FailureKind::Remote, "RemoteException"),
        (FailureKind::DatabaseUpdate, "DatabaseUpdateException"),
    ] {
        let (response, is_there) = create(kind, "a");
        let response = response.unwrap();
        assert_eq!(response.status, 500);
        assert_eq!(crate::support::Fault::read(&response.body).detail.as_deref(), Some(name));
        assert!(!is_there);
    }
    let (response, is_there) = create(FailureKind::Http502, "a");
    let response = response.unwrap();
    assert_eq!((response.status, is_there), (502, false));
    assert!(response.head.contains("Content-Type: text/html"));
    let (response, is_there) = create(FailureKind::Garbage, "a");
    let response = response.unwrap();
    assert_eq!((response.status, is_there), (200, false));
    assert!(!response.body.contains("</soap:Envelope>"));
    let (response, is_there) = create(FailureKind::Close, "a");
    assert!(response.is_none() && !is_there);
    let (response, is_there) = create(FailureKind::LateClose, "a");
    assert!(response.is_none() && is_there);

    let outcomes: Vec<_> = server.calls(0).into_iter().map(|call| call.outcome).collect();
    assert_eq!(
        outcomes,
        [
            "StorageException",
            "RemoteException",
            "DatabaseUpdateException",
            "http502",
            "garbage",
            "close",
            "late-close"
        ]
    );
}

#[test]
fn failures_are_added_at_run_time_and_end_with_a_reset() {
    let server = server();
    let mut client = Client::new(server.address());
    client.ok("OXUserService", "exists", &exists());
    let mut fail = |body: &str| {
        client.send(
            format!(
                "POST /fail HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        );
        client.receive().unwrap()
    };
    assert_eq!(fail("exists:1:remote\n\nOXUserService.change:*\n").status, 200);
    for (body, text) in [
        ("", "one OPERATION:N[:KIND] per line"),
        ("exists", "exists: expected OPERATION:N[:KIND]"),
        ("exists:1:loud", "unknown kind \"loud\""),
        ("exist:1", "no service has an operation exist;"),
        ("OXGroupService.exists:1", "no service has an operation OXGroupService.exists;"),
    ] {
        let response = fail(body);
        assert_eq!(response.status, 400, "{body}");
        assert!(response.body.contains(text), "{}", response.body);
    }
    assert_eq!(client.fault("OXUserService", "exists", &exists()).0, "RemoteException");
    client.ok("OXUserService", "exists", &exists());
    client.create_user("anna");
    let change = format!("{CTX}<s:usrdata><d:id>3</d:id></s:usrdata>{ADMIN}");
    for _ in 0..3 {
        assert_eq!(client.fault("OXUserService", "change", &change).0, "StorageException");
    }
    client.send(b"POST /reset HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.receive().unwrap().status, 200);
    assert!(server.calls(0).is_empty());
    assert_eq!(client.create_user("anna"), 3);
    client.ok("OXUserService", "change", &change);
}
