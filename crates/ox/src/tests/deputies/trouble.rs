//! Faults of deputy calls, and entries that cannot be used.

use serde_json::json;

use super::{deputy, deputy_calls, dn, giving, granted, stage, stage_with};
use crate::fake::Failure;
use crate::tests::stage::{ANNA, anna, anna_deleted, logged};

#[test]
fn s5_4_a_user_that_is_gone_already_is_deleted_all_the_same() {
    let stage = stage();
    stage.deliver(&giving(&[deputy("berta", "02400", "00000", "0")])).unwrap();
    stage.ox.change_world(|world| drop(world.contexts.get_mut(&10).unwrap().users.remove(&5)));
    stage.deliver(&anna_deleted()).unwrap();
    assert_eq!(stage.snapshot(ANNA), None);
}

#[test]
fn s5_4_faults_are_warnings_and_the_next_item_tries_again() {
    for refused in
        ["Deputy.revokeAll", "Deputy.unblockManual", "Deputy.grant 10 #5 #3", "Deputy.blockManual"]
    {
        let stage = stage();
        stage.ox.refuse(refused);
        let entries =
            [deputy("berta", "02400", "00000", "0"), deputy("carl", "02400", "00000", "0")];
        let lines = logged(|| {
            let calls = stage.calls(&giving(&entries));
            let made = deputy_calls(&calls);
            assert_eq!(
                made[made.len() - 3..],
                ["Deputy.grant 10 #5 #3", "Deputy.grant 10 #5 #4", "Deputy.blockManual 10 #5"],
                "{refused}"
            );
            // Unblocking comes only after a revocation that went well.
            let unblocks = made.contains(&"Deputy.unblockManual 10 #5");
            assert_eq!(unblocks, refused != "Deputy.revokeAll", "{refused}");
        });
        let warnings = lines.iter().filter(|line| line.starts_with("WARN")).count();
        assert_eq!(warnings, 1, "{refused}: {lines:#?}");
        assert!(stage.snapshot(ANNA).is_some(), "the item is done");
        let again = stage.calls(&giving(&entries));
        assert!(!again.is_empty() && again.iter().all(|call| call.starts_with("Deputy")));
        // When the cause is gone, once more is enough.
        stage.ox.accept();
        stage.deliver(&giving(&entries)).unwrap();
        assert_eq!(granted(&stage, 10).len(), 2, "{refused}");
        assert_eq!(stage.calls(&giving(&entries)), [""; 0], "{refused}");
    }
}

#[test]
fn a_revocation_that_was_refused_is_tried_again_although_no_entry_is_left() {
    let stage = stage();
    stage.deliver(&giving(&[deputy("berta", "02400", "00000", "0")])).unwrap();
    stage.ox.refuse("Deputy.revokeAll");
    stage.deliver(&giving(&[])).unwrap();
    assert_eq!(granted(&stage, 10).len(), 1);
    stage.ox.accept();
    stage.deliver(&giving(&[])).unwrap();
    assert_eq!(granted(&stage, 10), []);
    assert_eq!(stage.calls(&giving(&[])), [""; 0]);
}

#[test]
fn permissions_that_could_not_be_revoked_go_with_the_user() {
    for wanted in [anna_deleted(), anna(json!({"isOxUser": "Not"}))] {
        let stage = stage();
        stage.deliver(&giving(&[deputy("berta", "02400", "00000", "0")])).unwrap();
        stage.ox.refuse("Deputy.revokeAll");
        stage.deliver(&giving(&[])).unwrap();
        stage.ox.accept();
        // The snapshot names no deputy any more, but OX has one.
        let calls = stage.calls(&wanted);
        assert_eq!(deputy_calls(&calls), ["Deputy.revokeAll 10 #5", "Deputy.unblockManual 10 #5"]);
    }
}

#[test]
fn without_any_answer_the_item_is_tried_again() {
    let entries = [deputy("berta", "02400", "00000", "0")];
    for failure in [Failure::Before, Failure::After] {
        for call in 1..=7 {
            let stage = stage();
            stage.ox.fail_at(call, failure);
            let result = stage.deliver(&giving(&entries));
            assert!(result.is_err(), "call {call}");
            stage.ox.heal();
            stage.deliver(&giving(&entries)).unwrap();
            assert_eq!(granted(&stage, 10), [(5, 3, "mail 02400 ".into())], "call {call}");
            assert!(stage.ox.world().contexts[&10].blocked.contains(&5));
        }
    }
}

#[test]
fn entries_that_cannot_be_used_are_named_before_anything_is_sent() {
    let stage = stage();
    for entry in [
        json!(["uid=b"]),
        json!([dn("berta"), "0240", "00000", "0"]),
        json!([dn("berta"), "02400", "none", "0"]),
        json!(5),
        json!(format!("{} |:$:| 02400", dn("berta"))),
    ] {
        let fault = stage.deliver(&giving(std::slice::from_ref(&entry))).unwrap_err();
        assert!(fault.message.contains("'oxDeputyPermissionGivenTo'"), "{}", fault.message);
        assert!(fault.message.contains("uid=anna"), "{}", fault.message);
        assert!(fault.remedy.is_some());
        assert_eq!(stage.ox.user_of(10, "anna"), None, "{entry}");
    }
    // In the old state they do not matter.
    let off = stage_with(false);
    off.deliver(&giving(&[json!(["uid=b"])])).unwrap();
}

#[test]
fn skipped_items_do_not_hide_what_was_granted() {
    let mut stage = stage();
    stage.deliver(&giving(&[deputy("berta", "02400", "00000", "0")])).unwrap();
    let kept = stage.credentials()["10"].clone();
    stage.set_credentials(|all| drop(all.remove("10")));
    // Twice: the second one finds nothing in the snapshot either.
    for _ in 0..2 {
        assert_eq!(stage.calls(&giving(&[])), [""; 0]);
        stage.restart();
    }
    assert_eq!(granted(&stage, 10).len(), 1);
    stage.set_credentials(|all| drop(all.insert("10".into(), kept)));
    stage.deliver(&giving(&[])).unwrap();
    assert_eq!(granted(&stage, 10), []);
    assert_eq!(stage.calls(&giving(&[])), [""; 0]);
}
