//! Single rules of the played server.

use serde_json::{Value, json};

use super::place::{Place, calls_of};
use crate::fake::Fake;
use crate::tests::stage::{anna, anna_deleted, item};

fn change_of<'a>(item: &'a Value, field: &str) -> &'a Value {
    let calls = item["calls"].as_array().unwrap().iter();
    let mut changes = calls.flat_map(|call| call["changes"].as_array().unwrap());
    changes.find(|change| change["field"] == field).unwrap_or(&Value::Null)
}

#[test]
fn created_users_are_found_and_deleted_ones_are_gone() {
    let place = Place::new(Fake::new().with_context(10));
    place.put(&anna(json!({})));
    place.put(&anna(json!({"title": "Dr."})));
    place.put(&anna_deleted());
    place.put(&item("u-2", "users/user", "uid=other,dc=x", anna(json!({})).object.unwrap().into()));
    let told = place.dry_run();
    let calls: Vec<Vec<String>> = told.items.iter().map(calls_of).collect();
    assert_eq!(
        calls,
        [
            vec!["User.create 10", "User.changeByModuleAccess 10"],
            vec!["User.change 10"],
            vec!["User.delete 10"],
            vec!["User.create 10", "User.changeByModuleAccess 10"],
        ]
    );
    // The id is OX's to give.
    assert_eq!(told.items[1]["calls"][0]["id"], Value::Null);
    assert_eq!(
        told.items[1]["calls"][0]["changes"],
        json!([{"field": "title", "old": "", "new": "Dr."}])
    );
    assert_eq!(told.calls(), place.run().0);
}

#[test]
fn a_new_context_is_there_for_its_users() {
    let place = Place::new(Fake::new());
    let context = json!({"contextid": 77, "name": "new", "oxQuota": 100});
    place.put(&anna(json!({"oxContext": 77})));
    place.put(&item("c-77", "oxmail/oxcontext", "cn=new,dc=x", context));
    let told = place.dry_run();
    assert_eq!(
        told.calls(),
        ["Context.create 77", "User.create 77", "User.changeByModuleAccess 77"]
    );
    assert_eq!(change_of(&told.items[0], "maxQuota")["new"], 100);
    assert_eq!(
        told.items[0]["files"],
        json!([{"file": "contexts.json", "entry": "77", "old": null, "new": "oxadmin-context77"}])
    );
    let secrets = std::fs::read_to_string(place.data().join("secrets/contexts.json")).unwrap();
    assert!(!secrets.contains("77"), "it is written by the run alone");
    assert_eq!(told.calls(), place.run().0);
}

#[test]
fn a_context_that_would_be_removed_is_gone() {
    let place = Place::new(Fake::new().with_context(10).with_context(11));
    let context = json!({"contextid": 10, "name": "ten"});
    place.put(&item("c-10", "oxmail/oxcontext", "cn=ten,dc=x", context));
    assert_eq!(place.run().0, ["Context.change 10"]);
    place.put(&item("c-10", "oxmail/oxcontext", "cn=ten,dc=x", Value::Null));
    let told = place.dry_run();
    assert_eq!(told.calls(), ["Context.delete 10"]);
    assert_eq!(told.items[0]["files"][0]["new"], Value::Null);
    assert_eq!(told.calls(), place.run().0);
}

#[test]
fn what_ox_has_counts_not_what_was_sent() {
    let place = Place::new(Fake::new().with_context(10));
    place.put(&anna(json!({})));
    place.run();
    place.ox.change_world(|world| {
        let user = world.contexts.get_mut(&10).unwrap().users.values_mut().next().unwrap();
        user.user.set(idspool_ox_soap::UserField::Title, "set in OX");
    });
    place.put(&anna(json!({"phone": ["1"]})));
    let online = place.dry_run();
    assert_eq!(change_of(&online.items[0], "title")["old"], "set in OX");
    let offline = place.offline();
    assert_eq!(change_of(&offline.items[0], "title"), &Value::Null);
    for told in [online, offline] {
        assert_eq!(change_of(&told.items[0], "telephone_business1")["new"], "1");
        assert_eq!(told.calls(), ["User.change 10"]);
    }
}

#[test]
fn rights_are_told_by_difference() {
    let place = Place::new(Fake::new().with_context(10));
    place.put(&anna(json!({})));
    place.run();
    place.put(&anna(json!({"oxAccess": "webmail"})));
    for told in [place.dry_run(), place.offline()] {
        assert_eq!(
            change_of(&told.items[0], "moduleAccess"),
            &json!({"field": "moduleAccess", "added": [], "removed": ["tasks"]})
        );
    }
}

#[test]
fn values_that_ox_refuses_are_foreseen() {
    let place = Place::new(Fake::new().with_context(10).with_user(10, 9, "taken"));
    place.put(&anna(json!({})));
    place.run();
    for (changes, text) in [
        (json!({"lastname": ""}), "OX refuses empty values for sur_name"),
        (json!({"username": "taken"}), "User taken already exists"),
        (json!({"title": "a\u{2}"}), "field title: the character U+0002"),
    ] {
        place.put(&anna(changes));
        let told = place.dry_run();
        let fault = &told.items[0]["faults"][0];
        assert!(fault["message"].as_str().unwrap().contains(text), "{fault}");
        assert_eq!(fault["class"], "permanent");
        place.queue.remove(&place.queue.names().unwrap()[0]).unwrap();
    }
    // What OX can be told to accept is no fault.
    place.put(&anna(json!({"username": "änna"})));
    let told = place.dry_run();
    assert!(told.items[0]["warnings"][0].as_str().unwrap().contains("login name 'änna'"));
    assert_eq!(told.summary["faulty"], 0);
}

#[test]
fn a_group_that_becomes_empty_goes_with_its_last_member() {
    let place = Place::new(Fake::new().with_context(10).with_group(10, 7, "others", &[]));
    place.put(&anna(json!({})));
    place.put(&item(
        "g",
        "groups/group",
        "cn=g,dc=x",
        json!({
            "isOxGroup": "OK", "name": "team", "users": [anna(json!({})).dn],
        }),
    ));
    place.run();
    place.put(&anna_deleted());
    let told = place.dry_run();
    assert_eq!(told.calls(), ["User.delete 10", "Group.delete 10"]);
    assert!(!place.data().join("unfinished").exists(), "nothing is noted");
    assert_eq!(place.offline().calls(), ["User.delete 10"]);
    assert!(place.offline().items[0]["warnings"].to_string().contains("not known without"));
    assert_eq!(told.calls(), place.run().0);
}

#[test]
fn what_an_earlier_run_left_unfinished_is_foreseen() {
    let place = Place::new(Fake::new().with_context(10).with_group(10, 7, "left", &[]));
    place.put(&anna(json!({})));
    place.run();
    std::fs::create_dir(place.data().join("unfinished")).unwrap();
    let note = json!({"groups": {"context": 10, "groups": [[7, "left"]]}});
    let path = place.data().join(format!("unfinished/{}.json", crate::tests::stage::ANNA));
    std::fs::write(&path, note.to_string()).unwrap();
    place.put(&anna_deleted());
    let told = place.dry_run();
    assert_eq!(told.calls(), ["User.delete 10", "Group.delete 10"]);
    assert!(path.exists(), "the note stays");
    assert_eq!(told.calls(), place.run().0);
    assert!(!path.exists());
}

#[test]
fn profiles_count_for_the_users_behind_them() {
    let place = Place::new(Fake::new().with_context(10));
    let profile = json!({"name": "new", "tasks": "TRUE"});
    place.put(&anna(json!({"oxAccess": "new"})));
    place.put(&item("p", "oxmail/accessprofile", "cn=new,dc=x", profile));
    let told = place.dry_run();
    assert_eq!(
        told.items[0]["files"],
        json!([{
            "file": "ModuleAccessDefinitions.properties", "entry": "new", "old": null, "new": "tasks",
        }])
    );
    assert_eq!(change_of(&told.items[1], "moduleAccess")["added"], json!(["tasks"]));
    let file = place.data().join("ModuleAccessDefinitions.properties");
    assert!(!std::fs::read_to_string(file).unwrap().contains("new="));
}

#[test]
fn deputies_are_told_by_name() {
    let config =
        idspool_service::Ox { enable_deputy_permissions: true, ..idspool_service::Ox::default() };
    let place = Place::with(Fake::new().with_context(10), config);
    let berta = anna(json!({"username": "berta", "mailPrimaryAddress": "berta@example.org"}));
    place.put(&item("u-2", "users/user", "uid=berta,dc=x", berta.object.unwrap().into()));
    place.put(&anna(json!({
        "oxDeputyPermissionGivenTo": [["uid=berta,dc=x", "02400", "00000", "1"]],
    })));
    let told = place.dry_run();
    assert_eq!(change_of(&told.items[1], "deputy")["added"], json!(["berta"]));
    assert_eq!(change_of(&told.items[1], "mail")["new"], "02400");
    assert_eq!(change_of(&told.items[1], "sendOnBehalfOf")["new"], true);
    assert_eq!(told.calls(), place.run().0);
}
