//! What is put into the queues again, and work beside a running `idspool-ox`.

use std::fs;

use idspool_tests::{BASE_DN, Installation, poll};
use serde_json::{Value, json};

use crate::world::{SOON, World, picture};

#[test]
fn a_wrong_id_is_looked_up_again_and_the_other_user_is_left_alone() {
    let world = World::provisioned();
    let (anna, berta) = (world.uuid("a.oehler"), world.uuid("b.meier"));
    let right = world.idspool.snapshot(&anna).unwrap()["object"]["oxDbId"].clone();
    let other = world.idspool.snapshot(&berta).unwrap()["object"]["oxDbId"].clone();
    world.edit_snapshot(&anna, |object| object["oxDbId"] = other.clone());
    let before = world.sandbox.user(10, "b.meier").unwrap().unwrap();
    let (code, lines) = world.one(&World::dn("a.oehler"), &["--resync"]);
    assert_eq!(code, 1);
    let expected =
        format!("DIFF(oxDbId): old listener value: {other}, ox value: {right}, udm value: -");
    assert!(lines.contains(&expected), "{lines}");
    assert_eq!(world.idspool.snapshot(&anna).unwrap()["object"].get("oxDbId"), None);
    let waiting = Installation::waiting(&world.idspool.ox_queue());
    assert_eq!(waiting.len(), 1);
    let copy = fs::read(world.idspool.ox_queue().join(&waiting[0])).unwrap();
    let copy: Value = serde_json::from_slice(&copy).unwrap();
    assert_eq!((&copy["resync"], copy["object"].get("oxDbId")), (&json!(true), None));
    world.once();
    assert_eq!(world.idspool.snapshot(&anna).unwrap()["object"]["oxDbId"], right);
    assert_eq!(world.sandbox.user(10, "b.meier").unwrap().unwrap(), before);
    world.assert_consistent();
}

#[test]
fn a_running_idspool_ox_looks_a_doubtful_id_up_again() {
    let world = World::provisioned();
    let (anna, berta) = (world.uuid("a.oehler"), world.uuid("b.meier"));
    let right = world.idspool.snapshot(&anna).unwrap()["object"]["oxDbId"].clone();
    let other = world.idspool.snapshot(&berta).unwrap()["object"]["oxDbId"].clone();
    let before = world.sandbox.user(10, "b.meier").unwrap().unwrap();
    let ox = world.idspool.start("idspool-ox", &[]).unwrap();
    let running = || (world.idspool.status("ox").unwrap()["running"] == true).then_some(());
    poll(SOON, running).unwrap();
    world.edit_snapshot(&anna, |object| object["oxDbId"] = other.clone());
    let (code, lines) = world.one(&World::dn("a.oehler"), &["--resync"]);
    assert!(code == 1 && lines.contains("has been scheduled to be resynced"), "{lines}");
    world.idspool.settle(SOON).unwrap();
    assert_eq!(world.idspool.snapshot(&anna).unwrap()["object"]["oxDbId"], right);
    assert_eq!(world.sandbox.user(10, "b.meier").unwrap().unwrap(), before);
    let ended = ox.terminate(SOON).unwrap();
    assert_eq!(ended.code(), Some(0), "{}", ended.log());
    world.assert_consistent();
}

#[test]
fn a_user_in_another_context_is_told_and_not_resynced() {
    let world = World::provisioned();
    world.edit_snapshot(&world.uuid("d.zu"), |object| {
        object["oxContext"] = json!("20");
        object["oxDbId"] = json!(4711);
    });
    let (code, lines) = world.one(&World::dn("d.zu"), &["--resync"]);
    assert_eq!(code, 1);
    assert!(
        lines.contains(
            "Object not found in ox database (context 20), but it was found in context 10"
        ),
        "{lines}"
    );
    assert!(lines.contains("Resync not possible."), "{lines}");
    assert_eq!(Installation::waiting(&world.idspool.ox_queue()), [""; 0]);
    assert_eq!(Installation::waiting(&world.idspool.listener_spool()), [""; 0]);
}

#[test]
fn what_waits_is_on_its_way_and_not_different() {
    let world = World::provisioned();
    let dn = World::dn("d.zu");
    world.slapd.cli().replace(&dn, "telephoneNumber", &["+49 5"]).unwrap();
    world.idspool.hook(&world.uuid("d.zu"), &dn, "users/user", "modify").unwrap();
    let (findings, summary) = world.all(&["--resync"]);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!((&findings[0]["kind"], &findings[0]["object"]), (&json!("waiting"), &json!(dn)));
    assert_eq!((&summary["inconsistent"], &summary["waiting"]), (&json!(0), &json!(1)));
    let (_, lines) = world.one(&dn, &[]);
    let warning = "Warning: The OX Connector queue is not empty. ";
    assert!(lines.starts_with(warning) && lines.contains("may be on its way"), "{lines}");
    assert_eq!(Installation::waiting(&world.idspool.listener_spool()).len(), 1, "none was added");
    // In the second queue as well.
    let output = world.idspool.run("idspool-converter", &["--once"]).unwrap();
    assert!(output.status.success());
    let (_, summary) = world.all(&[]);
    assert_eq!((&summary["inconsistent"], &summary["waiting"]), (&json!(0), &json!(1)));
    world.once();
    world.assert_consistent();
}

#[test]
fn a_comparison_changes_nothing_and_works_beside_idspool_ox() {
    let world = World::provisioned();
    world.change_user("d.zu", "<d:company>Other</d:company><d:id>ID</d:id>");
    let data = world.idspool.path().join("spool");
    let before = picture(&data);
    let call = world.sandbox.last_call().unwrap();
    let (findings, _) = world.all(&[]);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(picture(&data) == before, "something was written");
    let calls = world.sandbox.calls_since(call).unwrap();
    let is_read =
        |name: &String| [".get", ".list", ".exists"].iter().any(|reading| name.contains(reading));
    assert!(calls.iter().all(is_read), "{calls:?}");
    // With idspool-ox running, which holds the lock.
    let ox = world.idspool.start("idspool-ox", &[]).unwrap();
    let running = || (world.idspool.status("ox").unwrap()["running"] == true).then_some(());
    poll(SOON, running).unwrap();
    let (_, summary) = world.all(&["--resync"]);
    assert_eq!(summary["requeued"], 1);
    world.idspool.settle(SOON).unwrap();
    world.assert_consistent();
    let ended = ox.terminate(SOON).unwrap();
    assert_eq!(ended.code(), Some(0), "{}", ended.log());
}

#[test]
fn an_object_that_was_renamed_unseen_is_found_under_either_name() {
    let world = World::provisioned();
    let container = format!("cn=functional_accounts,cn=open-xchange,{BASE_DN}");
    let (old, new) = (format!("cn=info,{container}"), format!("cn=infos,{container}"));
    world.slapd.cli().rename(&old, "cn=infos", None).unwrap();
    let (code, lines) = world.one(&old, &[]);
    assert!(code == 1 && lines.contains("DIFF(name): old listener value: info, "), "{lines}");
    let (_, lines) = world.one(&new, &["--resync"]);
    let expected = format!("DIFF(dn): old listener value: {old}, ox value: -, udm value: {new}\n");
    assert!(lines.contains(&expected), "{lines}");
    assert_eq!(Installation::waiting(&world.idspool.listener_spool()).len(), 1);
    world.once();
    world.assert_consistent();
    assert_eq!(world.state(10, "accounts", "infos")["primaryAddress"], "info@example.org");
}
