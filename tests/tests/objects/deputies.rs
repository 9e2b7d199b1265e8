//! Deputy permissions.

use serde_json::Value;

use crate::world::{USER, World, members};

const DEPUTIES: &str = "oxDeputyPermissionGivenTo";

impl World {
    /// Sets who may act for a user, and what: `(deputy, mail, calendar, send on behalf)`.
    pub(crate) fn grant(&self, grantor: &str, entries: &[(&str, &str, &str, &str)]) {
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
    pub(crate) fn deputies(&self, context: i64) -> Vec<String> {
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
    world.make_ox_user(&emil);
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
