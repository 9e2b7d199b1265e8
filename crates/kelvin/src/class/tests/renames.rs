//! Classes with another name.

use idspool_spool::FaultClass;
use idspool_udm::ConvertedItem;
use serde_json::json;

use super::stage::{Stage, class_item, deleted, logged, with};
use crate::conf::Plugin;
use crate::fake::{Failure, Fake};
use crate::kelvin::Kelvin as _;

fn stage() -> Stage {
    let stage = Stage::new(Fake::with_schools(&["School1"]));
    for name in ["anna", "berta", "carl"] {
        stage.add_user(name);
    }
    stage
}

fn class(name: &str, users: &[&str]) -> ConvertedItem {
    // Its description tells the share from that of another class.
    let description = json!({"description": "of c-1"});
    with(class_item("c-1", "School1", name, users), description)
}

fn other(id: &str, name: &str, users: &[&str]) -> ConvertedItem {
    with(class_item(id, "School1", name, users), json!({"description": format!("of {id}")}))
}

/// Classes of the server: name, description, members.
fn classes(stage: &Stage) -> Vec<String> {
    let names = ["5a", "5a-c2", "6a", "6a-c1", "6a-c2", "7a", "8a"];
    let found = names.iter().filter_map(|name| stage.server.class("School1", name).unwrap());
    let show = |class: idspool_kelvin_client::Class| {
        let users: Vec<&str> = super::super::wanted::members_of(&class).collect();
        let description = class.attributes["description"].as_str().unwrap_or("-");
        format!("{} {description}: {}", class.name, users.join(" "))
    };
    found.map(show).collect()
}

#[test]
fn a_renamed_class_is_renamed_at_the_server() {
    let stage = stage();
    stage.deliver(&class("5a", &["anna"])).unwrap();
    let renamed = class("6a", &["anna", "berta"]);
    let lines = logged(|| {
        let calls = stage.calls(&renamed);
        assert_eq!(calls, ["GET classes/School1/5a", "PATCH classes/School1/5a"]);
    });
    assert!(lines.iter().any(|line| line.starts_with("INFO School class modified: '6a' of")));
    assert_eq!(classes(&stage), ["6a of c-1: anna berta"]);
    assert!(stage.calls(&renamed).is_empty());
    assert_eq!(stage.calls(&deleted(&renamed)), ["DELETE classes/School1/6a"]);
}

#[test]
fn letter_case_alone_is_no_other_name() {
    let stage = stage();
    stage.deliver(&class("5a", &["anna"])).unwrap();
    stage.deliver(&class("5A", &["anna"])).unwrap();
    assert_eq!(classes(&stage), ["5a of c-1: anna"]);
}

#[test]
fn a_renamed_class_that_is_gone_at_the_server_is_created() {
    let stage = stage();
    stage.deliver(&class("5a", &["anna"])).unwrap();
    stage.server.delete_class("School1", "5a").unwrap();
    assert_eq!(
        stage.calls(&class("6a", &["anna"])),
        ["GET classes/School1/5a", "GET classes/School1/6a", "POST classes/"]
    );
    assert_eq!(classes(&stage), ["6a of c-1: anna"]);
}

#[test]
fn a_crash_at_any_request_is_made_good() {
    for (plugin, stand_in) in [
        (Plugin::Kelvin, None),
        (Plugin::Kelvin, Some(&["anna"][..])),
        (Plugin::PartialGroupSync, Some(&["anna", "berta"][..])),
    ] {
        for failure in [Failure::Before, Failure::After, Failure::Broken] {
            for at in 1..9 {
                let mut stage = stage();
                stage.source.set("berta", &["teacher:school:School1"]);
                stage.configure(|stage| stage.authority.plugin = plugin);
                stage.deliver(&class("5a", &["anna"])).unwrap();
                if let Some(users) = stand_in {
                    let _there = stage.server.clone().with_class("School1", "6a", users);
                }
                stage.server.calls();
                stage.server.fail_at(at, failure);
                let renamed = class("6a", &["anna", "carl"]);
                let is_done = stage.deliver(&renamed).is_ok();
                stage.server.heal();
                stage.deliver(&renamed).unwrap();
                let context = format!("{plugin:?} {stand_in:?} {failure:?} at {at}");
                assert_eq!(classes(&stage), ["6a of c-1: anna carl"], "{context}");
                if is_done {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_class_that_the_server_made_for_the_members_makes_room() {
    let stage = stage();
    stage.deliver(&class("5a", &["anna", "berta"])).unwrap();
    // The users came first and named the new class.
    let _there = stage.server.clone().with_class("School1", "6a", &["anna", "berta"]);
    let users = json!({"users": []});
    stage.server.change_class("School1", "5a", users.as_object().unwrap()).unwrap();
    stage.deliver(&class("6a", &["anna", "berta"])).unwrap();
    assert_eq!(classes(&stage), ["6a of c-1: anna berta"]);
    assert!(stage.calls(&class("6a", &["anna", "berta"])).is_empty());
}

#[test]
fn so_it_does_when_somebody_of_ours_joined_later() {
    let stage = stage();
    stage.deliver(&class("5a", &["anna"])).unwrap();
    let _there = stage.server.clone().with_class("School1", "6a", &["anna", "carl"]);
    assert!(stage.deliver(&class("6a", &["anna"])).is_err(), "our directory does not know carl");
    stage.source.set("carl", &["student:school:School1"]);
    stage.deliver(&class("6a", &["anna"])).unwrap();
    assert_eq!(classes(&stage), ["6a of c-1: anna"]);
}

#[test]
fn members_that_are_not_ours_to_say_survive() {
    let mut stage = stage();
    stage.configure(|stage| {
        stage.authority.mappings.school_classes.as_mut().unwrap().remove("users");
    });
    stage.deliver(&class("5a", &[])).unwrap();
    let users = json!({"users": ["carl"]});
    stage.server.change_class("School1", "5a", users.as_object().unwrap()).unwrap();
    let _there = stage.server.clone().with_class("School1", "6a", &["anna"]);
    stage.deliver(&class("6a", &["anna"])).unwrap();
    assert_eq!(classes(&stage), ["6a of c-1: anna carl"]);
}

#[test]
fn a_class_of_somebody_else_does_not_make_room() {
    for (description, users) in [(json!("theirs"), json!([])), (json!(null), json!(["stranger"]))] {
        let stage = stage();
        stage.add_user("stranger");
        stage.deliver(&class("5a", &["anna"])).unwrap();
        let theirs = json!({
            "name": "6a", "school": "School1", "description": description, "users": users,
        });
        stage.server.create_class(theirs.as_object().unwrap()).unwrap();
        let before = classes(&stage);
        let fault = stage.deliver(&class("6a", &["anna"])).unwrap_err();
        assert_eq!(fault.class, FaultClass::Permanent);
        for expected in ["cn=School1-6a", "'5a' of school 'School1' to '6a'", "another class"] {
            assert!(fault.message.contains(expected), "{fault:?}");
        }
        assert!(fault.remedy.unwrap().contains("'6a' of school 'School1'"));
        assert_eq!(classes(&stage), before);
        stage.server.delete_class("School1", "6a").unwrap();
        stage.deliver(&class("6a", &["anna"])).unwrap();
        assert_eq!(classes(&stage), ["6a of c-1: anna"]);
    }
}

#[test]
fn another_refusal_is_told_as_it_is() {
    let stage = stage();
    stage.deliver(&class("5a", &[])).unwrap();
    let fault = stage.deliver(&class("6ä", &[])).unwrap_err();
    assert!(fault.remedy.unwrap().contains("without umlauts"));
    assert_eq!(classes(&stage), ["5a of c-1: "]);
}

#[test]
fn a_chain_in_order() {
    let stage = stage();
    stage.deliver(&class("5a", &["anna"])).unwrap();
    stage.deliver(&other("c-2", "6a", &["berta"])).unwrap();
    stage.deliver(&other("c-2", "7a", &["berta"])).unwrap();
    stage.deliver(&class("6a", &["anna"])).unwrap();
    assert_eq!(classes(&stage), ["6a of c-1: anna", "7a of c-2: berta"]);
}

#[test]
fn a_chain_out_of_order_sets_the_other_class_aside_until_its_item_comes() {
    let stage = stage();
    stage.deliver(&class("5a", &["anna"])).unwrap();
    stage.deliver(&other("c2-x", "6a", &["berta"])).unwrap();
    let lines = logged(|| stage.deliver(&class("6a", &["anna"])).unwrap());
    assert!(lines.iter().any(|line| line.starts_with("WARN") && line.contains("'6a-c2x'")));
    assert!(stage.server.class("School1", "6a-c2x").unwrap().is_some());
    stage.deliver(&other("c2-x", "7a", &["berta"])).unwrap();
    assert_eq!(classes(&stage), ["6a of c-1: anna", "7a of c2-x: berta"]);
    assert!(stage.server.class("School1", "6a-c2x").unwrap().is_none());
    assert!(stage.calls(&other("c2-x", "7a", &["berta"])).is_empty());
}

#[test]
fn names_that_are_swapped_and_a_name_that_is_given_up_by_deletion() {
    let stage = stage();
    stage.deliver(&class("5a", &["anna"])).unwrap();
    stage.deliver(&other("c2-x", "6a", &["berta"])).unwrap();
    stage.deliver(&class("6a", &["anna"])).unwrap();
    stage.deliver(&other("c2-x", "5a", &["berta"])).unwrap();
    assert_eq!(classes(&stage), ["5a of c2-x: berta", "6a of c-1: anna"]);
    // The deletion of the former owner comes later.
    stage.deliver(&class("5a", &["anna"])).unwrap();
    stage.deliver(&deleted(&other("c2-x", "5a", &[]))).unwrap();
    assert_eq!(classes(&stage), ["5a of c-1: anna"]);
    assert!(stage.server.class("School1", "5a-c2x").unwrap().is_none());
}

#[test]
fn a_crash_while_a_class_is_set_aside_harms_no_other() {
    for failure in [Failure::Before, Failure::After, Failure::Broken] {
        for at in 1..6 {
            let stage = stage();
            stage.deliver(&class("5a", &["anna"])).unwrap();
            stage.deliver(&other("c2-x", "6a", &["berta"])).unwrap();
            stage.server.calls();
            stage.server.fail_at(at, failure);
            let is_done = stage.deliver(&class("6a", &["anna"])).is_ok();
            stage.server.heal();
            stage.deliver(&class("6a", &["anna"])).unwrap();
            stage.deliver(&other("c2-x", "7a", &["berta"])).unwrap();
            let expected = ["6a of c-1: anna", "7a of c2-x: berta"];
            assert_eq!(classes(&stage), expected, "{failure:?} at {at}");
            let aside = stage.server.class("School1", "6a-c2x").unwrap();
            assert_eq!(aside, None, "{failure:?} at {at}");
            if is_done {
                break;
            }
        }
    }
}

#[test]
fn a_class_that_comes_from_another_school_does_not_become_another_one() {
    let mut stage = stage();
    stage.server.change_world(|world| world.schools.push("School2".into()));
    stage.configure(|_| ());
    stage.deliver(&class("5a", &["anna"])).unwrap();
    let theirs =
        with(class_item("c2-x", "School2", "5a", &["berta"]), json!({"description": "theirs"}));
    stage.deliver(&theirs).unwrap();
    let ours = with(class_item("c-1", "School2", "5a", &["anna"]), json!({"description": "ours"}));
    stage.deliver(&ours).unwrap();
    let aside = stage.server.class("School2", "5a-c2x").unwrap().unwrap();
    assert_eq!(aside.attributes["description"], "theirs");
    stage.deliver(&other("c2-x", "5a", &["berta"])).unwrap();
    assert_eq!(classes(&stage), ["5a of c2-x: berta"]);
    assert_eq!(stage.server.members("School2", "5a").unwrap(), ["anna"]);
    assert_eq!(stage.server.class("School2", "5a-c2x").unwrap(), None);
}

#[test]
fn a_copy_of_a_class_whose_dn_another_one_took_changes_nothing() {
    let stage = stage();
    stage.deliver(&class("5a", &["anna", "ghost"])).unwrap();
    stage.user_appears("ghost");
    stage.deliver(&other("c2-x", "6a", &["berta"])).unwrap();
    stage.deliver(&other("c2-x", "5a", &["berta"])).unwrap();
    stage.deliver_queued();
    assert_eq!(stage.server.members("School1", "5a").unwrap(), ["berta"]);
    stage.deliver(&class("7a", &["anna", "ghost"])).unwrap();
    assert_eq!(classes(&stage), ["5a of c2-x: berta", "7a of c-1: anna ghost"]);
}
