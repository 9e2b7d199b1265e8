//! Tokens and rights (kelvin-api 2).

use std::time::Duration;

use serde_json::json;

use crate::support::{BASE, Client, Response, server_with, student};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

#[test]
fn a_token_is_given_for_the_right_credentials() {
    let server = server_with(|options| options.password = "s&cret ä".to_owned());
    let mut client = Client::bare(server.address());
    let right = client.form("grant_type=password&username=connector&password=s%26cret+%C3%A4");
    assert_eq!(right.status, 200);
    let token = right.json()["access_token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."), "{token}");
    for form in ["username=connector&password=x", "username=root&password=secret"] {
        let wrong = client.form(form);
        assert_eq!((wrong.status, wrong.text().as_str()), (401, "Incorrect username or password"));
    }
    for (headers, body, items) in [
        (
            "Content-Type: application/json\r\n",
            "{\"username\": \"connector\", \"password\": \"secret\"}",
            &["body.username value_error.missing", "body.password value_error.missing"][..],
        ),
        (FORM, "username=connector", &["body.password value_error.missing"]),
        (
            FORM,
            "username=a&password=b&grant_type=refresh",
            &["body.grant_type value_error.str.regex"],
        ),
    ] {
        let refused = client.send("POST", &format!("{BASE}/token"), headers, body).unwrap();
        assert_eq!(refused.status, 422);
        assert_eq!(refused.items(), items);
    }
    let wrong = client.send("GET", &format!("{BASE}/token"), "", "").unwrap();
    assert_eq!((wrong.status, wrong.header("Allow")), (405, Some("POST")));
}

#[test]
fn every_refusal_is_a_401_that_tells_whether_a_new_token_helps() {
    let server = server_with(|options| {
        options.accounts = ["lea:secret:reader", "ben:secret:none", "eva:secret:disabled"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
    });
    let mut client = Client::new(&server);
    let anna = client.student("anna");
    let refused = |response: Response| {
        assert_eq!(response.status, 401, "{response:?}");
        (response.text(), response.header("WWW-Authenticate").map(str::to_owned))
    };
    let challenge = || Some("Bearer".to_owned());
    let invalid = || ("Could not validate credentials".to_owned(), challenge());
    let good = client.token.clone();
    for (headers, expected) in [
        (String::new(), ("Not authenticated".to_owned(), challenge())),
        ("Authorization: Basic eA==\r\n".to_owned(), ("Not authenticated".to_owned(), challenge())),
        ("Authorization: Bearer x\r\n".to_owned(), invalid()),
        (format!("Authorization: Bearer {good}x\r\n"), invalid()),
    ] {
        let path = format!("{BASE}/v1/users/");
        assert_eq!(refused(client.send("GET", &path, &headers, "").unwrap()), expected);
    }
    let path = format!("{BASE}/v1/users/anna");
    let headers = format!("Authorization: bearer {good}\r\n");
    assert_eq!(client.send("GET", &path, &headers, "").unwrap().status, 200);

    client.token = client.fetch_token("lea", "secret");
    assert_eq!(client.found("users/anna"), anna);
    assert_eq!(client.call("HEAD", "schools/DEMOSCHOOL", None).status, 200);
    let unauthorized = || ("Unauthorized".to_owned(), None);
    for (method, path) in [
        ("POST", "users/"),
        ("PUT", "users/anna"),
        ("PATCH", "users/anna"),
        ("DELETE", "users/anna"),
    ] {
        let response = client.call(method, path, Some(&student("x")));
        assert_eq!(refused(response), unauthorized(), "{method}");
    }
    client.token = client.fetch_token("ben", "secret");
    assert_eq!(refused(client.get("users/")), unauthorized());
    client.token = client.fetch_token("eva", "secret");
    assert_eq!(refused(client.get("users/")), ("Inactive user".to_owned(), None));

    client.token = good;
    assert!(server.revoke_tokens());
    assert_eq!(refused(client.get("users/")), invalid());
    client.token = client.fetch_token("connector", "secret");
    server.reset();
    assert_eq!(client.found("users/"), json!([]));
}

#[test]
fn a_token_expires() {
    let server = server_with(|options| options.token_lifetime = Duration::ZERO);
    let mut client = Client::new(&server);
    let response = client.get("users/");
    assert_eq!(
        (response.status, response.text().as_str()),
        (401, "Could not validate credentials")
    );
}
