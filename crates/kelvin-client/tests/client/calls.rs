//! What each function asks for, and what it makes of the answer.

use idspool_kelvin_client::{ApiVersion, Attributes, Error, FaultClass, Identity, RefusalKind};
use serde_json::{Value, json};

use crate::server::{Reply, Server, class, user};

fn attributes(value: Value) -> Attributes {
    value.as_object().unwrap().clone()
}

fn identity(record_uid: &str, source_uid: &str) -> Identity {
    Identity { record_uid: record_uid.into(), source_uid: source_uid.into() }
}

fn missing() -> Reply {
    Reply::json(404, &json!({"detail": "No object with name='x' found or not authorized."}))
}

#[test]
fn names_of_roles_and_schools() {
    let server = Server::start(|request, _| {
        let names = if request.path.contains("roles") { ["staff", "student"] } else { ["B", "a"] };
        Reply::json(200, &names.map(|name| json!({"name": name, "url": "x", "new": {}})).into())
    });
    let client = server.client();
    assert_eq!(client.roles().unwrap(), ["staff", "student"]);
    assert_eq!(client.schools().unwrap(), ["B", "a"]);
    assert_eq!(server.lines(), ["GET /v1/roles/", "GET /v1/schools/"]);
    assert_eq!(server.connections(), 1, "for the token, too");
    for request in server.requests() {
        assert_eq!(request.header("accept"), "application/json");
        assert_eq!(request.header("accept-language"), "en-US");
        assert!(request.header("authorization").starts_with("Bearer e30."));
        assert!(request.header("user-agent").starts_with("idspool/"));
        assert_eq!((request.header("content-type"), request.body.as_str()), ("", ""));
    }
}

#[test]
fn requests_have_an_id_of_their_own() {
    let server = Server::always(Reply::json(200, &json!([])));
    let client = server.client();
    client.roles().unwrap();
    client.roles().unwrap();
    let [first, second] = &server.requests()[..] else { panic!() };
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    assert_eq!(first.header("x-request-id").len(), 36);
}

#[test]
fn a_school_is_asked_for_past_the_caches() {
    let server = Server::start(|request, _| match request.path.as_str() {
        // The length is that of the answer to GET.
        "/v1/schools/Gym%20Nord" => Reply::new(200, "", "{\"name\": \"x\"}").cut(13),
        _ => Reply::new(404, "", "{\"detail\": \"x\"}").cut(15),
    });
    let client = server.client();
    assert!(client.has_school("Gym Nord").unwrap());
    assert!(!client.has_school("RS").unwrap());
    assert!(!client.has_school("..").unwrap() && !client.has_school("").unwrap());
    assert_eq!(server.lines(), ["HEAD /v1/schools/Gym%20Nord", "HEAD /v1/schools/RS"]);
    assert_eq!(server.connections(), 1);
}

/// HEAD came with 1.7.0.
#[test]
fn a_school_of_an_older_server() {
    let server =
        Server::start(|request, _| match (request.method.as_str(), request.path.as_str()) {
            ("HEAD", _) => Reply::new(405, "", ""),
            (_, "/v1/schools/DEMO") => Reply::json(200, &json!({"name": "DEMO"})),
            _ => Reply::json(404, &json!({"detail": "No school with name='RS' found."})),
        });
    let client = server.client();
    assert!(client.has_school("DEMO").unwrap());
    assert!(!client.has_school("RS").unwrap());
}

#[test]
fn users_of_an_identity() {
    let server = Server::start(|_, _| Reply::json(200, &json!([user("anna.m")])));
    let found = server.client().users(&identity("4711", "LAND")).unwrap();
    assert_eq!(server.lines(), ["GET /v1/users/?record_uid=4711&source_uid=LAND"]);
    let [anna] = &found[..] else { panic!("{found:?}") };
    assert_eq!(anna.name, "anna.m");
    let expected = attributes(json!({
        "name": "anna.m", "school": "DEMOSCHOOL", "schools": ["DEMOSCHOOL"], "roles": ["student"],
        "legal_guardians": ["jörg"], "legal_wards": [], "school_classes": {"DEMOSCHOOL": ["7a"]},
        "email": "anna.m@example.com", "birthday": "2010-02-03", "udm_properties": {"title": null, "phone": ["+49 421 1"]},
    }));
    for (key, value) in &expected {
        assert_eq!(anna.attributes.get(key), Some(value), "{key}");
    }
}

/// `*` in an identity finds others, too (kelvin-api 7.2).
#[test]
fn users_of_other_identities_do_not_count() {
    let server = Server::start(|_, _| {
        let with = |record: &str, source: &str| {
            let mut user = user("x");
            user["record_uid"] = record.into();
            user["source_uid"] = source.into();
            user
        };
        let mut odd = user("y");
        odd.as_object_mut().unwrap().remove("record_uid");
        let list = [with("47", "L"), with("4*", "l"), with("4*", "L"), with("4*", "L"), odd];
        Reply::json(200, &json!(list))
    });
    let found = server.client().users(&identity("4*", "L")).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(server.lines(), ["GET /v1/users/?record_uid=4%2A&source_uid=L"]);
}

/// Without a value the server knows no condition, and would answer all users.
#[test]
fn an_identity_needs_both_parts() {
    let server = Server::always(Reply::json(200, &json!([])));
    for (record_uid, source_uid) in [("", "L"), ("4711", ""), ("", "")] {
        let error = server.client().users(&identity(record_uid, source_uid)).unwrap_err();
        assert_eq!(error.class(), FaultClass::Permanent);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_user_by_name() {
    let server = Server::start(|request, _| match request.path.as_str() {
        "/v1/users/anna.m" => Reply::json(200, &user("anna.m")),
        _ => missing(),
    });
    let client = server.client();
    assert_eq!(client.user("anna.m").unwrap().unwrap().name, "anna.m");
    assert_eq!(client.user("Ben & Co?").unwrap(), None);
    // No user has such a name, and the request would be about something else.
    for name in ["", ".", "..", "../schools", "a/b", "a\r\nb"] {
        assert_eq!(client.user(name).unwrap(), None, "{name:?}");
    }
    assert_eq!(server.lines(), ["GET /v1/users/anna.m", "GET /v1/users/Ben%20%26%20Co%3F"]);
}

#[test]
fn a_user_is_created() {
    let server = Server::always(Reply::json(201, &user("anna.m")));
    let sent = attributes(json!({
        "name": "anna.m", "firstname": "Änna", "school": "DEMOSCHOOL", "schools": ["DEMOSCHOOL"],
        "roles": ["student"], "email": null, "school_classes": {"DEMOSCHOOL": ["7a"]},
        "legal_guardians": ["jörg"], "udm_properties": {"phone": []}, "password": "p",
    }));
    let made = server.client().create_user(&sent).unwrap();
    assert_eq!(made.attributes["school"], "DEMOSCHOOL");
    let [request] = &server.requests()[..] else { panic!() };
    assert_eq!(request.line(), "POST /v1/users/");
    assert_eq!(request.header("content-type"), "application/json");
    let url = |rest: &str| format!("{}{rest}", server.url);
    assert_eq!(
        request.json(),
        json!({
            "name": "anna.m", "firstname": "Änna", "school": url("schools/DEMOSCHOOL"),
            "schools": [url("schools/DEMOSCHOOL")], "roles": [url("roles/student")], "email": null,
            "school_classes": {"DEMOSCHOOL": ["7a"]}, "legal_guardians": [url("users/j%C3%B6rg")],
            "udm_properties": {"phone": []}, "password": "p",
        })
    );
}

#[test]
fn a_user_is_changed_and_deleted() {
    let server = Server::start(|request, _| match request.path.as_str() {
        "/v1/users/ben" => missing(),
        _ if request.method == "PATCH" => Reply::json(200, &user("anna.meyer")),
        _ => Reply::new(204, "", ""),
    });
    let client = server.client();
    let change = attributes(json!({"name": "anna.meyer", "school": "B"}));
    assert_eq!(client.change_user("anna.m", &change).unwrap().name, "anna.meyer");
    let error = client.change_user("ben", &change).unwrap_err();
    assert_eq!(error.refusal().unwrap().kind, RefusalKind::NoObject);
    assert!(client.delete_user("anna.meyer").unwrap());
    assert!(!client.delete_user("ben").unwrap());
    assert!(!client.delete_user("..").unwrap());
    assert_eq!(
        server.lines(),
        [
            "PATCH /v1/users/anna.m",
            "PATCH /v1/users/ben",
            "DELETE /v1/users/anna.meyer",
            "DELETE /v1/users/ben"
        ]
    );
    let error = client.change_user("a/b", &change).unwrap_err();
    assert!(matches!(error, Error::Unsendable { .. }) && error.class() == FaultClass::Permanent);
    assert!(error.to_string().contains("slash"), "{error}");
}

#[test]
fn classes() {
    let server = Server::start(|request, _| match request.line().as_str() {
        "GET /v1/classes/?school=DEMO%201" => {
            Reply::json(200, &json!([class("DEMO%201", "7a"), class("DEMO%201", "7b")]))
        }
        "GET /v1/classes/demo%201/7A" | "PATCH /v1/classes/DEMO%201/7a" => {
            Reply::json(200, &class("DEMO%201", "7a"))
        }
        "POST /v1/classes/" => Reply::json(201, &class("DEMO%201", "7a")),
        "DELETE /v1/classes/DEMO%201/7a" => Reply::new(204, "", ""),
        _ => missing(),
    });
    let client = server.client();
    let all = client.classes("DEMO 1").unwrap();
    let names: Vec<_> = all.iter().map(|c| (c.school.as_str(), c.name.as_str())).collect();
    assert_eq!(names, [("DEMO 1", "7a"), ("DEMO 1", "7b")]);
    let found = client.class("demo 1", "7A").unwrap().unwrap();
    assert_eq!((found.school.as_str(), found.name.as_str()), ("DEMO 1", "7a"));
    assert_eq!(found.attributes["users"], json!(["anna.m"]));
    assert_eq!(client.class("demo 1", "8").unwrap(), None);
    assert_eq!(client.class("demo 1", "").unwrap(), None);
    let users = attributes(json!({"users": ["anna.m", "b c"]}));
    client.change_class("DEMO 1", "7a", &users).unwrap();
    client
        .create_class(&attributes(json!({"name": "7a", "school": "DEMO 1", "users": null})))
        .unwrap();
    assert!(client.delete_class("DEMO 1", "7a").unwrap());
    assert!(!client.delete_class("DEMO 1", "8").unwrap());
    let bodies: Vec<Value> =
        server.requests().iter().filter(|r| !r.body.is_empty()).map(|r| r.json()).collect();
    let url = |rest: &str| format!("{}{rest}", server.url);
    assert_eq!(
        bodies,
        [
            json!({"users": [url("users/anna.m"), url("users/b%20c")]}),
            json!({"name": "7a", "school": url("schools/DEMO%201"), "users": null}),
        ]
    );
}

#[test]
fn users_of_a_school_come_one_by_one() {
    let server = Server::start(|_, _| Reply::json(200, &json!([user("a"), user("b"), user("c")])));
    let client = server.client();
    let mut names = Vec::new();
    let mut take = |user: idspool_kelvin_client::User| {
        names.push(user.name);
        names.len() != 5
    };
    client.each_user_of("S 1", &mut take).unwrap();
    client.each_user_of("S 1", &mut take).unwrap();
    assert_eq!(names, ["a", "b", "c", "a", "b"]);
    assert_eq!(server.lines(), ["GET /v1/users/?school=S%201", "GET /v1/users/?school=S%201"]);
}

#[test]
fn the_second_version() {
    let server = Server::start(|request, _| match request.method.as_str() {
        "GET" => Reply::json(200, &json!([])),
        _ => Reply::json(201, &user("anna")),
    });
    let client = server.builder().version(ApiVersion::V2).build().unwrap();
    client.schools().unwrap();
    client.create_user(&attributes(json!({"school": "A"}))).unwrap();
    assert_eq!(server.lines(), ["GET /v2/schools/", "POST /v2/users/"]);
    let school = server.url.replace("/v1/", "/v2/schools/A");
    assert_eq!(server.requests()[1].json(), json!({"school": school}));
}

/// Servers of other ages have other attributes (kelvin-api 13).
#[test]
fn attributes_that_are_missing_or_new() {
    let old = json!({"name": "anna", "record_uid": "1", "source_uid": "L"});
    let new = json!({"name": "ben", "record_uid": "1", "source_uid": "L", "school": null,
        "legal_wards": {"x": "https://k/y"}, "colour": {"deep": [1, {"e": 2}]}});
    let server = Server::always(Reply::json(200, &json!([old, new])));
    let found = server.client().users(&identity("1", "L")).unwrap();
    assert_eq!(Value::Object(found[0].attributes.clone()), old);
    assert_eq!(Value::Object(found[1].attributes.clone()), new);
}
