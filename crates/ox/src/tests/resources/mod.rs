//! Resources (ox-provisioning 5.7).

mod journeys;

use idspool_ox_soap::{Resource, ResourceField as Field};
use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::stage::{Stage, item, logged};
use crate::fake::{Failure, Fake};

const BEAMER: &str = "0f3c9c6a-0000-103f-8000-0000000000be";
const DN: &str = "cn=beamer,cn=oxresources,dc=example,dc=org";

fn beamer(changes: Value) -> ConvertedItem {
    let mut object = json!({
        "name": "beamer", "displayname": "Beamer Room 1", "description": "on the ceiling",
        "resourceMailAddress": "beamer@example.org", "resourceadmin": "2109", "oxContext": 10,
    });
    for (property, value) in changes.as_object().unwrap() {
        object[property] = value.clone();
    }
    item(BEAMER, "oxresources/oxresources", DN, object)
}

fn deleted() -> ConvertedItem {
    item(BEAMER, "oxresources/oxresources", DN, Value::Null)
}

fn stage() -> Stage {
    Stage::new(Fake::new().with_context(10).with_context(11))
}

/// Puts a resource into OX that this program has not created.
fn put(stage: &Stage, context: i32, id: i32, name: &str) {
    let resource = Resource::new()
        .with(Field::Id, id)
        .with(Field::Name, name)
        .with(Field::Displayname, name)
        .with(Field::Email, format!("{name}@elsewhere.example"));
    stage.ox.change_world(|world| {
        world.contexts.get_mut(&context).unwrap().resources.insert(id, resource);
    });
}

/// Names of the resources in a context, with their ids.
fn names(stage: &Stage, context: i32) -> Vec<(i32, String)> {
    let world = stage.ox.world();
    let resources = world.contexts[&context].resources.iter();
    resources.map(|(id, resource)| (*id, resource.name().unwrap().to_owned())).collect()
}

fn only(stage: &Stage, context: i32) -> Resource {
    let world = stage.ox.world();
    let resources = &world.contexts[&context].resources;
    assert_eq!(resources.len(), 1, "{resources:?}");
    resources.values().next().unwrap().clone()
}

#[test]
fn s5_7_create() {
    let stage = stage();
    assert_eq!(
        stage.calls(&beamer(json!({}))),
        ["Resource.getData 10 beamer", "Resource.create 10 beamer"]
    );
    let resource = only(&stage, 10);
    assert_eq!(resource.text(Field::Name), Some("beamer"));
    assert_eq!(resource.text(Field::Displayname), Some("Beamer Room 1"));
    assert_eq!(resource.text(Field::Description), Some("on the ceiling"));
    assert_eq!(resource.text(Field::Email), Some("beamer@example.org"));
    assert_eq!(resource.flag(Field::Available), Some(true));
    assert_eq!(resource.len(), 6, "and its id, nothing else");
    assert_eq!(stage.snapshot(BEAMER), beamer(json!({})).object);
}

#[test]
fn s5_7_create_of_an_existing_one_changes_it() {
    let stage = stage();
    put(&stage, 10, 7, "Beamer");
    assert_eq!(
        stage.calls(&beamer(json!({}))),
        ["Resource.getData 10 beamer", "Resource.change 10 #7"]
    );
    assert_eq!(only(&stage, 10).text(Field::Email), Some("beamer@example.org"));
}

#[test]
fn s5_7_change_and_rename_keep_the_id() {
    let stage = stage();
    stage.deliver(&beamer(json!({}))).unwrap();
    let id = only(&stage, 10).id();
    assert_eq!(
        stage.calls(&beamer(json!({"displayname": "Room 2"}))),
        ["Resource.getData 10 beamer", "Resource.change 10 #3"]
    );
    assert_eq!(
        stage.calls(&beamer(json!({"name": "projector"}))),
        ["Resource.getData 10 beamer", "Resource.change 10 #3"],
        "found by its old name"
    );
    let resource = only(&stage, 10);
    assert_eq!((resource.id(), resource.name()), (id, Some("projector")));
    assert_eq!(
        stage.calls(&beamer(json!({"name": "projector", "description": "x"}))),
        ["Resource.getData 10 projector", "Resource.change 10 #3"]
    );
}

#[test]
fn s4_3_an_empty_description_is_cleared_and_other_empty_fields_are_left() {
    let stage = stage();
    stage.deliver(&beamer(json!({}))).unwrap();
    let empty =
        beamer(json!({"description": null, "displayname": null, "resourceMailAddress": ""}));
    stage.deliver(&empty).unwrap();
    let resource = only(&stage, 10);
    assert_eq!(resource.text(Field::Description), Some(""));
    assert_eq!(resource.text(Field::Displayname), Some("Beamer Room 1"));
    assert_eq!(resource.text(Field::Email), Some("beamer@example.org"));
}

#[test]
fn s4_3_a_new_resource_needs_an_address_and_gets_a_display_name() {
    let stage = stage();
    let fault = stage.deliver(&beamer(json!({"resourceMailAddress": null}))).unwrap_err();
    assert!(fault.message.contains("Mandatory attributes: email."), "{}", fault.message);
    assert!(fault.message.contains(DN), "{}", fault.message);
    stage.deliver(&beamer(json!({"displayname": null}))).unwrap();
    assert_eq!(only(&stage, 10).text(Field::Displayname), Some("beamer"));
}

#[test]
fn s5_7_an_unchanged_resource_makes_no_call() {
    let mut stage = stage();
    stage.deliver(&beamer(json!({}))).unwrap();
    assert_eq!(stage.calls(&beamer(json!({}))), [""; 0]);
    assert_eq!(stage.calls(&beamer(json!({"oxContext": "10"}))), [""; 0], "2.3.1: mixed types");
    assert_eq!(stage.calls(&beamer(json!({"resourceadmin": "2110"}))), [""; 0]);
    stage.restart();
    assert_eq!(stage.calls(&beamer(json!({}))), [""; 0]);
    stage.forced = true;
    assert_eq!(
        stage.calls(&beamer(json!({}))),
        ["Resource.getData 10 beamer", "Resource.change 10 #3"]
    );
}

#[test]
fn s5_7_delete() {
    let stage = stage();
    stage.deliver(&beamer(json!({}))).unwrap();
    assert_eq!(
        stage.calls(&deleted()),
        ["Resource.getData 10 beamer", "Resource.delete 10 #3 beamer"]
    );
    assert_eq!(names(&stage, 10), []);
    assert_eq!(stage.snapshot(BEAMER), None);
    assert_eq!(stage.calls(&deleted()), [""; 0]);
}

#[test]
fn weak_point_21_deleting_what_is_gone_is_done() {
    let stage = stage();
    stage.deliver(&beamer(json!({}))).unwrap();
    stage.ox.change_world(|world| world.contexts.get_mut(&10).unwrap().resources.clear());
    assert_eq!(stage.calls(&deleted()), ["Resource.getData 10 beamer"]);
    assert_eq!(stage.snapshot(BEAMER), None);
}

#[test]
fn s5_7_a_resource_that_is_gone_is_created_again() {
    let stage = stage();
    stage.deliver(&beamer(json!({}))).unwrap();
    stage.ox.change_world(|world| world.contexts.get_mut(&10).unwrap().resources.clear());
    assert_eq!(
        stage.calls(&beamer(json!({"description": "x"}))),
        ["Resource.getData 10 beamer", "Resource.create 10 beamer"]
    );
}

#[test]
fn s5_8_a_moved_resource_is_created_there_and_deleted_here() {
    let stage = stage();
    stage.deliver(&beamer(json!({}))).unwrap();
    assert_eq!(
        stage.calls(&beamer(json!({"oxContext": 11, "name": "projector"}))),
        [
            "Resource.getData 10 beamer",
            "Resource.getData 11 projector",
            "Resource.create 11 projector",
            "Resource.delete 10 #3 beamer",
        ]
    );
    assert_eq!(names(&stage, 10), []);
    assert_eq!(names(&stage, 11), [(3, "projector".into())]);
}

#[test]
fn s5_7_flaw_found_in_both_contexts_the_id_of_the_new_one_counts() {
    let stage = stage();
    stage.deliver(&beamer(json!({}))).unwrap();
    put(&stage, 11, 9, "beamer");
    put(&stage, 11, 3, "somebody else's");
    let lines = logged(|| {
        assert_eq!(
            stage.calls(&beamer(json!({"oxContext": "11"}))),
            [
                "Resource.getData 10 beamer",
                "Resource.getData 11 beamer",
                "Resource.delete 10 #3 beamer",
                "Resource.change 11 #9",
            ]
        );
    });
    let expected = format!(
        "WARN Object('oxresources/oxresources', '{DN}') was found in context 10 with ID 3 and in 11 with 9. This \
         should not happen. Will delete in 10 and modify in 11"
    );
    assert!(lines.contains(&expected), "{lines:#?}");
    assert_eq!(names(&stage, 11), [(3, "somebody else's".into()), (9, "beamer".into())]);
    let world = stage.ox.world();
    let resource = &world.contexts[&11].resources[&9];
    assert_eq!(resource.text(Field::Email), Some("beamer@example.org"));
}

#[test]
fn s5_7_flaw_missing_in_the_old_context_but_there_in_the_new_one_ends() {
    let stage = stage();
    stage.deliver(&beamer(json!({}))).unwrap();
    stage.ox.change_world(|world| world.contexts.get_mut(&10).unwrap().resources.clear());
    put(&stage, 11, 9, "beamer");
    assert_eq!(
        stage.calls(&beamer(json!({"oxContext": 11}))),
        ["Resource.getData 10 beamer", "Resource.getData 11 beamer", "Resource.change 11 #9",]
    );
    // The same within one context: the old name is gone, the new one is there.
    put(&stage, 11, 12, "projector");
    stage.ox.change_world(|world| {
        world.contexts.get_mut(&11).unwrap().resources.remove(&9);
    });
    assert_eq!(
        stage.calls(&beamer(json!({"oxContext": 11, "name": "projector"}))),
        ["Resource.getData 11 beamer", "Resource.getData 11 projector", "Resource.change 11 #12",]
    );
}

#[test]
fn s5_0_without_context_it_is_skipped() {
    let stage = stage();
    let lines = logged(|| assert_eq!(stage.calls(&beamer(json!({"oxContext": null}))), [""; 0]));
    let expected = "WARN Skipping: Object has no oxContext attribute!";
    assert!(lines.iter().any(|line| line == expected), "{lines:#?}");
    assert!(stage.snapshot(BEAMER).is_some(), "a skipped item becomes the snapshot");
    // The context comes in a second step.
    assert_eq!(
        stage.calls(&beamer(json!({}))),
        ["Resource.getData 10 beamer", "Resource.create 10 beamer"]
    );
    stage.deliver(&item("r-2", "oxresources/oxresources", "cn=x", json!({"name": "x"}))).unwrap();
    let gone = item("r-2", "oxresources/oxresources", "cn=x", Value::Null);
    assert_eq!(stage.calls(&gone), [""; 0]);
    assert_eq!(stage.snapshot("r-2"), None);
}

#[test]
fn a_skipped_item_does_not_hide_the_resource_from_later_ones() {
    for skipped in [json!({"oxContext": null, "name": "projector"}), json!({"oxContext": 12})] {
        let stage = stage();
        stage.deliver(&beamer(json!({}))).unwrap();
        assert_eq!(stage.calls(&beamer(skipped.clone())), [""; 0], "{skipped}");
        assert_eq!(
            stage.calls(&beamer(json!({"name": "projector"}))),
            ["Resource.getData 10 beamer", "Resource.change 10 #3"],
            "{skipped}"
        );
        stage.deliver(&beamer(skipped)).unwrap();
        stage.deliver(&deleted()).unwrap();
        assert_eq!(names(&stage, 10), []);
    }
}

#[test]
fn s5_0_a_context_without_credentials_is_ignored() {
    let stage = stage();
    stage.deliver(&beamer(json!({}))).unwrap();
    let lines = logged(|| {
        assert_eq!(stage.calls(&beamer(json!({"oxContext": 12}))), [""; 0]);
    });
    let expected = "WARN Could not find admin password for context 12. Ignoring this task";
    assert!(lines.iter().any(|line| line == expected), "{lines:#?}");
    assert_eq!(names(&stage, 10).len(), 1, "it stays where it is");
    // A former context that is none of our business does not keep it from the new one.
    stage.set_credentials(|all| drop(all.remove("10")));
    assert_eq!(
        stage.calls(&beamer(json!({"oxContext": 11}))),
        ["Resource.getData 11 beamer", "Resource.create 11 beamer"]
    );
}

#[test]
fn wherever_a_delivery_breaks_off_the_repetition_ends_the_same() {
    for last in [
        beamer(json!({"name": "projector"})),
        beamer(json!({"oxContext": 11, "name": "projector"})),
        beamer(json!({"description": "x"})),
        deleted(),
    ] {
        for before in [None, Some(beamer(json!({})))] {
            let run = |disturb: &dyn Fn(&mut Stage)| {
                let mut stage = stage();
                if let Some(item) = &before {
                    stage.deliver(item).unwrap();
                }
                disturb(&mut stage);
                stage.ox.calls();
                stage.deliver(&last).unwrap();
                (names(&stage, 10), names(&stage, 11), stage.ox.calls().len())
            };
            let (ten, eleven, calls) = run(&|_| {});
            for (call, failure) in
                (1..=calls).flat_map(|call| [(call, Failure::Before), (call, Failure::After)])
            {
                for is_restarted in [false, true] {
                    let (a, b, _) = run(&|stage: &mut Stage| {
                        stage.ox.fail_at(call, failure);
                        stage.deliver(&last).unwrap_err();
                        stage.ox.heal();
                        if is_restarted {
                            stage.restart();
                        }
                    });
                    assert_eq!((&a, &b), (&ten, &eleven), "{last:?} call {call} {failure:?}");
                }
            }
        }
    }
}

#[test]
fn after_a_broken_change_the_old_state_is_sent_again() {
    let stage = stage();
    stage.deliver(&beamer(json!({}))).unwrap();
    stage.ox.fail_at(2, Failure::After);
    stage.deliver(&beamer(json!({"displayname": "Room 2"}))).unwrap_err();
    stage.ox.heal();
    stage.deliver(&beamer(json!({}))).unwrap();
    assert_eq!(only(&stage, 10).text(Field::Displayname), Some("Beamer Room 1"));
}

#[test]
fn s3_7_log_lines() {
    let stage = stage();
    let object = format!("Object('oxresources/oxresources', '{DN}')");
    let soap = "INFO univention.ox.soap.backend_base.SoapResource:";
    let check = |item: &ConvertedItem, expected: &[String]| {
        let lines = logged(|| stage.deliver(item).unwrap());
        let mut rest = lines.iter();
        for line in expected {
            assert!(rest.any(|found| found == line), "missing: {line}\nfound: {lines:#?}");
        }
    };
    check(
        &beamer(json!({})),
        &[
            format!("INFO Creating {object}"),
            "INFO Searching for beamer in context 10".into(),
            format!("{soap} Created resource 'beamer' in context 10 (id=3)."),
        ],
    );
    check(
        &beamer(json!({"description": "x"})),
        &[
            format!("INFO Modifying {object}"),
            format!("{soap} Modified resource 'beamer' in context 10 (id=3)."),
        ],
    );
    check(
        &beamer(json!({"oxContext": 11})),
        &[
            "INFO Changing context: 10 -> 11".into(),
            format!("{soap} Created resource 'beamer' in context 11 (id=3)."),
            format!("{soap} Deleted resource 'beamer' in context 10 (id=3)."),
        ],
    );
    check(
        &deleted(),
        &[
            format!("INFO Deleting {object}"),
            format!("{soap} Deleted resource 'beamer' in context 11 (id=3)."),
        ],
    );
    put(&stage, 10, 7, "beamer");
    check(
        &beamer(json!({})),
        &[
            format!("INFO {object} exists. Modifying instead..."),
            "WARN Found in DB but had no old attributes. Using new ones as old...".into(),
        ],
    );
    stage.ox.change_world(|world| world.contexts.get_mut(&10).unwrap().resources.clear());
    check(
        &beamer(json!({"description": "y"})),
        &[format!("INFO {object} does not yet exist. Creating instead...")],
    );
    stage.ox.change_world(|world| world.contexts.get_mut(&10).unwrap().resources.clear());
    check(&deleted(), &[format!("INFO {object} does not exist. Doing nothing...")]);
}
