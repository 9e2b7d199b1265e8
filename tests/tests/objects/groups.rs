//! Groups: one in each context in which there are members.

use crate::world::{ACCOUNT, GROUP, USER, World, members};

#[test]
fn groups_follow_their_members() {
    let world = World::new("");
    let sales = World::group("ox-vertrieb");
    // One group for each context in which it has members.
    let ten = world.groups(10);
    let id = ten["ox-vertrieb"].0;
    assert_eq!(ten["ox-vertrieb"].1, ["a.oehler", "b.meier", "d.zu"]);
    assert_eq!(ten.len(), 1, "Domain Users and what is switched off are no OX groups: {ten:?}");
    assert_eq!(world.groups(20)["ox-vertrieb"].1, ["c.nunez"]);

    // Nothing differs: no call at all.
    assert_eq!(world.calls(|| world.report(&sales, GROUP)), members(&[]));

    // A rename keeps the ids.
    world.ldap().rename(&sales, "cn=sales", None).unwrap();
    let sales = World::group("sales");
    let calls = world.calls(|| world.report(&sales, GROUP));
    let each = ["Group.getData", "Group.change"];
    assert_eq!(calls, members(&[each, each].concat()));
    assert_eq!(world.groups(10)["sales"].0, id);

    // A member leaves; where it was the last one, the group goes.
    let without = |gone: &[&str]| {
        let all = ["a.oehler", "b.meier", "c.nunez", "d.zu"];
        let left: Vec<String> =
            all.iter().filter(|uid| !gone.contains(uid)).map(|uid| World::user(uid)).collect();
        let left: Vec<&str> = left.iter().map(String::as_str).collect();
        world.ldap().replace(&sales, "uniqueMember", &left).unwrap();
        world.report(&sales, GROUP);
    };
    let calls = world.calls(|| without(&["d.zu"]));
    assert_eq!(calls, ["Group.getData", "Group.change"], "context 20 is not concerned");
    assert_eq!(world.groups(10)["sales"], (id, members(&["a.oehler", "b.meier"])));
    let calls = world.calls(|| without(&["d.zu", "c.nunez"]));
    assert_eq!(calls, ["Group.getData", "Group.delete"]);
    assert!(world.groups(20).is_empty());
    assert_eq!(world.groups(10)["sales"].1, ["a.oehler", "b.meier"]);
    let calls = world.calls(|| without(&[]));
    assert_eq!(world.groups(20)["sales"].1, ["c.nunez"], "{calls:?}");
    assert_eq!(world.groups(10)["sales"].1, ["a.oehler", "b.meier", "d.zu"]);

    // Off, and on again.
    let switch = |state: &str| {
        world.ldap().replace(&sales, "isOxGroup", &[state]).unwrap();
        world.report(&sales, GROUP);
        world.once();
    };
    switch("Not");
    assert!(world.groups(10).is_empty() && world.groups(20).is_empty());
    switch("OK");
    assert_eq!(world.groups(10)["sales"].1, ["a.oehler", "b.meier", "d.zu"]);
    assert_eq!(world.groups(20)["sales"].1, ["c.nunez"]);

    world.delete(&sales, GROUP);
    world.once();
    assert!(world.groups(10).is_empty() && world.groups(20).is_empty());
}

/// OX has a group of that name in every context.
#[test]
fn the_group_of_all_users_is_left_alone() {
    let world = World::new("");
    let dn = World::group("Users");
    let entry = format!(
        "dn: {dn}\nobjectClass: top\nobjectClass: univentionGroup\nobjectClass: posixGroup\n\
         objectClass: sambaGroupMapping\nobjectClass: univentionObject\nobjectClass: oxGroup\n\
         univentionObjectType: groups/group\ncn: Users\ngidNumber: 5900\n\
         sambaSID: S-1-5-21-1004336348-1177238915-682003330-12900\nsambaGroupType: 2\nisOxGroup: OK\n\
         uniqueMember: {anna}\nmemberUid: a.oehler\n",
        anna = World::user("a.oehler")
    );
    world.ldap().add(&entry, false).unwrap();
    let before = world.context(10)["groups"].clone();
    assert_eq!(world.calls(|| world.report(&dn, GROUP)), members(&[]));
    assert_eq!(world.calls(|| world.delete(&dn, GROUP)), members(&[]));
    assert_eq!(world.context(10)["groups"], before);
}

/// Whoever becomes an OX user joins the groups and accounts that name it already.
#[test]
fn a_member_who_comes_later_joins() {
    let world = World::new("group_identifier = 'entryUUID'\n");
    let sales = World::group("ox-vertrieb");
    let name = world.slapd.entry_uuid(&sales).unwrap();
    let three = ["a.oehler", "b.meier", "d.zu"];
    assert_eq!(world.groups(10)[&name].1, three, "the group goes by the id of its entry");
    let emil = World::user("e.nicht");
    let ldap = world.ldap();
    for (dn, object_type) in [(&sales, GROUP), (&World::account("info"), ACCOUNT)] {
        let all = three.map(World::user);
        let all: Vec<&str> = all.iter().map(String::as_str).chain([emil.as_str()]).collect();
        ldap.replace(dn, "uniqueMember", &all).unwrap();
        world.report(dn, object_type);
    }
    world.once();
    assert_eq!(world.groups(10)[&name].1, three);
    assert_eq!(world.accounts(10).len(), 3);

    world.make_ox_user(&emil);
    world.once();
    assert_eq!(world.groups(10)[&name].1, ["a.oehler", "b.meier", "d.zu", "e.nicht"]);
    let accounts = world.accounts(10);
    assert!(accounts.iter().any(|account| account.ends_with(": e.nicht")), "{accounts:?}");
    assert_eq!(accounts.len(), 4);
}

#[test]
fn a_user_who_moves_takes_groups_and_accounts_along() {
    let world =
        World::new("functional_account_login_template = '{{username}}+{{fa_email_address}}'\n");
    assert_eq!(world.accounts(10).len(), 2);
    assert_eq!(world.accounts(20), members(&[]));
    world.ldap().replace(&World::user("b.meier"), "oxContextIDNum", &["20"]).unwrap();
    world.report(&World::user("b.meier"), USER);
    world.once();
    assert!(world.sandbox.user(10, "b.meier").unwrap().is_none());
    assert!(world.sandbox.user(20, "b.meier").unwrap().is_some());
    assert_eq!(world.groups(10)["ox-vertrieb"].1, ["a.oehler", "d.zu"]);
    assert_eq!(world.groups(20)["ox-vertrieb"].1, ["b.meier", "c.nunez"]);
    assert_eq!(world.accounts(10), ["info@example.org a.oehler+info@example.org: a.oehler"]);
    assert_eq!(world.accounts(20), ["info@example.org b.meier+info@example.org: b.meier"]);
}
