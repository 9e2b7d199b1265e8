//! Lost answers and kills.

use std::time::Duration;

use idspool_sandbox::ox::{ContextSpec, Failure, Options};
use rustix::process::Signal;
use serde_json::json;

use super::{
    account, accounts, deliver, deputies, dn, login, place, resource, resources, run, user,
};
use crate::LONG;
use crate::place::Place;

#[test]
fn a_lost_answer_at_any_call_changes_nothing_in_the_end() {
    let items = |place: &Place| {
        place.enqueue(&account(&["berta", "carl"], &json!({"personal": "P"})));
        place.enqueue(&resource(&json!({"oxContext": 11, "name": "projector"})));
    };
    let begin = || {
        let place = place();
        deliver(&place, &account(&["anna", "carl"], &json!({})));
        deliver(&place, &resource(&json!({})));
        place
    };
    let expected = {
        let place = begin();
        items(&place);
        run(&place, &[]);
        (accounts(&place), resources(&place))
    };
    let place = begin();
    for operation in [
        "OXSecondaryAccountService.delete:1",
        "OXSecondaryAccountService.delete:2",
        "OXSecondaryAccountService.create:1",
        "OXSecondaryAccountService.create:2",
        "OXResourceService.getData:1",
        "OXResourceService.getData:2",
        "OXResourceService.create:1",
        "OXResourceService.delete:1",
    ] {
        for kind in ["storage", "late-close", "http502"] {
            let failure = format!("{operation}:{kind}");
            place.server.fail(failure.parse::<Failure>().unwrap()).unwrap();
            items(&place);
            let first = place.run();
            // The client repeats a read whose connection broke by itself.
            if first.code() != Some(0) {
                assert_eq!(first.code(), Some(1), "{failure}: {}", first.log());
                assert!(place.queued() > 0, "{failure}");
                run(&place, &[]);
            }
            assert_eq!(accounts(&place), expected.0, "{failure}");
            let mut found = resources(&place);
            // Ids are given out once.
            found[0][1] = expected.1[0][1].clone();
            assert_eq!(found, expected.1, "{failure}");
            deliver(&place, &account(&["anna", "carl"], &json!({})));
            deliver(&place, &resource(&json!({})));
        }
    }
}

#[test]
fn killed_at_any_moment_accounts_and_permissions_end_right() {
    let options = Options {
        contexts: vec![ContextSpec::new(10), ContextSpec::new(11)],
        latency: Duration::from_millis(10),
        ..Options::default()
    };
    let place = Place::new(options);
    let entry = json!({"adminuser": "oxadmin", "adminpass": "secret"});
    place.set_credentials(&json!({"10": entry, "11": entry}));
    let names: Vec<String> = (0..6).map(|number| format!("user{number}")).collect();
    let variables = [("OX_ENABLE_DEPUTY_PERMISSIONS", "true")];
    for name in &names {
        place.enqueue(&user(name, &json!({})));
    }
    run(&place, &variables);
    for round in 0..12_usize {
        let members: Vec<&str> = names
            .iter()
            .enumerate()
            .filter(|(at, _)| (at + round) % 3 != 0)
            .map(|(_, name)| name.as_str())
            .collect();
        place.enqueue(&account(&members, &json!({"personal": format!("round {}", round / 3)})));
        let grantor = &names[round % names.len()];
        let deputy = &names[(round + 1) % names.len()];
        let entries = json!([[dn(deputy), "02400", "00000", "1"]]);
        place.enqueue(&user(grantor, &json!({ "oxDeputyPermissionGivenTo": entries })));
        place.enqueue(&resource(&json!({"oxContext": 10 + round % 2})));
    }
    let mut kills = 0;
    while place.queued() > 0 {
        let daemon = place.start_with(&variables);
        daemon.wait_for("Provisioning", LONG).unwrap();
        let target = place.server.calls(0).len() + 2 + kills % 23;
        let reached =
            || (place.server.calls(0).len() >= target || place.queued() == 0).then_some(());
        idspool_tests::poll(LONG, reached).unwrap();
        daemon.signal(Signal::KILL).unwrap();
        daemon.wait(LONG).unwrap();
        kills += 1;
        assert!(kills < 400);
    }
    assert!(kills > 3, "{kills}");
    let id = |name: &str| place.id(10, name).unwrap();
    let mut expected: Vec<_> = names
        .iter()
        .enumerate()
        .filter(|(at, _)| (at + 11) % 3 != 0)
        .map(|(_, name)| json!([10, id(name), "info@example.org", login(name), "round 3"]))
        .collect();
    expected.sort_by_key(|entry| entry[1].as_i64());
    assert_eq!(accounts(&place), json!(expected));
    assert_eq!(deputies(&place).0.as_array().unwrap().len(), names.len());
    let found = resources(&place);
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found[0][0], json!(11));
}
