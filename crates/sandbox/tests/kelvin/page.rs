//! The page and the JSON next to it.

use serde_json::json;

use crate::support::{Client, person, school, server, student, with};

#[test]
fn the_page_shows_what_there_is() {
    let server = server();
    let mut client = Client::new(&server);
    assert!(client.send("GET", "/", "", "").unwrap().body.contains("DEMOSCHOOL2"));
    client.student("anna");
    client.ok("POST", "users/", &person("tim", "teacher"));
    client.ok("POST", "workgroups/", &json!({"name": "chor", "school": school("DEMOSCHOOL")}));
    let page = |client: &mut Client, query: &str| {
        let response = client.send("GET", &format!("/{query}"), "", "").unwrap();
        assert_eq!(response.status, 200, "{query}");
        assert!(!response.body.contains("<script") && !response.body.contains("src="), "{query}");
        response
    };
    let front = page(&mut client, "");
    assert_eq!(front.header("Content-Type"), Some("text/html; charset=utf-8"));
    assert!(front.header("Content-Security-Policy").unwrap().contains("default-src 'none'"));
    for text in ["v1/users/", "Latest requests", "201", "token"] {
        assert!(front.body.contains(text), "{text}");
    }
    let users = page(&mut client, "?school=demoschool").body;
    for text in ["/?user=anna", "teacher", "DEMOSCHOOL: 7a", "id-tim", "LAND"] {
        assert!(users.contains(text), "{text}");
    }
    let found = page(&mut client, "?school=DEMOSCHOOL&find=tim").body;
    assert!(found.contains("/?user=tim") && !found.contains("/?user=anna"));
    assert!(
        page(&mut client, "?school=DEMOSCHOOL&tab=classes")
            .body
            .contains("<td>7a<td><td>1<td>anna")
    );
    assert!(page(&mut client, "?school=DEMOSCHOOL&tab=workgroups").body.contains("chor"));
    let one = page(&mut client, "?user=anna").body;
    for text in ["uid=anna,cn=schueler", "id-anna", "student:school:DEMOSCHOOL", "random"] {
        assert!(one.contains(text), "{text}");
    }
    for query in ["?school=x", "?user=x", "?calls=all&page=99999999999999999999", "?%ff=%00&&=="] {
        page(&mut client, query);
    }
    assert!(page(&mut client, "?refresh=5").body.contains("http-equiv=refresh content=5"));
}

#[test]
fn markup_in_names_stays_text() {
    let server = server();
    let mut client = Client::new(&server);
    let evil = "<script>alert(1)</script>\"'<b x=";
    let fields =
        json!({"firstname": evil, "lastname": evil, "record_uid": evil, "source_uid": evil});
    client.ok("POST", "users/", &with(student("anna"), fields));
    client.get("users/%3Cscript%3Ealert(1)");
    client.call("PATCH", "users/anna?<script>", Some(&json!({"firstname": evil, "school": evil})));
    for query in ["", "?school=DEMOSCHOOL", "?user=anna", "?school=DEMOSCHOOL&find=%3Cscript%3E%22"]
    {
        let body = client.send("GET", &format!("/{query}"), "", "").unwrap().body;
        assert!(!body.contains("<script") && !body.contains("<b x="), "{query}: {body}");
    }
}

#[test]
fn state_and_requests_are_told_as_json() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    client.patch("users/anna", &json!({"firstname": "A", "password": "hush"}));
    client.get("users/nobody?x=1");
    let mut get = |path: &str| client.send("GET", path, "", "").unwrap();
    let state = get("/state").json();
    assert_eq!(state, server.dump());
    assert_eq!(state["schools"][0]["name"], "DEMOSCHOOL");
    assert_eq!(state["users"][0]["school_classes"], json!({"DEMOSCHOOL": ["7a"]}));
    assert_eq!(state["users"][0]["password_length"], 4);
    let class = &state["classes"][0];
    assert_eq!((&class["name"], &class["users"]), (&json!("7a"), &json!(["anna"])));
    let calls = get("/calls?since=2").json();
    assert_eq!(calls["last"], 4);
    let (change, miss) = (&calls["calls"][0], &calls["calls"][1]);
    assert_eq!((&change["method"], &change["path"]), (&json!("PATCH"), &json!("v1/users/anna")));
    assert_eq!(change["body"], json!({"firstname": "A", "password": "***"}));
    assert_eq!((&miss["status"], &miss["query"]), (&json!(404), &json!("x=1")));
    assert!(miss["text"].as_str().unwrap().starts_with("No object with name='nobody'"));
    assert_eq!(get("/calls?since=99").json()["calls"], json!([]));
    assert_eq!(get("/calls?since=x").status, 400);
    let counts = get("/calls/count").json();
    assert_eq!(counts["GET users/{name}"], json!({"calls": 1, "faults": 1}));
    assert_eq!(counts["POST token"]["calls"], 1);
    for (method, path) in
        [("POST", "/state"), ("GET", "/reset"), ("GET", "/fail"), ("GET", "/revoke")]
    {
        assert_eq!(client.send(method, path, "", "").unwrap().status, 405, "{path}");
    }
    assert_eq!(client.send("GET", "/other", "", "").unwrap().status, 404);
    assert_eq!(client.send("POST", "/revoke", "", "").unwrap().status, 200);
    assert_eq!(client.get("users/").status, 401);
}
