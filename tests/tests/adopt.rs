//! A data directory as an OX Connector leaves it, taken over: nothing is lost, nothing is done twice.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use idspool_tests::{Installation, Sandbox, Slapd, poll};
use serde_json::{Value, json};

/// Far more than a loaded test machine needs.
const SOON: Duration = Duration::from_secs(60);
const BASE: &str = "dc=example,dc=org";
const TEAM: &str = "cn=team,cn=groups,dc=example,dc=org";

fn dn(name: &str) -> String {
    format!("uid={name},cn=users,{BASE}")
}

fn uuid(name: &str) -> String {
    format!("0f3c9c6a-{}-103f-8000-000000000001", &format!("{name}0000")[..4])
}

/// A user as the directory shows it; the context in the given form.
fn user(name: &str, context: Value, phone: &str) -> Value {
    json!({
        "isOxUser": "OK", "oxAccess": "premium", "oxContext": context, "username": name,
        "firstname": "Given", "lastname": name, "oxDisplayName": format!("Given {name}"),
        "mailPrimaryAddress": format!("{name}@example.org"), "mailAlternativeAddress": [],
        "groups": [TEAM], "phone": [phone], "oxUserQuota": "-1",
    })
}

fn team(members: &[&str]) -> Value {
    json!({"name": "team", "isOxGroup": "OK", "users": members.iter().map(|n| dn(n)).collect::<Vec<_>>()})
}

fn with(mut object: Value, key: &str, value: impl Into<Value>) -> Value {
    object[key] = value.into();
    object
}

/// A file of the queue or a snapshot, in the form in which the connector writes it.
fn put(path: &Path, id: &str, object_type: &str, dn: &str, object: Value) {
    let item = json!({
        "id": id, "udm_object_type": object_type, "dn": dn, "object": object, "options": ["default"],
    });
    let mut text = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, form);
    serde::Serialize::serialize(&item, &mut serializer).unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A sandbox whose context 10 has anna and berta, and the group team with anna.
struct World {
    sandbox: Sandbox,
    idspool: Installation,
    anna: i64,
    berta: i64,
    emil: i64,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::start(&["--context", "10"]).unwrap();
        let earlier = Installation::new("ldap://127.0.0.1:9", sandbox.url()).unwrap();
        let data = earlier.path().join("spool/ox");
        fs::create_dir_all(data.join("secrets")).unwrap();
        fs::write(data.join("secrets/contexts.json"), credentials()).unwrap();
        fs::write(data.join("ModuleAccessDefinitions.properties"), "premium=webmail\n").unwrap();
        let queue = data.join("listener");
        let stamps = ["01", "02", "03", "04"]
            .map(|s| queue.join(format!("2026-01-01-00-00-{s}-000000.json")));
        put(&stamps[0], &uuid("anna"), "users/user", &dn("anna"), user("anna", json!(10), "1"));
        put(&stamps[1], &uuid("bert"), "users/user", &dn("berta"), user("berta", json!(10), "1"));
        put(&stamps[2], &uuid("team"), "groups/group", TEAM, team(&["anna"]));
        put(&stamps[3], &uuid("emil"), "users/user", &dn("emil"), user("emil", json!(10), "1"));
        let output = earlier.run("idspool-ox", &["--once"]).unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let id = |name: &str| sandbox.user(10, name).unwrap().unwrap()["id"].as_i64().unwrap();
        let (anna, berta, emil) = (id("anna"), id("berta"), id("emil"));
        let idspool = Installation::new("ldap://127.0.0.1:9", sandbox.url()).unwrap();
        Self { sandbox, idspool, anna, berta, emil }
    }

    /// What the connector leaves: snapshots with contexts as texts and flags of both kinds, databases,
    /// an unfinished file, and a queue with names of both forms.
    fn leave_behind(&self, data: &Path) {
        let old = |id: &str| data.join(format!("listener/old/{id}.json"));
        let anna = with(user("anna", json!("10"), "1"), "oxDbId", self.anna);
        put(
            &old(&uuid("anna")),
            &uuid("anna"),
            "users/user",
            &dn("anna"),
            with(anna, "oxDbUsername", "anna"),
        );
        let berta = with(user("berta", json!(10), "1"), "oxDbId", self.berta);
        let berta = with(with(berta, "oxDbUsername", "berta"), "isOxUser", true);
        put(
            &old(&uuid("bert")),
            &uuid("bert"),
            "users/user",
            "UID=berta, cn=users,dc=example,dc=org",
            berta,
        );
        let emil = with(user("emil", json!("10"), "1"), "oxDbId", self.emil);
        let emil = with(emil, "oxDbUsername", "emil");
        put(&old(&uuid("emil")), &uuid("emil"), "users/user", &dn("emil"), emil);
        let carl = json!({"isOxUser": "Not", "username": "carl", "oxContext": null});
        put(&old(&uuid("carl")), &uuid("carl"), "users/user", &dn("carl"), carl);
        let group = with(team(&["anna"]), "oxDbGroupname", "team");
        put(&old(&uuid("team")), &uuid("team"), "groups/group", TEAM, group);
        let context = json!({"name": "context10", "contextid": "10"});
        put(
            &old(&uuid("cont")),
            &uuid("cont"),
            "oxmail/oxcontext",
            "cn=context10,dc=example,dc=org",
            context,
        );
        fs::write(data.join(format!("listener/old/{}.json.tmp", uuid("anna"))), "{\"dn\":")
            .unwrap();
        fs::write(data.join("listener/old.db"), [0x13, 0x57, 0x9a, 0xcf, 0, 1]).unwrap();
        fs::write(data.join("listener/meta.db"), [0x13, 0x57, 0x9a, 0xce, 0, 2]).unwrap();
        fs::create_dir_all(data.join("secrets")).unwrap();
        fs::write(data.join("secrets/contexts.json"), credentials()).unwrap();
        fs::write(
            data.join("ModuleAccessDefinitions.properties"),
            "# generated\n# do not edit\n\npremium=usm,webmail\n\n",
        )
        .unwrap();
        let item = |name: &str| data.join("listener").join(name);
        // The context is a number now: no move. Her phone is new.
        put(
            &item("2026-02-01-00-00-01-000001.json"),
            &uuid("anna"),
            "users/user",
            &dn("anna"),
            user("anna", json!(10), "2"),
        );
        put(
            &item("2026-02-01-00-00-02-000001.json"),
            &uuid("dora"),
            "users/user",
            &dn("dora"),
            user("dora", json!(10), "1"),
        );
        put(
            &item("2026-02-01-00-00-03-000001.json"),
            &uuid("team"),
            "groups/group",
            TEAM,
            team(&["anna", "berta", "dora"]),
        );
        put(
            &item("2026-02-01-00-00-04.json"),
            &uuid("bert"),
            "users/user",
            &dn("berta"),
            user("berta", json!("10"), "1"),
        );
        put(
            &item("2026-02-01-00-00-04-000001.json"),
            &uuid("emil"),
            "users/user",
            &dn("emil"),
            Value::Null,
        );
        fs::write(item("2026-02-01-00-00-05-000001.json.tmp"), "{").unwrap();
    }

    fn adopt(&self, directory: &Path, options: &[&str]) -> Output {
        let directory = directory.to_str().unwrap();
        self.idspool.run("idspool", &[&["ox", "adopt", directory], options].concat()).unwrap()
    }

    /// Runs idspool-ox and checks that it did what was waiting and no more.
    fn goes_on(&self) {
        let before = self.sandbox.last_call().unwrap();
        let output = self.idspool.run("idspool-ox", &["--once"]).unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(Installation::waiting(&self.idspool.ox_queue()), [""; 0]);
        let calls = self.sandbox.calls_since(before).unwrap();
        let count = |name: &str| calls.iter().filter(|call| *call == name).count();
        assert_eq!(count("User.create"), 1, "dora alone: {calls:?}");
        assert_eq!(count("User.exists"), 1, "ids of the others are known: {calls:?}");
        assert_eq!(count("User.change"), 2, "anna and berta: {calls:?}");
        assert_eq!(count("User.delete"), 1, "emil, by his known id: {calls:?}");
        assert_eq!(self.sandbox.user(10, "emil").unwrap(), None);
        for never in ["UserCopy.copyUser", "Group.create", "Group.delete", "Context.create"] {
            assert_eq!(count(never), 0, "{calls:?}");
        }
        let user = |name: &str| self.sandbox.user(10, name).unwrap().unwrap();
        assert_eq!(
            (user("anna")["id"].as_i64(), user("berta")["id"].as_i64()),
            (Some(self.anna), Some(self.berta))
        );
        assert_eq!(user("anna")["telephone_business1"], "2");
        let state = self.sandbox.get("/state").unwrap();
        let group =
            state["contexts"][0]["groups"].as_array().unwrap().iter().find(|g| g["name"] == "team");
        let mut members: Vec<i64> = group.unwrap()["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_i64().unwrap())
            .collect();
        members.sort_unstable();
        let mut expected = vec![self.anna, self.berta, user("dora")["id"].as_i64().unwrap()];
        expected.sort_unstable();
        assert_eq!(members, expected);
        // And nothing is left to be done.
        let before = self.sandbox.last_call().unwrap();
        self.idspool.run("idspool-ox", &["--once"]).unwrap();
        assert_eq!(self.sandbox.calls_since(before).unwrap(), [""; 0]);
    }
}

fn credentials() -> String {
    json!({
        "10": {"adminuser": "oxadmin", "adminpass": "secret"},
        "master": {"adminuser": "oxadminmaster", "adminpass": Sandbox::MASTER_PASSWORD},
    })
    .to_string()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Names and contents below a folder.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(content(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

#[test]
fn a_copy_goes_on_where_the_connector_stopped() {
    let world = World::new();
    let old = world.idspool.path().join("connector");
    world.leave_behind(&old);
    let before = content(&old);
    let checked = world.adopt(&old, &["--check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stdout));
    assert!(!world.idspool.ox_queue().exists(), "a check changes nothing");
    let output = world.adopt(&old, &["--copy"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(content(&old), before);
    // Snapshots keep their bytes until their object's next delivery.
    let snapshot = format!("listener/old/{}.json", uuid("carl"));
    let copied = world.idspool.path().join("spool/ox").join(&snapshot);
    assert_eq!(fs::read(&copied).unwrap(), fs::read(old.join(&snapshot)).unwrap());
    world.goes_on();
    assert_eq!(fs::read(&copied).unwrap(), fs::read(old.join(&snapshot)).unwrap());
    let again = world.adopt(&old, &["--copy"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("has snapshots already"), "{}", text(&again.stderr));
}

#[test]
fn a_directory_in_place_goes_on_where_the_connector_stopped() {
    let world = World::new();
    let data = world.idspool.path().join("spool/ox");
    world.leave_behind(&data);
    let output = world.adopt(&data, &[]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    world.goes_on();
}

#[test]
fn the_report_counts_and_names_what_needs_a_person() {
    let world = World::new();
    let old = world.idspool.path().join("connector");
    world.leave_behind(&old);
    fs::write(old.join("listener/2026-02-01-00-00-00-000001.json"), "Traceback").unwrap();
    fs::write(old.join("secrets/contexts.json"), "{}").unwrap();
    let output = world.adopt(&old, &["--check", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let users = &report["counts"]["types"]["users/user"];
    assert_eq!(
        (&users["snapshots"], &users["active"], &users["with_id"], &users["waiting"]),
        (&json!(4), &json!(3), &json!(3), &json!(4))
    );
    let level = |topic: &str| {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["topic"] == topic).map(|f| f["level"].clone())
    };
    assert_eq!(level("queue-damaged"), Some(json!("action")));
    assert_eq!(level("credentials-context"), Some(json!("action")));
    assert_eq!(level("context-text"), Some(json!("note")));
    assert_eq!(level("queue-by-hand"), Some(json!("note")));
    assert_eq!(level("temporary"), Some(json!("note")));
    let settings = report["settings"].as_array().unwrap();
    let server = settings.iter().find(|setting| setting["variable"] == "OX_SOAP_SERVER").unwrap();
    assert_eq!(server["key"], "ox.soap_server");
    let table = text(&world.adopt(&old, &["--check"]).stdout);
    assert!(table.contains("Needs a person") && !table.contains("Traceback"), "{table}");
    assert!(table.contains("queue-damaged: 1 "), "{table}");
    let neither = world.adopt(&old, &[]);
    assert_eq!(neither.status.code(), Some(2));
    assert!(text(&neither.stderr).contains("add --copy"), "{}", text(&neither.stderr));
}

#[test]
fn a_killed_copy_keeps_idspool_out_and_is_resumed() {
    let world = World::new();
    let old = world.idspool.path().join("connector");
    world.leave_behind(&old);
    for number in 0..4_000 {
        let id = format!("00000000-1111-4222-8333-{number:012x}");
        let name = format!("user{number}");
        let path = old.join(format!("listener/old/{id}.json"));
        put(&path, &id, "users/user", &dn(&name), json!({"isOxUser": "Not", "username": name}));
    }
    let target = world.idspool.path().join("spool/ox");
    let copying =
        world.idspool.start("idspool", &["ox", "adopt", old.to_str().unwrap(), "--copy"]).unwrap();
    let copied = || Installation::waiting(&target.join("listener/old")).len();
    poll(SOON, || (copied() > 0).then_some(())).unwrap();
    copying.kill().unwrap();
    assert!(copied() < 4_006, "it was killed in the middle");
    assert_eq!(Installation::waiting(&target.join("listener")), [""; 0], "the queue comes last");
    let refused = world.idspool.run("idspool-ox", &["--once"]).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("half-done copy"), "{}", text(&refused.stderr));
    let output = world.adopt(&old, &["--copy"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(copied(), 4_006);
    for (path, bytes) in content(&old.join("listener/old")) {
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_name().unwrap();
            assert_eq!(
                fs::read(target.join("listener/old").join(name)).unwrap(),
                bytes,
                "{name:?}"
            );
        }
    }
    world.goes_on();
}

#[test]
fn files_of_the_hosts_listener_go_through_the_converter() {
    let slapd = Slapd::start().unwrap();
    let sandbox = Sandbox::start(&["--context", "10"]).unwrap();
    let idspool = Installation::new(&slapd.url(), sandbox.url()).unwrap();
    let data = idspool.path().join("spool/ox");
    fs::create_dir_all(data.join("listener/old")).unwrap();
    fs::create_dir_all(data.join("secrets")).unwrap();
    fs::write(data.join("secrets/context10.secret"), "secret\n").unwrap();
    let meier = format!("uid=b.meier,cn=users,{BASE}");
    let listener = idspool.path().join("host-listener");
    fs::create_dir(&listener).unwrap();
    let item = json!({
        "entry_uuid": slapd.entry_uuid(&meier).unwrap(), "dn": meier,
        "object_type": "users/user", "command": "modify",
    });
    fs::write(listener.join("2026-02-01-00-00-01.json"), item.to_string()).unwrap();
    let (data, listener) = (data.to_str().unwrap(), listener.to_str().unwrap());
    let output = idspool.run("idspool", &["ox", "adopt", data, "--listener", listener]).unwrap();
    // There is nothing in listener/old, which a person has to look at.
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("1 listener files enqueued"), "{}", text(&output.stdout));
    for program in ["idspool-converter", "idspool-ox"] {
        let output = idspool.run(program, &["--once"]).unwrap();
        assert!(output.status.success(), "{program}: {}", text(&output.stderr));
    }
    assert_eq!(sandbox.user_names(10).unwrap(), ["b.meier"], "with the password of the old file");
}
