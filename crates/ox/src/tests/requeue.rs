//! Groups that are queued again for a new user (ox-provisioning 3.6).

use std::fs;

use idspool_provisioner::Facts;
use idspool_service::Ox as Config;
use idspool_udm::ConvertedItem;
use serde_json::json;

use super::stage::{Stage, anna, item, logged};
use crate::fake::Fake;

const TEAM: &str = "cn=Team,cn=groups,dc=example,dc=org";

fn stage() -> Stage {
    let stage = Stage::new(Fake::new().with_context(10).with_context(11));
    let team =
        json!({"name": "team", "isOxGroup": "OK", "users": ["uid=anna"], "oxDbGroupname": "team"});
    let plain = json!({"name": "plain", "isOxGroup": "Not"});
    for (id, dn, object) in [("g-team", TEAM, team), ("g-plain", "cn=plain,dc=example", plain)] {
        let group = item(id, "groups/group", dn, object);
        stage.objects.store(&group, &crate::OxRecipient::facts_of(&group)).unwrap();
    }
    stage.objects.commit().unwrap();
    stage
}

fn in_groups() -> serde_json::Value {
    json!({"groups": ["CN=team, cn=groups,dc=example,dc=org", "cn=plain,dc=example", "cn=nobody,dc=example"]})
}

#[test]
fn s3_6_known_ox_groups_of_a_new_user_are_queued() {
    let stage = stage();
    let lines = logged(|| stage.deliver(&anna(in_groups())).unwrap());
    let queued = stage.queued();
    assert_eq!(queued.len(), 1);
    assert_eq!(queued[0], stage.objects.snapshot("g-team").unwrap().unwrap());
    for expected in [
        "INFO Looking for groups of this user to be created in the context id",
        "WARN cn=plain,dc=example is no OX group. Skipping...",
        "WARN Dont know anything about cn=nobody,dc=example. Does it exist? Is it to be deleted? Skipping...",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected}: {lines:#?}");
    }
    let path = stage.queue.path_of(&stage.queue.names().unwrap()[0]);
    let expected = format!(
        "INFO Added {} to the listener queue as {}",
        stage.file("listener/old/g-team.json").display(),
        path.display()
    );
    assert!(lines.contains(&expected), "{lines:#?}");
}

#[test]
fn s3_6_flaw_a_group_counts_as_queued_only_while_its_file_is_there() {
    let stage = stage();
    stage.deliver(&anna(in_groups())).unwrap();
    let other = |number: usize| {
        let mut item = anna(in_groups());
        item.id = format!("u-{number}");
        item.object.as_mut().unwrap().insert("username".into(), json!(format!("user{number}")));
        item
    };
    stage.deliver(&other(1)).unwrap();
    assert_eq!(stage.queued().len(), 1, "one copy is enough for both");
    for name in stage.queue.names().unwrap() {
        fs::remove_file(stage.queue.path_of(&name)).unwrap();
    }
    stage.deliver(&other(2)).unwrap();
    assert_eq!(stage.queued().len(), 1, "it was handled, so it is queued again");
}

#[test]
fn s3_6_flaw_a_delivered_copy_does_not_count_as_queued_while_its_file_is_still_there() {
    let stage = stage();
    stage.deliver(&anna(in_groups())).unwrap();
    let copy = stage.queue.path_of(&stage.queue.names().unwrap()[0]);
    // The loop lets several items go at once, so the file stays a moment longer.
    stage.deliver_file(&stage.queued()[0], &copy).unwrap();
    let mut other = anna(in_groups());
    other.id = "u-2".into();
    other.object.as_mut().unwrap().insert("username".into(), json!("berta"));
    stage.deliver(&other).unwrap();
    assert_eq!(stage.queued().len(), 2, "the delivered copy did not know the second user");
}

#[test]
fn s3_6_a_group_with_a_newer_item_in_the_queue_is_not_queued() {
    let mut stage = stage();
    stage.waiting.0.push("g-team".into());
    stage.deliver(&anna(in_groups())).unwrap();
    assert_eq!(stage.queued(), []);
}

#[test]
fn s3_6_a_copy_does_not_bring_an_older_state_back() {
    let stage = stage();
    stage.deliver(&anna(in_groups())).unwrap();
    let copy = stage.queue.names().unwrap().remove(0);
    // The converter was faster than the copy, unseen.
    let newer = json!({"name": "team", "isOxGroup": "OK", "users": []});
    stage.deliver(&item("g-team", "groups/group", TEAM, newer)).unwrap();
    stage.deliver_file(&stage.queued()[0], &stage.queue.path_of(&copy)).unwrap();
    assert_eq!(stage.snapshot("g-team").unwrap()["users"], json!([]));
}

#[test]
fn s3_6_a_copy_of_an_earlier_process_does_not_bring_an_older_state_back_either() {
    let mut stage = stage();
    stage.deliver(&anna(in_groups())).unwrap();
    let copy = stage.queue.path_of(&stage.queue.names().unwrap()[0]);
    stage.restart();
    let newer = json!({"name": "team", "isOxGroup": "OK", "users": []});
    stage.deliver(&item("g-team", "groups/group", TEAM, newer)).unwrap();
    stage.deliver_file(&stage.queued()[0], &copy).unwrap();
    assert_eq!(stage.snapshot("g-team").unwrap()["users"], json!([]));
    // Deleted, too.
    let again = stage.queued().remove(0);
    stage.deliver(&item("g-team", "groups/group", TEAM, json!(null))).unwrap();
    stage.deliver_file(&again, &copy).unwrap();
    assert_eq!(stage.snapshot("g-team"), None);
}

#[test]
fn an_item_with_what_only_snapshots_have_counts_as_it_is_unless_we_made_it() {
    let stage = stage();
    let object = json!({"name": "team", "isOxGroup": "OK", "users": [], "oxDbGroupname": "team"});
    let by_hand = item("g-team", "groups/group", TEAM, object);
    let name = stage.queue.enqueue(&by_hand.to_queue_bytes()).unwrap();
    stage.deliver_file(&by_hand, &stage.queue.path_of(&name)).unwrap();
    assert_eq!(stage.snapshot("g-team").unwrap()["users"], json!([]));
}

#[test]
fn s3_6_a_copy_does_not_bring_a_deleted_group_back() {
    let stage = stage();
    stage.deliver(&anna(in_groups())).unwrap();
    let copy = stage.queue.path_of(&stage.queue.names().unwrap()[0]);
    stage.deliver(&item("g-team", "groups/group", TEAM, json!(null))).unwrap();
    stage.deliver_file(&stage.queued()[0], &copy).unwrap();
    assert_eq!(stage.snapshot("g-team"), None);
}

fn store(stage: &Stage, item: &ConvertedItem) {
    stage.objects.store(item, &crate::OxRecipient::facts_of(item)).unwrap();
    stage.objects.commit().unwrap();
}

/// A functional account and a user who refer to Anna.
fn with_referring(stage: &Stage) {
    let anna = "UID=anna,cn=Users,dc=example,dc=org";
    let account = json!({"name": "info", "mailPrimaryAddress": "info@x", "users": [anna, "uid=b"]});
    store(stage, &item("fa", "oxmail/functional_account", "cn=info", account));
    let entry = format!("{anna} |:$:| 02400 |:$:| 00000 |:$:| 0");
    for (id, flag, entries) in [
        ("u-list", "OK", json!([[anna, "02400", "00000", "1"]])),
        ("u-text", "OK", json!([entry])),
        ("u-off", "Not", json!([entry])),
        ("u-none", "OK", json!([])),
    ] {
        let object =
            json!({"isOxUser": flag, "oxContext": 10, "oxDeputyPermissionGivenTo": entries});
        store(stage, &item(id, "users/user", &format!("uid={id}"), object));
    }
}

#[test]
fn weak_point_27_what_refers_to_a_user_with_a_new_id_is_queued() {
    for (deputies, expected) in [(false, vec!["fa"]), (true, vec!["fa", "u-list", "u-text"])] {
        let config = Config { enable_deputy_permissions: deputies, ..Config::default() };
        let stage = Stage::with_config(Fake::new().with_context(10).with_context(11), config);
        with_referring(&stage);
        let ids = || -> Vec<String> { stage.queued().into_iter().map(|item| item.id).collect() };
        stage.deliver(&anna(json!({}))).unwrap();
        assert_eq!(ids(), expected);
        stage.deliver(&anna(json!({"title": "Dr."}))).unwrap();
        assert_eq!(ids(), expected, "the id is the same");
        for name in stage.queue.names().unwrap() {
            fs::remove_file(stage.queue.path_of(&name)).unwrap();
        }
        stage.deliver(&anna(json!({"oxContext": 11}))).unwrap();
        assert_eq!(ids(), expected, "it moved");
    }
}

#[test]
fn weak_point_27_a_renamed_user_with_a_new_id_is_looked_for_under_both_dns() {
    let stage = stage();
    with_referring(&stage);
    let mut before = anna(json!({}));
    before.object.as_mut().unwrap().insert("oxDbId".into(), json!(77));
    store(&stage, &before);
    // The user is not in OX any more, so it gets another id.
    let mut renamed = anna(json!({"username": "anne"}));
    renamed.dn = "uid=anne,cn=users,dc=example,dc=org".into();
    stage.deliver(&renamed).unwrap();
    assert_eq!(stage.queued().iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["fa"]);
}

#[test]
fn s3_6_a_user_whose_id_is_known_changes_no_group() {
    let stage = stage();
    stage.deliver(&anna(json!({}))).unwrap();
    stage.deliver(&anna(in_groups())).unwrap();
    assert_eq!(stage.queued(), []);
}

#[test]
fn s5_3_6_a_moved_user_queues_its_groups() {
    let stage = stage();
    stage.deliver(&anna(json!({}))).unwrap();
    let mut moved = in_groups();
    moved["oxContext"] = json!(11);
    stage.deliver(&anna(moved)).unwrap();
    assert_eq!(stage.queued().len(), 1);
}

#[test]
fn s2_5_a_known_group_without_snapshot_is_an_error() {
    let stage = stage();
    fs::remove_file(stage.file("listener/old/g-team.json")).unwrap();
    let fault = stage.deliver(&anna(in_groups())).unwrap_err();
    assert!(fault.message.contains("g-team.json for CN=team"), "{}", fault.message);
    assert!(fault.message.contains("You need to re-provision"), "{}", fault.message);
}

#[test]
fn facts_of_a_snapshot_tell_what_groups_need() {
    let user = anna(json!({"oxDbId": 5, "oxContext": "10"}));
    let expected = Facts { scope: Some(10), remote_id: Some(5), active: true, ..Facts::default() };
    assert_eq!(crate::OxRecipient::facts_of(&user), expected);
}
