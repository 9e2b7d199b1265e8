//! `idspool-ox --dry-run` against real processes: what it announces is what a run then does, and until
//! then nothing has changed anywhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use idspool_tests::{BASE_DN, Installation, Sandbox, Slapd, poll};
use serde_json::{Value, json};

/// Far more than a loaded test machine needs.
const SOON: Duration = Duration::from_secs(60);

/// Operations that change nothing.
const READS: [&str; 7] = [
    "exists",
    "getData",
    "getModuleAccess",
    "getMultipleData",
    "list",
    "listAll",
    "listGroupsForUser",
];

struct World {
    slapd: Slapd,
    sandbox: Sandbox,
    idspool: Installation,
}

/// What a dry run said.
struct Told {
    code: i32,
    items: Vec<Value>,
    summary: Value,
    errors: String,
}

impl Told {
    /// The calls of all items, in order.
    fn calls(&self) -> Vec<&Value> {
        self.items.iter().flat_map(|item| item["calls"].as_array().unwrap()).collect()
    }

    fn operations(&self) -> Vec<&str> {
        self.calls().iter().map(|call| call["operation"].as_str().unwrap()).collect()
    }

    fn item(&self, dn: &str) -> &Value {
        let found = self.items.iter().find(|item| item["object"]["dn"] == dn);
        found.unwrap_or_else(|| panic!("no {dn} in {:#?}", self.items))
    }
}

impl World {
    fn new(sandbox_arguments: &[&str]) -> Self {
        let slapd = Slapd::start().unwrap();
        let sandbox = Sandbox::start(sandbox_arguments).unwrap();
        let idspool = Installation::new(&slapd.url(), sandbox.url()).unwrap();
        Self { slapd, sandbox, idspool }
    }

    fn user(uid: &str) -> String {
        format!("uid={uid},cn=users,{BASE_DN}")
    }

    fn report_everything(&self) {
        for object_type in [
            "oxmail/oxcontext",
            "oxmail/accessprofile",
            "users/user",
            "groups/group",
            "oxmail/functional_account",
            "oxresources/oxresources",
        ] {
            let filter = format!("(univentionObjectType={object_type})");
            let count = self.idspool.hook_all(&self.slapd.cli(), &filter, object_type).unwrap();
            assert!(count > 0, "{object_type}");
        }
    }

    fn report(&self, uuid: &str, dn: &str, object_type: &str) {
        self.idspool.hook(uuid, dn, object_type, "modify").unwrap();
    }

    fn report_user(&self, uid: &str) {
        let dn = Self::user(uid);
        self.report(&self.slapd.entry_uuid(&dn).unwrap(), &dn, "users/user");
    }

    fn run(&self, program: &str) {
        let output = self.idspool.run(program, &["--once"]).unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn data(&self) -> PathBuf {
        self.idspool.path().join("spool/ox")
    }

    /// The converted form of everything that was reported is in OX.
    fn provisioned(sandbox_arguments: &[&str]) -> Self {
        let world = Self::new(sandbox_arguments);
        world.report_everything();
        for program in ["idspool-converter", "idspool-ox"] {
            world.run(program);
        }
        world
    }

    fn snapshot(&self, dn: &str) -> Value {
        self.idspool.snapshot(&self.slapd.entry_uuid(dn).unwrap()).unwrap()
    }

    /// Puts an item into the queue of idspool-ox, as a script would; the number decides the order.
    fn put(&self, number: u32, item: &Value) -> String {
        let name = format!("2026-11-21-10-00-00-{number:06}.json");
        self.put_text(&name, &item.to_string());
        name
    }

    fn put_text(&self, name: &str, text: &str) {
        fs::create_dir_all(self.idspool.ox_queue()).unwrap();
        let path = self.idspool.ox_queue().join(name);
        fs::write(&path, text).unwrap();
        // Nobody is writing it any more.
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        fs::File::options().append(true).open(path).unwrap().set_modified(long_ago).unwrap();
    }

    /// A dry run that may change nothing: neither a file nor a time in the data directory, nor OX.
    fn dry_run(&self, arguments: &[&str]) -> Told {
        let (files, last) = (state(&self.data()), self.sandbox.last_call().unwrap());
        let told = self.told(arguments);
        assert_eq!(state(&self.data()), files, "the data directory was touched");
        for call in self.sandbox.calls_since(last).unwrap() {
            let (_, operation) = call.split_once('.').unwrap();
            assert!(READS.contains(&operation), "{call} is no read");
        }
        told
    }

    fn told(&self, arguments: &[&str]) -> Told {
        let mut all = vec!["--dry-run", "--json"];
        all.extend(arguments);
        let output = self.idspool.run("idspool-ox", &all).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut items: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let summary = items.pop().map_or(Value::Null, |last| last["summary"].clone());
        Told { code: output.status.code().unwrap(), items, summary, errors }
    }

    /// Writing calls of a real run.
    fn writes_of_a_run(&self) -> Vec<Value> {
        let last = self.sandbox.last_call().unwrap();
        self.run("idspool-ox");
        let log = self.sandbox.get(&format!("/calls?since={last}")).unwrap();
        let calls = log["calls"].as_array().unwrap().iter();
        calls
            .filter(|call| !READS.contains(&call["operation"].as_str().unwrap()))
            .inspect(|call| assert_eq!(call["outcome"], "ok", "{call}"))
            .cloned()
            .collect()
    }

    /// What a dry run announces is what a run then does.
    fn announced_is_done(&self, arguments: &[&str]) -> Told {
        self.run("idspool-converter");
        let told = self.dry_run(arguments);
        assert_eq!(told.code, 0, "{:#?}\n{}", told.items, told.errors);
        let done = self.writes_of_a_run();
        let lines = |calls: &mut dyn Iterator<Item = (String, Value, Value)>| {
            calls.map(|(call, context, _)| format!("{call} {context}")).collect::<Vec<_>>()
        };
        let announced = || {
            told.calls().into_iter().map(|call| {
                let operation = call["operation"].as_str().unwrap().to_owned();
                (operation, call["context"].clone(), call.clone())
            })
        };
        let done = || {
            done.iter().map(|call| {
                let service = call["service"].as_str().unwrap();
                let service = service.trim_start_matches("OX").trim_end_matches("Service");
                let service = service.replace("DeputyPermissions", "Deputy");
                let operation = format!("{service}.{}", call["operation"].as_str().unwrap());
                (operation, call["context"].clone(), call["object"].clone())
            })
        };
        assert_eq!(lines(&mut announced()), lines(&mut done()));
        for ((_, _, told), (call, _, object)) in announced().zip(done()) {
            // The server's list names an object by its id where the call does.
            let by_id = object.as_str().unwrap().parse::<i64>();
            match (by_id, told["id"].as_i64()) {
                (Ok(id), Some(told)) => assert_eq!(told, id, "{call}"),
                (Ok(_), None) => {}
                (Err(_), _) => assert_eq!(told["object"], object, "{call}"),
            }
        }
        told
    }
}

/// Kind, time and content of everything below a folder.
fn state(folder: &Path) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    fn visit(path: &Path, state: &mut BTreeMap<PathBuf, (SystemTime, Vec<u8>)>) {
        let modified = fs::metadata(path).unwrap().modified().unwrap();
        state.insert(path.to_owned(), (modified, fs::read(path).unwrap_or_default()));
        for entry in fs::read_dir(path).into_iter().flatten() {
            visit(&entry.unwrap().path(), state);
        }
    }
    let mut state = BTreeMap::new();
    visit(folder, &mut state);
    state
}

#[test]
fn an_import_is_announced_as_it_happens() {
    let world = World::new(&[]);
    world.report_everything();
    let told = world.announced_is_done(&[]);
    assert!(told.summary["items"].as_u64().unwrap() > 20, "{}", told.summary);
    for operation in ["Context.create", "User.create", "Group.create", "Resource.create"] {
        assert!(told.summary["calls"][operation].as_u64().unwrap() > 0, "{}", told.summary);
    }
    // Once more: nothing waits.
    let told = world.dry_run(&[]);
    assert_eq!((told.code, told.items.len(), &told.summary["items"]), (0, 0, &json!(0)));
}

#[test]
fn changes_of_all_kinds_are_announced_as_they_happen() {
    let world = World::provisioned(&[]);
    let ldap = world.slapd.cli();
    let group = format!("cn=ox-vertrieb,cn=groups,{BASE_DN}");
    let account = format!("cn=info,cn=functional_accounts,cn=open-xchange,{BASE_DN}");
    let resource = format!("cn=beamer,cn=oxresources,cn=open-xchange,{BASE_DN}");
    let profile = format!("cn=webmail,cn=accessprofiles,cn=open-xchange,{BASE_DN}");
    let uuid = |dn: &str| world.slapd.entry_uuid(dn).unwrap();
    // A field, an address and the rights of one; a rename; a move to another context; one that leaves;
    // one that is no OX user any more.
    let (anna, berta, move_in) = (World::user("a.oehler"), World::user("b.meier"), "d.zu");
    ldap.replace(&anna, "telephoneNumber", &["+49 1"]).unwrap();
    ldap.replace(&anna, "mailPrimaryAddress", &["new@example.org"]).unwrap();
    ldap.replace(&anna, "oxAccess", &["webmail"]).unwrap();
    world.report_user("a.oehler");
    let berta_uuid = uuid(&berta);
    ldap.rename(&berta, "uid=b.maier", None).unwrap();
    world.report(&berta_uuid, &World::user("b.maier"), "users/user");
    ldap.replace(&World::user(move_in), "oxContextIDNum", &["20"]).unwrap();
    world.report_user(move_in);
    let left = uuid(&World::user("c.nunez"));
    ldap.delete(&World::user("c.nunez")).unwrap();
    world.report(&left, &World::user("c.nunez"), "users/user");
    ldap.replace(&World::user("F.Gross-Klein"), "isOxUser", &["Not"]).unwrap();
    world.report_user("F.Gross-Klein");
    ldap.replace(&group, "uniqueMember", &[&anna, &World::user("b.maier"), &World::user(move_in)])
        .unwrap();
    world.report(&uuid(&group), &group, "groups/group");
    ldap.replace(&account, "oxPersonal", &["Information"]).unwrap();
    ldap.replace(&account, "uniqueMember", &[&anna, &World::user(move_in)]).unwrap();
    world.report(&uuid(&account), &account, "oxmail/functional_account");
    ldap.replace(&resource, "description", &["Neu"]).unwrap();
    world.report(&uuid(&resource), &resource, "oxresources/oxresources");
    ldap.replace(&profile, "oxRightTasks", &["TRUE"]).unwrap();
    world.report(&uuid(&profile), &profile, "oxmail/accessprofile");

    let told = world.announced_is_done(&[]);
    let changes = |dn: &str| {
        let calls = told.item(dn)["calls"].as_array().unwrap().iter();
        let changes = calls.flat_map(|call| call["changes"].as_array().unwrap());
        changes
            .map(|change| (change["field"].as_str().unwrap(), change))
            .collect::<BTreeMap<_, _>>()
    };
    let anna_changes = changes(&anna);
    // The rights of the profile as it is after the change of this very run.
    let removed = anna_changes["moduleAccess"]["removed"].as_array().unwrap();
    assert!(removed.contains(&json!("infostore")) && !removed.contains(&json!("tasks")));
    assert_eq!(anna_changes["telephone_business1"]["new"], "+49 1");
    assert_eq!(anna_changes["defaultSenderAddress"]["new"], "new@example.org");
    assert_eq!(anna_changes["aliases"]["added"], json!(["new@example.org"]));
    assert_eq!(anna_changes.get("sur_name"), None, "it is as it was");
    assert_eq!(changes(&World::user("b.maier"))["name"]["old"], "b.meier");
    assert_eq!(changes(&resource)["description"]["old"], "Beamer im Sitzungsraum");
    let files = &told.item(&profile)["files"];
    assert_eq!(files[0]["entry"], "webmail");
    assert_eq!(files[0]["new"], "collectemailaddresses,contacts,tasks,webmail");
    // The user who moved gets a new id, so its group is delivered once more, unless it waits anyway.
    let moved = told.item(&World::user(move_in));
    assert_eq!(moved["calls"][0]["operation"], "UserCopy.copyUser");
    assert_eq!(moved["calls"][0]["changes"][0], json!({"field": "context", "old": 10, "new": 20}));
}

/// A user of context 10 that OX does not have yet.
fn user(number: u32, changes: &Value) -> Value {
    let mut object = json!({
        "isOxUser": "OK", "oxContext": 10, "oxAccess": "webmail", "username": format!("u{number}"),
        "oxDisplayName": format!("U {number}"), "firstname": "U", "lastname": format!("{number}"),
        "mailPrimaryAddress": format!("u{number}@example.org"), "groups": [],
    });
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    item("users/user", &format!("uid=u{number}"), &format!("u-{number}"), &object)
}

fn item(module: &str, rdn: &str, id: &str, object: &Value) -> Value {
    json!({
        "id": id, "udm_object_type": module, "dn": format!("{rdn},cn=x,{BASE_DN}"),
        "options": ["default"], "object": object,
    })
}

#[test]
fn without_asking_ox_the_same_is_announced() {
    let world = World::new(&[]);
    world.report_everything();
    world.announced_is_done(&["--offline"]);
    let ldap = world.slapd.cli();
    ldap.replace(&World::user("a.oehler"), "telephoneNumber", &["+49 1"]).unwrap();
    ldap.replace(&World::user("d.zu"), "oxContextIDNum", &["20"]).unwrap();
    let group = format!("cn=ox-vertrieb,cn=groups,{BASE_DN}");
    let (anna, zu) = (World::user("a.oehler"), World::user("d.zu"));
    ldap.replace(&group, "uniqueMember", &[&anna, &zu]).unwrap();
    for uid in ["a.oehler", "d.zu"] {
        world.report_user(uid);
    }
    world.report(&world.slapd.entry_uuid(&group).unwrap(), &group, "groups/group");
    world.run("idspool-converter");
    let last = world.sandbox.last_call().unwrap();
    assert_eq!(world.dry_run(&["--offline"]).summary["offline"], true);
    assert_eq!(world.sandbox.last_call().unwrap(), last, "not even a read");
    let told = world.announced_is_done(&["--offline"]);
    let phone = &told.item(&anna)["calls"][0]["changes"];
    let field = |change: &&Value| change["field"] == "telephone_business1";
    let phone = phone.as_array().unwrap().iter().find(field).unwrap();
    assert_eq!(phone["new"], "+49 1");
    assert!(phone["old"].as_str().unwrap().starts_with("+49 421"), "{phone}");
}

#[test]
fn faults_are_foreseen_and_what_waits_behind_them_is_told() {
    let world = World::provisioned(&[]);
    let secrets = world.data().join("secrets/contexts.json");
    let mut contexts: Value = serde_json::from_slice(&fs::read(&secrets).unwrap()).unwrap();
    contexts["77"] = json!({"adminuser": "oxadmin-context77", "adminpass": "secret-of-77"});
    fs::write(&secrets, contexts.to_string()).unwrap();
    let lost = world.slapd.entry_uuid(&World::user("d.zu")).unwrap();
    fs::remove_file(world.idspool.ox_queue().join(format!("old/{lost}.json"))).unwrap();

    let fine = world.put(1, &user(1, &json!({})));
    world.put(2, &user(2, &json!({"lastname": ""})));
    world.put(3, &user(3, &json!({"oxAccess": "nosuch"})));
    world.put(4, &user(4, &json!({"oxContext": 77})));
    world.put(5, &user(5, &json!({"oxContext": 78})));
    world.put(6, &user(6, &json!({"oxNote": "a\u{1}b"})));
    world.put(7, &user(7, &json!({"oxContext": "ten"})));
    let mut renamed = world.snapshot(&World::user("a.oehler"));
    renamed["object"]["username"] = json!("b.meier");
    renamed["dn"] = json!(format!("uid=taken,cn=x,{BASE_DN}"));
    world.put(8, &renamed);
    let group = |name: &str, users: &Value| {
        item(
            "groups/group",
            &format!("cn={name}"),
            name,
            &json!({
                "name": name, "isOxGroup": "OK", "users": users,
            }),
        )
    };
    world.put(9, &group("g9", &json!([format!("uid=u1,cn=x,{BASE_DN}"), "uid=nobody,dc=x"])));
    world.put(10, &group("g10", &json!([World::user("d.zu")])));
    world.put(
        11,
        &item(
            "oxresources/oxresources",
            "cn=r",
            "r",
            &json!({
                "name": "r", "oxContext": 10,
            }),
        ),
    );
    world.put(12, &item("container/ou", "ou=o", "o", &json!({})));
    world.put_text("2026-11-21-10-00-00-000013.json", "{\"id\": ");

    let told = world.dry_run(&[]);
    assert_eq!(told.code, 1);
    let broken = told.items.iter().find(|item| item["object"].is_null()).unwrap();
    assert_eq!(broken["name"], "2026-11-21-10-00-00-000013.json");
    assert_eq!(broken["faults"][0]["class"], "permanent");
    let of = |rdn: &str| told.item(&format!("{rdn},cn=x,{BASE_DN}"));
    let fault = |rdn: &str| of(rdn)["faults"][0]["message"].as_str().unwrap_or_default();
    for (rdn, text) in [
        ("uid=u2", "Mandatory attributes: sur_name."),
        ("uid=u4", "77"),
        ("uid=u6", "note: the character U+0001"),
        ("uid=u7", "'oxContext' is the text 'ten'"),
        ("uid=taken", "User b.meier already exists"),
        ("cn=g10", "does not exist!\nYou need to re-provision"),
        ("cn=r", "Mandatory attributes: email."),
        ("ou=o", "not handled here"),
    ] {
        assert!(fault(rdn).contains(text), "{rdn}: {:#}", of(rdn));
        assert_eq!(of(rdn)["outcome"], "fault");
    }
    for (rdn, text) in [
        ("uid=u3", "Cannot find access profile 'nosuch'"),
        ("uid=u5", "Could not find admin password for context 78"),
        ("cn=g9", "Group wants uid=nobody,dc=x as member. But the user is unknown"),
    ] {
        let warnings = of(rdn)["warnings"].to_string();
        assert!(warnings.contains(text) && of(rdn)["faults"] == json!([]), "{:#}", of(rdn));
    }
    // What is good is foreseen as if the administrator had removed what is not.
    assert_eq!(of("uid=u1")["calls"][0]["operation"], "User.create");
    assert_eq!(of("cn=g9")["calls"][0]["changes"][1]["added"], json!(["u1"]));
    // The queue would stand at the first of them.
    let first = told.items.iter().position(|item| item["faults"] != json!([])).unwrap();
    let stands_at = &told.items[first]["name"];
    assert_eq!(&told.summary["stands_at"], stands_at);
    for (number, item) in told.items.iter().enumerate() {
        let behind = if number > first { stands_at } else { &Value::Null };
        assert_eq!(&item["waits_behind"], behind, "{number}");
    }
    assert_eq!(told.summary["behind"], told.items.len() - first - 1);
    assert_eq!(told.summary["faulty"], 9);
    assert!(!told.items.iter().any(|item| item.to_string().contains("secret")), "{:?}", told.items);

    // The same for people.
    let output = world.idspool.run("idspool-ox", &["--dry-run"]).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("{fine}  users/user  uid=u1,cn=x,{BASE_DN}\n")), "{text}");
    for line in [
        "  User.create 'u1' in context 10\n",
        "    aliases: +u1@example.org\n",
        "  FAULT (permanent): Object('users/user', 'uid=u2",
        "    what to do: give the user a value for them",
        "13 items: 3 with calls, 1 without, 9 faulty\n",
        "the queue would stand at ",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    assert!(!text.contains("dummy") && !text.contains("secret"), "{text}");
}

#[test]
fn a_running_daemon_is_not_disturbed() {
    let world = World::provisioned(&[]);
    let daemon = world.idspool.start("idspool-ox", &[]).unwrap();
    let runs = || (world.idspool.status("ox").unwrap()["running"] == true).then_some(());
    poll(SOON, runs).unwrap();
    // It holds the lock and the index, and does not move.
    daemon.signal(rustix::process::Signal::STOP).unwrap();
    world.put(1, &user(1, &json!({})));
    let told = world.dry_run(&[]);
    assert_eq!(
        (told.code, told.operations()),
        (0, vec!["User.create", "User.changeByModuleAccess"])
    );
    daemon.signal(rustix::process::Signal::CONT).unwrap();
    world.idspool.settle(SOON).unwrap();
    assert!(world.sandbox.user(10, "u1").unwrap().is_some());
    assert_eq!(daemon.terminate(SOON).unwrap().code(), Some(0));
}

#[test]
fn a_context_goes_with_its_credentials() {
    let world = World::provisioned(&[]);
    let ldap = world.slapd.cli();
    let context = format!("cn=context20,cn=open-xchange,{BASE_DN}");
    for (dn, object_type) in
        [(context.clone(), "oxmail/oxcontext"), (World::user("c.nunez"), "users/user")]
    {
        let uuid = world.slapd.entry_uuid(&dn).unwrap();
        ldap.delete(&dn).unwrap();
        world.report(&uuid, &dn, object_type);
    }
    let told = world.announced_is_done(&[]);
    let files = &told.item(&context)["files"];
    assert_eq!(
        *files,
        json!([{"file": "contexts.json", "entry": "20", "old": "oxadmin-context20", "new": null}])
    );
    // The removal of the context comes last, whatever came first.
    assert_eq!(told.operations().last(), Some(&"Context.delete"));
}

#[test]
fn groups_that_follow_from_users_are_foreseen() {
    let world = World::provisioned(&[]);
    let ldap = world.slapd.cli();
    // In the directory the group has her already; her own item makes her id known.
    let (group, dn) = (format!("cn=ox-vertrieb,cn=groups,{BASE_DN}"), World::user("e.nicht"));
    let members = ["a.oehler", "b.meier", "c.nunez", "d.zu", "e.nicht"].map(World::user);
    let members = members.each_ref().map(String::as_str);
    ldap.replace(&group, "uniqueMember", &members).unwrap();
    world.report(&world.slapd.entry_uuid(&group).unwrap(), &group, "groups/group");
    for program in ["idspool-converter", "idspool-ox"] {
        world.run(program);
    }
    for (attribute, value) in [
        ("isOxUser", "OK"),
        ("oxContextIDNum", "10"),
        ("oxAccess", "premium"),
        ("oxDisplayName", "E Nicht"),
        ("mailPrimaryAddress", "e.nicht@example.org"),
    ] {
        ldap.replace(&dn, attribute, &[value]).unwrap();
    }
    world.report_user("e.nicht");
    let told = world.announced_is_done(&[]);
    assert_eq!(told.item(&dn)["follows"][0]["dn"], group.as_str());
    let copy = told.item(&group);
    assert_eq!(copy["is_copy"], true);
    let members = &copy["calls"][0]["changes"][0];
    assert_eq!(members, &json!({"field": "members", "added": ["e.nicht"], "removed": []}));
}

#[test]
fn some_items_only() {
    let world = World::provisioned(&[]);
    let names: Vec<String> = (1..=3).map(|n| world.put(n, &user(n, &json!({})))).collect();
    let later = world.put(4, &user(1, &json!({"title": "Dr."})));
    let told = world.dry_run(&["--limit", "2"]);
    assert_eq!((told.items.len(), &told.summary["limited"]), (2, &json!(true)));
    let path = world.idspool.ox_queue().join(&names[1]);
    let told = world.dry_run(&["--item", &names[2], "--item", path.to_str().unwrap()]);
    let chosen: Vec<&Value> = told.items.iter().map(|item| &item["name"]).collect();
    assert_eq!(chosen, [&names[1], &names[2]]);
    let told = world.dry_run(&["--item", &later]);
    let warnings = told.items[0]["warnings"].to_string();
    assert!(warnings.contains(&names[0]) && warnings.contains("left out"), "{warnings}");

    let refused = |arguments: &[&str]| {
        let output = world.idspool.run("idspool-ox", arguments).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let message = refused(&["--dry-run", "--item", "2026-11-21-10-00-00-000099.json"]);
    assert!(message.contains("does not wait in") && message.contains("queue list"), "{message}");
    let elsewhere = world.idspool.path().join(&names[1]);
    fs::write(&elsewhere, "{}").unwrap();
    refused(&["--dry-run", "--item", elsewhere.to_str().unwrap()]);
    refused(&["--dry-run", "--item", "/"]);
    refused(&["--dry-run", "--once"]);
    refused(&["--json"]);
    let message = refused(&["--dry-run", "--data", world.idspool.path().to_str().unwrap()]);
    assert!(message.contains("ox.data_dir is not the data directory"), "{message}");
}

#[test]
fn a_reader_who_has_seen_enough_ends_it_quietly() {
    let world = World::provisioned(&[]);
    for number in 0..2000 {
        world.put(number, &user(number, &json!({})));
    }
    let mut command = world.idspool.command("idspool-ox", &["--dry-run", "--offline"]).unwrap();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn an_ox_that_does_not_answer_is_asked_once() {
    let mut world = World::provisioned(&[]);
    for number in 1..=3 {
        world.put(number, &user(number, &json!({})));
    }
    let address = world.sandbox.address().to_owned();
    drop(std::mem::replace(&mut world.sandbox, Sandbox::start(&[]).unwrap()));
    let told = world.told(&[]);
    assert_eq!((told.code, &told.summary["offline"]), (1, &json!(true)));
    let fault = &told.items[0]["faults"][0];
    assert_eq!(fault["class"], "transient");
    assert!(fault["message"].as_str().unwrap().contains("u1"), "{address}: {fault}");
    assert!(told.items[0]["warnings"].to_string().contains("does not answer"));
    let others = &told.items[1..];
    assert!(others.iter().all(|item| item["calls"][0]["operation"] == "User.create"), "{others:?}");
}

#[test]
fn nothing_is_left_behind_in_the_temporary_folder() {
    let world = World::provisioned(&[]);
    world.put(1, &user(1, &json!({})));
    let folder = world.idspool.path().join("tmp");
    fs::create_dir(&folder).unwrap();
    let mut command = world.idspool.command("idspool-ox", &["--dry-run"]).unwrap();
    let output = command.env("TMPDIR", &folder).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}
