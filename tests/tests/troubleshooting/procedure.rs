//! The procedures of the page, as an administrator copies them from it.

use std::fs;
use std::path::Path;
use std::process::Output;

use idspool_tests::{ADMIN_DN, ADMIN_PASSWORD, BASE_DN, Installation, Slapd};
use serde_json::{Value, json};

use crate::world::{SOON, World, text, user, with};

const MEIER: &str = "uid=b.meier,cn=users,dc=example,dc=org";

/// The commands that stand behind an anchor of the page.
fn commands(anchor: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/troubleshooting.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once(&format!("<a id=\"{anchor}\"></a>")).unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

/// Runs commands of the page as they stand there, but for the lines that `replaced` names.
fn follow(world: &World, slapd: Option<&Slapd>, anchor: &str, replaced: &[(&str, &str)]) -> Output {
    let mut script = commands(anchor);
    for (old, new) in replaced {
        assert!(script.contains(old), "{script}");
        script = script.replace(old, new);
    }
    // The page leaves server and login to the administrator's ldap.conf.
    let login = format!(
        "ldapsearch() {{ command ldapsearch -H {} -D {ADMIN_DN} -w {ADMIN_PASSWORD} \"$@\"; }}\n",
        slapd.map_or("ldap://127.0.0.1:9".to_owned(), Slapd::url)
    );
    world.shell(&format!("{login}{script}"))
}

fn pipeline(world: &World) {
    for program in ["idspool-converter", "idspool-ox"] {
        let output = world.run(program, &["--once"]);
        assert_eq!(output.status.code(), Some(0), "{program}: {}", text(&output.stderr));
    }
}

/// Manual 6.2.
#[test]
fn health_is_seen_in_four_commands() {
    let world = World::new(&[]);
    fs::create_dir_all(world.idspool.listener_spool()).unwrap();
    let healthy = text(&follow(&world, None, "health", &[]).stdout);
    assert!(healthy.ends_with("{\"errors\": \"0\"}\n0\n0\n"), "{healthy}");
    world.write(1, "broken");
    world.stop();
    let standing = text(&follow(&world, None, "health", &[]).stdout);
    assert!(standing.contains("STOPPED") && standing.ends_with("\n0\n1\n"), "{standing}");
    assert!(standing.contains("{\"errors\": \"1\", \"message\": "), "{standing}");
}

/// Manual 6.1 and 6.4.1: the log names the item; without it the queue goes on.
#[test]
fn one_item_is_given_up() {
    let world = World::new(&[]);
    world.enqueue(1, "anna", "users/user", with(user("anna"), "lastname", ""));
    world.enqueue(2, "berta", "users/user", user("berta"));
    let daemon = world.idspool.start("idspool-ox", &[]).unwrap();
    daemon.wait_for("This is consecutive error #3", SOON).unwrap();
    let line = daemon.wait_for("Error while processing ", SOON).unwrap();
    let item = line.split("Error while processing ").nth(1).unwrap();
    let output = follow(&world, None, "give-up", &[("$item", item)]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    world.idspool.settle(SOON).unwrap();
    assert_eq!(world.sandbox.user_names(10).unwrap(), ["berta"]);
    let kept = world.idspool.ox_queue().join(".removed");
    assert_eq!(Installation::waiting(&kept).len(), 1, "it can be restored");
}

/// Manual 6.4.2.
#[test]
fn one_object_is_re_provisioned() {
    let slapd = Slapd::start().unwrap();
    let world = World::with_directory(&slapd.url(), &[]);
    let anna = "uid=anna,cn=users,dc=example,dc=org";
    let re_provision = || {
        fs::create_dir_all(world.idspool.listener_spool()).unwrap();
        let output = follow(&world, Some(&slapd), "re-provision-one", &[(anna, MEIER)]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    re_provision();
    pipeline(&world);
    let before = world.sandbox.last_call().unwrap();
    re_provision();
    pipeline(&world);
    let calls = world.sandbox.calls_since(before).unwrap();
    assert!(
        calls.contains(&"User.change".to_owned()),
        "OX is called though nothing differs: {calls:?}"
    );
    // An object that is gone is forgotten.
    slapd.cli().delete(MEIER).unwrap();
    let output = re_provision();
    assert!(output.contains("no longer exists"), "{output}");
}

/// Manual 6.4.3.
#[test]
fn everything_is_re_provisioned() {
    let slapd = Slapd::start().unwrap();
    let world = World::with_directory(&slapd.url(), &[]);
    let base = [("dc=example,dc=org", BASE_DN)];
    let output = follow(&world, Some(&slapd), "re-provision-all", &base);
    assert!(output.status.success(), "{}", text(&output.stderr));
    pipeline(&world);
    assert_eq!(world.sandbox.user_names(10).unwrap().len(), 4);
    let objects = || {
        let contexts = world.sandbox.get("/state").unwrap()["contexts"].clone();
        let names = |kind: &str| -> Vec<Value> {
            let of = |context: &Value| context[kind].as_array().unwrap().clone();
            let all = contexts.as_array().unwrap().iter().flat_map(of);
            all.map(|object| json!([object["id"], object["name"]])).collect()
        };
        [names("users"), names("groups"), names("resources")]
    };
    let (before, there) = (world.sandbox.last_call().unwrap(), objects());
    follow(&world, Some(&slapd), "re-provision-all", &base);
    pipeline(&world);
    let calls = world.sandbox.calls_since(before).unwrap();
    assert_eq!(calls.iter().filter(|call| *call == "User.change").count(), 5, "{calls:?}");
    assert_eq!(objects(), there, "it creates and removes nothing");
}

/// Manual 6.5: ids that a restored backup made wrong.
#[test]
fn the_ids_are_rebuilt() {
    let world = World::new(&[]);
    world.enqueue(1, "anna", "users/user", user("anna"));
    world.enqueue(2, "berta", "users/user", user("berta"));
    world.provision();
    let id = |name: &str| world.idspool.snapshot(name).unwrap()["object"]["oxDbId"].clone();
    let (anna, berta) = (id("anna"), id("berta"));
    // Each has the id of the other.
    for (name, wrong) in [("anna", &berta), ("berta", &anna)] {
        let mut snapshot = world.idspool.snapshot(name).unwrap();
        snapshot["object"]["oxDbId"] = wrong.clone();
        fs::write(world.snapshot_path(name), snapshot.to_string()).unwrap();
    }
    let output = follow(&world, None, "rebuild-cache", &[]);
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!((id("anna"), id("berta")), (anna, berta));
}

/// Manual 6.8.
#[test]
fn consistency_is_verified() {
    let slapd = Slapd::start().unwrap();
    let world = World::with_directory(&slapd.url(), &[]);
    let base = [("dc=example,dc=org", BASE_DN)];
    follow(&world, Some(&slapd), "re-provision-all", &base);
    pipeline(&world);
    let dn = [("$dn", MEIER)];
    let output = follow(&world, None, "verify", &dn);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    // Changed in the directory, and nobody told.
    slapd.cli().replace(MEIER, "telephoneNumber", &["+49 99"]).unwrap();
    let output = follow(&world, None, "verify", &dn);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    assert!(told.contains("phone") && told.contains("+49 99"), "{told}");
}

/// Manual 6.9.
#[test]
fn information_for_a_report_has_no_passwords() {
    let world = World::new(&[]);
    world.enqueue(1, "anna", "users/user", with(user("anna"), "lastname", ""));
    world.stop();
    let output = follow(&world, None, "support", &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let written = fs::read_to_string(world.idspool.path().join("support-info.json")).unwrap();
    let info: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(info["faults"][0]["case"], "mandatory");
    assert_eq!(info["versions"]["idspool-ox"], json!(env!("CARGO_PKG_VERSION")));
    assert_eq!(info["settings"]["ox"]["soap_server"], json!(world.sandbox.url()));
    assert_eq!(info["queues"][1]["waiting"], 1);
    for secret in [idspool_tests::Sandbox::MASTER_PASSWORD, idspool_tests::READER_PASSWORD] {
        assert!(!written.contains(secret), "{written}");
    }
}
