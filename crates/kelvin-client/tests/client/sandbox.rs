//! The client against the stand-in Kelvin server, which knows the rules of a real one.

use std::time::Duration;

use idspool_kelvin_client::{
    Attributes, Client, ClientBuilder, Credentials, Error, Identity, Obstacle, RefusalKind,
    TlsProblem,
};
use idspool_sandbox::kelvin::{Options, Server, Tls, serve};
use serde_json::{Value, json};

use crate::pki::PKI;

fn options() -> Options {
    let schools = ["DEMOSCHOOL", "Gym-Nord"].map(str::to_owned).to_vec();
    let properties = ["user:title", "user:phone:multi"].map(|text| text.parse().unwrap()).to_vec();
    Options { schools, properties, ..Options::default() }
}

fn sandbox() -> Server {
    serve(options()).unwrap()
}

fn builder_as(server: &Server, user: &str, password: &str) -> ClientBuilder {
    let url = format!("{}/ucsschool/kelvin/v1/", server.url());
    Client::builder(url, Credentials::new(user, password))
}

fn builder(server: &Server) -> ClientBuilder {
    builder_as(server, "connector", "secret")
}

fn client(server: &Server) -> Client {
    builder(server).build().unwrap()
}

fn attributes(value: Value) -> Attributes {
    value.as_object().unwrap().clone()
}

fn person(name: &str, role: &str) -> Attributes {
    attributes(json!({
        "name": name, "firstname": "Anna", "lastname": "Müller", "record_uid": name, "source_uid": "LAND",
        "school": "DEMOSCHOOL", "schools": ["DEMOSCHOOL"], "roles": [role],
    }))
}

fn pupil(name: &str) -> Attributes {
    let mut pupil = person(name, "student");
    pupil.insert("school_classes".into(), json!({"DEMOSCHOOL": ["7a"]}));
    pupil
}

fn identity(record_uid: &str) -> Identity {
    Identity { record_uid: record_uid.into(), source_uid: "LAND".into() }
}

fn fail(server: &Server, failure: &str) {
    server.fail(failure.parse().unwrap());
}

fn kind(error: Error) -> RefusalKind {
    error.refusal().unwrap_or_else(|| panic!("{error:?}")).kind.clone()
}

#[test]
fn the_life_of_a_pupil() {
    let server = sandbox();
    let client = client(&server);
    assert!(client.roles().unwrap().contains(&"student".to_owned()));
    assert_eq!(client.schools().unwrap(), ["DEMOSCHOOL", "Gym-Nord"]);
    assert!(client.has_school("Gym-Nord").unwrap() && !client.has_school("RS").unwrap());
    assert!(client.users(&identity("anna")).unwrap().is_empty());
    let made = client.create_user(&pupil("anna")).unwrap();
    assert_eq!((made.name.as_str(), &made.attributes["school"]), ("anna", &json!("DEMOSCHOOL")));
    let found = client.users(&identity("anna")).unwrap();
    assert_eq!(found, [made]);
    assert_eq!(client.user("ANNA").unwrap().as_ref(), found.first());
    let change = attributes(json!({
        "name": "anna.m", "school": "Gym-Nord", "schools": ["Gym-Nord"], "school_classes": {"Gym-Nord": ["8 b"]},
        "email": "anna@example.org", "udm_properties": {"phone": ["1"], "title": "Dr."},
    }));
    let changed = client.change_user("anna", &change).unwrap();
    for (key, value) in &change {
        assert_eq!(&changed.attributes[key], value, "{key}");
    }
    let cleared =
        attributes(json!({"email": null, "udm_properties": {"phone": [], "title": null}}));
    let changed = client.change_user("anna.m", &cleared).unwrap();
    assert_eq!(changed.attributes["email"], Value::Null);
    assert_eq!(client.user("anna").unwrap(), None);
    let mut names = Vec::new();
    client
        .each_user_of("Gym-Nord", &mut |user| {
            names.push(user.name);
            true
        })
        .unwrap();
    assert_eq!(names, ["anna.m"]);
    assert!(client.delete_user("anna.m").unwrap());
    assert!(!client.delete_user("anna.m").unwrap());
}

#[test]
fn the_life_of_a_class() {
    let server = sandbox();
    let client = client(&server);
    for name in ["anna", "ben"] {
        client.create_user(&pupil(name)).unwrap();
    }
    assert_eq!(client.class("demoschool", "9c").unwrap(), None);
    let class =
        json!({"name": "9c", "school": "DEMOSCHOOL", "description": "x", "users": ["anna"]});
    let made = client.create_class(&attributes(class)).unwrap();
    assert_eq!((made.school.as_str(), made.name.as_str()), ("DEMOSCHOOL", "9c"));
    assert_eq!(client.class("demoschool", "9C").unwrap(), Some(made));
    let change = attributes(json!({"name": "10 c", "users": ["anna", "ben"], "description": null}));
    let changed = client.change_class("DEMOSCHOOL", "9c", &change).unwrap();
    assert_eq!(
        (changed.name.as_str(), &changed.attributes["users"]),
        ("10 c", &json!(["anna", "ben"]))
    );
    let names: Vec<String> =
        client.classes("DEMOSCHOOL").unwrap().into_iter().map(|class| class.name).collect();
    assert_eq!(names, ["10 c", "7a"]);
    assert!(client.delete_class("DEMOSCHOOL", "10 c").unwrap());
    assert!(!client.delete_class("DEMOSCHOOL", "10 c").unwrap());
    assert!(client.classes("nowhere").unwrap().is_empty());
}

#[test]
fn kinds_of_refusals() {
    let server = sandbox();
    let client = client(&server);
    client.create_user(&pupil("anna")).unwrap();
    client.create_user(&person("hilde", "legal_guardian")).unwrap();
    let create = |key: &str, value: Value| {
        let mut pupil = pupil("ben");
        pupil.insert(key.into(), value);
        kind(client.create_user(&pupil).unwrap_err())
    };
    let change =
        |name: &str, body: Value| kind(client.change_user(name, &attributes(body)).unwrap_err());
    let class = |body: Value| kind(client.create_class(&attributes(body)).unwrap_err());
    let reference = |name: &str| RefusalKind::NoReference(Some(name.into()));

    assert_eq!(create("name", json!("anna")), RefusalKind::Taken);
    assert_eq!(create("record_uid", json!("anna")), RefusalKind::Taken);
    assert_eq!(create("schools", json!(["DEMOSCHOOL", "Rück-Schule"])), reference("Rück-Schule"));
    assert_eq!(create("birthday", json!("3.2.2010")), RefusalKind::Invalid);
    assert_eq!(create("udm_properties", json!({"shoeSize": "44"})), RefusalKind::Invalid);
    assert_eq!(create("legal_guardians", json!(["nobody"])), RefusalKind::NoRelation);
    assert_eq!(change("hilde", json!({"legal_wards": ["nobody"]})), RefusalKind::NoRelation);
    assert_eq!(change("hilde", json!({"legal_guardians": ["hilde"]})), RefusalKind::Invalid);
    assert_eq!(change("nobody", json!({"firstname": "x"})), RefusalKind::NoObject);
    assert_eq!(change("anna", json!({"name": "x y"})), RefusalKind::Invalid);
    assert_eq!(class(json!({"name": "9", "school": "RS", "users": []})), reference("RS"));
    assert_eq!(
        class(json!({"name": "9", "school": "DEMOSCHOOL", "users": ["anna", "Jörg"]})),
        reference("Jörg")
    );
    assert_eq!(class(json!({"name": "7a", "school": "DEMOSCHOOL"})), RefusalKind::Taken);
    assert_eq!(class(json!({"name": "ü", "school": "DEMOSCHOOL"})), RefusalKind::Invalid);
    let users = attributes(json!({"users": ["nobody"]}));
    let error = client.change_class("DEMOSCHOOL", "7a", &users).unwrap_err();
    assert_eq!(kind(error), reference("nobody"));
    let error = client.change_class("DEMOSCHOOL", "7b", &users).unwrap_err();
    assert!(matches!(kind(error), RefusalKind::NoObject | RefusalKind::NoReference(_)));
    // What is only about relations that exist goes through.
    let wards = attributes(json!({"legal_wards": ["anna"]}));
    let hilde = client.change_user("hilde", &wards).unwrap();
    assert_eq!(hilde.attributes["legal_wards"], json!(["anna"]));
    assert_eq!(
        client.user("anna").unwrap().unwrap().attributes["legal_guardians"],
        json!(["hilde"])
    );
}

/// The server takes no URL whose host has no dot, and a trial has such a host.
#[test]
fn a_host_without_a_dot() {
    let server = sandbox();
    let url = format!("http://localhost:{}/ucsschool/kelvin/v1/", server.address().port());
    let client = Client::builder(url, Credentials::new("connector", "secret")).build().unwrap();
    client.create_user(&pupil("anna")).unwrap();
}

#[test]
fn tokens_that_end() {
    let server = serve(Options { token_lifetime: Duration::from_secs(3), ..options() }).unwrap();
    let client = client(&server);
    while server.counts().get("POST token").is_none_or(|tokens| tokens.calls < 3) {
        client.roles().unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(server.counts()["GET roles/"].faults, 0, "renewed before they end");
    // The server's key is another one after a restart.
    server.revoke_tokens();
    client.roles().unwrap();
    assert_eq!(server.counts()["GET roles/"].faults, 1);
    fail(&server, "POST users/:1:401");
    client.create_user(&pupil("anna")).unwrap();
}

#[test]
fn accounts_without_rights() {
    let accounts = ["lea:p:reader", "max:p:none", "eva:p:disabled"];
    let accounts = accounts.map(|text| text.parse().unwrap()).to_vec();
    let server = serve(Options { accounts, ..options() }).unwrap();
    let as_user = |user: &str, password: &str| builder_as(&server, user, password).build().unwrap();
    let reader = as_user("lea", "p");
    reader.log_in().unwrap();
    for error in [
        reader.create_user(&pupil("anna")).unwrap_err(),
        as_user("max", "p").log_in().unwrap_err(),
        as_user("eva", "p").log_in().unwrap_err(),
        as_user("connector", "wrong").log_in().unwrap_err(),
    ] {
        assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    }
}

#[test]
fn answers_that_are_lost() {
    let server = sandbox();
    let client = client(&server);
    // It was done, and whoever asks finds it.
    fail(&server, "POST users/:1:late-close");
    let error = client.create_user(&pupil("anna")).unwrap_err();
    assert!(matches!(error, Error::NoAnswer { is_open: true, .. }), "{error}");
    assert_eq!(client.users(&identity("anna")).unwrap().len(), 1);
    fail(&server, "GET users/:1:close");
    assert_eq!(client.users(&identity("anna")).unwrap().len(), 1);
    fail(&server, "PATCH users/anna:1:late-close");
    let change = attributes(json!({"firstname": "Änne"}));
    assert_eq!(client.change_user("anna", &change).unwrap().attributes["firstname"], "Änne");
    fail(&server, "DELETE users/anna:1:late-close");
    assert!(client.delete_user("anna").unwrap());
    assert!(server.inspect(|world| world.users().next().is_none()));
    fail(&server, "POST users/:1:late-500");
    let error = client.create_user(&pupil("ben")).unwrap_err();
    assert!(error.is_open() && matches!(error, Error::Trouble { status: 500, .. }), "{error}");
    assert_eq!(client.users(&identity("ben")).unwrap().len(), 1);
}

#[test]
fn a_server_in_trouble() {
    let server = sandbox();
    let client = client(&server);
    for status in [500, 502, 504] {
        fail(&server, &format!("GET roles/:1:{status}"));
        let error = client.roles().unwrap_err();
        assert!(matches!(error, Error::Trouble { status: told, .. } if told == status), "{error}");
        client.roles().unwrap();
    }
    fail(&server, "GET roles/:1:garbage");
    assert!(matches!(client.roles().unwrap_err(), Error::Malformed { .. }));
    for status in [429, 503] {
        fail(&server, &format!("GET roles/:1:{status}:1"));
        let before = server.counts()["GET roles/"].calls;
        let error = client.roles().unwrap_err();
        let wait = Some(Duration::from_secs(1));
        assert!(
            matches!(error, Error::Trouble { status: told, retry_after, .. } if told == status && retry_after == wait)
        );
        while client.roles().is_err() {
            std::thread::yield_now();
        }
        assert_eq!(server.counts()["GET roles/"].calls, before + 2, "it is left alone");
    }
}

#[test]
fn a_slow_server() {
    let server = serve(Options { latency: Duration::from_secs(3), ..options() }).unwrap();
    let limit = Duration::from_millis(500);
    let client = builder(&server).call_timeout(limit).build().unwrap();
    let error = client.roles().unwrap_err();
    let expected = Obstacle::Time { limit, while_connecting: false };
    assert!(matches!(&error, Error::NoAnswer { obstacle, .. } if *obstacle == expected), "{error}");
    assert!(!error.is_open(), "there was no token yet: {error}");
}

#[test]
fn a_server_that_ends_in_the_middle() {
    let server = serve(Options { latency: Duration::from_secs(2), ..options() }).unwrap();
    let client = client(&server);
    let call = std::thread::spawn(move || client.create_user(&pupil("anna")));
    while !server.counts().contains_key("POST token") {
        std::thread::yield_now();
    }
    server.stop();
    match call.join().unwrap() {
        Err(Error::NoAnswer { obstacle: Obstacle::Lost | Obstacle::Connect, .. }) => {}
        // This thread did not run for two seconds.
        Ok(_) => {}
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn over_tls() {
    let with = |name: &str, client_authority: Option<&str>| {
        let tls = Tls {
            certificate: PKI.path(&format!("{name}.crt")),
            key: PKI.path(&format!("{name}.key")),
            client_authority: client_authority.map(|name| PKI.path(name)),
        };
        serve(Options { tls: Some(tls), ..options() }).unwrap()
    };
    let trusting = |server: &Server| builder(server).ca_certificates(Some(PKI.path("ca")));
    let server = with("good", None);
    let client = trusting(&server).build().unwrap();
    client.create_user(&pupil("anna")).unwrap();
    assert_eq!(client.users(&identity("anna")).unwrap().len(), 1);
    let server = with("other", None);
    let error = trusting(&server).build().unwrap().roles().unwrap_err();
    assert!(
        matches!(
            error,
            Error::NoAnswer { obstacle: Obstacle::Tls { problem: TlsProblem::Name, .. }, .. }
        ),
        "{error}"
    );
    trusting(&server).check_hostname(false).build().unwrap().roles().unwrap();
    builder(&server).verify(false).build().unwrap().roles().unwrap();
    let server = with("good", Some("ca.crt"));
    trusting(&server).build().unwrap().roles().unwrap_err();
    let own = trusting(&server).client_certificate(PKI.path("client.crt"), PKI.path("client.key"));
    own.build().unwrap().roles().unwrap();
}
