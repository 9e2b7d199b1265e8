//! Members and contexts (5.5.1).

use std::fs;

use super::*;

#[test]
fn a_group_is_created_in_each_context_of_its_members() {
    let stage = stage();
    assert_eq!(
        stage.calls(&of(&["carl", "berta", "anna"])),
        [
            "Group.getData 10 team",
            "Group.create 10 team",
            "Group.getData 11 team",
            "Group.create 11 team",
        ]
    );
    assert_eq!(in_ox(&stage, 10, "team"), Some((5, "team".into(), vec![3, 4])));
    assert_eq!(members_in(&stage, 11, "team"), Some(vec![3]));
    let expected = of(&["carl", "berta", "anna"]).object.unwrap();
    let mut snapshot = stage.snapshot(TEAM).unwrap();
    assert_eq!(snapshot.remove("oxDbGroupname"), Some(json!("team")));
    assert_eq!(snapshot, expected);
    assert!(stage.facts(TEAM).unwrap().active);
}

#[test]
fn a_member_that_joins_or_leaves_changes_its_context_alone() {
    let stage = stage();
    stage.deliver(&of(&["anna", "carl"])).unwrap();
    assert_eq!(
        stage.calls(&of(&["anna", "berta", "carl"])),
        ["Group.getData 10 team", "Group.change 10 #5"]
    );
    assert_eq!(members_in(&stage, 10, "team"), Some(vec![3, 4]));
    assert_eq!(
        stage.calls(&of(&["anna", "berta"])),
        ["Group.getData 11 team", "Group.delete 11 #4 team"],
        "the last member left"
    );
    assert_eq!(members_in(&stage, 11, "team"), None);
    assert_eq!(
        stage.calls(&of(&["carl", "anna", "berta"])),
        ["Group.getData 11 team", "Group.create 11 team"]
    );
}

#[test]
fn s2_0_1_members_that_ox_does_not_have_are_left_out_without_asking() {
    let stage = stage();
    let item = of(&["nobody", "anna", "late", "lost", "unknown"]);
    assert_eq!(
        stage.calls(&item),
        [
            "Group.getData 10 team",
            "Group.create 10 team",
            // Late is to be in context 11, where the group has nobody yet.
            "Group.getData 11 team",
        ]
    );
    assert_eq!(members_in(&stage, 10, "team"), Some(vec![3]));
    assert_eq!(stage.calls(&item), [""; 0]);
}

#[test]
fn members_are_found_by_any_spelling_and_count_once() {
    let stage = stage();
    let users = ["UID=Anna, CN=users,dc=example,DC=org".to_owned(), dn("anna"), dn("anna")];
    stage.deliver(&team(json!({ "users": users }))).unwrap();
    assert_eq!(members_in(&stage, 10, "team"), Some(vec![3]));
    assert_eq!(stage.calls(&of(&["anna"])), [""; 0], "nothing differs for OX");
}

#[test]
fn absent_and_null_members_are_none() {
    for users in [json!(null), json!([]), json!("")] {
        let stage = stage();
        stage.deliver(&of(&["anna"])).unwrap();
        let expected = ["Group.getData 10 team", "Group.delete 10 #5 team"];
        assert_eq!(stage.calls(&team(json!({ "users": users }))), expected);
        let mut without = team(json!({}));
        without.object.as_mut().unwrap().remove("users");
        assert_eq!(stage.calls(&without), [""; 0]);
        assert!(stage.snapshot(TEAM).is_some(), "an empty group stays known");
    }
}

#[test]
fn s2_3_1_contexts_as_text_and_as_number_are_one() {
    let stage = stage();
    // Anna's says 10, Berta's "10".
    let calls = stage.calls(&of(&["anna", "berta"]));
    assert_eq!(calls, ["Group.getData 10 team", "Group.create 10 team"]);
    assert_eq!(members_in(&stage, 10, "team"), Some(vec![3, 4]));
}

#[test]
fn s2_2_15_a_member_whose_snapshot_vanished_stops_the_group() {
    let stage = stage();
    let path = stage.file("listener/old/u-berta.json");
    fs::remove_file(&path).unwrap();
    let fault = stage.deliver(&of(&["anna", "berta"])).unwrap_err();
    let expected = format!(
        "Old object file {} for {} does not exist!\nYou need to re-provision \"{}\" (see \
         https://docs.software-univention.de/ox-connector-app/latest/troubleshooting.html\
         #traceback-provisioning-groups).",
        path.display(),
        dn("berta"),
        dn("berta"),
    );
    assert!(fault.message.ends_with(&expected), "{}", fault.message);
    assert!(fault.remedy.unwrap().contains("idspool ox cache forget"));
    assert_eq!(stage.ox.calls(), [""; 0], "nobody is left out silently");
    stage.objects.forget_dn(&dn("berta")).unwrap();
    stage.deliver(&of(&["anna", "berta"])).unwrap();
    assert_eq!(members_in(&stage, 10, "team"), Some(vec![3]));
}

#[test]
fn s2_5_a_vanished_former_member_stops_the_group_as_well() {
    let stage = stage();
    stage.deliver(&of(&["anna", "berta"])).unwrap();
    fs::remove_file(stage.file("listener/old/u-berta.json")).unwrap();
    let fault = stage.deliver(&of(&["anna"])).unwrap_err();
    assert!(fault.message.contains("u-berta.json"), "{}", fault.message);
}

#[test]
fn s2_2_10_no_snapshot_of_a_member_is_read() {
    let stage = stage();
    for name in ["u-anna", "u-berta"] {
        let path = stage.file(&format!("listener/old/{name}.json"));
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "unreadable").unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    }
    stage.deliver(&of(&["anna", "berta"])).unwrap();
    assert_eq!(members_in(&stage, 10, "team"), Some(vec![3, 4]));
}

#[test]
fn a_snapshot_of_a_member_that_was_edited_counts_as_it_is() {
    let stage = stage();
    let path = stage.file("listener/old/u-anna.json");
    let edited = user("anna", json!({"oxContext": "10", "oxDbId": 4}));
    fs::write(&path, edited.to_snapshot_bytes()).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(1);
    fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    stage.deliver(&of(&["anna"])).unwrap();
    assert_eq!(members_in(&stage, 10, "team"), Some(vec![4]));
}

#[test]
fn a_group_that_is_none_for_ox_costs_nothing() {
    let stage = stage();
    // Not even the look-up of members: one of them would be a fault.
    fs::remove_file(stage.file("listener/old/u-berta.json")).unwrap();
    let plain = |users: &[&str]| {
        let mut item = of(users);
        item.object.as_mut().unwrap().insert("isOxGroup".into(), json!("Not"));
        item
    };
    for item in [plain(&["anna", "berta"]), plain(&["berta"]), deleted()] {
        assert_eq!(stage.calls(&item), [""; 0]);
    }
    assert_eq!(stage.snapshot(TEAM), None);
}

#[test]
fn a_user_that_got_its_id_or_moved_changes_its_groups() {
    let stage = stage();
    stage.deliver(&of(&["anna", "carl", "late"])).unwrap();
    know(&stage, &user("late", json!({"oxContext": 11, "oxDbId": 3})));
    know(&stage, &user("carl", json!({"oxContext": 10, "oxDbId": 4})));
    assert_eq!(
        stage.calls(&of(&["anna", "carl", "late"])),
        ["Group.getData 10 team", "Group.change 10 #5"],
        "in context 11 the id is the same"
    );
    assert_eq!(members_in(&stage, 10, "team"), Some(vec![3, 4]));
    know(&stage, &user("late", json!({"oxContext": 10, "oxDbId": 4})));
    assert_eq!(
        stage.calls(&of(&["anna", "carl", "late"])),
        ["Group.getData 11 team", "Group.delete 11 #4 team"],
        "noted at the last delivery, although no member is there any more"
    );
}
