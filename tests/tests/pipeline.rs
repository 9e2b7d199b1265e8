//! The whole way of a change: real slapd, real processes, the strict stand-in OX server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::time::{Duration, Instant};

use idspool_tests::{BASE_DN, Installation, Sandbox, Slapd, poll};
use serde_json::json;

/// Far more than a loaded test machine needs.
const SOON: Duration = Duration::from_secs(60);

struct World {
    slapd: Slapd,
    sandbox: Sandbox,
    idspool: Installation,
}

impl World {
    fn new(sandbox_arguments: &[&str]) -> Self {
        let slapd = Slapd::start().unwrap();
        let sandbox = Sandbox::start(sandbox_arguments).unwrap();
        let idspool = Installation::new(&slapd.url(), sandbox.url()).unwrap();
        Self { slapd, sandbox, idspool }
    }

    fn dn(uid: &str) -> String {
        format!("uid={uid},cn=users,{BASE_DN}")
    }

    fn uuid(&self, uid: &str) -> String {
        self.slapd.entry_uuid(&Self::dn(uid)).unwrap()
    }

    /// Reports all contexts, profiles and users.
    fn report_everything(&self) {
        for object_type in ["oxmail/oxcontext", "oxmail/accessprofile", "users/user"] {
            let filter = format!("(univentionObjectType={object_type})");
            let count = self.idspool.hook_all(&self.slapd.cli(), &filter, object_type).unwrap();
            assert!(count > 0, "{object_type}");
        }
    }

    fn report(&self, uid: &str, command: &str) {
        self.idspool.hook(&self.uuid(uid), &Self::dn(uid), "users/user", command).unwrap();
    }

    /// One pass of both programs, as cron would run them.
    fn once(&self) {
        for program in ["idspool-converter", "idspool-ox"] {
            let output = self.idspool.run(program, &["--once"]).unwrap();
            assert!(
                output.status.success(),
                "{program}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

#[test]
fn a_directory_becomes_an_ox_installation() {
    let world = World::new(&[]);
    world.report_everything();
    world.once();
    assert_eq!(
        world.sandbox.user_names(10).unwrap(),
        ["F.Gross-Klein", "a.oehler", "b.meier", "d.zu"]
    );
    assert_eq!(world.sandbox.user_names(20).unwrap(), ["c.nunez"]);
    let anna = world.sandbox.user(10, "a.oehler").unwrap().unwrap();
    assert_eq!(anna["sur_name"], "Öhler-Weiß");
    assert_eq!(anna["imapServer"], "dc1.example.org", "her mail home server");
    let zu = world.sandbox.user(10, "d.zu").unwrap().unwrap();
    assert_eq!(zu["imapServer"], "imap.example.org", "the default");
    let snapshot = world.idspool.snapshot(&world.uuid("a.oehler")).unwrap();
    assert_eq!(snapshot["object"]["oxDbId"], anna["id"]);
    assert_eq!(snapshot["object"]["oxDbUsername"], "a.oehler");
    assert_eq!(snapshot["object"]["oxContext"], 10);
    // The converter hands over nothing that OX has no use for.
    assert_eq!(snapshot["object"].get("password"), None);
    let profiles = world.idspool.path().join("spool/ox/ModuleAccessDefinitions.properties");
    let profiles = fs::read_to_string(profiles).unwrap();
    assert!(profiles.contains("webmail=collectemailaddresses,contacts,webmail\n"), "{profiles}");
    assert_eq!(world.idspool.status("ox").unwrap()["stopped"], false);
}

#[test]
fn changes_take_the_fewest_calls() {
    let world = World::new(&[]);
    world.report_everything();
    world.once();
    let ldap = world.slapd.cli();
    let calls = |change: &dyn Fn()| {
        let before = world.sandbox.last_call().unwrap();
        change();
        world.once();
        world.sandbox.calls_since(before).unwrap()
    };
    // Nothing differs: no call at all.
    assert_eq!(calls(&|| world.report("a.oehler", "modify")), Vec::<String>::new());
    let changed = calls(&|| {
        ldap.replace(&World::dn("a.oehler"), "telephoneNumber", &["+49 1"]).unwrap();
        world.report("a.oehler", "modify");
    });
    assert_eq!(changed, ["User.change"]);
    assert_eq!(
        world.sandbox.user(10, "a.oehler").unwrap().unwrap()["telephone_business1"],
        "+49 1"
    );
    let other_rights = calls(&|| {
        ldap.replace(&World::dn("a.oehler"), "oxAccess", &["webmail"]).unwrap();
        world.report("a.oehler", "modify");
    });
    assert_eq!(other_rights.last().map(String::as_str), Some("User.changeByModuleAccess"));
    let other_address = calls(&|| {
        let dn = World::dn("a.oehler");
        ldap.replace(&dn, "mailPrimaryAddress", &["new@example.org"]).unwrap();
        world.report("a.oehler", "modify");
    });
    assert_eq!(other_address, ["User.getData", "User.change"]);
    let anna = world.sandbox.user(10, "a.oehler").unwrap().unwrap();
    assert_eq!(anna["defaultSenderAddress"], "new@example.org");
}

#[test]
fn the_manuals_snippet_re_provisions_one_object() {
    let world = World::new(&[]);
    world.report_everything();
    world.once();
    let before = world.sandbox.last_call().unwrap();
    let file = world.idspool.listener_spool().join("2026-11-21-17-35-07.json");
    let content = json!({
        "entry_uuid": world.uuid("a.oehler"), "dn": World::dn("a.oehler"),
        "object_type": "users/user", "command": "modify",
    });
    fs::write(file, format!("{content:#}\n")).unwrap();
    world.once();
    let calls = world.sandbox.calls_since(before).unwrap();
    assert_eq!(calls, ["User.getData", "User.change", "User.changeByModuleAccess"]);
}

#[test]
fn renames_moves_and_deletions_arrive() {
    let world = World::new(&[]);
    world.report_everything();
    world.once();
    let ldap = world.slapd.cli();
    let id = world.sandbox.user(10, "a.oehler").unwrap().unwrap()["id"].clone();
    let uuid = world.uuid("a.oehler");
    ldap.rename(&World::dn("a.oehler"), "uid=anne", None).unwrap();
    world.idspool.hook(&uuid, &World::dn("anne"), "users/user", "modify").unwrap();
    world.once();
    assert_eq!(world.sandbox.user(10, "a.oehler").unwrap(), None);
    assert_eq!(world.sandbox.user(10, "anne").unwrap().unwrap()["id"], id);

    ldap.replace(&World::dn("anne"), "oxContextIDNum", &["20"]).unwrap();
    world.idspool.hook(&uuid, &World::dn("anne"), "users/user", "modify").unwrap();
    world.once();
    assert_eq!(world.sandbox.user(10, "anne").unwrap(), None);
    assert!(world.sandbox.user(20, "anne").unwrap().is_some());

    ldap.delete(&World::dn("anne")).unwrap();
    world.idspool.hook(&uuid, &World::dn("anne"), "users/user", "delete").unwrap();
    world.once();
    assert_eq!(world.sandbox.user(20, "anne").unwrap(), None);
    assert!(world.idspool.snapshot(&uuid).is_err());
}

#[test]
fn a_queue_stands_at_a_fault_and_goes_on_at_once_when_the_file_is_removed() {
    let world = World::new(&["--unique-display-names"]);
    let converter = world.idspool.start("idspool-converter", &[]).unwrap();
    let ox = world.idspool.start("idspool-ox", &[]).unwrap();
    world.report_everything();
    world.idspool.settle(SOON).unwrap();

    let ldap = world.slapd.cli();
    ldap.replace(&World::dn("d.zu"), "oxDisplayName", &["Bernd Meier"]).unwrap();
    world.report("d.zu", "modify");
    ox.wait_for("This is consecutive error #3", SOON).unwrap();
    let status = world.idspool.status("ox").unwrap();
    let faulty = status["item"].as_str().unwrap().to_owned();
    assert_eq!(status["class"], "permanent");
    ox.wait_for(&format!("Error while processing {faulty}"), SOON).unwrap();

    // Behind it nothing is started, and producers go on.
    ldap.replace(&World::dn("b.meier"), "telephoneNumber", &["+49 3"]).unwrap();
    world.report("b.meier", "modify");
    let both = || (Installation::waiting(&world.idspool.ox_queue()).len() == 2).then_some(());
    poll(SOON, both).unwrap();
    let output = world.idspool.run("idspool", &["current-error"]).unwrap();
    let error: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(error["filename"], json!(faulty));
    assert_eq!(error["errors"], "3");
    assert!(
        error["message"].as_str().unwrap().contains("The displayname is already used"),
        "{error}"
    );

    // The fourth attempt would come after four seconds.
    let removed = Instant::now();
    fs::remove_file(&faulty).unwrap();
    world.idspool.settle(SOON).unwrap();
    assert!(removed.elapsed() < Duration::from_secs(3), "{:?}", removed.elapsed());
    assert_eq!(world.sandbox.user(10, "b.meier").unwrap().unwrap()["telephone_business1"], "+49 3");
    let healthy = || (world.idspool.status("ox").unwrap()["errors"] == 0).then_some(());
    poll(SOON, healthy).expect("a success clears the error");
    for daemon in [converter, ox] {
        let ended = daemon.terminate(SOON).unwrap();
        assert_eq!(ended.code(), Some(0), "{}", ended.log());
    }
}

#[test]
fn a_second_instance_is_turned_away() {
    let world = World::new(&[]);
    let _ox = world.idspool.start("idspool-ox", &[]).unwrap();
    poll(SOON, || (world.idspool.status("ox").unwrap()["running"] == true).then_some(())).unwrap();
    let output = world.idspool.run("idspool-ox", &["--once"]).unwrap();
    assert_eq!(output.status.code(), Some(3));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("held by idspool-ox, process"), "{message}");
}

#[test]
fn a_restart_of_the_ox_server_is_waited_out() {
    let mut world = World::new(&[]);
    let _converter = world.idspool.start("idspool-converter", &[]).unwrap();
    let ox = world.idspool.start("idspool-ox", &[]).unwrap();
    world.report_everything();
    world.idspool.settle(SOON).unwrap();
    let contexts =
        fs::read_to_string(world.idspool.path().join("spool/ox/secrets/contexts.json")).unwrap();
    let contexts: serde_json::Value = serde_json::from_str(&contexts).unwrap();
    let address = world.sandbox.address().to_owned();
    // The old one is gone while the change comes.
    let gone = std::mem::replace(&mut world.sandbox, Sandbox::start(&[]).unwrap());
    drop(gone);
    world.slapd.cli().replace(&World::dn("d.zu"), "telephoneNumber", &["+49 2"]).unwrap();
    world.report("d.zu", "modify");
    ox.wait_for("Error while processing", SOON).unwrap();
    let transient = || (world.idspool.status("ox").unwrap()["class"] == "transient").then_some(());
    poll(SOON, transient).expect("an unreachable server is a transient fault");
    assert_eq!(world.idspool.status("ox").unwrap()["waiting"], 1);
    let context = |id: &str| {
        let entry = &contexts[id];
        let text = |key: &str| entry[key].as_str().unwrap().to_owned();
        format!("{id}:{}:{}", text("adminuser"), text("adminpass"))
    };
    let (ten, twenty) = (context("10"), context("20"));
    world.sandbox =
        Sandbox::start_at(&address, &["--context", &ten, "--context", &twenty]).unwrap();
    // It comes back empty, so the known user is created anew rather than changed.
    world.idspool.settle(Duration::from_secs(90)).unwrap();
    assert!(world.sandbox.user(10, "d.zu").unwrap().is_some());
}
