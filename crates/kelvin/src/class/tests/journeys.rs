//! Creating, changing, and what is not sent.

use idspool_spool::FaultClass;
use serde_json::{Value, json};

use super::stage::{Stage, class_dn, class_item, item, logged, with};
use crate::fake::Fake;
use crate::kelvin::Kelvin as _;

fn stage() -> Stage {
    let stage = Stage::new(Fake::with_schools(&["School1", "School2", "A-B", "Foreign"]));
    for name in ["anna", "berta", "carl"] {
        stage.add_user(name);
    }
    stage
}

fn shown(stage: &Stage, school: &str, name: &str) -> Value {
    let class = stage.server.class(school, name).unwrap().unwrap();
    let pick = |key: &str| (key.to_owned(), class.attributes[key].clone());
    Value::Object(["name", "school", "description", "users"].map(pick).into_iter().collect())
}

/// The body of the only request with one.
fn body(stage: &Stage, work: impl FnOnce()) -> Value {
    stage.server.requests();
    work();
    let mut bodies: Vec<Value> =
        stage.server.requests().into_iter().filter_map(|request| request.body).collect();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    bodies.remove(0)
}

#[test]
fn a_new_class_takes_two_requests() {
    let stage = stage();
    let new = class_item("c-1", "School1", "5a", &["anna", "berta"]);
    let lines = logged(|| {
        assert_eq!(stage.calls(&new), ["GET classes/School1/5a", "POST classes/"]);
    });
    for expected in [
        "INFO Group does not exist on target system, creating it.".to_owned(),
        format!(
            "INFO School class created: '5a' of school 'School1' (DN '{}', entryUUID c-1)",
            class_dn("School1", "5a")
        ),
    ] {
        assert!(lines.contains(&expected), "{expected}: {lines:#?}");
    }
    let expected = json!({
        "name": "5a", "school": "School1", "description": "Klasse 5a", "users": ["anna", "berta"],
    });
    assert_eq!(shown(&stage, "School1", "5a"), expected);
    let snapshot = stage.snapshot("c-1").unwrap();
    assert_eq!(snapshot, new, "nothing is added");
}

#[test]
fn the_body_of_a_new_class_has_what_is_mapped_and_not_null() {
    let stage = stage();
    let new = with(class_item("c-1", "School1", "5a", &["anna"]), json!({"description": null}));
    let sent = body(&stage, || stage.deliver(&new).unwrap());
    assert_eq!(sent, json!({"name": "5a", "school": "School1", "users": ["anna"]}));
}

#[test]
fn an_unchanged_class_takes_none_and_a_changed_one_two() {
    let stage = stage();
    let class = |users: &[&str]| class_item("c-1", "School1", "5a", users);
    stage.deliver(&class(&["anna", "berta"])).unwrap();
    assert!(stage.calls(&class(&["anna", "berta"])).is_empty());
    assert!(stage.calls(&class(&["berta", "anna"])).is_empty(), "members have no order");
    let other = with(class(&["anna", "berta"]), json!({"mailAddress": "5a@example.org"}));
    assert!(stage.calls(&other).is_empty(), "it is not mapped");
    let fewer = class(&["anna"]);
    let lines = logged(|| {
        assert_eq!(stage.calls(&fewer), ["GET classes/School1/5a", "PATCH classes/School1/5a"]);
    });
    assert!(lines.contains(&"INFO Group exists on target system, modifying it.".into()));
    assert!(lines.iter().any(|line| line.starts_with("INFO School class modified: '5a' of")));
    assert_eq!(stage.server.members("School1", "5a").unwrap(), ["anna"]);
}

#[test]
fn only_what_differs_is_sent() {
    let stage = stage();
    let class = class_item("c-1", "School1", "5a", &["anna"]);
    stage.deliver(&class).unwrap();
    for (changes, expected) in [
        (json!({"description": "other"}), json!({"description": "other"})),
        (json!({"description": null}), json!({"description": null})),
        (
            json!({"description": "again", "users": []}),
            json!({"description": "again", "users": []}),
        ),
    ] {
        let changed = with(class.clone(), changes);
        assert_eq!(body(&stage, || stage.deliver(&changed).unwrap()), expected);
    }
    // What the server has already.
    let attributes = json!({"description": "by hand"});
    stage.server.change_class("School1", "5a", attributes.as_object().unwrap()).unwrap();
    let changed = with(class.clone(), json!({"description": "by hand", "users": []}));
    assert_eq!(stage.calls(&changed), ["GET classes/School1/5a"]);
    // Unset and empty are the same.
    stage.deliver(&with(class.clone(), json!({"description": null}))).unwrap();
    assert!(stage.calls(&with(class, json!({"description": ""}))).is_empty());
}

#[test]
fn a_reprovisioned_class_is_sent_whole() {
    let mut stage = stage();
    let class = class_item("c-1", "School1", "5a", &["anna"]);
    stage.deliver(&class).unwrap();
    stage.forced = true;
    let sent = body(&stage, || stage.deliver(&class).unwrap());
    assert_eq!(sent, json!({"description": "Klasse 5a", "users": ["anna"]}));
    let lines = logged(|| stage.deliver(&class).unwrap());
    let named = lines.iter().rfind(|line| line.contains("School1-5a")).unwrap();
    assert!(named.contains("modified"), "{named}");
}

#[test]
fn a_class_that_is_there_is_taken_over() {
    let stage = stage();
    let _there = stage.server.clone().with_class("School1", "5A", &["carl"]);
    let class = class_item("c-1", "school1", "5a", &["anna"]);
    assert_eq!(stage.calls(&class), ["GET classes/School1/5a", "PATCH classes/School1/5A"]);
    let expected = json!({
        "name": "5A", "school": "School1", "description": "Klasse 5a", "users": ["anna"],
    });
    assert_eq!(shown(&stage, "School1", "5a"), expected, "letter case alone is no other name");
}

#[test]
fn schools_and_classes_with_hyphens_in_scrambled_case() {
    let stage = stage();
    let class = class_item("c-1", "a-b", "c-d-1", &["anna"]);
    assert_eq!(stage.calls(&class), ["GET classes/A-B/c-d-1", "POST classes/"]);
    assert_eq!(stage.server.members("A-B", "c-d-1").unwrap(), ["anna"]);
}

#[test]
fn without_members_in_the_mapping_they_are_the_servers() {
    let mut stage = stage();
    stage.configure(|stage| {
        let mapping = stage.authority.mappings.school_classes.as_mut().unwrap();
        mapping.remove("users");
    });
    let class = class_item("c-1", "School1", "5a", &["anna"]);
    let sent = body(&stage, || stage.deliver(&class).unwrap());
    assert_eq!(sent, json!({"name": "5a", "school": "School1", "description": "Klasse 5a"}));
    let attributes = json!({"users": ["carl"]});
    stage.server.change_class("School1", "5a", attributes.as_object().unwrap()).unwrap();
    assert!(stage.calls(&with(class.clone(), json!({"users": []}))).is_empty());
    stage.forced = true;
    stage.deliver(&class).unwrap();
    assert_eq!(stage.server.members("School1", "5a").unwrap(), ["carl"]);
}

#[test]
fn a_changed_mapping_reaches_a_class_at_its_next_item() {
    let mut stage = stage();
    let class = class_item("c-1", "School1", "5a", &["anna"]);
    stage.deliver(&class).unwrap();
    stage.configure(|stage| {
        let mapping = stage.authority.mappings.school_classes.as_mut().unwrap();
        mapping.remove("description");
        mapping.insert("mailAddress".into(), "description".into());
    });
    let class = with(class, json!({"mailAddress": "5a@example.org"}));
    assert_eq!(
        body(&stage, || stage.deliver(&class).unwrap()),
        json!({"description": "5a@example.org"})
    );
}

#[test]
fn other_attributes_of_the_api_are_sent_and_others_are_not() {
    let mut stage = stage();
    stage.configure(|stage| {
        let mapping = stage.authority.mappings.school_classes.as_mut().unwrap();
        mapping.insert("ucsschoolRole".into(), "ucsschool_roles".into());
        mapping.insert("share".into(), "create_share".into());
        mapping.insert("extra".into(), "udm_properties".into());
        mapping.insert("mailAddress".into(), "mailAddress".into());
    });
    let roles = json!(["school_class:school:School1", "a:b:c"]);
    let properties = json!({"ucsschoolRole": roles, "share": "1", "extra": {"x": "1", "y": null}});
    let class = with(class_item("c-1", "School1", "5a", &[]), properties);
    let sent = body(&stage, || stage.deliver(&class).unwrap());
    let expected = json!({
        "name": "5a", "school": "School1", "description": "Klasse 5a", "users": [], "create_share": true,
        "ucsschool_roles": roles, "udm_properties": {"x": "1", "y": null},
    });
    assert_eq!(sent, expected);
}

#[test]
fn a_mapping_that_cannot_work_is_named() {
    for (from, to, value, expected) in [
        ("extra", "udm_properties", json!("x"), "'extra' cannot become 'udm_properties'"),
        ("extra", "name", json!(null), "'extra' cannot become 'name'"),
        ("extra", "users", json!([]), "'extra' cannot become 'users'"),
    ] {
        let mut stage = stage();
        stage.configure(|stage| {
            let mapping = stage.authority.mappings.school_classes.as_mut().unwrap();
            mapping.remove(to);
            mapping.insert(from.into(), to.into());
        });
        let class = with(class_item("c-1", "School1", "5a", &[]), json!({"extra": value}));
        let fault = stage.deliver(&class).unwrap_err();
        assert!(fault.message.contains(expected), "{fault:?}");
        assert!(fault.message.contains("cn=School1-5a"), "{fault:?}");
        assert_eq!(fault.class, FaultClass::Permanent);
        assert!(fault.remedy.unwrap().contains("mapping.school_classes"));
    }
}

#[test]
fn a_missing_mapping_is_a_fault_with_a_remedy() {
    let mut stage = stage();
    stage.configure(|stage| stage.authority.mappings.school_classes = None);
    let class = class_item("c-1", "School1", "5a", &[]);
    let fault = stage.deliver(&class).unwrap_err();
    assert_eq!(fault.class, FaultClass::Permanent);
    assert!(fault.message.contains("'auth1' has no mapping for school classes"), "{fault:?}");
    assert!(fault.remedy.unwrap().contains("mapping.school_classes"));
    // Classes that cannot be there anyway do not need it.
    stage.deliver(&class_item("c-2", "Foreign", "5a", &[])).unwrap();
}

#[test]
fn names_that_kelvin_refuses_are_named() {
    let stage = stage();
    let fault = stage.deliver(&class_item("c-1", "School1", "5ä", &[])).unwrap_err();
    assert_eq!(fault.class, FaultClass::Permanent);
    assert!(fault.message.contains("cn=School1-5ä"), "{fault:?}");
    let remedy = fault.remedy.unwrap();
    assert!(remedy.contains("without umlauts") && remedy.contains("'5ä'"), "{remedy}");
    // With a comma it is no class at all (id-connector 4.1).
    let dn = "cn=School1-5\\2ca,cn=klassen,cn=schueler,cn=groups,ou=School1,dc=example,dc=org";
    let odd = item("c-2", "groups/group", dn, json!({"users": []}));
    let lines = logged(|| assert!(stage.calls(&odd).is_empty()));
    assert!(lines.iter().any(|l| l.contains("Ignoring non-school_class group")), "{lines:#?}");
}

#[test]
fn a_refused_change_of_members_tells_of_addresses_that_the_server_remembers() {
    let stage = stage();
    let class = |users: &[&str]| class_item("c-1", "School1", "5a", users);
    stage.deliver(&class(&["anna"])).unwrap();
    stage.server.refuse("PATCH classes/", idspool_kelvin_client::RefusalKind::Invalid);
    let fault = stage.deliver(&class(&["anna", "berta"])).unwrap_err();
    assert_eq!(fault.class, FaultClass::Permanent);
    let remedy = fault.remedy.unwrap();
    assert!(remedy.contains("moved to another school") && remedy.contains("restarted"), "{remedy}");
    stage.server.heal();
    stage.deliver(&class(&["anna", "berta"])).unwrap();
    assert_eq!(stage.server.members("School1", "5a").unwrap(), ["anna", "berta"]);
}

#[test]
fn a_class_that_appeared_meanwhile_is_changed() {
    let stage = stage();
    // The server made it for a user between our question and our request.
    let _there = stage.server.clone().with_class("School1", "5a", &["berta"]);
    stage.deliver(&class_item("c-0", "School1", "other", &[])).unwrap();
    stage.server.calls();
    stage.server.hide_classes_for(1);
    let class = class_item("c-1", "School1", "5a", &["anna"]);
    stage.deliver(&class).unwrap();
    let path = "classes/School1/5a";
    let expected = [
        format!("GET {path}"),
        "POST classes/".into(),
        format!("GET {path}"),
        format!("PATCH {path}"),
    ];
    assert_eq!(stage.server.calls(), expected);
    assert_eq!(stage.server.members("School1", "5a").unwrap(), ["anna"]);
}

#[test]
fn a_name_that_is_taken_by_something_else_is_a_fault() {
    let stage = stage();
    stage.server.refuse("POST classes/", idspool_kelvin_client::RefusalKind::Taken);
    let fault = stage.deliver(&class_item("c-1", "School1", "5a", &["anna"])).unwrap_err();
    assert_eq!(fault.class, FaultClass::Permanent);
    assert!(stage.snapshot("c-1").is_none());
}

#[test]
fn a_school_that_vanished_a_moment_ago_is_looked_for_again() {
    let stage = stage();
    stage.deliver(&class_item("c-1", "School2", "5a", &[])).unwrap();
    stage.server.change_world(|world| world.schools.retain(|school| school != "School2"));
    let class = class_item("c-2", "School2", "5b", &[]);
    assert!(stage.deliver(&class).is_err());
    stage.deliver(&class).unwrap();
    assert!(stage.snapshot("c-2").is_none());
}

#[test]
fn what_broke_off_is_sent_again_also_if_the_next_item_wants_the_former_state() {
    use crate::fake::Failure;
    for failure in [Failure::After, Failure::Broken] {
        let stage = stage();
        let class = |text: &str| {
            with(class_item("c-1", "School1", "5a", &[]), json!({"description": text}))
        };
        stage.deliver(&class("old")).unwrap();
        stage.server.fail_at(2, failure);
        let fault = stage.deliver(&class("new")).unwrap_err();
        assert_eq!(fault.class, FaultClass::Transient, "{fault:?}");
        stage.server.heal();
        assert_eq!(shown(&stage, "School1", "5a")["description"], "new", "the answer was lost");
        // Somebody removed the item; the next one has the state that counts as delivered.
        stage.deliver(&class("old")).unwrap();
        assert_eq!(shown(&stage, "School1", "5a")["description"], "old");
        assert!(stage.calls(&class("old")).is_empty());
    }
}

#[test]
fn a_thousand_members_take_two_requests() {
    let stage = stage();
    let names: Vec<String> = (0..1000).map(|number| format!("pupil{number}")).collect();
    for name in &names {
        stage.add_user(name);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let class = class_item("c-1", "School1", "all", &names);
    assert_eq!(stage.calls(&class).len(), 2);
    assert_eq!(stage.server.members("School1", "all").unwrap().len(), 1000);
    assert!(stage.calls(&class).is_empty());
    assert_eq!(stage.calls(&class_item("c-1", "School1", "all", &names[1..])).len(), 2);
    assert_eq!(stage.server.members("School1", "all").unwrap().len(), 999);
}
