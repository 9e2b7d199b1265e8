//! What refusals and strange answers become.

use idspool_kelvin_client::{Attributes, Error, FaultClass, Identity, RefusalKind};
use serde_json::json;

use crate::server::{Reply, Server, builder, user};

fn attributes() -> Attributes {
    json!({
        "firstname": "Anna", "password": "geheim1",
        "kelvin_password_hashes": {"user_password": ["{crypt}$6$abc"], "samba_nt_password": "5C45"},
    })
    .as_object()
    .unwrap()
    .clone()
}

fn refused(status: u16, body: &serde_json::Value) -> Error {
    let server = Server::always(Reply::json(status, body));
    let error = server.client().create_user(&attributes()).unwrap_err();
    assert_eq!(server.requests().len(), 1);
    error
}

#[test]
fn refusals() {
    let school = json!({"detail": "No school with name='X' found."});
    for (status, body, kind) in [
        (404, school, RefusalKind::NoReference(Some("X".into()))),
        (409, json!({"detail": "School user exists."}), RefusalKind::Taken),
        (400, json!({"message": "name too long"}), RefusalKind::Invalid),
        (
            400,
            json!({"detail": "Couldn't find legal guardian x for student y"}),
            RefusalKind::NoRelation,
        ),
        (422, json!({"detail": [{"loc": ["body", "name"], "msg": "no"}]}), RefusalKind::Invalid),
    ] {
        let error = refused(status, &body);
        assert_eq!(error.class(), FaultClass::Permanent);
        assert!(!error.is_open());
        let refusal = error.refusal().unwrap();
        assert_eq!((&refusal.kind, refusal.status), (&kind, status));
        let (problem, remedy) = (error.problem(), error.remedy());
        assert!(
            problem.starts_with("POST /ucsschool/kelvin/v1/users/ at http://127.0.0.1:"),
            "{problem}"
        );
        assert!(problem.contains(&refusal.text) && !remedy.is_empty());
        assert_eq!(error.to_string(), format!("{problem}; {remedy}"));
    }
}

/// A server may repeat what it got.
#[test]
fn secrets_are_in_no_error() {
    let text = "bad: geheim1, {crypt}$6$abc, 5C45 and s3 cret& of connector";
    for status in [400, 401, 403, 409, 422, 500, 503] {
        for body in [
            json!({"detail": text}),
            json!({"message": text}),
            json!({"detail": [{"loc": ["body", "password"], "msg": text, "input": text}]}),
        ] {
            let error = refused(status, &body);
            let shown = format!("{error} {error:?} {error:#?}");
            for secret in ["geheim1", "$6$abc", "5C45", "s3 cret"] {
                assert!(!shown.contains(secret), "{status}: {shown}");
            }
            assert!(error.problem().contains("bad: ***"), "{error}");
        }
    }
}

#[test]
fn debug_forms_show_no_secrets() {
    let server = Server::always(Reply::json(200, &json!([])));
    let client = server.client();
    client.roles().unwrap();
    let shown = format!("{:?} {client:?} {client:#?}", server.builder());
    let token = server.requests()[0].header("authorization").rsplit(' ').next().unwrap().to_owned();
    assert!(!shown.contains("s3 cret") && !shown.contains(&token), "{shown}");
}

/// The other form of a path: the client never asks for it, so something else is wrong.
#[test]
fn redirects_are_not_followed() {
    let redirect = "Location: http://127.0.0.1:1/ucsschool/kelvin/v1/users?token=s3cret\r\n";
    let server = Server::always(Reply::new(307, redirect, ""));
    let error = server.client().create_user(&attributes()).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    assert!(error.problem().contains("redirects to http://127.0.0.1:1/ucsschool"), "{error}");
    assert!(error.remedy().contains("without a redirect") && !error.to_string().contains("s3cret"));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn answers_that_are_none() {
    let anna = Identity { record_uid: "4711".into(), source_uid: "LAND".into() };
    let deep = format!("[{}", "[".repeat(100_000));
    let nameless = json!([{"record_uid": "4711", "source_uid": "LAND"}]).to_string();
    for body in [
        "",
        "null",
        "{}",
        "7",
        "[7]",
        "[{]",
        "[{}",
        "[{}]x",
        "\u{feff}[]",
        "<html>",
        &deep,
        &nameless,
        "[{\"record_uid\": \"4711\", \"source_uid\": \"LAND\", \"name\": \"\"}]",
    ] {
        let server = Server::always(Reply::new(200, "", body));
        let error = server.client().users(&anna).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{body:.40}: {error}");
        assert_eq!(error.class(), FaultClass::Transient);
        let server = Server::always(Reply::new(201, "", body));
        let error = server.client().create_user(&attributes()).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }) && error.is_open(), "{body:.40}: {error}");
    }
}

/// The words of the parser may hold the value that it stumbled on.
#[test]
fn values_of_answers_are_in_no_error() {
    let server = Server::always(Reply::new(200, "", "\"geheim1\""));
    let error = server.client().user("anna").unwrap_err();
    assert!(!error.to_string().contains("geheim1"), "{error}");
}

#[test]
fn long_lists_come_over_one_connection() {
    let users: Vec<_> = (0..3_000).map(|number| user(&format!("u{number}"))).collect();
    let server = Server::always(Reply::json(200, &json!(users)));
    let client = server.client();
    for _ in 0..2 {
        let mut count = 0;
        client
            .each_user_of("DEMOSCHOOL", &mut |_| {
                count += 1;
                true
            })
            .unwrap();
        assert_eq!(count, 3_000);
    }
    assert_eq!(client.schools().unwrap().len(), 3_000);
    assert_eq!(server.connections(), 1);
}

#[test]
fn settings_that_cannot_be_used() {
    for (url, words) in [
        ("", "not a URL"),
        ("kelvin.example.org", "https://"),
        ("https://kelvin.example.org/", "/ucsschool/kelvin/v1/"),
        ("https://connector:s3cret@kelvin.example.org/ucsschool/kelvin/v1/", "user name"),
    ] {
        let error = builder(url).build().unwrap_err();
        assert!(matches!(error, Error::Settings(_)));
        let message = error.to_string();
        assert!(message.contains(words) && !message.contains("s3cret"), "{message}");
        assert!(message.contains("school authority"), "{message}");
    }
}
