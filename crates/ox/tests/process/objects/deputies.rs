//! Deputy permissions.

use idspool_sandbox::ox::Failure;
use serde_json::{Value, json};

use super::{deliver_with_deputies, deputies, dn, giving, place, run, user};
use crate::place::item;

#[test]
fn s5_4_the_life_of_deputy_permissions() {
    let place = place();
    // Dora comes after the user who names her: the grantor is delivered again.
    let entries = json!([
        [dn("berta"), "02400", "08444", "1"],
        format!("{} |:$:| 00000 |:$:| 02440 |:$:| 0", dn("dora")),
    ]);
    place.enqueue(&giving(&entries));
    place.enqueue(&user("dora", &json!({})));
    let calls = run(&place, &[("OX_ENABLE_DEPUTY_PERMISSIONS", "TRUE")]);
    let deputy_calls = |calls: &[String]| -> Vec<String> {
        calls
            .iter()
            .filter_map(|c| c.strip_prefix("OXDeputyPermissionsService."))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(
        deputy_calls(&calls),
        [
            "revokeAll ok",
            "unblockManual ok",
            "grant ok",
            "blockManual ok",
            "revokeAll ok",
            "unblockManual ok",
            "grant ok",
            "grant ok",
            "blockManual ok",
        ]
    );
    let berta =
        json!([10, 3, 4, true, [["mail", false, [2, 4, 0, 0]], ["calendar", false, [8, 4, 4, 4]]]]);
    let dora = json!([10, 3, 5, false, [["calendar", false, [2, 4, 4, 0]]]]);
    assert_eq!(deputies(&place), (json!([berta, dora]), json!([[10, 3]])));
    assert_eq!(deliver_with_deputies(&place, &giving(&entries)), [""; 0]);
    // The deputy is gone, and with it the permission, although the directory has not said so yet.
    deliver_with_deputies(&place, &item("u-dora", "users/user", &dn("dora"), Value::Null));
    assert_eq!(deputies(&place), (json!([berta]), json!([[10, 3]])));
    // Both move; the deputy later.
    let moved = |name, entries: &Value| {
        user(name, &json!({"oxContext": 11, "oxDeputyPermissionGivenTo": entries}))
    };
    let entries = json!([[dn("berta"), "02400", "00000", "0"]]);
    deliver_with_deputies(&place, &moved("anna", &entries));
    assert_eq!(
        deputies(&place),
        (json!([]), json!([[11, 4]])),
        "nobody gets what is meant for her"
    );
    deliver_with_deputies(&place, &moved("berta", &json!([])));
    let expected = json!([[11, 4, 5, false, [["mail", false, [2, 4, 0, 0]]]]]);
    assert_eq!(deputies(&place), (expected, json!([[11, 4]])));
    // No entries any more; then none at all, since the setting is off.
    let calls = deliver_with_deputies(&place, &moved("anna", &json!([])));
    assert_eq!(deputy_calls(&calls), ["revokeAll ok", "unblockManual ok"]);
    assert_eq!(deputies(&place), (json!([]), json!([])));
    for item in [moved("anna", &entries), item("u-anna", "users/user", &dn("anna"), Value::Null)] {
        place.enqueue(&item);
        let calls = run(&place, &[("OX_ENABLE_DEPUTY_PERMISSIONS", "yes")]);
        assert_eq!(deputy_calls(&calls), [""; 0]);
    }
}

#[test]
fn s5_4_faults_of_deputy_calls_stop_nothing() {
    let place = place();
    let entries = json!([[dn("berta"), "02400", "00000", "0"]]);
    for (kind, is_answer) in [
        ("storage", true),
        ("remote", true),
        ("garbage", false),
        ("http502", false),
        ("close", false),
    ] {
        for operation in ["grant", "blockManual", "unblockManual", "revokeAll"] {
            let failure = format!("OXDeputyPermissionsService.{operation}:1:{kind}");
            place.server.fail(failure.parse::<Failure>().unwrap()).unwrap();
            // Each time another state, so that there is something to send.
            let nickname =
                user("anna", &json!({"oxDeputyPermissionGivenTo": entries, "title": failure}));
            let empty = user("anna", &json!({}));
            place.enqueue(&nickname);
            let first = place.run_with(&["--once"], &[("OX_ENABLE_DEPUTY_PERMISSIONS", "true")]);
            assert_eq!(
                first.code(),
                Some(if is_answer { 0 } else { 1 }),
                "{failure}: {}",
                first.log()
            );
            if is_answer {
                assert!(
                    first.log().contains("deputy permissions are not complete"),
                    "{}",
                    first.log()
                );
                place.enqueue(&nickname);
            }
            run(&place, &[("OX_ENABLE_DEPUTY_PERMISSIONS", "true")]);
            let expected = json!([[10, 3, 4, false, [["mail", false, [2, 4, 0, 0]]]]]);
            assert_eq!(deputies(&place), (expected, json!([[10, 3]])), "{failure}");
            deliver_with_deputies(&place, &empty);
            assert_eq!(deputies(&place), (json!([]), json!([])), "{failure}");
        }
    }
}
