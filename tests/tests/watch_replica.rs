//! `idspool-listener watch` at a server that is itself a consumer of another one (syncrepl).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use idspool_tests::{Slapd, poll};
use watching::{Change, SOON, World, catch_up, change};

const OEHLER: &str = "uid=a.oehler,cn=users,dc=example,dc=org";

fn user(uid: &str) -> (String, String) {
    let dn = format!("uid={uid},cn=users,dc=example,dc=org");
    let ldif = format!(
        "dn: {dn}\nobjectClass: inetOrgPerson\nobjectClass: univentionObject\n\
         univentionObjectType: users/user\nuid: {uid}\ncn: x\nsn: x\n"
    );
    (dn, ldif)
}

/// Provider, and a world at its replica.
fn world() -> (Slapd, World) {
    let provider = Slapd::start().unwrap();
    let replica = Slapd::builder().replica_of(&provider).start().unwrap();
    let world = World::new(replica);
    catch_up(&provider.cli(), &world.ldap());
    (provider, world)
}

/// Waits for changes; nothing else may be told as deleted but what is `gone`, which may be told again after the
/// watcher was killed.
fn gather(world: &World, wanted: &[Change], gone: &[&str]) {
    world.gather(|changes| wanted.iter().all(|change| changes.contains(change)));
    let unwanted = |change: &&Change| {
        change.command == "delete"
            && !wanted.contains(change)
            && !gone.contains(&change.dn.as_str())
    };
    let changes = world.take();
    assert_eq!(changes.iter().find(unwanted), None, "{changes:#?}");
}

#[test]
fn what_changes_at_the_provider_is_seen_at_its_replica() {
    let (provider, mut world) = world();
    world.watcher = Some(world.start());
    assert!(world.take().iter().any(|change| change.dn == OEHLER));
    let (dn, ldif) = user("new");
    provider.cli().add(&ldif, false).unwrap();
    gather(&world, &[change(&dn, "users/user", "add")], &[]);
    provider.cli().delete(OEHLER).unwrap();
    gather(&world, &[change(OEHLER, "users/user", "delete")], &[]);
    // While nobody watches.
    world.watcher = None;
    provider.cli().replace(&dn, "telephoneNumber", &["+49 1"]).unwrap();
    catch_up(&provider.cli(), &world.ldap());
    world.once();
    gather(&world, &[change(&dn, "users/user", "modify")], &[OEHLER]);
}

#[test]
fn a_replica_that_is_made_anew_loses_nothing() {
    let (provider, mut world) = world();
    let watcher = world.start();
    let (dn, ldif) = user("new");
    provider.cli().add(&ldif, false).unwrap();
    world.gather(|changes| changes.contains(&change(&dn, "users/user", "add")));
    world.take();
    world.slapd.stop().unwrap();
    let (later, ldif) = user("later");
    provider.cli().add(&ldif, false).unwrap();
    provider.cli().delete(OEHLER).unwrap();
    provider.cli().replace(&dn, "telephoneNumber", &["+49 1"]).unwrap();
    for file in std::fs::read_dir(world.slapd.database()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    world.slapd.restart().unwrap();
    let log = || watcher.lines().join("\n");
    let wanted = [
        change(&later, "users/user", "add"),
        change(OEHLER, "users/user", "delete"),
        change(&dn, "users/user", "modify"),
    ];
    let found = poll(3 * SOON, || {
        let changes = world.changes();
        wanted.iter().all(|change| changes.contains(change)).then_some(())
    });
    found.unwrap_or_else(|| panic!("{:#?}\n{}", world.changes(), log()));
    gather(&world, &wanted, &[]);
}

#[test]
fn a_server_that_does_not_know_how_new_it_is_is_not_compared_with() {
    let mut world = World::new(Slapd::start().unwrap());
    world.once();
    world.take();
    world.set_cookie("rid=000,csn=20990101000000.000000Z#000000#000#000000");
    world.ldap().delete(OEHLER).unwrap();
    assert_eq!(world.watch_once(&[]).code(), Some(1));
    // As it is in a replica that is being filled.
    world.slapd.hide("contextCSN").unwrap();
    world.refused_long_ago();
    let ended = world.watch_once(&[]);
    assert_eq!(ended.code(), Some(1), "{}", ended.log());
    assert!(ended.log().contains("cannot go on from the last known state"), "{}", ended.log());
    assert_eq!(world.take(), []);
}
