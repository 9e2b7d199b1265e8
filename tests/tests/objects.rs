//! Groups, resources, functional accounts and deputy permissions on the whole way: real slapd, real processes, the
//! strict stand-in OX server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;

use idspool_tests::{BASE_DN, Installation, LdapCli, Sandbox, Slapd};
use serde_json::Value;

const GROUP: &str = "groups/group";
const USER: &str = "users/user";
const RESOURCE: &str = "oxresources/oxresources";
const ACCOUNT: &str = "oxmail/functional_account";
const CONTEXT: &str = "oxmail/oxcontext";

/// All types, those first that others need: the order in which a directory is reported does not matter, but a full
/// report in one pass should not wait for anything.
const TYPES: [&str; 6] = [CONTEXT, "oxmail/accessprofile", USER, GROUP, ACCOUNT, RESOURCE];

struct World {
    slapd: Slapd,
    sandbox: Sandbox,
    idspool: Installation,
}

/// One group of a context: its id and the logins of its members.
type Members = (i64, Vec<String>);

impl World {
    /// With the sample entries provisioned, and these lines at the end of `[ox]`.
    fn new(settings: &str) -> Self {
        let slapd = Slapd::start().unwrap();
        let sandbox = Sandbox::start(&[]).unwrap();
        let idspool = Installation::new(&slapd.url(), sandbox.url()).unwrap();
        let file = idspool.path().join("idspool.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text + settings).unwrap();
        let world = Self { slapd, sandbox, idspool };
        for object_type in TYPES {
            let filter = format!("(univentionObjectType={object_type})");
            world.idspool.hook_all(&world.ldap(), &filter, object_type).unwrap();
        }
        world.once();
        world
    }

    fn ldap(&self) -> LdapCli {
        self.slapd.cli()
    }

    fn user(uid: &str) -> String {
        format!("uid={uid},cn=users,{BASE_DN}")
    }

    fn group(cn: &str) -> String {
        format!("cn={cn},cn=groups,{BASE_DN}")
    }

    fn account(cn: &str) -> String {
        format!("cn={cn},cn=functional_accounts,cn=open-xchange,{BASE_DN}")
    }

    fn resource(cn: &str) -> String {
        format!("cn={cn},cn=oxresources,cn=open-xchange,{BASE_DN}")
    }

    fn report(&self, dn: &str, object_type: &str) {
        let uuid = self.slapd.entry_uuid(dn).unwrap();
        self.idspool.hook(&uuid, dn, object_type, "modify").unwrap();
    }

    /// Deletes an entry and reports it.
    fn delete(&self, dn: &str, object_type: &str) {
        let uuid = self.slapd.entry_uuid(dn).unwrap();
        self.ldap().delete(dn).unwrap();
        self.idspool.hook(&uuid, dn, object_type, "delete").unwrap();
    }

    /// One pass of both programs, as cron would run them.
    fn once(&self) {
        for program in ["idspool-converter", "idspool-ox"] {
            let output = self.idspool.run(program, &["--once"]).unwrap();
            let log = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{program}: {log}");
        }
        let waiting = Installation::waiting(&self.idspool.ox_queue());
        assert!(waiting.is_empty(), "{waiting:?}");
    }

    /// The calls to OX that a change and one pass make.
    fn calls(&self, change: impl FnOnce()) -> Vec<String> {
        let before = self.sandbox.last_call().unwrap();
        change();
        self.once();
        self.sandbox.calls_since(before).unwrap()
    }

    fn context(&self, id: i64) -> Value {
        let state = self.sandbox.get(&format!("/state?context={id}")).unwrap();
        state["contexts"][0].clone()
    }

    /// Groups of a context by name, without the one of all users.
    fn groups(&self, context: i64) -> BTreeMap<String, Members> {
        let context = self.context(context);
        let login = |id: &Value| {
            let users = context["users"].as_array().unwrap();
            let user = users.iter().find(|user| user["id"] == *id).expect("a member exists");
            user["name"].as_str().unwrap().to_owned()
        };
        let groups = context["groups"].as_array().unwrap().iter().skip(1);
        groups
            .map(|group| {
                let members = group["members"].as_array().unwrap();
                let mut members: Vec<String> = members.iter().map(login).collect();
                members.sort();
                (
                    group["name"].as_str().unwrap().to_owned(),
                    (group["id"].as_i64().unwrap(), members),
                )
            })
            .collect()
    }

    /// `login of the account: login of the user` for each functional account of a context.
    fn accounts(&self, context: i64) -> Vec<String> {
        let context = self.context(context);
        let users = context["users"].as_array().unwrap();
        let mut accounts: Vec<String> = context["accounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|account| {
                let owner = users.iter().find(|user| user["id"] == account["userId"]).unwrap();
                format!(
                    "{} {}: {}",
                    account["primaryAddress"].as_str().unwrap(),
                    account["login"].as_str().unwrap(),
                    owner["name"].as_str().unwrap()
                )
            })
            .collect();
        accounts.sort();
        accounts
    }

    fn resources(&self, context: i64) -> Vec<Value> {
        self.context(context)["resources"].as_array().cloned().unwrap_or_default()
    }
}

fn members(logins: &[&str]) -> Vec<String> {
    logins.iter().map(|login| (*login).to_owned()).collect()
}

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

const DEPUTIES: &str = "oxDeputyPermissionGivenTo";

impl World {
    /// Sets who may act for a user, and what: `(deputy, mail, calendar, send on behalf)`.
    fn grant(&self, grantor: &str, entries: &[(&str, &str, &str, &str)]) {
        let entries: Vec<String> = entries
            .iter()
            .map(|(deputy, mail, calendar, sends)| {
                [&*Self::user(deputy), mail, calendar, sends].join(" |:$:| ")
            })
            .collect();
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        self.ldap().replace(&Self::user(grantor), DEPUTIES, &entries).unwrap();
        self.report(&Self::user(grantor), USER);
    }

    fn id(&self, context: i64, login: &str) -> i64 {
        self.sandbox.user(context, login).unwrap().expect(login)["id"].as_i64().unwrap()
    }

    /// `grantor > deputy: module admin folder read write delete…` for each permission of a context.
    fn deputies(&self, context: i64) -> Vec<String> {
        let context = self.context(context);
        let login = |id: &Value| {
            let users = context["users"].as_array().unwrap();
            let user = users.iter().find(|user| user["id"] == *id).expect("such a user");
            user["name"].as_str().unwrap().to_owned()
        };
        let deputies = context["deputies"].as_array().unwrap().iter();
        deputies
            .map(|one| {
                let modules = one["modulePermissions"].as_array().unwrap().iter();
                let modules: Vec<String> = modules
                    .map(|module| {
                        let levels = ["folder", "read", "write", "delete"]
                            .map(|level| module[format!("{level}Permission")].to_string());
                        let name = module["moduleId"].as_str().unwrap();
                        format!("{name} {} {}", module["admin"], levels.concat())
                    })
                    .collect();
                format!(
                    "{} > {}: {} {}",
                    login(&one["grantorId"]),
                    login(&one["userId"]),
                    modules.join(", "),
                    one["sendOnBehalfOf"]
                )
            })
            .collect()
    }
}

#[test]
fn deputy_permissions_follow_the_directory() {
    let world = World::new("enable_deputy_permissions = true\n");
    let calls = world.calls(|| {
        let entries = [("b.meier", "08444", "02400", "1"), ("d.zu", "00000", "12400", "0")];
        world.grant("a.oehler", &entries);
    });
    let of_deputies = |calls: &[String]| -> Vec<String> {
        calls.iter().filter(|call| call.starts_with("DeputyPermissions.")).cloned().collect()
    };
    let (grant, revoke) = ("DeputyPermissions.grant", "DeputyPermissions.revokeAll");
    let (block, unblock) = ("DeputyPermissions.blockManual", "DeputyPermissions.unblockManual");
    assert_eq!(of_deputies(&calls), [revoke, unblock, grant, grant, block]);
    assert_eq!(
        world.deputies(10),
        [
            "a.oehler > b.meier: mail false 8444, calendar false 2400 true",
            "a.oehler > d.zu: calendar true 2400 false"
        ]
    );
    let anna = world.id(10, "a.oehler");
    assert_eq!(world.context(10)["blockedGrantors"], serde_json::json!([anna]));

    // Nothing differs: no call. Another level: no other call than those about it.
    let report = || world.report(&World::user("a.oehler"), USER);
    assert_eq!(world.calls(report), members(&[]));
    let calls = world.calls(|| world.grant("a.oehler", &[("b.meier", "02400", "02400", "0")]));
    assert_eq!(of_deputies(&calls), [revoke, unblock, grant, block]);
    assert!(!calls.contains(&"User.changeByModuleAccess".to_owned()), "{calls:?}");
    assert_eq!(
        world.deputies(10),
        ["a.oehler > b.meier: mail false 2400, calendar false 2400 false"]
    );

    // Without any entry: revoked, and the user is free again.
    let calls = world.calls(|| world.grant("a.oehler", &[]));
    assert_eq!(of_deputies(&calls), [revoke, unblock]);
    assert_eq!(world.deputies(10), members(&[]));
    assert_eq!(world.context(10)["blockedGrantors"], serde_json::json!([]));
    assert_eq!(world.calls(report), members(&[]));
}

#[test]
fn a_deputy_who_comes_later_and_one_who_goes() {
    let world = World::new("enable_deputy_permissions = true\n");
    let emil = World::user("e.nicht");
    let entries = [("e.nicht", "02440", "00000", "0"), ("b.meier", "02400", "00000", "0")];
    world.grant("d.zu", &entries);
    world.once();
    let ben = "d.zu > b.meier: mail false 2400 false".to_owned();
    assert_eq!(world.deputies(10), [ben.as_str()], "Emil is no OX user");

    let ldap = world.ldap();
    for (attribute, value) in [
        ("mailPrimaryAddress", "e.nicht@example.org"),
        ("oxContextIDNum", "10"),
        ("isOxUser", "OK"),
    ] {
        ldap.replace(&emil, attribute, &[value]).unwrap();
    }
    world.report(&emil, USER);
    world.once();
    let mut granted = world.deputies(10);
    granted.sort();
    assert_eq!(granted, [ben.as_str(), "d.zu > e.nicht: mail false 2440 false"]);

    world.delete(&World::user("b.meier"), USER);
    world.once();
    assert_eq!(world.deputies(10), ["d.zu > e.nicht: mail false 2440 false"]);

    // The grantor goes to another context, which empties the entries; then for good.
    let dagmar = World::user("d.zu");
    ldap.replace(&dagmar, DEPUTIES, &[]).unwrap();
    ldap.replace(&dagmar, "oxContextIDNum", &["20"]).unwrap();
    let calls = world.calls(|| world.report(&dagmar, USER));
    assert!(calls.contains(&"DeputyPermissions.revokeAll".to_owned()), "{calls:?}");
    assert_eq!((world.deputies(10), world.deputies(20)), (members(&[]), members(&[])));
    assert_eq!(world.context(10)["blockedGrantors"], serde_json::json!([]));
}

#[test]
fn deputy_permissions_are_off_unless_they_are_switched_on() {
    let world = World::new("");
    let calls = world.calls(|| world.grant("a.oehler", &[("b.meier", "08444", "02400", "1")]));
    assert_eq!(calls, members(&[]), "not even a change of the user");
    assert_eq!(world.deputies(10), members(&[]));
}
