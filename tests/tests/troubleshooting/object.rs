//! Objects that cannot be sent as they are.

use serde_json::json;

use crate::world::{World, dn_of, text, user, with};

/// Manual 6.10, for users.
#[test]
fn an_identifier_without_a_value_or_with_several() {
    for value in [json!(null), json!(["1", "2"])] {
        let world = World::new(&[]);
        world.configure("[ox]\n", "[ox]\nuser_identifier = 'employeeNumber'\n");
        world.enqueue(1, "anna", "users/user", with(user("anna"), "employeeNumber", value));
        let fault = world.stops("identifier", "");
        assert!(fault["steps"].to_string().contains("idspool config check"), "{fault}");
        world.configure("user_identifier = 'employeeNumber'\n", "");
        world.provision();
    }
}

/// The same for groups.
#[test]
fn a_group_identifier_without_a_value_or_with_several() {
    for property in ["description", "users"] {
        let world = World::new(&[]);
        world.enqueue(1, "anna", "users/user", user("anna"));
        world.provision();
        world.configure("[ox]\n", &format!("[ox]\ngroup_identifier = '{property}'\n"));
        let team = json!({"name": "team", "isOxGroup": "OK", "users": [dn_of("anna")]});
        world.enqueue(2, "team", "groups/group", team);
        world.stops("identifier", "");
        world.configure(&format!("group_identifier = '{property}'\n"), "");
        world.provision();
    }
}

#[test]
fn a_user_without_what_ox_demands() {
    let world = World::new(&[]);
    let item = world.enqueue(1, "anna", "users/user", with(user("anna"), "lastname", ""));
    let fault = world.stops("mandatory", "Mandatory attributes: sur_name.");
    assert_eq!(fault["dn"], dn_of("anna"));
    // As the steps say: the object is completed, which makes a new item, and this one is given up.
    world.enqueue(2, "anna", "users/user", user("anna"));
    assert_eq!(
        world.run("idspool", &["queue", "remove", item.to_str().unwrap()]).status.code(),
        Some(0)
    );
    world.provision();
    assert_eq!(text(&world.run("idspool", &["explain"]).stdout), "nothing stands\n");
}

#[test]
fn a_login_template_that_does_not_fit() {
    let world = World::new(&[]);
    world.configure("[ox]\n", "[ox]\nimap_login = '{nosuch}'\n");
    world.enqueue(1, "anna", "users/user", user("anna"));
    world.stops("imap-login", "'nosuch'");
}

#[test]
fn values_that_cannot_be_sent() {
    let world = World::new(&[]);
    world.enqueue(1, "anna", "users/user", with(user("anna"), "birthday", "yesterday"));
    world.stops("value", "unknown date format");
    let world = World::new(&[]);
    world.enqueue(1, "anna", "users/user", with(user("anna"), "oxContext", "ten"));
    world.stops("value", "'oxContext'");
}

/// Manual 6.7.
#[test]
fn a_group_with_a_member_whose_snapshot_is_missing() {
    let world = World::new(&[]);
    world.enqueue(1, "anna", "users/user", user("anna"));
    world.provision();
    std::fs::remove_file(world.snapshot_path("anna")).unwrap();
    let group = json!({"name": "team", "isOxGroup": "OK", "users": [dn_of("anna")]});
    world.enqueue(2, "team", "groups/group", group);
    let fault = world.stops("missing-snapshot", "Old object file ");
    let message = fault["message"].as_str().unwrap();
    assert!(
        message.contains(&format!("You need to re-provision \"{}\"", dn_of("anna"))),
        "{message}"
    );
    let steps = fault["steps"].to_string();
    assert!(steps.contains(&format!("--entry-uuid anna --dn '{}'", dn_of("anna"))), "{steps}");
    // After the member was re-provisioned the group goes on by itself.
    world.enqueue(3, "anna", "users/user", user("anna"));
    world.provision();
    let state = world.sandbox.get("/state").unwrap();
    let groups = state["contexts"][0]["groups"].as_array().unwrap();
    let team = groups.iter().find(|group| group["name"] == "team").unwrap();
    assert_eq!(team["members"].as_array().unwrap().len(), 1);
}

/// The same when the member is no longer in the directory, with the command that `explain` prints.
#[test]
fn a_group_with_a_member_that_is_gone_everywhere() {
    let world = World::new(&[]);
    world.enqueue(1, "anna", "users/user", user("anna"));
    let dn = "uid=o'neil,cn=users,dc=example,dc=org";
    let item = json!({
        "id": "oneil", "udm_object_type": "users/user", "dn": dn, "object": user("oneil"), "options": null,
    });
    world.write(2, &item.to_string());
    world.provision();
    std::fs::remove_file(world.snapshot_path("oneil")).unwrap();
    let group = json!({"name": "team", "isOxGroup": "OK", "users": [dn_of("anna"), dn]});
    world.enqueue(3, "team", "groups/group", group);
    let fault = world.stops("missing-snapshot", "Old object file ");
    let steps = fault["steps"].as_array().unwrap();
    let command = steps.last().unwrap().as_str().unwrap().trim_start_matches("$ ").to_owned();
    let output = world.shell(&command);
    assert!(output.status.success(), "{command}: {}", text(&output.stderr));
    world.provision();
}

#[test]
fn an_item_is_explained_by_what_it_would_change() {
    let world = World::new(&[]);
    world.enqueue(1, "anna", "users/user", user("anna"));
    world.provision();
    let changed = with(with(user("anna"), "phone", json!(["1"])), "password", "hush-hush");
    let item = world.enqueue(2, "anna", "users/user", with(changed, "oxContext", "10"));
    let name = item.file_name().unwrap().to_str().unwrap();
    let output = world.run("idspool", &["--json", "explain", name]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["item"]["effect"], "changes");
    let differences = answer["item"]["differences"].as_array().unwrap();
    let properties: Vec<_> = differences.iter().map(|d| d["property"].as_str().unwrap()).collect();
    assert_eq!(properties, ["password", "phone"], "a context in another form is no change");
    assert_eq!(
        (&differences[1]["old"], &differences[1]["new"]),
        (&json!("nothing"), &json!("[\"1\"]"))
    );
    let words = text(&world.run("idspool", &["explain", name]).stdout);
    assert!(words.contains("phone: nothing -> [\"1\"]") && !words.contains("hush-hush"), "{words}");
    // The same after it was set aside, also by its path there.
    world.run("idspool", &["queue", "remove", name]);
    let aside = world.idspool.ox_queue().join(".removed").join(name);
    for item in [name, aside.to_str().unwrap()] {
        let words = text(&world.run("idspool", &["explain", item]).stdout);
        assert!(words.contains("set aside from") && words.contains("phone: nothing"), "{words}");
    }
    let unknown = world.run("idspool", &["explain", "2020-01-01-00-00-00-000000.json"]);
    assert_eq!(unknown.status.code(), Some(2));
}
