//! Classes that are gone, or that this authority has nothing to do with (any more).

use idspool_udm::ConvertedItem;
use serde_json::json;

use super::stage::{Stage, class_dn, class_item, deleted, item, logged};
use crate::fake::Fake;

fn stage() -> Stage {
    let stage = Stage::new(Fake::with_schools(&["School1", "School2", "Foreign"]));
    stage.add_user("anna");
    stage
}

fn class() -> ConvertedItem {
    class_item("c-1", "School1", "5a", &["anna"])
}

#[test]
fn a_deletion_takes_one_request() {
    let stage = stage();
    stage.deliver(&class()).unwrap();
    let lines = logged(|| {
        assert_eq!(stage.calls(&deleted(&class())), ["DELETE classes/School1/5a"]);
    });
    assert!(lines.iter().any(|line| line.starts_with("INFO School class deleted: '5a' of")));
    assert_eq!(stage.server.members("School1", "5a"), None);
    assert!(stage.snapshot("c-1").is_none());
}

#[test]
fn a_class_that_is_gone_already_is_deleted() {
    let stage = stage();
    stage.deliver(&class()).unwrap();
    stage.calls(&deleted(&class()));
    let lines = logged(|| {
        assert_eq!(stage.calls(&deleted(&class())), ["DELETE classes/School1/5a"]);
    });
    let expected = "INFO Skipping deletion of Group not found on the target system: '5a' of";
    assert!(lines.iter().any(|line| line.starts_with(expected)), "{lines:#?}");
}

#[test]
fn a_class_of_another_program_is_deleted_by_its_dn() {
    let stage = stage();
    let _there = stage.server.clone().with_class("School1", "5a", &["anna"]);
    assert_eq!(stage.calls(&deleted(&class())), ["DELETE classes/School1/5a"]);
    let lost = class_item("c-2", "Foreign", "5a", &[]);
    let lines = logged(|| assert!(stage.calls(&deleted(&lost)).is_empty()));
    assert!(lines.iter().any(|l| l.contains("belongs to another school authority")), "{lines:#?}");
    let absent = class_item("c-3", "a-b", "5a", &[]);
    assert_eq!(stage.calls(&deleted(&absent)), ["HEAD schools/a-b"]);
}

#[test]
fn a_deletion_does_not_hit_the_object_that_has_the_dn_now() {
    let stage = stage();
    stage.deliver(&class()).unwrap();
    let again = class_item("c-2", "School1", "5a", &[]);
    stage.deliver(&again).unwrap();
    assert!(stage.calls(&deleted(&class())).is_empty());
    assert!(stage.server.members("School1", "5a").is_some());
    let unheard = ConvertedItem { id: "c-3".into(), ..deleted(&class()) };
    assert!(stage.calls(&unheard).is_empty());
    assert_eq!(stage.calls(&deleted(&again)), ["DELETE classes/School1/5a"]);
}

#[test]
fn a_class_whose_school_dropped_out_of_the_mapping_stays() {
    let mut stage = stage();
    stage.deliver(&class()).unwrap();
    let schools = stage.schools.clone();
    stage.configure(|stage| stage.schools.retain(|(school, _)| school.to_lowercase() != "school1"));
    let changed = class_item("c-1", "School1", "5a", &[]);
    assert!(stage.calls(&changed).is_empty());
    assert_eq!(stage.server.members("School1", "5a").unwrap().len(), 1);
    stage.configure(|stage| stage.schools = schools);
    stage.deliver(&changed).unwrap();
    assert_eq!(stage.server.members("School1", "5a").unwrap().len(), 0, "it is still known");
}

#[test]
fn a_school_that_the_server_does_not_have() {
    let stage = stage();
    let lines = logged(|| {
        let calls = stage.calls(&class_item("c-1", "a-b", "5a", &[]));
        assert_eq!(calls, ["HEAD schools/a-b"]);
    });
    let expected = format!(
        "INFO Not creating/modifying school class '{}', its school doesn't exist on the target.",
        class_dn("a-b", "5a")
    );
    assert!(lines.contains(&expected), "{lines:#?}");
    assert!(stage.snapshot("c-1").is_none());
}

#[test]
fn a_school_that_vanished_there_takes_its_classes_with_it() {
    let stage = stage();
    stage.deliver(&class()).unwrap();
    stage.server.change_world(|world| world.schools.retain(|school| school != "School1"));
    let mut stage = stage;
    stage.configure(|_| ());
    assert_eq!(stage.calls(&class()), ["HEAD schools/School1", "DELETE classes/School1/5a"]);
    assert!(stage.snapshot("c-1").is_none());
}

#[test]
fn an_empty_list_of_schools_removes_nothing() {
    let mut stage = stage();
    stage.deliver(&class()).unwrap();
    stage.server.change_world(|world| world.schools.clear());
    stage.configure(|_| ());
    assert!(stage.deliver(&class()).is_err());
    assert!(stage.server.members("School1", "5a").is_some());
    assert!(stage.snapshot("c-1").is_some());
}

#[test]
fn a_school_that_belongs_to_another_authority_now() {
    let mut stage = stage();
    stage.deliver(&class()).unwrap();
    stage.configure(|stage| stage.schools[0].1 = "auth2".parse().unwrap());
    assert_eq!(stage.calls(&class()), ["DELETE classes/School1/5a"]);
    assert!(stage.snapshot("c-1").is_none());
    assert!(stage.calls(&class()).is_empty(), "nothing of it was ever here");
}

#[test]
fn a_group_that_is_no_class_is_ignored_visibly() {
    let stage = stage();
    let dn = "cn=School1-chor,cn=schueler,cn=groups,ou=School1,dc=example,dc=org";
    let group = item("g-1", "groups/group", dn, json!({"name": "School1-chor", "users": []}));
    let lines = logged(|| assert!(stage.calls(&group).is_empty()));
    assert!(lines.contains(&format!("INFO Ignoring non-school_class group: '{dn}'")));
    assert!(stage.snapshot("g-1").is_none());
    let lines = logged(|| assert!(stage.calls(&deleted(&group)).is_empty()));
    assert!(lines.contains(&format!("INFO Ignoring non-school_class group: '{dn}'")));
    // A class that was moved out of its container.
    stage.deliver(&class()).unwrap();
    let moved = ConvertedItem { dn: dn.into(), ..class() };
    assert_eq!(stage.calls(&moved), ["DELETE classes/School1/5a"]);
    assert!(stage.snapshot("c-1").is_none());
}

#[test]
fn a_class_that_moves_to_another_school_is_created_there_first() {
    let stage = stage();
    stage.deliver(&class()).unwrap();
    let moved = class_item("c-1", "School2", "5a", &["anna"]);
    assert_eq!(
        stage.calls(&moved),
        ["GET classes/School2/5a", "POST classes/", "DELETE classes/School1/5a"]
    );
    assert_eq!(stage.server.members("School1", "5a"), None);
    assert_eq!(stage.server.members("School2", "5a").unwrap(), ["anna"]);
    assert!(stage.calls(&moved).is_empty());
    // To a school of another authority.
    assert_eq!(
        stage.calls(&class_item("c-1", "Foreign", "5a", &["anna"])),
        ["DELETE classes/School2/5a"]
    );
}
