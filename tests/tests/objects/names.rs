//! Names that change hands, when the new owner is reported before the old one.

use idspool_tests::BASE_DN;

use crate::world::{GROUP, USER, World};

const OEHLER: &str = "a.oehler";

/// The DN and LDIF of an OX user of context 10.
fn ox_user(uid: &str, container: &str, mail: &str) -> (String, String) {
    let dn = format!("uid={uid},{container}");
    let ldif = format!(
        "dn: {dn}\nobjectClass: top\nobjectClass: person\nobjectClass: organizationalPerson\n\
         objectClass: inetOrgPerson\nobjectClass: posixAccount\nobjectClass: univentionMail\n\
         objectClass: oxUserObject\nobjectClass: univentionObject\n\
         univentionObjectType: users/user\nuid: {uid}\ncn: {uid}\nsn: Again\ngivenName: {uid}\n\
         displayName: {mail}\nuidNumber: 7001\ngidNumber: 5001\nhomeDirectory: /home/{uid}\n\
         mailPrimaryAddress: {mail}\nisOxUser: OK\noxContextIDNum: 10\noxAccess: webmail\n\
         oxDisplayName: {mail}\n"
    );
    (dn, ldif)
}

fn ids(world: &World) -> Vec<(String, i64)> {
    let context = world.context(10);
    let users = context["users"].as_array().unwrap().iter();
    users.map(|u| (u["name"].as_str().unwrap().to_owned(), u["id"].as_i64().unwrap())).collect()
}

fn id(world: &World, login: &str) -> Option<i64> {
    ids(world).into_iter().find(|(name, _)| name == login).map(|(_, id)| id)
}

#[test]
fn who_is_made_again_elsewhere_gets_an_account_of_its_own_after_the_old_one_is_gone() {
    let world = World::new("");
    let old = World::user(OEHLER);
    let (before, uuid) = (id(&world, OEHLER).unwrap(), world.slapd.entry_uuid(&old).unwrap());
    let (new, ldif) = ox_user(OEHLER, BASE_DN, "again@example.org");
    world.ldap().delete(&old).unwrap();
    world.ldap().add(&ldif, false).unwrap();
    world.report(&new, USER);
    world.report(&World::user("b.meier"), USER);
    world.idspool.hook(&uuid, &old, USER, "delete").unwrap();
    let calls = world.calls(|| {});
    assert!(id(&world, OEHLER).unwrap() > before, "{:?}", ids(&world));
    let at = |call: &str| calls.iter().position(|made| made == call).expect("it was made");
    assert!(at("User.delete") < at("User.create"), "{calls:?}");
    // The groups of the old one do not have the new one.
    let members = &world.groups(10)["ox-vertrieb"].1;
    assert!(!members.contains(&OEHLER.to_owned()), "{members:?}");
}

#[test]
fn who_gets_a_name_waits_for_the_one_who_gives_it_up() {
    let world = World::new("");
    let old = World::user(OEHLER);
    let before = id(&world, OEHLER).unwrap();
    let renamed = World::user("a.neu");
    world.ldap().rename(&old, "uid=a.neu", None).unwrap();
    world.ldap().replace(&renamed, "mailPrimaryAddress", &["a.neu@example.org"]).unwrap();
    let (new, ldif) = ox_user(OEHLER, BASE_DN, "again@example.org");
    world.ldap().add(&ldif, false).unwrap();
    world.report(&new, USER);
    world.report(&renamed, USER);
    world.once();
    assert_eq!(id(&world, "a.neu"), Some(before));
    assert!(id(&world, OEHLER).is_some_and(|id| id != before), "{:?}", ids(&world));
}

#[test]
fn a_group_that_gets_a_name_waits_for_the_one_that_gives_it_up() {
    let world = World::new("");
    let (first, second) = (World::group("ox-vertrieb"), World::group("second"));
    let anna = World::user(OEHLER);
    let ldif = format!(
        "dn: {second}\nobjectClass: top\nobjectClass: univentionGroup\nobjectClass: posixGroup\n\
         objectClass: univentionObject\nobjectClass: oxGroup\nuniventionObjectType: groups/group\n\
         cn: second\ngidNumber: 5901\nisOxGroup: OK\nuniqueMember: {anna}\n"
    );
    world.ldap().add(&ldif, false).unwrap();
    world.report(&second, GROUP);
    world.once();
    let before = world.groups(10);
    world.ldap().rename(&first, "cn=third", None).unwrap();
    world.ldap().rename(&second, "cn=ox-vertrieb", None).unwrap();
    world.report(&World::group("ox-vertrieb"), GROUP);
    world.report(&World::group("third"), GROUP);
    world.once();
    let after = world.groups(10);
    assert_eq!(after["ox-vertrieb"], before["second"]);
    assert_eq!(after["third"], before["ox-vertrieb"]);
    assert_eq!(after.len(), 2, "{after:?}");
}

#[test]
fn who_gets_an_address_waits_for_the_one_who_gives_it_up() {
    let world = World::new("");
    let (giver, taker) = (World::user(OEHLER), World::user("b.meier"));
    let address = |login: &str| {
        let context = world.context(10);
        let mut users = context["users"].as_array().unwrap().iter();
        let user = users.find(|user| user["name"] == login).unwrap();
        user["primaryEmail"].as_str().unwrap().to_owned()
    };
    let shared = address(OEHLER);
    world.ldap().replace(&giver, "mailPrimaryAddress", &["new@example.org"]).unwrap();
    world.ldap().replace(&taker, "mailPrimaryAddress", &[&shared]).unwrap();
    world.report(&taker, USER);
    world.report(&World::user("d.zu"), USER);
    world.report(&giver, USER);
    let calls = world.calls(|| {});
    let changes = calls.iter().filter(|call| *call == "User.change").count();
    assert_eq!(changes, 3, "refused, then both in order: {calls:?}");
    assert_eq!((address(OEHLER).as_str(), address("b.meier")), ("new@example.org", shared));
}
