//! Refreshes that break off: what was heard until then is enqueued with the rest, in the order of a whole one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use idspool_tests::{SessionLog, Slapd, Syncprov};
use watching::World;
use watching::proxy::Proxy;

const BASE: &str = "dc=example,dc=org";

fn new_user(uid: &str, above: &str) -> String {
    format!(
        "dn: uid={uid},{above}\nobjectClass: top\nobjectClass: person\nobjectClass: inetOrgPerson\n\
         objectClass: univentionObject\nuniventionObjectType: users/user\nuid: {uid}\ncn: {uid}\n\
         sn: {uid}\n\n"
    )
}

/// Many of them.
fn crowd(name: &str) -> String {
    (0..300).map(|number| new_user(&format!("{name}{number}"), BASE)).collect()
}

/// Lets a refresh break off when half of the crowd has been heard of.
fn break_off(world: &World, proxy: &Proxy) {
    proxy.cut_after(80_000);
    let ended = world.watch_once(&[]);
    assert_eq!(ended.code(), Some(1), "{}", ended.log());
    proxy.cut_after(i64::MAX);
}

#[test]
fn a_first_refresh_that_breaks_off_tells_nobody_of_users_before_their_context() {
    let context = format!(
        "dn: cn=late,{BASE}\nobjectClass: top\nobjectClass: oxContext\nobjectClass: univentionObject\n\
         univentionObjectType: oxmail/oxcontext\ncn: late\noxContextIDNum: 77\noxQuota: 1\n\n"
    );
    let slapd = Slapd::builder().extra_ldif(&(crowd("u") + &context)).start().unwrap();
    let proxy = Proxy::new(slapd.port());
    let world = World::by_way_of(slapd, &proxy.url());
    break_off(&world, &proxy);
    world.once();
    let changes = world.take();
    let context = changes.iter().position(|change| change.dn == format!("cn=late,{BASE}"));
    let user = changes.iter().position(|change| change.object_type == "users/user");
    assert!(context.unwrap() < user.unwrap(), "context at {context:?}, first user at {user:?}");
    assert_eq!(changes.iter().filter(|change| change.dn.starts_with("uid=u")).count(), 300);
}

#[test]
fn a_refresh_that_breaks_off_tells_nobody_of_an_heir_before_the_one_before_is_gone() {
    let syncprov = Syncprov::On(SessionLog::Without);
    let slapd = Slapd::builder().syncprov(syncprov).start().unwrap();
    let proxy = Proxy::new(slapd.port());
    let world = World::by_way_of(slapd, &proxy.url());
    let (old, new) = (format!("uid=anna,cn=users,{BASE}"), format!("uid=anna,{BASE}"));
    world.ldap().add(&new_user("anna", &format!("cn=users,{BASE}")), false).unwrap();
    world.once();
    world.take();
    world.ldap().delete(&old).unwrap();
    world.ldap().add(&(new_user("anna", BASE) + &crowd("u")), false).unwrap();
    break_off(&world, &proxy);
    world.once();
    let changes = world.take();
    let at = |dn: &str| changes.iter().position(|change| change.dn == dn);
    assert!(at(&old).unwrap() < at(&new).unwrap(), "{:?} before {:?}", at(&new), at(&old));
    assert_eq!(changes.len(), 302);
}
