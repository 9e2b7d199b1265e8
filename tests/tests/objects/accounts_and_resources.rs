//! Functional accounts and resources; the end of a context; faults on the way.

use idspool_tests::BASE_DN;
use serde_json::Value;

use crate::world::{ACCOUNT, CONTEXT, GROUP, RESOURCE, SOON, USER, World, members};

#[test]
fn functional_accounts_follow_their_users() {
    let world = World::new("");
    let info = World::account("info");
    let uuid = world.slapd.entry_uuid(&info).unwrap();
    let account = |login: &str| format!("info@example.org {uuid}{login}: {login}");
    assert_eq!(world.accounts(10), [account("a.oehler"), account("b.meier")]);
    assert_eq!(world.calls(|| world.report(&info, ACCOUNT)), members(&[]), "nothing differs");

    let users = |uids: &[&str]| {
        let dns: Vec<String> = uids.iter().map(|uid| World::user(uid)).collect();
        let dns: Vec<&str> = dns.iter().map(String::as_str).collect();
        world.ldap().replace(&info, "uniqueMember", &dns).unwrap();
        world.report(&info, ACCOUNT);
    };
    let calls = world.calls(|| users(&["a.oehler", "b.meier", "c.nunez", "e.nicht"]));
    assert_eq!(world.accounts(20), [account("c.nunez")]);
    assert!(!calls.contains(&"SecondaryAccount.list".to_owned()), "{calls:?}");
    world.calls(|| users(&["b.meier", "c.nunez"]));
    assert_eq!(world.accounts(10), [account("b.meier")]);
    assert_eq!(world.accounts(20), [account("c.nunez")]);

    let address = |address: &str| {
        world.ldap().replace(&info, "mailPrimaryAddress", &[address]).unwrap();
        world.report(&info, ACCOUNT);
        world.once();
    };
    address("help@example.org");
    assert_eq!(world.accounts(10), [account("b.meier").replace("info@", "help@")]);
    assert_eq!(world.accounts(20), [account("c.nunez").replace("info@", "help@")]);
    address("info@example.org");

    // A user who leaves the account's last context takes it away there.
    world.calls(|| users(&["b.meier"]));
    assert_eq!(world.accounts(20), members(&[]));
    world.delete(&info, ACCOUNT);
    world.once();
    assert_eq!(world.accounts(10), members(&[]));
}

#[test]
fn a_resource_changes_its_name_and_its_context() {
    let world = World::new("");
    let beamer = World::resource("beamer");
    let found = world.resources(10);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["name"], "beamer");
    assert_eq!(found[0]["displayname"], "Beamer Raum 1");
    assert_eq!(found[0]["email"], "beamer@example.org");
    assert_eq!(found[0]["description"], "Beamer im Sitzungsraum");
    assert_eq!(world.calls(|| world.report(&beamer, RESOURCE)), members(&[]), "nothing differs");

    world.ldap().rename(&beamer, "cn=projektor", None).unwrap();
    let projector = World::resource("projektor");
    let calls = world.calls(|| world.report(&projector, RESOURCE));
    assert_eq!(calls, ["Resource.getData", "Resource.change"]);
    assert_eq!(world.resources(10)[0]["name"], "projektor");
    assert_eq!(world.resources(10)[0]["id"], found[0]["id"]);

    world.ldap().replace(&projector, "oxContextIDNum", &["20"]).unwrap();
    world.report(&projector, RESOURCE);
    world.once();
    assert!(world.resources(10).is_empty());
    assert_eq!(world.resources(20)[0]["name"], "projektor");

    world.delete(&projector, RESOURCE);
    world.once();
    assert!(world.resources(20).is_empty());
}

/// Whatever the order of the reports: what is in a context goes before the context.
#[test]
fn everything_is_removed_and_the_context_last() {
    let world = World::new("");
    let context = format!("cn=context10,cn=open-xchange,{BASE_DN}");
    let dns = [
        (context, CONTEXT),
        (World::group("ox-vertrieb"), GROUP),
        (World::account("info"), ACCOUNT),
        (World::resource("beamer"), RESOURCE),
        (World::user("a.oehler"), USER),
        (World::user("b.meier"), USER),
        (World::user("d.zu"), USER),
        (World::user("F.Gross-Klein"), USER),
    ];
    let uuid_of = |dn: &str| world.slapd.entry_uuid(dn).unwrap();
    let uuids: Vec<String> = dns.iter().map(|(dn, _)| uuid_of(dn)).collect();
    let calls = world.calls(|| {
        for (dn, object_type) in &dns {
            world.delete(dn, object_type);
        }
    });
    assert_eq!(calls.last().map(String::as_str), Some("Context.delete"), "{calls:?}");
    let count = |operation: &str| calls.iter().filter(|call| *call == operation).count();
    assert_eq!(count("User.delete"), 4);
    assert_eq!(count("Resource.delete"), 1);
    assert_eq!(world.context(10), Value::Null);
    assert!(world.groups(20).is_empty(), "the group is gone in the other context as well");
    for (uuid, (dn, _)) in uuids.iter().zip(&dns) {
        assert!(world.idspool.snapshot(uuid).is_err(), "{dn} has a snapshot");
    }
}

/// OX does what is asked and its answer is lost: at the next attempt it is there already.
#[test]
fn lost_answers_and_refusals_do_no_harm() {
    let failures = [
        "OXGroupService.create:1:late-close",
        "OXGroupService.change:1:late-close",
        "OXGroupService.delete:1:late-close",
        "OXSecondaryAccountService.create:2:late-close",
        "OXSecondaryAccountService.delete:2:close",
        "OXResourceService.create:1:late-close",
        "OXResourceService.create:2:storage",
        "OXResourceService.delete:1:late-close",
        "OXDeputyPermissionsService.grant:1:storage",
        "OXDeputyPermissionsService.blockManual:1:remote",
    ];
    let arguments: Vec<&str> = failures.iter().flat_map(|failure| ["--fail", failure]).collect();
    let world = World::reported("enable_deputy_permissions = true\n", &arguments);
    let _converter = world.idspool.start("idspool-converter", &[]).unwrap();
    let _ox = world.idspool.start("idspool-ox", &[]).unwrap();
    world.idspool.settle(SOON).unwrap();
    let account = |login: &str| {
        let uuid = world.slapd.entry_uuid(&World::account("info")).unwrap();
        format!("info@example.org {uuid}{login}: {login}")
    };
    assert_eq!(world.groups(10)["ox-vertrieb"].1, ["a.oehler", "b.meier", "d.zu"]);
    assert_eq!(world.groups(20)["ox-vertrieb"].1, ["c.nunez"]);
    assert_eq!(world.accounts(10), [account("a.oehler"), account("b.meier")]);
    assert_eq!(world.resources(10).len(), 1);

    let ldap = world.ldap();
    let sales = World::group("ox-vertrieb");
    let (anna, ben) = (World::user("a.oehler"), World::user("b.meier"));
    ldap.replace(&sales, "uniqueMember", &[&ben]).unwrap();
    world.report(&sales, GROUP);
    let info = World::account("info");
    ldap.replace(&info, "uniqueMember", &[&ben]).unwrap();
    world.report(&info, ACCOUNT);
    let beamer = World::resource("beamer");
    ldap.replace(&beamer, "oxContextIDNum", &["20"]).unwrap();
    world.report(&beamer, RESOURCE);
    world.grant("a.oehler", &[("b.meier", "02400", "00000", "0")]);
    world.idspool.settle(SOON).unwrap();
    assert_eq!(world.groups(10)["ox-vertrieb"].1, ["b.meier"]);
    assert!(world.groups(20).is_empty());
    assert_eq!(world.accounts(10), [account("b.meier")]);
    assert_eq!((world.resources(10).len(), world.resources(20).len()), (0, 1));
    // A refused permission is a warning, and stays out until the user is reported again.
    assert_eq!(world.deputies(10), members(&[]));
    world.report(&anna, USER);
    world.idspool.settle(SOON).unwrap();
    assert_eq!(world.deputies(10), ["a.oehler > b.meier: mail false 2400 false"]);
    let status = world.idspool.status("ox").unwrap();
    assert_eq!(status["stopped"], false, "{status}");
    let counts = world.sandbox.get("/calls/count").unwrap();
    for failure in failures {
        let operation = failure.split(':').next().unwrap();
        let faults = counts[operation]["faults"].as_u64();
        assert!(faults >= Some(1), "{failure} did not happen: {counts}");
    }
}
