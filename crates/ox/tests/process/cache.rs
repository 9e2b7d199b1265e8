//! What an administrator does to the index while the program runs.

use std::fs;

use idspool_ox::admin::cache;
use idspool_sandbox::ox::Options;
use idspool_service::Ox;
use serde_json::json;

use crate::LONG;
use crate::place::{ANNA, ANNA_DN, Place, anna, context, item};

/// Manual 6.4.2 and 6.7: the member is gone, its snapshot as well, and the group stops the queue.
#[test]
fn s9_2_forgetting_a_member_beside_the_running_program_lets_its_group_pass() {
    let place = Place::new(Options::default());
    place.enqueue(&context(10));
    place.enqueue(&anna(json!({})));
    let mut bert = anna(json!({
        "username": "bert", "oxDisplayName": "Bert", "mailPrimaryAddress": "bert@example.org",
        "mailAlternativeAddress": [],
    }));
    bert.id = "u-bert".into();
    bert.dn = "uid=bert,cn=users,dc=example,dc=org".into();
    place.enqueue(&bert);
    assert_eq!(place.run().code(), Some(0));
    fs::remove_file(place.snapshot_path(ANNA)).unwrap();

    let daemon = place.start();
    let group = json!({"name": "team", "isOxGroup": "OK", "users": [ANNA_DN, bert.dn]});
    place.enqueue(&item("g-team", "groups/group", "cn=team,dc=example,dc=org", group));
    daemon.wait_for("Error while processing", LONG).unwrap();
    let message = idspool_tests::poll(LONG, || place.spool().state().unwrap().message).unwrap();
    assert!(message.contains(&format!("for {ANNA_DN} does not exist!")), "{message}");

    let config = Ox { data_dir: place.data(), ..Ox::default() };
    let spelling = "UID=anna, CN=users,dc=example,dc=org";
    assert!(cache::forget(&config, spelling).unwrap());
    assert!(!cache::forget(&config, spelling).unwrap());
    let done = || (place.queued() == 0).then_some(());
    idspool_tests::poll(LONG, done).unwrap_or_else(|| panic!("the group is not delivered"));
    let members = place.server.inspect(|world| {
        let context = world.context(10).unwrap();
        context.members(context.group_named("team").unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(members, [place.id(10, "bert").unwrap()]);
    assert_eq!(daemon.terminate(LONG).unwrap().code(), Some(0));
}
