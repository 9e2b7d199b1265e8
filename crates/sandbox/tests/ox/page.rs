//! The page and the JSON next to it.

use crate::support::{ADMIN, CTX, Client, MASTER, server, user};

#[test]
fn the_page_shows_what_there_is() {
    let server = server();
    let mut client = Client::new(server.address());
    let anna = client.create_user("anna");
    client.create_group("team", &[anna]);
    let page = client.get("/");
    assert_eq!(page.status, 200);
    assert!(page.head.contains("Content-Type: text/html; charset=utf-8"), "{}", page.head);
    assert!(page.head.contains("default-src 'none'"), "{}", page.head);
    for text in ["context10", "context11", "2 in all", "OXGroupService", "unlimited"] {
        assert!(page.body.contains(text), "{text}");
    }
    let users = client.get("/?context=10").body;
    for text in ["anna@example.org", "team", "administrator", "/?context=10&amp;user=3"] {
        assert!(users.contains(text), "{text}");
    }
    assert!(!client.get("/?context=10&find=oxad").body.contains("anna@example.org"));
    let one = client.get("/?context=10&user=3").body;
    for text in ["sur_name", "2 characters", "team (4)", "webmail"] {
        assert!(one.contains(text), "{text}");
    }
    assert!(client.get("/?context=10&tab=groups").body.contains("Standard group"));
    for query in [
        "/?context=99",
        "/?context=x",
        "/?page=999999999999999999999",
        "/?user=1&tab=x",
        "/?calls=all",
        "/?%ff=%00&&==",
    ] {
        assert_eq!(client.get(query).status, 200, "{query}");
    }
    assert!(client.get("/?context=10&refresh=5").body.contains("http-equiv=refresh content=5"));
    // Neither scripts nor anything from elsewhere.
    for body in [&page.body, &users, &one] {
        assert!(
            !body.contains("<script") && !body.contains("http://") && !body.contains("https://")
        );
    }
}

#[test]
fn markup_in_names_stays_text() {
    let server = server();
    let mut client = Client::new(server.address());
    let evil = "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&lt;b x=";
    let evil_user = user("anna").replacen(">anna<", &format!(">{evil}<"), 1);
    client.ok("OXUserService", "create", &format!("{CTX}{evil_user}{ADMIN}"));
    let context = format!(
        "<s:ctx><d:id>12</d:id><d:loginMappings>{evil}</d:loginMappings><d:maxQuota>-1</d:maxQuota><d:name>{evil}</d:name></s:ctx>{}{MASTER}",
        user("admin").replace("usrdata", "admin_user")
    );
    client.ok("OXContextService", "create", &context);
    client.fault(
        "OXUserService",
        "getData",
        &format!("{CTX}<s:user><d:name>{evil}</d:name></s:user>{ADMIN}"),
    );
    let in_query = "%3Cscript%3Ealert(1)%3C/script%3E%22%27%3Cb%20x=";
    for target in [
        "/".to_owned(),
        "/?context=10".to_owned(),
        "/?context=12".to_owned(),
        "/?context=10&user=3".to_owned(),
        format!("/?context=10&find={in_query}&tab={in_query}&page={in_query}"),
        format!("/?{in_query}=1&refresh={in_query}&context=10"),
    ] {
        let body = client.get(&target).body;
        assert!(!body.contains("<script") && !body.contains("<b x="), "{target}");
    }
    assert!(client.get("/?context=12").body.contains("&lt;script&gt;"));
}

#[test]
fn state_and_calls_are_json_without_passwords() {
    let server = server();
    let mut client = Client::new(server.address());
    let sent = user("anna").replace(">pw<", ">hush-hush<");
    client.ok("OXUserService", "create", &format!("{CTX}{sent}{ADMIN}"));
    client.create_group("team", &[3]);
    client.fault(
        "OXUserService",
        "getData",
        &format!("{CTX}<s:user><d:name>x</d:name></s:user>{ADMIN}"),
    );
    let text = client.get("/state").body;
    assert!(!text.contains("hush") && !text.contains("\"secret\""), "{text}");
    let state: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(state, server.dump());
    let context = &state["contexts"][0];
    assert_eq!(context["id"], 10);
    assert_eq!(context["users"][1]["name"], "anna");
    assert_eq!(context["users"][1]["password_length"], 9);
    assert_eq!(context["users"][1]["aliases"][0], "anna@example.org");
    assert!(context["users"][1]["access"].as_array().unwrap().contains(&"webmail".into()));
    assert_eq!(context["groups"][0]["members"], serde_json::json!([2, 3]));
    assert_eq!(context["groups"][1]["members"], serde_json::json!([3]));
    let one: serde_json::Value =
        serde_json::from_str(&client.get("/state?context=11").body).unwrap();
    assert_eq!(one["contexts"].as_array().unwrap().len(), 1);
    assert_eq!(client.get("/state?context=x").status, 400);

    let calls: serde_json::Value =
        serde_json::from_str(&client.get("/calls?since=1").body).unwrap();
    assert_eq!(calls["last"], 3);
    let list = calls["calls"].as_array().unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list[0]["operation"], "create");
    assert_eq!((&list[0]["object"], &list[0]["outcome"]), (&"team".into(), &"ok".into()));
    assert_eq!(list[1]["outcome"], "NoSuchUserException");
    assert_eq!(list[1]["context"], 10);
    assert!(list[1]["milliseconds"].as_f64().unwrap() >= 0.0);
    let counts: serde_json::Value = serde_json::from_str(&client.get("/calls/count").body).unwrap();
    assert_eq!(counts["OXUserService.create"], serde_json::json!({"calls": 1, "faults": 0}));
    assert_eq!(counts["OXUserService.getData"], serde_json::json!({"calls": 1, "faults": 1}));
}

#[test]
fn other_paths_and_methods_are_refused() {
    let server = server();
    let mut client = Client::new(server.address());
    for path in [
        "/favicon.ico",
        "/webservices",
        "/webservices/",
        "/webservices/Nothing?wsdl",
        "/state/",
        "/../etc/passwd",
    ] {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
    for path in ["/reset", "/fail", "/webservices/OXUserService"] {
        assert_eq!(client.get(path).status, 405, "{path}");
    }
    for path in ["/", "/state", "/calls", "/calls/count"] {
        client.send(format!("POST {path} HTTP/1.1\r\nContent-Length: 0\r\n\r\n").as_bytes());
        assert_eq!(client.receive().unwrap().status, 405, "{path}");
    }
}
