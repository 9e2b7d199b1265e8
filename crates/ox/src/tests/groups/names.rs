//! Names of groups (5.5.2, 10.4).

use idspool_service::Ox as Config;

use super::*;

fn named(name: &str, users: &[&str]) -> ConvertedItem {
    let mut item = of(users);
    item.object.as_mut().unwrap().insert("name".into(), json!(name));
    item
}

fn identified_by(identifier: &str) -> Stage {
    let config = Config { group_identifier: Some(identifier.into()), ..Config::default() };
    with_users(Stage::with_config(server(), config))
}

#[test]
fn a_rename_keeps_the_ids() {
    let stage = stage();
    stage.deliver(&of(&["anna", "carl"])).unwrap();
    assert_eq!(
        stage.calls(&named("crew", &["anna", "carl"])),
        [
            "Group.getData 10 team",
            "Group.change 10 #5",
            "Group.getData 11 team",
            "Group.change 11 #4",
        ]
    );
    assert_eq!(in_ox(&stage, 10, "crew"), Some((5, "crew".into(), vec![3])));
    assert_eq!(written_name(&stage).as_deref(), Some("crew"));
    stage.deliver(&named("Crew", &["anna", "carl"])).unwrap();
    assert_eq!(in_ox(&stage, 10, "Crew").unwrap().0, 5, "a change of case alone");
    assert_eq!(stage.calls(&deleted())[0], "Group.getData 10 Crew");
}

#[test]
fn the_group_named_users_is_never_touched() {
    for name in ["users", "Users", "USERS"] {
        let stage = stage();
        for item in [named(name, &["anna"]), named(name, &["anna", "berta"]), deleted()] {
            let lines = logged(|| assert_eq!(stage.calls(&item), [""; 0], "{name}"));
            let expected = format!("INFO Ignoring group \"{name}\"");
            assert!(lines.contains(&expected), "{lines:#?}");
        }
        assert_eq!(stage.snapshot(TEAM), None);
    }
}

#[test]
fn a_group_renamed_to_users_stays_as_it_was_and_comes_back() {
    let stage = stage();
    stage.deliver(&of(&["anna"])).unwrap();
    assert_eq!(stage.calls(&named("Users", &["anna", "berta"])), [""; 0]);
    assert_eq!(written_name(&stage).as_deref(), Some("team"));
    let calls = stage.calls(&named("crew", &["anna", "berta"]));
    assert_eq!(calls, ["Group.getData 10 team", "Group.change 10 #5"]);
}

#[test]
fn a_group_that_was_named_users_is_created_under_its_new_name() {
    let stage = stage();
    stage.deliver(&named("users", &["anna"])).unwrap();
    let calls = stage.calls(&named("crew", &["anna"]));
    assert_eq!(calls, ["Group.getData 10 crew", "Group.create 10 crew"]);
}

#[test]
fn s10_4_the_entry_uuid_can_be_the_name() {
    let stage = identified_by("entryUUID");
    stage.deliver(&of(&["anna"])).unwrap();
    assert_eq!(in_ox(&stage, 10, TEAM), Some((5, TEAM.into(), vec![3])));
    assert_eq!(written_name(&stage).as_deref(), Some(TEAM));
    assert_eq!(stage.calls(&named("crew", &["anna"])), [""; 0], "the name does not count");
}

#[test]
fn s10_4_a_changed_setting_renames_and_does_not_duplicate() {
    let stage = identified_by("other");
    let mut known = of(&["anna"]);
    known.object.as_mut().unwrap().insert("oxDbGroupname".into(), json!("team"));
    know(&stage, &known);
    let stage_ox = stage.ox.clone().with_group(10, 5, "team", &[3]);
    let mut item = of(&["anna"]);
    item.object.as_mut().unwrap().insert("other".into(), json!("team2"));
    stage.deliver(&item).unwrap();
    assert_eq!(stage_ox.world().contexts[&10].groups.len(), 1);
    assert_eq!(in_ox(&stage, 10, "team2").unwrap().0, 5);
}

#[test]
fn s10_4_an_identifier_without_single_value_stops_with_the_documented_text() {
    let stage = identified_by("other");
    let with = |value: Value| {
        let mut item = of(&["anna"]);
        item.object.as_mut().unwrap().insert("other".into(), value);
        item
    };
    for (value, text) in [
        (
            json!(null),
            "No name for this attribute. Missing or misconfigured identifier app settings\n",
        ),
        (json!(["a"]), "The String type doesn't accept collections as value"),
    ] {
        let fault = stage.deliver(&with(value)).unwrap_err();
        assert!(fault.message.contains(text), "{}", fault.message);
        assert!(fault.remedy.unwrap().contains("OX_GROUP_IDENTIFIER"));
        assert_eq!(fault.class, idspool_spool::FaultClass::Permanent);
    }
    let plain = item(TEAM, "groups/group", TEAM_DN, json!({"isOxGroup": "Not", "users": []}));
    stage.deliver(&plain).unwrap();
}

#[test]
fn s2_1_0_any_name_will_do() {
    let stage = stage();
    for name in ["Vertrieb, Süd; 100 %", "a=b+c", "<&>\"'", "x y"] {
        stage.deliver(&named(name, &["anna", "carl"])).unwrap();
        assert_eq!(members_in(&stage, 10, name), Some(vec![3]), "{name}");
        assert_eq!(stage.calls(&named(name, &["anna", "carl"])), [""; 0], "{name}");
    }
    assert_eq!(stage.ox.world().contexts[&10].groups.len(), 1);
}

#[test]
fn a_group_of_another_object_is_not_taken_over_by_a_new_one() {
    let mut stage = stage();
    stage.deliver(&of(&["anna"])).unwrap();
    let elsewhere = ConvertedItem {
        id: "g-2".into(),
        dn: "cn=team,ou=new,dc=example,dc=org".into(),
        ..of(&["berta"])
    };
    // The removal of the first one comes after this.
    stage.waiting.0.push(TEAM.to_owned());
    let fault = stage.deliver(&elsewhere).unwrap_err();
    assert!(fault.message.contains("group 'team' in context 10 is that of cn=team,cn=groups,"));
    assert_eq!(fault.waits_for.as_deref(), Some(TEAM));
    assert_eq!(members_in(&stage, 10, "team"), Some(vec![3]), "OX has what it had");
    stage.deliver(&deleted()).unwrap();
    stage.deliver(&elsewhere).unwrap();
    assert_eq!(members_in(&stage, 10, "team"), Some(vec![4]));
}

#[test]
fn a_group_of_another_object_is_not_taken_over_by_a_rename() {
    let stage = stage();
    let crew = |name: &str| {
        let object = json!({"name": name, "isOxGroup": "OK", "users": [dn("berta")]});
        item("g-crew", "groups/group", "cn=crew,cn=groups,dc=example,dc=org", object)
    };
    stage.deliver(&of(&[])).unwrap();
    stage.deliver(&crew("crew")).unwrap();
    // The item of the other group, which gives the name up, comes after this one.
    let fault = stage.deliver(&named("crew", &["anna"])).unwrap_err();
    assert!(fault.message.contains("group 'crew' in context 10 is that of cn=crew,"), "{fault:?}");
    assert_eq!(members_in(&stage, 10, "crew"), Some(vec![4]), "OX has what it had");
    stage.deliver(&crew("band")).unwrap();
    stage.deliver(&named("crew", &["anna"])).unwrap();
    assert_eq!(members_in(&stage, 10, "band"), Some(vec![4]));
    assert_eq!(members_in(&stage, 10, "crew"), Some(vec![3]));
}
