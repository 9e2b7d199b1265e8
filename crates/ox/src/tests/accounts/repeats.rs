//! Deliveries that break off, and what comes after them.

use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::{account, deleted, dn, held, of, stage};
use crate::fake::Failure;
use crate::tests::stage::Stage;

/// States that a delivery begins from, and the one it leads to.
fn journeys() -> Vec<(Vec<ConvertedItem>, ConvertedItem)> {
    let with = |change: Value| {
        let mut changes = json!({"users": [dn("berta"), dn("carl")]});
        changes.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        account(changes)
    };
    vec![
        (vec![], of(&["anna", "berta", "carl"])),
        (vec![of(&["anna"])], of(&["anna", "berta"])),
        (vec![of(&["anna", "berta"])], of(&["berta"])),
        (vec![of(&["anna", "carl"])], of(&["berta", "anna"])),
        (vec![of(&["anna", "carl"])], with(json!({"personal": "P"}))),
        (vec![of(&["anna", "carl"])], with(json!({"mailPrimaryAddress": "desk@example.org"}))),
        (vec![of(&["anna", "carl"])], deleted()),
    ]
}

#[test]
fn wherever_a_delivery_breaks_off_the_repetition_ends_the_same() {
    for (before, last) in journeys() {
        let run = |disturb: &dyn Fn(&mut Stage)| {
            let mut stage = stage();
            for item in &before {
                stage.deliver(item).unwrap();
            }
            disturb(&mut stage);
            stage.ox.calls();
            stage.deliver(&last).unwrap();
            (held(&stage, 10), held(&stage, 11), stage.ox.calls().len())
        };
        let (ten, eleven, calls) = run(&|_| {});
        for (call, failure) in
            (1..=calls).flat_map(|call| [(call, Failure::Before), (call, Failure::After)])
        {
            for is_restarted in [false, true] {
                let found = run(&|stage: &mut Stage| {
                    stage.ox.fail_at(call, failure);
                    stage.deliver(&last).unwrap_err();
                    stage.ox.heal();
                    if is_restarted {
                        stage.restart();
                    }
                });
                let case = format!("{last:?} call {call} {failure:?} restarted {is_restarted}");
                assert_eq!((&found.0, &found.1), (&ten, &eleven), "{case}");
            }
        }
    }
}

#[test]
fn a_broken_item_that_is_removed_leaves_nothing_behind() {
    for (before, last) in journeys() {
        let settled = stage();
        for item in &before {
            settled.deliver(item).unwrap();
        }
        let Some(home) = before.last() else { continue };
        settled.ox.calls();
        settled.deliver(&last).unwrap();
        let calls = settled.ox.calls().len();
        for (call, failure, is_restarted) in (1..=calls).flat_map(|call| {
            [
                (call, Failure::Before, false),
                (call, Failure::After, false),
                (call, Failure::Before, true),
                (call, Failure::After, true),
            ]
        }) {
            let mut stage = stage();
            for item in &before {
                stage.deliver(item).unwrap();
            }
            let expected = (held(&stage, 10), held(&stage, 11));
            stage.ox.fail_at(call, failure);
            stage.deliver(&last).unwrap_err();
            stage.ox.heal();
            if is_restarted {
                stage.restart();
            }
            // The administrator removes it, and the directory says what it said before.
            let path = stage.queue.dir().join("2026-01-01-00-00-00-000002.json");
            stage.deliver_file(home, &path).unwrap();
            let found = (held(&stage, 10), held(&stage, 11));
            let case = format!("{last:?} call {call} {failure:?} restarted {is_restarted}");
            assert_eq!(found, expected, "{case}");
            let left = std::fs::read_dir(stage.file("unfinished")).map_or(0, Iterator::count);
            assert_eq!(left, 0, "{case}");
        }
    }
}

#[test]
fn a_context_that_is_down_does_not_cost_the_others_their_accounts_at_each_attempt() {
    let stage = stage();
    stage.deliver(&of(&["anna", "carl"])).unwrap();
    stage.set_credentials(|all| all["11"]["adminpass"] = json!("wrong"));
    let changed = account(json!({"users": [dn("anna"), dn("carl")], "personal": "P"}));
    stage.deliver(&changed).unwrap_err();
    stage.ox.calls();
    stage.deliver(&changed).unwrap_err();
    assert_eq!(stage.ox.calls(), ["SecondaryAccount.delete 11 info@example.org *"]);
    stage.set_credentials(|all| all["11"]["adminpass"] = json!("p"));
    assert_eq!(
        stage.calls(&changed),
        [
            "SecondaryAccount.delete 11 info@example.org *",
            "SecondaryAccount.create 11 info@example.org #3",
        ]
    );
}
