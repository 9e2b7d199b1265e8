//! What is announced is what a run then does.

use std::collections::BTreeMap;

use idspool_tests::BASE_DN;
use serde_json::{Value, json};

use crate::world::World;

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

#[test]
fn without_asking_ox_the_same_is_announced() {
    let world = World::new(&[]);
    let ldap = world.slapd.cli();
    let group = format!("cn=ox-vertrieb,cn=groups,{BASE_DN}");
    let (anna, zu) = (World::user("a.oehler"), World::user("d.zu"));
    // All of them are in context 10, so the group is not in context 20 yet.
    ldap.replace(&group, "uniqueMember", &[&anna, &World::user("b.meier"), &zu]).unwrap();
    world.report_everything();
    world.announced_is_done(&["--offline"]);
    ldap.replace(&World::user("a.oehler"), "telephoneNumber", &["+49 1"]).unwrap();
    ldap.replace(&World::user("d.zu"), "oxContextIDNum", &["20"]).unwrap();
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
    let group_calls = told.item(&group)["calls"].as_array().unwrap().iter();
    let group_calls: Vec<&Value> = group_calls.map(|call| &call["operation"]).collect();
    assert_eq!(group_calls, ["Group.change", "Group.create"]);
    let phone = &told.item(&anna)["calls"][0]["changes"];
    let field = |change: &&Value| change["field"] == "telephone_business1";
    let phone = phone.as_array().unwrap().iter().find(field).unwrap();
    assert_eq!(phone["new"], "+49 1");
    assert!(phone["old"].as_str().unwrap().starts_with("+49 421"), "{phone}");
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
