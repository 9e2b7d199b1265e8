//! What is sent again and what is not: less work, re-provisioning, attempts that broke off.

use super::*;
use crate::fake::Failure;

#[test]
fn less_work_an_unchanged_group_needs_no_call() {
    let stage = stage();
    let item = of(&["anna", "berta", "carl"]);
    stage.deliver(&item).unwrap();
    assert_eq!(stage.calls(&item), [""; 0]);
    let mut other = of(&["carl", "anna", "berta"]);
    other.object.as_mut().unwrap().insert("description".into(), json!("new"));
    assert_eq!(stage.calls(&other), [""; 0], "nothing that OX knows of differs");
    assert_eq!(stage.snapshot(TEAM).unwrap()["description"], json!("new"));
    assert_eq!(written_name(&stage).as_deref(), Some("team"));
}

#[test]
fn forced_items_call_in_every_context() {
    let mut stage = stage();
    let item = of(&["anna", "carl"]);
    stage.deliver(&item).unwrap();
    stage.forced = true;
    assert_eq!(
        stage.calls(&item),
        [
            "Group.getData 10 team",
            "Group.change 10 #5",
            "Group.getData 11 team",
            "Group.change 11 #4",
        ]
    );
    assert_eq!(
        stage.calls(&of(&["carl"]))[..2],
        ["Group.getData 10 team", "Group.delete 10 #5 team"]
    );
}

#[test]
fn without_notes_of_the_last_delivery_old_and_new_members_tell_the_contexts() {
    // A snapshot of the OX Connector.
    let stage =
        stage_over(server().with_group(10, 7, "crew", &[3]).with_group(11, 8, "crew", &[3]));
    let mut old = of(&["anna", "carl"]);
    old.object.as_mut().unwrap().insert("oxDbGroupname".into(), json!("crew"));
    know(&stage, &old);
    assert_eq!(
        stage.calls(&of(&["anna"])),
        [
            "Group.getData 10 crew",
            "Group.change 10 #7",
            "Group.getData 11 crew",
            "Group.delete 11 #8 crew",
        ]
    );
    assert_eq!(stage.calls(&of(&["anna"])), [""; 0]);
}

#[test]
fn an_item_that_changes_and_deletes_is_right_wherever_it_broke_off() {
    type Items = Vec<ConvertedItem>;
    let renamed = || {
        let mut item = of(&["anna", "berta", "carl"]);
        item.object.as_mut().unwrap().insert("name".into(), json!("crew"));
        item
    };
    let off = || team(json!({"isOxGroup": "Not", "users": [dn("anna"), dn("carl")]}));
    let cases: [(&str, Items, ConvertedItem, usize); 6] = [
        ("create", vec![], of(&["anna", "carl"]), 4),
        ("rename", vec![of(&["anna", "carl"])], renamed(), 4),
        ("one context leaves", vec![of(&["anna", "carl"])], of(&["carl"]), 2),
        ("both leave", vec![of(&["anna", "carl"])], of(&[]), 4),
        ("off", vec![of(&["anna", "carl"])], off(), 4),
        ("delete", vec![of(&["anna", "carl"])], deleted(), 4),
    ];
    for (name, before, item, count) in cases {
        let reference = stage();
        for earlier in &before {
            reference.deliver(earlier).unwrap();
        }
        assert_eq!(reference.calls(&item).len(), count, "{name}");
        for call in 1..=count {
            for failure in [Failure::Before, Failure::After] {
                for restarted in [false, true] {
                    let mut stage = stage();
                    for earlier in &before {
                        stage.deliver(earlier).unwrap();
                    }
                    stage.ox.fail_at(call, failure);
                    stage.deliver(&item).unwrap_err();
                    stage.ox.heal();
                    if restarted {
                        stage.restart();
                    }
                    stage.deliver(&item).unwrap();
                    let context = format!("{name}, call {call}, {failure:?}, {restarted}");
                    let groups = |stage: &Stage| {
                        [10, 11].map(|context| {
                            ["team", "crew"].map(|name| members_in(stage, context, name))
                        })
                    };
                    assert_eq!(groups(&stage), groups(&reference), "{context}");
                    assert_eq!(stage.snapshot(TEAM), reference.snapshot(TEAM), "{context}");
                    assert_eq!(stage.facts(TEAM), reference.facts(TEAM), "{context}");
                }
            }
        }
    }
}

#[test]
fn an_attempt_that_broke_off_makes_the_notes_void() {
    let stage = stage();
    let first = of(&["anna", "carl"]);
    stage.deliver(&first).unwrap();
    stage.ox.fail_at(2, Failure::After);
    stage.deliver(&of(&["anna", "berta", "carl"])).unwrap_err();
    stage.ox.heal();
    // The item was removed by hand, and the next one is as before it.
    stage.deliver(&first).unwrap();
    assert_eq!(members_in(&stage, 10, "team"), Some(vec![3]));
}

#[test]
fn a_group_that_was_made_again_keeps_what_it_took_over() {
    let stage = stage();
    stage.deliver(&of(&["anna", "carl"])).unwrap();
    let mut again = of(&["anna", "carl"]);
    again.id = "0f3c9c6a-0000-103f-8000-0000000000a9".into();
    stage.deliver(&again).unwrap();
    // The report of the removal comes late.
    stage.deliver(&deleted()).unwrap();
    assert!(in_ox(&stage, 10, "team").is_some() && in_ox(&stage, 11, "team").is_some());
    stage.deliver(&ConvertedItem { object: None, options: None, ..again }).unwrap();
    assert!(in_ox(&stage, 10, "team").is_none() && in_ox(&stage, 11, "team").is_none());
}
