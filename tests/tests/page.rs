//! The page of the stand-in OX server in a real browser.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

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

/// A call as the administrator of context 10.
fn call(sandbox: &Sandbox, service: &str, operation: &str, parameters: &str) {
    let envelope = format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>\
         <s:{operation} xmlns:s=\"http://soap.admin.openexchange.com\" \
         xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\" \
         xmlns:r=\"http://dataobjects.rmi.admin.openexchange.com/xsd\">{parameters}\
         <s:auth><r:login>oxadmin</r:login><r:password>secret</r:password></s:auth></s:{operation}>\
         </soap:Body></soap:Envelope>"
    );
    assert_eq!(sandbox.soap(service, &envelope).unwrap(), 200, "{service} {parameters}");
}

fn create(sandbox: &Sandbox, name: &str, display_name: &str) {
    let user = format!(
        "<s:ctx><d:id>10</d:id></s:ctx><s:usrdata><d:display_name>{display_name}</d:display_name>\
         <d:email1>{name}@example.org</d:email1><d:given_name>A</d:given_name><d:name>{name}</d:name>\
         <d:password>x</d:password><d:primaryEmail>{name}@example.org</d:primaryEmail>\
         <d:sur_name>B</d:sur_name></s:usrdata>"
    );
    call(sandbox, "OXUserService", "create", &user);
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

#[test]
fn the_tabs_show_groups_resources_accounts_and_deputies() {
    let sandbox = Sandbox::start(&["--context", "10"]).unwrap();
    create(&sandbox, "anna", "Anna Bäcker");
    create(&sandbox, "ben", "&lt;b&gt;Ben");
    let (ctx, context) =
        ("<s:ctx><d:id>10</d:id></s:ctx>", "<s:context><d:id>10</d:id></s:context>");
    let group = "<s:grp><d:displayname>&lt;i&gt;Team</d:displayname><d:members>3</d:members>\
                 <d:members>4</d:members><d:name>team</d:name></s:grp>";
    call(&sandbox, "OXGroupService", "create", &format!("{ctx}{group}"));
    let room = "<s:res><d:displayname>&lt;script&gt;</d:displayname><d:email>room@example.org</d:email>\
                <d:name>room</d:name></s:res>";
    call(&sandbox, "OXResourceService", "create", &format!("{ctx}{room}"));
    let account = "<s:accountDataOnCreate><d:login>info-anna</d:login><d:name>&lt;u&gt;Info</d:name>\
                   <d:primaryAddress>info@example.org</d:primaryAddress>\
                   <d:mailEndpointSource>primary</d:mailEndpointSource></s:accountDataOnCreate>";
    let users = "<s:users><d:id>3</d:id></s:users>";
    call(&sandbox, "OXSecondaryAccountService", "create", &format!("{account}{context}{users}"));
    let grantor = "<s:user><d:id>3</d:id></s:user>";
    let deputy = "<s:deputyPermission><d:userId>4</d:userId><d:sendOnBehalfOf>true</d:sendOnBehalfOf>\
                  <d:modulePermissions><d:moduleId>mail</d:moduleId><d:folderPermission>2</d:folderPermission>\
                  </d:modulePermissions></s:deputyPermission>";
    let service = "OXDeputyPermissionsService";
    call(&sandbox, service, "grant", &format!("{grantor}{deputy}{context}"));
    call(&sandbox, service, "blockManual", &format!("{grantor}{context}"));
    for (tab, texts) in [
        ("groups", &["anna (3), ben (4)", "&lt;i&gt;Team"][..]),
        ("resources", &["room@example.org", "&lt;script&gt;"]),
        ("accounts", &["info@example.org", "anna (3)", "info-anna", "&lt;u&gt;Info"]),
        ("deputies", &["ben (4)", "mail 0 2 0 0 0, sends on behalf", "on their own: anna (3)"]),
    ] {
        let page = browse(&format!("{}/?context=10&tab={tab}", sandbox.url()));
        for text in texts {
            assert!(page.contains(text), "{text} on {tab}: {page}");
        }
        let place = page.find("Latest calls").unwrap();
        let own = &page[..place];
        assert!(!own.contains("<i>") && !own.contains("<u>"), "markup of names stays text");
    }
}
