//! One context among several: skips, removals, what is found in OX (5.0, 5.5.2).

use super::*;

#[test]
fn is_ox_group_off_on_and_off_again() {
    let stage = stage();
    let with_flag =
        |flag: Value| team(json!({"isOxGroup": flag, "users": [dn("anna"), dn("carl")]}));
    stage.deliver(&with_flag(json!("OK"))).unwrap();
    let removed = [
        "Group.getData 10 team",
        "Group.delete 10 #5 team",
        "Group.getData 11 team",
        "Group.delete 11 #4 team",
    ];
    assert_eq!(stage.calls(&with_flag(json!("Not"))), removed);
    assert_eq!(written_name(&stage), None, "not taken from a copy that was deleted");
    assert!(!stage.facts(TEAM).unwrap().active);
    assert_eq!(stage.calls(&with_flag(json!(false))), [""; 0]);
    assert_eq!(stage.calls(&with_flag(json!(true))).len(), 4);
    assert_eq!(members_in(&stage, 11, "team"), Some(vec![3]));
    assert_eq!(written_name(&stage).as_deref(), Some("team"));
    assert_eq!(stage.calls(&with_flag(json!(null))).len(), 4);
    assert_eq!(members_in(&stage, 10, "team"), None);
}

#[test]
fn a_deleted_group_goes_in_every_context_and_what_is_gone_counts_as_deleted() {
    let stage = stage();
    stage.deliver(&of(&["anna", "carl"])).unwrap();
    stage.ox.change_world(|world| world.contexts.get_mut(&10).unwrap().groups.clear());
    assert_eq!(
        stage.calls(&deleted()),
        ["Group.getData 10 team", "Group.getData 11 team", "Group.delete 11 #4 team"]
    );
    assert_eq!((stage.snapshot(TEAM), stage.facts(TEAM)), (None, None));
}

#[test]
fn a_group_without_known_members_is_removed_where_it_was_noted() {
    let stage = stage();
    stage.deliver(&of(&["anna", "carl"])).unwrap();
    for name in ["u-anna", "u-carl"] {
        stage.objects.forget(name).unwrap();
    }
    assert_eq!(stage.calls(&deleted()).len(), 4);
    assert_eq!(members_in(&stage, 10, "team"), None);
}

#[test]
fn a_group_whose_members_are_all_unknown_needs_no_call() {
    let stage = stage();
    for item in [of(&["unknown"]), of(&["unknown", "lost"]), deleted()] {
        assert_eq!(stage.calls(&item), [""; 0]);
    }
}

#[test]
fn a_group_found_in_ox_without_snapshot_is_changed_and_keeps_its_id() {
    let stage = stage_over(server().with_group(10, 7, "Team", &[4]));
    assert_eq!(stage.calls(&of(&["anna"])), ["Group.getData 10 team", "Group.change 10 #7"]);
    assert_eq!(in_ox(&stage, 10, "team"), Some((7, "team".into(), vec![3])));
}

#[test]
fn a_group_found_in_ox_without_snapshot_and_members_is_removed() {
    let stage = stage_over(server().with_group(10, 7, "team", &[4]));
    let calls = stage.calls(&of(&["nobody"]));
    assert_eq!(calls, ["Group.getData 10 team", "Group.delete 10 #7 team"]);
}

#[test]
fn a_group_that_vanished_in_ox_is_created_again_when_it_changes() {
    let stage = stage();
    stage.deliver(&of(&["anna"])).unwrap();
    stage.ox.change_world(|world| world.contexts.get_mut(&10).unwrap().groups.clear());
    assert_eq!(
        stage.calls(&of(&["anna", "berta"])),
        ["Group.getData 10 team", "Group.create 10 team"]
    );
}

#[test]
fn s5_0_a_context_without_credentials_is_left_out_and_made_up_for() {
    let stage = stage();
    stage.deliver(&of(&["anna", "carl"])).unwrap();
    let entry = stage.credentials()["10"].clone();
    stage.set_credentials(|all| drop(all.remove("10")));
    let renamed = |users: &[&str]| {
        let mut item = of(users);
        item.object.as_mut().unwrap().insert("name".into(), json!("crew"));
        item
    };
    let lines = logged(|| stage.deliver(&renamed(&["anna", "berta", "carl"])).unwrap());
    let expected = "WARN Could not find admin password for context 10. Ignoring this task";
    assert!(lines.iter().any(|line| line == expected), "{lines:#?}");
    assert_eq!(stage.ox.calls()[4..], ["Group.getData 11 team", "Group.change 11 #4"]);
    assert_eq!(written_name(&stage).as_deref(), Some("crew"));
    stage.set_credentials(|all| drop(all.insert("10".into(), entry)));
    assert_eq!(
        stage.calls(&renamed(&["anna", "berta", "carl"])),
        ["Group.getData 10 team", "Group.change 10 #5"],
        "found by the name that it has there"
    );
    assert_eq!(in_ox(&stage, 10, "crew"), Some((5, "crew".into(), vec![3, 4])));
    assert_eq!(stage.calls(&renamed(&["anna", "berta", "carl"])), [""; 0]);
}

#[test]
fn s5_0_a_new_group_reaches_a_context_whose_credentials_come_later() {
    let stage = stage();
    let entry = stage.credentials()["10"].clone();
    stage.set_credentials(|all| drop(all.remove("10")));
    let created = ["Group.getData 11 team", "Group.create 11 team"];
    assert_eq!(stage.calls(&of(&["anna", "carl"])), created);
    stage.set_credentials(|all| drop(all.insert("10".into(), entry)));
    assert_eq!(
        stage.calls(&of(&["anna", "carl"])),
        ["Group.getData 10 team", "Group.create 10 team"]
    );
}

#[test]
fn s5_0_missing_credentials_are_a_fault() {
    let stage = stage();
    std::fs::remove_file(stage.file("secrets/contexts.json")).unwrap();
    let fault = stage.deliver(&of(&["anna"])).unwrap_err();
    assert!(fault.message.contains("contexts.json"), "{}", fault.message);
}

#[test]
fn s11_a_context_that_becomes_empty_takes_nothing_from_its_deleted_copy() {
    // Whichever of the two contexts is handled first, and without `oxDbGroupname` in the item.
    for (left, stays) in [("anna", "carl"), ("carl", "anna")] {
        let stage = stage();
        stage.deliver(&of(&["anna", "carl"])).unwrap();
        let calls = stage.calls(&of(&[stays]));
        assert_eq!(calls.len(), 2, "{left}: {calls:?}");
        assert_eq!(written_name(&stage).as_deref(), Some("team"));
        assert_eq!(stage.calls(&of(&[])).len(), 2);
        assert_eq!(written_name(&stage), None);
    }
}

#[test]
fn a_fault_in_one_context_stops_the_item_and_the_retry_completes_it() {
    let stage = stage();
    stage.ox.refuse("Group.create 11");
    let fault = stage.deliver(&of(&["anna", "carl"])).unwrap_err();
    assert!(fault.message.contains("refused on purpose"), "{}", fault.message);
    assert_eq!(stage.snapshot(TEAM), None);
    assert_eq!(members_in(&stage, 10, "team"), Some(vec![3]));
}
