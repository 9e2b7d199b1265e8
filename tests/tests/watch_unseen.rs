//! What was in the directory for a moment only: the converter read it, and the watcher never heard of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use std::fs;
use std::path::PathBuf;

use idspool_tests::{Installation, SessionLog, Slapd, Syncprov, poll};
use serde_json::Value;
use watching::{SOON, World, change};

const OEHLER: &str = "uid=a.oehler,cn=users,dc=example,dc=org";
const UNSEEN: &str = "cn=unseen,cn=groups,dc=example,dc=org";

fn group(dn: &str, member: &str) -> String {
    let name = dn.split([',', '=']).nth(1).unwrap();
    format!(
        "dn: {dn}\nobjectClass: univentionGroup\nobjectClass: posixGroup\n\
         objectClass: univentionObject\nuniventionObjectType: groups/group\n\
         cn: {name}\ngidNumber: 4711\nuniqueMember: {member}\n"
    )
}

fn convert(world: &World) {
    let output = world.idspool.run("idspool-converter", &["--once"]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Groups of the user, as the consumer has heard last.
fn groups(world: &World, uuid: &str) -> Vec<String> {
    let queue = world.idspool.ox_queue();
    let names = Installation::waiting(&queue);
    let items = names
        .iter()
        .rev()
        .map(|name| serde_json::from_slice::<Value>(&fs::read(queue.join(name)).unwrap()).unwrap());
    let item = items.into_iter().find(|item| item["id"] == uuid).expect("an item of the user");
    let list = item["object"]["groups"].as_array().unwrap().iter();
    list.map(|dn| dn.as_str().unwrap().to_owned()).collect()
}

/// A world where everything is known to everybody.
fn world(slapd: Slapd, groups_from: &str) -> World {
    let world = World::new(slapd);
    let path = world.idspool.path().join("idspool.toml");
    let text = fs::read_to_string(&path).unwrap();
    let keys = format!("[directory]\ngroups_from = '{groups_from}'\n");
    fs::write(&path, text.replace("[directory]\n", &keys)).unwrap();
    world.once();
    convert(&world);
    world
}

fn readings(world: &World) -> PathBuf {
    world.idspool.listener_spool().join(".read")
}

#[test]
fn who_was_read_in_a_group_that_nobody_has_heard_of_is_read_again() {
    for log in [SessionLog::Changes(500), SessionLog::Without] {
        let slapd = Slapd::builder().syncprov(Syncprov::On(log)).start().unwrap();
        let world = world(slapd, "search");
        let (ldap, oehler) = (world.ldap(), world.uuid(OEHLER));
        ldap.replace(OEHLER, "title", &["new"]).unwrap();
        world.once();
        ldap.add(&group(UNSEEN, OEHLER), false).unwrap();
        convert(&world);
        assert!(groups(&world, &oehler).contains(&UNSEEN.to_owned()), "{log:?}");
        ldap.delete(UNSEEN).unwrap();
        world.once();
        assert_eq!(world.changes(), [change(OEHLER, "users/user", "modify")], "{log:?}");
        convert(&world);
        assert!(!groups(&world, &oehler).contains(&UNSEEN.to_owned()), "{log:?}");
        world.once();
        assert_eq!(world.changes(), [], "{log:?}");
    }
}

#[test]
fn who_was_read_below_a_name_that_a_container_had_for_a_moment_is_read_again() {
    let world = world(Slapd::start().unwrap(), "search");
    let (ldap, oehler) = (world.ldap(), world.uuid(OEHLER));
    ldap.replace(OEHLER, "title", &["new"]).unwrap();
    world.once();
    ldap.rename("cn=users,dc=example,dc=org", "cn=moment", None).unwrap();
    convert(&world);
    ldap.rename("cn=moment,dc=example,dc=org", "cn=users", None).unwrap();
    world.once();
    let found = world.changes();
    assert!(found.iter().any(|change| change.uuid == oehler), "{found:?}");
}

#[test]
fn a_running_watcher_compares_too_and_believes_what_is_read_twice() {
    let world = world(Slapd::start().unwrap(), "search");
    let _watcher = world.start();
    let oehler = world.uuid(OEHLER);
    // As if something else had been read.
    let is_told = |name: &str, is_told: bool| {
        fs::write(readings(&world).join(name), format!("{oehler} 4711\n")).unwrap();
        let gone = || (!readings(&world).join(name).exists()).then_some(());
        poll(SOON, gone).expect("the reading is taken");
        if is_told {
            let found = world.gather(|changes| !changes.is_empty());
            assert_eq!(found, [change(OEHLER, "users/user", "modify")]);
            world.take();
        } else {
            assert_eq!(world.quiet(), []);
        }
    };
    is_told("1.json", true);
    is_told("2.json", false);
    is_told("3.json", true);
    // What is no reading does no harm.
    fs::write(readings(&world).join("4.json"), [0xff, b'\n', b'x']).unwrap();
    fs::write(readings(&world).join("5.json"), "00000000-0000-1041-8000-000000000000 1\n").unwrap();
    poll(SOON, || Installation::waiting(&readings(&world)).is_empty().then_some(())).unwrap();
    assert_eq!(world.quiet(), []);
}

#[test]
fn a_group_that_turns_out_to_be_different_while_its_member_is_looked_at_is_told() {
    const TEAM: &str = "cn=team,cn=groups,dc=example,dc=org";
    let world = World::new(Slapd::start().unwrap());
    let ldap = world.ldap();
    // Nobody hears of users, so that what refint does is silent.
    world.configure("bases = 'cn=groups,dc=example,dc=org'");
    let inner = "cn=inner,cn=groups,dc=example,dc=org";
    ldap.add(&group(inner, OEHLER), false).unwrap();
    ldap.add(&(group(TEAM, OEHLER) + &format!("uniqueMember: {inner}\n")), false).unwrap();
    world.once();
    world.take();
    ldap.rename(OEHLER, "uid=other", None).unwrap();
    poll(SOON, || {
        let old = ldap.search(&format!("(uniqueMember={OEHLER})"), &["1.1"]).unwrap();
        old.is_empty().then_some(())
    })
    .expect("refint");
    world.once();
    assert_eq!(world.changes(), []);
    fs::write(readings(&world).join("1.json"), format!("{} 4711\n", world.uuid(inner))).unwrap();
    world.once();
    let expected = [inner, TEAM].map(|dn| change(dn, "groups/group", "modify"));
    let mut found = world.take();
    found.retain(|change| expected.contains(change));
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn what_was_read_as_we_know_it_is_not_read_again() {
    for groups_from in ["search", "memberof"] {
        let world = world(Slapd::start().unwrap(), groups_from);
        assert_ne!(Installation::waiting(&readings(&world)).len(), 0, "nothing was written down");
        world.once();
        assert_eq!(world.changes(), [], "{groups_from}");
        assert_eq!(Installation::waiting(&readings(&world)).len(), 0, "{groups_from}");
    }
}

#[test]
fn what_stays_different_is_read_again_once() {
    let world = world(Slapd::start().unwrap(), "memberof");
    let ldap = world.ldap();
    // The overlay leaves the old DN in memberOf.
    ldap.rename("cn=groups,dc=example,dc=org", "cn=teams", None).unwrap();
    poll(SOON, || {
        world.once();
        let count = world.changes().len();
        convert(&world);
        (count == 0).then_some(())
    })
    .expect("an end of it");
}
