//! References to nobody: a server that was killed leaves them behind, goes on to rewrite them, and
//! somebody may get the name that they say.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use idspool_tests::{Slapd, poll};
use watching::{SOON, World};

const BASE: &str = "dc=example,dc=org";

fn new_user(uid: &str, above: &str, more: &str) -> String {
    format!(
        "dn: uid={uid},{above}\nobjectClass: top\nobjectClass: person\nobjectClass: inetOrgPerson\n\
         objectClass: univentionObject\nuniventionObjectType: users/user\nuid: {uid}\ncn: {uid}\n\
         sn: {uid}\n{more}\n"
    )
}

/// A world with the container `cn=one`, where `anna` is, and `boss`, who names `secretary`; with the
/// identity of `boss`.
fn world(slapd: Slapd, secretary: &str) -> (World, String) {
    let world = World::following(slapd);
    let container = format!("dn: cn=one,{BASE}\nobjectClass: organizationalRole\ncn: one\n\n");
    let one = format!("cn=one,{BASE}");
    let entries = container
        + &new_user("anna", &one, "")
        + &new_user("boss", BASE, &format!("secretary: {secretary}\n"));
    world.ldap().add(&entries, false).unwrap();
    world.quiet();
    let boss = world.uuid(&format!("uid=boss,{BASE}"));
    (world, boss)
}

fn wait_for_secretary(world: &World, secretary: &str) {
    let ldap = world.ldap();
    poll(SOON, || {
        let found = ldap.search(&format!("(secretary={secretary})"), &["uid"]).unwrap();
        found.contains("uid: boss").then_some(())
    })
    .unwrap_or_else(|| panic!("boss does not name {secretary}"));
}

#[test]
fn a_reference_to_nobody_is_followed_when_a_container_is_renamed() {
    let (world, boss) = world(Slapd::start().unwrap(), &format!("uid=ghost,cn=one,{BASE}"));
    let ldap = world.ldap();
    ldap.rename(&format!("cn=one,{BASE}"), "cn=two", None).unwrap();
    world.gather(|changes| changes.iter().any(|change| change.uuid == boss));
    wait_for_secretary(&world, &format!("uid=ghost,cn=two,{BASE}"));
    world.quiet();
    // Somebody gets the name that was left behind.
    ldap.add(&new_user("ghost", &format!("cn=two,{BASE}"), ""), false).unwrap();
    world.quiet();
    ldap.rename(&format!("cn=two,{BASE}"), "cn=three", None).unwrap();
    wait_for_secretary(&world, &format!("uid=ghost,cn=three,{BASE}"));
    world.gather(|changes| changes.iter().any(|change| change.uuid == boss));
}

#[test]
fn a_reference_that_stayed_as_it_was_is_known_as_the_server_has_it() {
    let slapd = Slapd::builder().without_refint().start().unwrap();
    let anna = format!("uid=anna,cn=one,{BASE}");
    let (world, boss) = world(slapd, &anna);
    let ldap = world.ldap();
    ldap.rename(&anna, "uid=bea", None).unwrap();
    world.gather(|changes| changes.iter().any(|change| change.uuid == boss));
    // Nobody has rewritten it, and the next one of that name is who it names.
    ldap.add(&new_user("anna", &format!("cn=one,{BASE}"), ""), false).unwrap();
    world.quiet();
    ldap.rename(&anna, "uid=cleo", None).unwrap();
    world.gather(|changes| changes.iter().any(|change| change.uuid == boss));
}

#[test]
fn who_has_got_the_old_name_is_known_also_when_the_renamed_one_goes_at_once() {
    let slapd = Slapd::builder().without_refint().start().unwrap();
    let anna = format!("uid=anna,cn=one,{BASE}");
    let (world, boss) = world(slapd, &anna);
    let ldap = world.ldap();
    ldap.rename(&anna, "uid=bea", None).unwrap();
    ldap.delete(&format!("uid=bea,cn=one,{BASE}")).unwrap();
    ldap.add(&new_user("anna", &format!("cn=one,{BASE}"), ""), false).unwrap();
    world.gather(|changes| changes.iter().any(|change| change.uuid == boss));
    world.quiet();
    ldap.rename(&anna, "uid=cleo", None).unwrap();
    world.gather(|changes| changes.iter().any(|change| change.uuid == boss));
}
