//! What differs between directory, snapshots and OX: each side altered behind the back of the others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use idspool_tests::{BASE_DN, Installation, Sandbox, Slapd, poll};
use serde_json::{Value, json};

/// Far more than a loaded test machine needs.
const SOON: Duration = Duration::from_secs(60);

const TYPES: [&str; 6] = [
    "oxmail/oxcontext",
    "oxmail/accessprofile",
    "users/user",
    "groups/group",
    "oxmail/functional_account",
    "oxresources/oxresources",
];

struct World {
    slapd: Slapd,
    sandbox: Sandbox,
    idspool: Installation,
}

impl World {
    /// An installation in which everything is delivered.
    fn provisioned() -> Self {
        Self::configured("")
    }

    /// The same with further lines of `[ox]`.
    fn configured(settings: &str) -> Self {
        let slapd = Slapd::start().unwrap();
        let sandbox = Sandbox::start(&[]).unwrap();
        let idspool = Installation::new(&slapd.url(), sandbox.url()).unwrap();
        let file = idspool.path().join("idspool.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text + settings).unwrap();
        let world = Self { slapd, sandbox, idspool };
        for object_type in TYPES {
            let filter = format!("(univentionObjectType={object_type})");
            world.idspool.hook_all(&world.slapd.cli(), &filter, object_type).unwrap();
        }
        world.once();
        world
    }

    fn dn(uid: &str) -> String {
        format!("uid={uid},cn=users,{BASE_DN}")
    }

    fn uuid(&self, uid: &str) -> String {
        self.slapd.entry_uuid(&Self::dn(uid)).unwrap()
    }

    /// One pass of both programs, as cron would run them.
    fn once(&self) {
        for program in ["idspool-converter", "idspool-ox"] {
            let output = self.idspool.run(program, &["--once"]).unwrap();
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{program}: {log}");
        }
    }

    fn check(&self, arguments: &[&str]) -> Output {
        let mut all = vec!["ox", "check-sync"];
        all.extend(arguments);
        self.idspool.run("idspool", &all).unwrap()
    }

    /// Exit status and lines.
    fn one(&self, dn: &str, arguments: &[&str]) -> (i32, String) {
        let mut all = vec!["--dn", dn];
        all.extend(arguments);
        text(&self.check(&all))
    }

    /// The findings for all objects, and the summary.
    fn all(&self, arguments: &[&str]) -> (Vec<Value>, Value) {
        let mut all = vec!["--all", "--json"];
        all.extend(arguments);
        let output = self.check(&all);
        let (code, lines) = text(&output);
        let mut lines: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let summary = lines.pop().unwrap_or_default()["summary"].clone();
        let is_consistent = summary["inconsistent"] == 0;
        assert_eq!(code, i32::from(!is_consistent), "{summary}");
        (lines, summary)
    }

    fn assert_consistent(&self) {
        let (findings, summary) = self.all(&[]);
        assert_eq!(findings, [] as [Value; 0], "{summary}");
    }

    /// Calls an operation of OX as the administrator of a context.
    fn soap(&self, context: i32, service: &str, body: &str) {
        self.soap_as(&context.to_string(), service, body);
    }

    /// Calls an operation of OX with the credentials of this entry.
    fn soap_as(&self, entry: &str, service: &str, body: &str) {
        let path = self.idspool.path().join("spool/ox/secrets/contexts.json");
        let contexts: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let admin = &contexts[entry];
        let [login, password] = ["adminuser", "adminpass"].map(|key| admin[key].as_str().unwrap());
        let auth = format!(
            "<s:auth><r:login>{login}</r:login><r:password>{password}</r:password></s:auth>"
        );
        let body = body.replace("AUTH", &auth);
        let envelope = format!(
            "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:s=\"http://soap.admin.openexchange.com\" \
             xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\" \
             xmlns:r=\"http://dataobjects.rmi.admin.openexchange.com/xsd\">\
             <soap:Body>{body}</soap:Body></soap:Envelope>"
        );
        assert_eq!(self.sandbox.soap(service, &envelope).unwrap(), 200, "{body}");
    }

    fn state(&self, context: i64, list: &str, name: &str) -> Value {
        let state = self.sandbox.get("/state").unwrap();
        let contexts = state["contexts"].as_array().unwrap();
        let context = contexts.iter().find(|found| found["id"] == context).unwrap();
        let found = context[list].as_array().unwrap().iter().find(|found| found["name"] == name);
        found.cloned().unwrap_or_default()
    }

    fn change_user(&self, uid: &str, fields: &str) {
        let id = self.sandbox.user(10, uid).unwrap().unwrap()["id"].clone();
        self.soap(
            10,
            "OXUserService",
            &format!(
                "<s:change><s:ctx><d:id>10</d:id></s:ctx><s:usrdata>{fields}</s:usrdata>AUTH</s:change>"
            )
            .replace("ID", &id.to_string()),
        );
    }

    fn delete_user(&self, uid: &str) {
        let id = self.sandbox.user(10, uid).unwrap().unwrap()["id"].clone();
        self.soap(
            10,
            "OXUserService",
            &format!(
                "<s:delete><s:ctx><d:id>10</d:id></s:ctx><s:user><d:id>{id}</d:id></s:user>AUTH</s:delete>"
            ),
        );
    }

    fn snapshot_path(&self, uuid: &str) -> PathBuf {
        self.idspool.ox_queue().join(format!("old/{uuid}.json"))
    }

    fn edit_snapshot(&self, uuid: &str, edit: impl FnOnce(&mut Value)) {
        let mut snapshot = self.idspool.snapshot(uuid).unwrap();
        edit(&mut snapshot["object"]);
        fs::write(self.snapshot_path(uuid), snapshot.to_string()).unwrap();
    }
}

fn text(output: &Output) -> (i32, String) {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(errors, "", "{}", String::from_utf8_lossy(&output.stdout));
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The members of a finding that tell what differs.
fn brief(finding: &Value) -> Value {
    let keys = ["kind", "context", "field", "snapshot", "ox", "directory"];
    keys.iter().map(|key| ((*key).to_owned(), finding[*key].clone())).collect()
}

#[test]
fn a_consistent_installation_is_consistent() {
    let world = World::provisioned();
    world.assert_consistent();
    let (code, lines) = world.one(&World::dn("a.oehler"), &[]);
    assert_eq!(code, 0, "{lines}");
    assert_eq!(
        lines,
        format!(
            "Search object with dn: {}\n\
             Success: Data of the object is consistent between OX, UDM and listener files.\n",
            World::dn("a.oehler")
        )
    );
    for dn in [
        "UID=A.OEHLER, cn=Users, dc=example,dc=org",
        "cn=context10,cn=open-xchange,dc=example,dc=org",
        "cn=webmail,cn=accessprofiles,cn=open-xchange,dc=example,dc=org",
        "cn=beamer,cn=oxresources,cn=open-xchange,dc=example,dc=org",
        "cn=info,cn=functional_accounts,cn=open-xchange,dc=example,dc=org",
        "cn=ox-vertrieb,cn=groups,dc=example,dc=org",
    ] {
        let (code, lines) = world.one(dn, &[]);
        assert!(code == 0 && lines.contains("Success: "), "{dn}: {code} {lines}");
    }
}

#[test]
fn each_side_that_was_altered_by_hand_is_told() {
    let world = World::provisioned();
    let ldap = world.slapd.cli();
    // The directory, without anybody being told.
    ldap.replace(&World::dn("b.meier"), "telephoneNumber", &["+49 77"]).unwrap();
    // OX.
    world.change_user("d.zu", "<d:company>Other</d:company><d:id>ID</d:id>");
    // A snapshot.
    world.edit_snapshot(&world.uuid("F.Gross-Klein"), |object| object["title"] = json!("Prof."));
    // OX: gone.
    world.delete_user("a.oehler");
    // OX: a resource, a member, an account.
    let beamer = world.state(10, "resources", "beamer")["id"].clone();
    world.soap(
        10,
        "OXResourceService",
        &format!(
            "<s:change><s:ctx><d:id>10</d:id></s:ctx><s:res><d:description>x</d:description>\
             <d:id>{beamer}</d:id></s:res>AUTH</s:change>"
        ),
    );
    let (findings, summary) = world.all(&[]);
    let of = |name: &str| -> Vec<Value> {
        findings.iter().filter(|found| found["object"] == name).map(brief).collect()
    };
    let row = |field: &str, snapshot: Value, ox: Value, directory: Value| {
        json!([{"kind": "different", "context": null, "field": field, "snapshot": snapshot,
                "ox": ox, "directory": directory}])
    };
    let old_phone = &world.idspool.snapshot(&world.uuid("b.meier")).unwrap()["object"]["phone"][0];
    assert_eq!(
        json!(of(&World::dn("b.meier"))),
        row("phone", old_phone.clone(), old_phone.clone(), json!("+49 77"))
    );
    assert_eq!(
        json!(of(&World::dn("d.zu"))),
        row("organisation", json!(null), json!("Other"), json!(null))
    );
    let title = of(&World::dn("F.Gross-Klein"));
    assert_eq!(title[0]["field"], "title");
    assert_eq!(title[0]["snapshot"], "Prof.");
    assert_eq!(title[0]["ox"], title[0]["directory"]);
    let gone = of(&World::dn("a.oehler"));
    assert_eq!(
        json!(gone),
        json!([{"kind": "not_in_ox", "context": 10, "field": null, "snapshot": null, "ox": null,
                "directory": null}])
    );
    let resource = of("cn=beamer,cn=oxresources,cn=open-xchange,dc=example,dc=org");
    assert_eq!((&resource[0]["field"], &resource[0]["ox"]), (&json!("description"), &json!("x")));
    // Whoever was deleted is missing where others list them.
    let group = of(&format!("cn=ox-vertrieb,cn=groups,{BASE_DN}"));
    assert_eq!(
        json!(group),
        json!([{"kind": "different", "context": 10, "field": "users",
                "snapshot": ["a.oehler", "b.meier", "d.zu"], "ox": ["b.meier", "d.zu"],
                "directory": ["a.oehler", "b.meier", "d.zu"]}])
    );
    let account = of("cn=info,cn=functional_accounts,cn=open-xchange,dc=example,dc=org");
    assert_eq!((&account[0]["field"], &account[0]["ox"]), (&json!("users"), &json!(["b.meier"])));
    assert_eq!(summary["inconsistent"], 7, "{findings:#?}");
    // The same for one object.
    let (code, lines) = world.one(&World::dn("d.zu"), &[]);
    assert_eq!(code, 1);
    let expected = "DIFF(organisation): old listener value: None, ox value: Other, udm value: None\n\
                    Warning: Data inconsistencies detected. ";
    assert!(lines.contains(expected), "{lines}");
    let (code, lines) = world.one(&World::dn("a.oehler"), &[]);
    assert!(code == 1 && lines.contains("Object not found in ox database (context 10)"), "{lines}");

    let (_, summary) = world.all(&["--resync"]);
    assert_eq!(summary["requeued"], 7);
    let snapshot = world.idspool.snapshot(&world.uuid("d.zu")).unwrap();
    assert_eq!(snapshot["object"].get("oxDbId"), None, "it is looked up again");
    world.once();
    // Groups and accounts were delivered before OX had the new id of the user that was gone: they are
    // put into the queue by the user's own delivery.
    world.assert_consistent();
    assert!(world.sandbox.user(10, "a.oehler").unwrap().is_some());
}

#[test]
fn what_only_one_side_has_is_told() {
    let world = World::provisioned();
    let ldap = world.slapd.cli();
    // Never provisioned: OX has no e.nicht, and now the directory wants her there.
    let nicht = World::dn("e.nicht");
    ldap.replace(&nicht, "isOxUser", &["OK"]).unwrap();
    ldap.replace(&nicht, "oxContextIDNum", &["10"]).unwrap();
    ldap.replace(&nicht, "mailPrimaryAddress", &["e.nicht@example.org"]).unwrap();
    fs::remove_file(world.snapshot_path(&world.uuid("e.nicht"))).unwrap();
    // Gone from the directory, and nobody was told.
    let meier = world.uuid("b.meier");
    ldap.delete(&World::dn("b.meier")).unwrap();
    // Only in OX.
    let create = |name: &str| {
        format!(
            "<s:create><s:ctx><d:id>10</d:id></s:ctx><s:usrdata><d:display_name>{name}</d:display_name>\
             <d:email1>{name}@example.org</d:email1><d:given_name>x</d:given_name><d:name>{name}</d:name>\
             <d:password>x</d:password><d:primaryEmail>{name}@example.org</d:primaryEmail>\
             <d:sur_name>x</d:sur_name></s:usrdata>AUTH</s:create>"
        )
    };
    world.soap(10, "OXUserService", &create("stranger"));
    world.soap(
        10,
        "OXGroupService",
        "<s:create><s:ctx><d:id>10</d:id></s:ctx><s:grp><d:displayname>strangers</d:displayname>\
         <d:name>strangers</d:name></s:grp>AUTH</s:create>",
    );
    world.soap(
        20,
        "OXResourceService",
        "<s:create><s:ctx><d:id>20</d:id></s:ctx><s:res><d:displayname>room</d:displayname>\
         <d:email>room@example.org</d:email><d:name>room</d:name></s:res>AUTH</s:create>",
    );
    let (findings, summary) = world.all(&[]);
    let kinds = |name: &str| -> Vec<(Value, Value)> {
        let of = findings.iter().filter(|found| found["object"] == name);
        of.map(|found| (found["kind"].clone(), found["context"].clone())).collect()
    };
    assert_eq!(kinds(&nicht), [(json!("never_provisioned"), json!(null))]);
    assert_eq!(kinds(&World::dn("b.meier")), [(json!("not_in_directory"), json!(null))]);
    assert_eq!(kinds("stranger"), [(json!("only_in_ox"), json!(10))]);
    assert_eq!(kinds("strangers"), [(json!("only_in_ox"), json!(10))]);
    assert_eq!(kinds("room"), [(json!("only_in_ox"), json!(20))]);
    assert_eq!(summary["findings"]["only_in_ox"], 3, "no administrator: {findings:#?}");

    let (code, lines) = world.one(&nicht, &[]);
    assert_eq!(code, 1);
    assert!(lines.contains("Object not found in /old directory."), "{lines}");
    assert!(lines.contains("Object not found in ox database."), "{lines}");
    let command = format!("idspool-listener hook --entry-uuid {} ", world.uuid("e.nicht"));
    assert!(lines.contains(&command), "{lines}");
    let (code, lines) = world.one(&World::dn("b.meier"), &[]);
    assert!(code == 1 && lines.contains("Error: Object not found in udm. "), "{lines}");

    // Deletions are never put into the queue by the hundred.
    let (findings, _) = world.all(&["--resync"]);
    let meier_line = findings.iter().find(|found| found["id"] == json!(meier)).unwrap();
    assert!(meier_line["resync"].as_str().unwrap().contains("deletion"), "{meier_line}");
    let (code, lines) = world.one(&World::dn("b.meier"), &["--resync"]);
    assert!(code == 1 && lines.contains("has been scheduled to be resynced with file"), "{lines}");
    world.once();
    assert!(world.sandbox.user(10, "e.nicht").unwrap().is_some());
    assert_eq!(world.sandbox.user(10, "b.meier").unwrap(), None);
    let (findings, _) = world.all(&[]);
    let kinds: Vec<&Value> = findings.iter().map(|found| &found["kind"]).collect();
    assert_eq!(kinds, ["only_in_ox"; 3], "{findings:#?}");
}

#[test]
fn a_wrong_id_is_looked_up_again_and_the_other_user_is_left_alone() {
    let world = World::provisioned();
    let (anna, berta) = (world.uuid("a.oehler"), world.uuid("b.meier"));
    let right = world.idspool.snapshot(&anna).unwrap()["object"]["oxDbId"].clone();
    let other = world.idspool.snapshot(&berta).unwrap()["object"]["oxDbId"].clone();
    world.edit_snapshot(&anna, |object| object["oxDbId"] = other.clone());
    let before = world.sandbox.user(10, "b.meier").unwrap().unwrap();
    let (code, lines) = world.one(&World::dn("a.oehler"), &["--resync"]);
    assert_eq!(code, 1);
    let expected =
        format!("DIFF(oxDbId): old listener value: {other}, ox value: {right}, udm value: -");
    assert!(lines.contains(&expected), "{lines}");
    assert_eq!(world.idspool.snapshot(&anna).unwrap()["object"].get("oxDbId"), None);
    let waiting = Installation::waiting(&world.idspool.ox_queue());
    assert_eq!(waiting.len(), 1);
    let copy = fs::read(world.idspool.ox_queue().join(&waiting[0])).unwrap();
    let copy: Value = serde_json::from_slice(&copy).unwrap();
    assert_eq!((&copy["resync"], copy["object"].get("oxDbId")), (&json!(true), None));
    world.once();
    assert_eq!(world.idspool.snapshot(&anna).unwrap()["object"]["oxDbId"], right);
    assert_eq!(world.sandbox.user(10, "b.meier").unwrap().unwrap(), before);
    world.assert_consistent();
}

#[test]
fn a_running_idspool_ox_looks_a_doubtful_id_up_again() {
    let world = World::provisioned();
    let (anna, berta) = (world.uuid("a.oehler"), world.uuid("b.meier"));
    let right = world.idspool.snapshot(&anna).unwrap()["object"]["oxDbId"].clone();
    let other = world.idspool.snapshot(&berta).unwrap()["object"]["oxDbId"].clone();
    let before = world.sandbox.user(10, "b.meier").unwrap().unwrap();
    let ox = world.idspool.start("idspool-ox", &[]).unwrap();
    let running = || (world.idspool.status("ox").unwrap()["running"] == true).then_some(());
    poll(SOON, running).unwrap();
    world.edit_snapshot(&anna, |object| object["oxDbId"] = other.clone());
    let (code, lines) = world.one(&World::dn("a.oehler"), &["--resync"]);
    assert!(code == 1 && lines.contains("has been scheduled to be resynced"), "{lines}");
    world.idspool.settle(SOON).unwrap();
    assert_eq!(world.idspool.snapshot(&anna).unwrap()["object"]["oxDbId"], right);
    assert_eq!(world.sandbox.user(10, "b.meier").unwrap().unwrap(), before);
    let ended = ox.terminate(SOON).unwrap();
    assert_eq!(ended.code(), Some(0), "{}", ended.log());
    world.assert_consistent();
}

#[test]
fn a_user_in_another_context_is_told_and_not_resynced() {
    let world = World::provisioned();
    world.edit_snapshot(&world.uuid("d.zu"), |object| {
        object["oxContext"] = json!("20");
        object["oxDbId"] = json!(4711);
    });
    let (code, lines) = world.one(&World::dn("d.zu"), &["--resync"]);
    assert_eq!(code, 1);
    assert!(
        lines.contains(
            "Object not found in ox database (context 20), but it was found in context 10"
        ),
        "{lines}"
    );
    assert!(lines.contains("Resync not possible."), "{lines}");
    assert_eq!(Installation::waiting(&world.idspool.ox_queue()), [""; 0]);
    assert_eq!(Installation::waiting(&world.idspool.listener_spool()), [""; 0]);
}

#[test]
fn rights_that_were_changed_in_ox_are_told() {
    let world = World::provisioned();
    let id = world.sandbox.user(10, "a.oehler").unwrap().unwrap()["id"].clone();
    world.soap(
        10,
        "OXUserService",
        &format!(
            "<s:changeByModuleAccess><s:ctx><d:id>10</d:id></s:ctx><s:user><d:id>{id}</d:id></s:user>\
             <s:moduleAccess><d:webmail>false</d:webmail></s:moduleAccess>AUTH</s:changeByModuleAccess>"
        ),
    );
    let (code, lines) = world.one(&World::dn("a.oehler"), &["--resync"]);
    assert!(code == 1 && lines.contains("DIFF(oxAccess): old listener value: ["), "{lines}");
    world.once();
    let (code, lines) = world.one(&World::dn("a.oehler"), &[]);
    assert_eq!(code, 0, "{lines}");
}

#[test]
fn contexts_profiles_and_accounts_are_compared_field_by_field() {
    let world = World::provisioned();
    world.soap_as(
        "master",
        "OXContextService",
        "<s:change><s:ctx><d:id>20</d:id><d:maxQuota>7</d:maxQuota></s:ctx>AUTH</s:change>",
    );
    let profiles = world.idspool.path().join("spool/ox/ModuleAccessDefinitions.properties");
    let text = fs::read_to_string(&profiles).unwrap();
    fs::write(&profiles, text.replace("webmail=collectemailaddresses,", "webmail=")).unwrap();
    // The administrator of OX gave the account another name, and took it from one user.
    let anna = world.sandbox.user(10, "a.oehler").unwrap().unwrap()["id"].clone();
    let berta = world.sandbox.user(10, "b.meier").unwrap().unwrap()["id"].clone();
    world.soap(
        10,
        "OXSecondaryAccountService",
        &format!(
            "<s:update><s:primaryAddress>info@example.org</s:primaryAddress><s:accountDataUpdate>\
             <d:name>other</d:name></s:accountDataUpdate><s:context><d:id>10</d:id></s:context>\
             <s:users><d:id>{anna}</d:id></s:users>AUTH</s:update>"
        ),
    );
    world.soap(
        10,
        "OXSecondaryAccountService",
        &format!(
            "<s:delete><s:primaryAddress>info@example.org</s:primaryAddress><s:context><d:id>10</d:id>\
             </s:context><s:users><d:id>{berta}</d:id></s:users>AUTH</s:delete>"
        ),
    );
    let (findings, _) = world.all(&["--resync"]);
    let told: Vec<[&Value; 5]> = findings
        .iter()
        .map(|found| ["type", "context", "field", "snapshot", "ox"].map(|key| &found[key]))
        .collect();
    let expected = [
        [json!("oxmail/oxcontext"), json!(20), json!("oxQuota"), json!("5000"), json!("7")],
        [
            json!("oxmail/accessprofile"),
            json!(null),
            json!("collectemailaddresses"),
            json!("TRUE"),
            json!("FALSE"),
        ],
        [
            json!("oxmail/functional_account"),
            json!(10),
            json!("users"),
            json!(["a.oehler", "b.meier"]),
            json!(["a.oehler"]),
        ],
        [
            json!("oxmail/functional_account"),
            json!(10),
            json!("name"),
            json!("info"),
            json!("other"),
        ],
    ];
    assert_eq!(told.len(), expected.len(), "{findings:#?}");
    for row in &expected {
        assert!(told.iter().any(|told| told.iter().copied().eq(row)), "{row:?} in {told:#?}");
    }
    world.once();
    world.assert_consistent();
}

#[test]
fn a_queue_that_stands_is_told_first() {
    let world = World::provisioned();
    let dn = World::dn("d.zu");
    world.slapd.cli().replace(&dn, "univentionBirthday", &["yesterday"]).unwrap();
    let (code, lines) = world.one(&dn, &[]);
    assert!(code == 1 && lines.contains("unusable (directory: "), "{lines}");
    world.idspool.hook(&world.uuid("d.zu"), &dn, "users/user", "modify").unwrap();
    assert!(world.idspool.run("idspool-converter", &["--once"]).unwrap().status.success());
    assert_eq!(world.idspool.run("idspool-ox", &["--once"]).unwrap().status.code(), Some(1));
    let (_, lines) = world.one(&World::dn("a.oehler"), &[]);
    let warning = "Warning: The OX Connector is not properly working: ";
    assert!(lines.starts_with(warning) && lines.contains("yesterday"), "{lines}");
    assert!(lines.contains("Success: "), "others are as they should be: {lines}");
}

#[test]
fn what_waits_is_on_its_way_and_not_different() {
    let world = World::provisioned();
    let dn = World::dn("d.zu");
    world.slapd.cli().replace(&dn, "telephoneNumber", &["+49 5"]).unwrap();
    world.idspool.hook(&world.uuid("d.zu"), &dn, "users/user", "modify").unwrap();
    let (findings, summary) = world.all(&["--resync"]);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!((&findings[0]["kind"], &findings[0]["object"]), (&json!("waiting"), &json!(dn)));
    assert_eq!((&summary["inconsistent"], &summary["waiting"]), (&json!(0), &json!(1)));
    let (_, lines) = world.one(&dn, &[]);
    let warning = "Warning: The OX Connector queue is not empty. ";
    assert!(lines.starts_with(warning) && lines.contains("may be on its way"), "{lines}");
    assert_eq!(Installation::waiting(&world.idspool.listener_spool()).len(), 1, "none was added");
    // In the second queue as well.
    let output = world.idspool.run("idspool-converter", &["--once"]).unwrap();
    assert!(output.status.success());
    let (_, summary) = world.all(&[]);
    assert_eq!((&summary["inconsistent"], &summary["waiting"]), (&json!(0), &json!(1)));
    world.once();
    world.assert_consistent();
}

#[test]
fn settings_that_are_not_the_default_are_right() {
    let world = World::configured(
        "user_identifier = 'univentionObjectIdentifier'\ngroup_identifier = 'entryUUID'\n\
         imap_login = '{username}*admin'\nfunctional_account_login_template = '{{entry_uuid}}/{{username}}'\n",
    );
    world.assert_consistent();
    let (code, lines) = world.one(&World::dn("a.oehler"), &[]);
    assert_eq!(code, 0, "{lines}");
    // The setting changes; what would be sent now is not what OX has.
    let file = world.idspool.path().join("idspool.toml");
    let text = fs::read_to_string(&file).unwrap().replace("*admin", "*other");
    fs::write(file, text).unwrap();
    let (_, lines) = world.one(&World::dn("a.oehler"), &[]);
    let expected = "DIFF(imapLogin): old listener value: a.oehler*other, ox value: a.oehler*admin, \
                    udm value: a.oehler*other";
    assert!(lines.contains(expected), "{lines}");
}

#[test]
fn the_old_options_work_in_both_spellings() {
    let world = World::provisioned();
    let dn = World::dn("a.oehler");
    let old = [
        "--udm_admin_account",
        "administrator",
        "--udm_password_file",
        "/nonexistent/udm.secret",
        "--udm_host",
        "https://primary.example.org",
        "--udm_module",
        "users/user",
        "--ox_context",
        "10",
    ];
    let (code, lines) = world.one(&dn, &old);
    assert_eq!(code, 0, "{lines}");
    let hyphens: Vec<String> = old
        .iter()
        .map(
            |option| {
                if option.starts_with("--") { option.replace('_', "-") } else { (*option).into() }
            },
        )
        .collect();
    let hyphens: Vec<&str> = hyphens.iter().map(String::as_str).collect();
    assert_eq!(world.one(&dn, &hyphens), (code, lines));
    // An object of another kind than was said.
    let (code, lines) = world.one(&dn, &["--udm_module", "groups/group"]);
    assert!(code == 1 && lines.contains("Error: Object not found in udm. "), "{lines}");
    let (code, lines) = world.one("uid=nobody,dc=example,dc=org", &[]);
    assert!(
        code == 1 && lines.contains("Error: can't find udm module. Specify it with --udm_module"),
        "{lines}"
    );
    let (code, lines) = world.one(&World::dn("e.nicht"), &[]);
    assert!(code == 0 && lines.contains("is no OX user"), "{lines}");
    for wrong in
        [&[][..], &["--dn", &dn, "--all"], &["--dn", &dn, "--udm_module", "users/nonsense"]]
    {
        assert_eq!(world.check(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

/// Everything in a folder, with times and contents.
fn picture(folder: &std::path::Path) -> Vec<(PathBuf, std::time::SystemTime, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        if path.is_dir() {
            all.push((path.clone(), modified, Vec::new()));
            all.extend(picture(&path));
        } else {
            all.push((path.clone(), modified, fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

#[test]
fn a_comparison_changes_nothing_and_works_beside_idspool_ox() {
    let world = World::provisioned();
    world.change_user("d.zu", "<d:company>Other</d:company><d:id>ID</d:id>");
    let data = world.idspool.path().join("spool");
    let before = picture(&data);
    let call = world.sandbox.last_call().unwrap();
    let (findings, _) = world.all(&[]);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(picture(&data) == before, "something was written");
    let calls = world.sandbox.calls_since(call).unwrap();
    let is_read =
        |name: &String| [".get", ".list", ".exists"].iter().any(|reading| name.contains(reading));
    assert!(calls.iter().all(is_read), "{calls:?}");
    // With idspool-ox running, which holds the lock.
    let ox = world.idspool.start("idspool-ox", &[]).unwrap();
    let running = || (world.idspool.status("ox").unwrap()["running"] == true).then_some(());
    poll(SOON, running).unwrap();
    let (_, summary) = world.all(&["--resync"]);
    assert_eq!(summary["requeued"], 1);
    world.idspool.settle(SOON).unwrap();
    world.assert_consistent();
    let ended = ox.terminate(SOON).unwrap();
    assert_eq!(ended.code(), Some(0), "{}", ended.log());
}

#[test]
fn a_table_for_people_tells_the_same() {
    let world = World::provisioned();
    world.change_user(
        "a.oehler",
        "<d:company>Other</d:company><d:id>ID</d:id><d:image1>AAAA</d:image1>",
    );
    let (code, table) = text(&world.check(&["--all"]));
    assert_eq!(code, 1);
    let mut lines = table.lines();
    assert!(lines.next().unwrap().starts_with("object "), "{table}");
    assert!(table.contains(" organisation "), "{table}");
    // A picture by size and hash.
    assert!(table.contains("image of 3 bytes, SHA-256 709e80c88487a2"), "{table}");
    assert!(table.contains(" objects compared, 1 differ, 0 wait in a queue"), "{table}");
}

#[test]
fn a_directory_that_does_not_answer_is_an_error_and_no_difference() {
    let mut world = World::provisioned();
    let other = Slapd::start().unwrap();
    drop(std::mem::replace(&mut world.slapd, other));
    let output = world.check(&["--all"]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("check that the LDAP server runs"), "{errors}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("not in the directory"));
}
