//! The pages of the stand-in servers in a real browser.

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

#[test]
fn the_page_of_kelvin_shows_schools_users_and_classes_and_runs_nothing_of_them() {
    let sandbox = Sandbox::start_kelvin(&["--school", "GYM1", "--school", "GYM2"]).unwrap();
    let base = format!("{}/ucsschool/kelvin", sandbox.url());
    let agent = ureq::Agent::new_with_defaults();
    let form = [("username", "connector"), ("password", "secret")];
    let token = agent.post(format!("{base}/token")).send_form(form).unwrap();
    let token: serde_json::Value =
        serde_json::from_reader(token.into_body().into_reader()).unwrap();
    let evil = "<script>document.title = 'taken over'</script>";
    let user = serde_json::json!({
        "name": "anna", "firstname": "Änne", "lastname": evil, "record_uid": "4711", "source_uid": "LAND",
        "school": format!("{base}/v1/schools/GYM1"), "roles": [format!("{base}/v1/roles/student")],
        "school_classes": {"GYM1": ["7a"]}
    });
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let request = agent.post(format!("{base}/v1/users/")).header("Authorization", bearer);
    let created = request.content_type("application/json").send(user.to_string()).unwrap();
    assert_eq!(created.status().as_u16(), 201);
    for (query, texts) in [
        ("", &["GYM1", "GYM2", "v1/users/", "taken over"][..]),
        ("?school=GYM1", &["anna", "Änne", "student", "GYM1: 7a", "4711", "taken over"]),
        ("?school=GYM1&tab=classes", &["7a", "anna"]),
        ("?user=anna", &["uid=anna,cn=schueler,cn=users,ou=GYM1", "LAND"]),
    ] {
        let page = browse(&format!("{}/{query}", sandbox.url()));
        for text in texts {
            assert!(page.contains(text), "{text} on {query}: {page}");
        }
        assert!(page.contains("<title>idspool sandbox: Kelvin</title>"), "{query}: {page}");
        assert!(!page.contains("<script"), "{query}: {page}");
    }
}
