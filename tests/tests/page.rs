//! The page of the stand-in OX server in a real browser.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::process::Command;

use idspool_tests::Sandbox;

/// What a browser makes of a page, scripts run.
fn browse(url: &str) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--dump-dom", url])
        .output()
        .unwrap_or_else(|error| panic!("chromium: {error}; run scripts/test, which installs it"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn create(sandbox: &Sandbox, name: &str, display_name: &str) {
    let envelope = format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>\
         <s:create xmlns:s=\"http://soap.admin.openexchange.com\" \
         xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\" \
         xmlns:r=\"http://dataobjects.rmi.admin.openexchange.com/xsd\"><s:ctx><d:id>10</d:id></s:ctx>\
         <s:usrdata><d:display_name>{display_name}</d:display_name>\
         <d:email1>{name}@example.org</d:email1><d:given_name>A</d:given_name><d:name>{name}</d:name>\
         <d:password>x</d:password><d:primaryEmail>{name}@example.org</d:primaryEmail>\
         <d:sur_name>B</d:sur_name></s:usrdata><s:auth><r:login>oxadmin</r:login>\
         <r:password>secret</r:password></s:auth></s:create></soap:Body></soap:Envelope>"
    );
    assert_eq!(sandbox.soap("OXUserService", &envelope).unwrap(), 200);
}

#[test]
fn the_page_shows_what_the_server_holds_and_runs_nothing_of_it() {
    let sandbox = Sandbox::start(&["--context", "10"]).unwrap();
    create(&sandbox, "anna", "Anna Bäcker");
    create(&sandbox, "mallory", "&lt;script&gt;document.title = 'taken over'&lt;/script&gt;");
    let front = browse(&format!("{}/", sandbox.url()));
    assert!(front.contains("context10") && front.contains("OXUserService"), "{front}");
    let context = browse(&format!("{}/?context=10", sandbox.url()));
    assert!(context.contains("anna@example.org") && context.contains("Anna Bäcker"), "{context}");
    assert!(context.contains("&lt;script&gt;document.title"), "{context}");
    assert!(context.contains("<title>idspool sandbox: OX</title>"), "{context}");
}
