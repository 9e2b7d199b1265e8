//! Paths, methods, formats and headers (kelvin-api 1, 3, 4).

use serde_json::json;

use crate::support::{BASE, Client, server, student};

#[test]
fn the_other_form_of_a_slash_redirects() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    for (method, path, location) in [
        ("GET", "v1/users?name=a%20b", "v1/users/?name=a%20b"),
        ("POST", "v1/users", "v1/users/"),
        ("PATCH", "v2/users/anna/", "v2/users/anna"),
        ("GET", "v1/classes", "v1/classes/"),
        ("DELETE", "v1/classes/DEMOSCHOOL/7a/", "v1/classes/DEMOSCHOOL/7a"),
        ("POST", "token/", "token"),
    ] {
        let response = client.send(method, &format!("{BASE}/{path}"), "", "{}").unwrap();
        assert_eq!(response.status, 307, "{path}");
        let location = format!("http://kelvin.example{BASE}/{location}");
        assert_eq!(response.header("Location"), Some(location.as_str()));
    }
    for path in ["v1/classes/DEMOSCHOOL", "v1", "v3/users/", "", "v1/users/a%2Fb"] {
        let response = client.send("GET", &format!("{BASE}/{path}"), "", "").unwrap();
        assert_eq!((response.status, response.text().as_str()), (404, "Not Found"), "{path}");
    }
}

#[test]
fn methods_that_are_not_offered_are_told() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    for (method, path) in [
        ("HEAD", "users/anna"),
        ("HEAD", "users/"),
        ("HEAD", "classes/DEMOSCHOOL/7a"),
        ("HEAD", "schools/"),
        ("POST", "users/anna"),
        ("PUT", "users/"),
        ("DELETE", "users/"),
        ("PUT", "schools/DEMOSCHOOL"),
        ("PATCH", "schools/DEMOSCHOOL"),
        ("DELETE", "schools/DEMOSCHOOL"),
        ("POST", "roles/"),
        ("DELETE", "roles/student"),
        ("OPTIONS", "users/"),
    ] {
        let response = client.call(method, path, None);
        assert_eq!(response.status, 405, "{method} {path}");
        assert!(response.header("Allow").is_some());
        if method != "HEAD" {
            assert_eq!(response.text(), "Method Not Allowed");
        }
    }
    // The state is as it was.
    assert_eq!(client.found("users/").as_array().unwrap().len(), 1);
}

#[test]
fn bodies_are_json_also_without_a_type() {
    let server = server();
    let mut client = Client::new(&server);
    let token = format!("Authorization: Bearer {}\r\n", client.token);
    let path = format!("{BASE}/v1/users/");
    let good = student("anna").to_string();
    for (kind, body, expected) in [
        ("application/x-www-form-urlencoded", "name=anna", "body type_error.dict"),
        ("text/plain", good.as_str(), "body type_error.dict"),
        ("application/json", "[]", "body type_error.dict"),
        ("application/json", "", "body value_error.missing"),
        ("application/json", "{\"name\": ", "body.9 value_error.jsondecode"),
    ] {
        let headers = format!("{token}Content-Type: {kind}\r\n");
        let response = client.send("POST", &path, &headers, body).unwrap();
        assert_eq!(
            (response.status, response.items().join(",").as_str()),
            (422, expected),
            "{body}"
        );
    }
    let deep = "[".repeat(100_000);
    let response = client.send("POST", &path, &token, &deep).unwrap();
    assert_eq!(response.status, 422);
    assert_eq!(client.send("POST", &path, &token, &good).unwrap().status, 201);
    let headers = format!("{token}Content-Type: application/json; charset=utf-8\r\n");
    let other = student("ben").to_string();
    assert_eq!(client.send("POST", &path, &headers, &other).unwrap().status, 201);
}

#[test]
fn a_request_id_is_returned_if_it_is_a_random_uuid() {
    let server = server();
    let mut client = Client::new(&server);
    let path = format!("{BASE}/v1/users/");
    for id in ["7d0d4bd3a3a14d0c8d3f6f1c2b3a4d5e", "7d0d4bd3-a3a1-4d0c-8d3f-6f1c2b3a4d5e"] {
        let response = client.send("GET", &path, &format!("X-Request-ID: {id}\r\n"), "").unwrap();
        assert_eq!(response.header("X-Request-ID"), Some(id));
    }
    let response = client.send("GET", &path, "X-Request-ID: item-4711\r\n", "").unwrap();
    assert_eq!(response.header("X-Request-ID").map(str::len), Some(32));
}

#[test]
fn the_second_version_has_the_same_bodies_with_its_own_references() {
    let server = server();
    let mut client = Client::new(&server);
    let refused = {
        client.version = "v2";
        client.post("users/", &student("anna"))
    };
    assert_eq!(refused.status, 404);
    assert!(refused.json()["message"].is_string());
    let body = student("anna").to_string().replace("/v1/", "/v2/");
    let created = client.ok("POST", "users/", &serde_json::from_str(&body).unwrap());
    assert_eq!(created["url"], "http://kelvin.example/ucsschool/kelvin/v2/users/anna");
    assert_eq!(client.found("users/anna"), created);
    client.version = "v1";
    let text = client.found("users/anna").to_string();
    assert_eq!(text, created.to_string().replace("/v2/", "/v1/"));
}

#[test]
fn references_are_checked_before_they_are_followed() {
    let server = server();
    let mut client = Client::new(&server);
    let place = |school: &str| {
        let mut body = student("anna");
        body["school"] = json!(school);
        body
    };
    for (school, kind) in [
        ("DEMOSCHOOL", "scheme"),
        ("kelvin.example/ucsschool/kelvin/v1/schools/DEMOSCHOOL", "scheme"),
        ("ldap://kelvin.example/ucsschool/kelvin/v1/schools/DEMOSCHOOL", "scheme"),
        ("https://kelvin/ucsschool/kelvin/v1/schools/DEMOSCHOOL", "host"),
    ] {
        let response = client.post("users/", &place(school));
        assert_eq!(response.items(), [format!("body.school value_error.url.{kind}")], "{school}");
    }
    for school in [
        "https://kelvin.example/ucsschool/kelvin/v1/roles/DEMOSCHOOL",
        "https://kelvin.example/ucsschool/kelvin/v2/schools/DEMOSCHOOL",
        "https://kelvin.example/v1/schools/DEMOSCHOOL",
    ] {
        let response = client.post("users/", &place(school));
        assert_eq!(response.status, 404);
        let seen = school.replace("https", "http");
        let text = format!("Could not find object of type 'school' with URL '{seen}'.");
        assert_eq!(response.json(), json!({ "message": text }));
    }
    let elsewhere = "http://10.0.0.1:8080/ucsschool/kelvin/v1/schools/DEMOSCHOOL";
    assert_eq!(client.post("users/", &place(elsewhere)).status, 201);
}
