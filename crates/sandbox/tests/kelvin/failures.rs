//! Failures on purpose, lag, latency and many clients at once.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{BASE, Client, server, server_with, student};

#[test]
fn the_nth_fitting_request_fails() {
    let server = server_with(|options| {
        options.failures = ["POST users/:2", "GET users/*:1:503:7"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
    });
    let mut client = Client::new(&server);
    client.student("anna");
    let failed = client.post("users/", &student("ben"));
    assert_eq!((failed.status, failed.text().as_str()), (500, "Failure on purpose"));
    client.student("ben");
    let busy = client.get("users/anna");
    assert_eq!((busy.status, busy.header("Retry-After")), (503, Some("7")));
    client.found("users/anna");
}

#[test]
fn every_kind_fails_in_its_way() {
    let server = server();
    let mut client = Client::new(&server);
    for (kind, status, is_done) in [
        ("401", 401, false),
        ("429", 429, false),
        ("500", 500, false),
        ("502", 502, false),
        ("503", 503, false),
        ("504", 504, false),
        ("garbage", 200, false),
        ("close", 0, false),
        ("late-close", 0, true),
        ("late-500", 500, true),
    ] {
        server.reset();
        server.fail(format!("POST v1/users/:1:{kind}").parse().unwrap());
        let headers = format!("Authorization: Bearer {}\r\n", client.token);
        let body = student("anna").to_string();
        let response = client.send("POST", &format!("{BASE}/v1/users/"), &headers, &body);
        assert_eq!(response.as_ref().map_or(0, |response| response.status), status, "{kind}");
        match response {
            None => client = Client::new(&server),
            Some(response) => {
                let waits = response.header("Retry-After").is_some();
                assert_eq!(waits, ["429", "503"].contains(&kind), "{kind}");
                assert_eq!(response.header("WWW-Authenticate").is_some(), kind == "401");
                assert_eq!(
                    serde_json::from_str::<serde_json::Value>(&response.body).is_err(),
                    ["502", "504", "garbage"].contains(&kind),
                    "{kind}"
                );
            }
        }
        let is_there = server.inspect(|world| world.user_named("anna").is_some());
        assert_eq!(is_there, is_done, "{kind}");
        let call = server.calls(0).remove(0);
        assert_eq!((call.failure, call.status), (Some(kind), status));
    }
}

#[test]
fn failures_are_added_over_http() {
    let server = server();
    let mut client = Client::new(&server);
    let answer = |client: &mut Client, body: &str| client.send("POST", "/fail", "", body).unwrap();
    for body in ["", "GET users/:1\nnonsense", "GET users/:1:odd"] {
        assert_eq!(answer(&mut client, body).status, 400, "{body}");
    }
    client.found("users/");
    assert_eq!(answer(&mut client, "GET users/:1:429\n\n  GET roles/:*:502 \n").body, "2 added\n");
    assert_eq!(client.get("users/").status, 429);
    assert_eq!(client.get("users/").status, 200);
    for _ in 0..2 {
        assert_eq!(client.get("roles/").status, 502);
    }
    client.send("POST", "/reset", "", "").unwrap();
    client.found("roles/");
}

#[test]
fn reads_of_the_second_version_lag_behind() {
    let lag = Duration::from_secs(3600);
    let server = server_with(|options| options.lag = lag);
    let mut client = Client::new(&server);
    client.student("anna");
    client.found("users/anna");
    client.version = "v2";
    assert_eq!(client.get("users/anna").status, 404);
    assert_eq!(client.found("users/?record_uid=id-anna&source_uid=LAND"), json!([]));
    assert_eq!(client.found("classes/?school=DEMOSCHOOL"), json!([]));
    // Writes see what there is.
    assert_eq!(client.call("PATCH", "users/anna", Some(&json!({}))).status, 200);
    assert_eq!(client.call("HEAD", "schools/DEMOSCHOOL", None).status, 200);

    let server = server_with(|options| {
        options.lag = Duration::from_millis(300);
        options.lags_everywhere = true;
    });
    let mut client = Client::new(&server);
    let start = Instant::now();
    client.student("anna");
    let mut response = client.get("users/anna");
    // A busy machine may have taken longer than the lag already.
    assert!(response.status == 404 || start.elapsed() >= Duration::from_millis(280));
    while response.status == 404 && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(10));
        response = client.get("users/anna");
    }
    assert_eq!(response.status, 200);
    assert!(start.elapsed() >= Duration::from_millis(280), "{:?}", start.elapsed());
}

#[test]
fn a_request_takes_at_least_the_latency() {
    let server = server_with(|options| options.latency = Duration::from_millis(50));
    let mut client = Client::new(&server);
    let start = Instant::now();
    client.found("users/");
    assert!(start.elapsed() >= Duration::from_millis(50));
}

#[test]
fn many_clients_at_once_lose_nothing() {
    let server = server();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let server = &server;
            scope.spawn(move || {
                let mut client = Client::new(server);
                for number in 0..25 {
                    client.student(&format!("u{thread}-{number}"));
                }
                for number in 0..25 {
                    let path = format!("users/u{thread}-{number}");
                    let class = json!({"school_classes": {"DEMOSCHOOL": ["8b"]}});
                    client.ok("PATCH", &path, &class);
                }
            });
        }
    });
    let mut client = Client::new(&server);
    assert_eq!(client.found("classes/DEMOSCHOOL/8b")["users"].as_array().unwrap().len(), 200);
    assert_eq!(client.found("classes/DEMOSCHOOL/7a")["users"], json!([]));
    let counts = server.counts();
    assert_eq!((counts["POST users/"].calls, counts["PATCH users/{name}"].calls), (200, 200));
}
