//! What the consumers get for which change, against a real slapd.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod common;

use common::{OEHLER, Site, VERTRIEB, age, items};
use idspool_service::Exit;
use idspool_tests::{Loading, Population, Slapd};
use serde_json::json;

const KELVIN: &str = "[kelvin]\nenabled = true\ndata_dir = 'kelvin'";

#[test]
fn each_consumer_gets_its_kinds_in_its_encoding() {
    let site = Site::with(Slapd::start().unwrap(), KELVIN);
    let user = site.change(OEHLER, "users/user", "modify");
    site.change(VERTRIEB, "groups/group", "modify");
    let context = "cn=context20,cn=open-xchange,dc=example,dc=org";
    site.change(context, "oxmail/oxcontext", "add");
    site.change("ou=gymnord,dc=example,dc=org", "container/ou", "add");
    let outcome = site.once();
    assert_eq!((outcome.exit, outcome.statistics.items), (Exit::Done, 4));
    assert!(site.listener.names().unwrap().is_empty());

    let ox = items(&site.ox());
    let kinds: Vec<_> = ox.iter().map(|item| item.udm_object_type.as_str()).collect();
    assert_eq!(kinds, ["users/user", "groups/group", "oxmail/oxcontext"]);
    assert_eq!((ox[0].id.as_str(), ox[0].dn.as_str()), (user.as_str(), OEHLER));
    assert!(ox[0].options.as_ref().unwrap().contains(&"default".to_owned()));
    assert!(!ox[0].resync);
    assert_eq!(ox[0].property("isOxUser"), Some(&json!("OK")));
    assert_eq!(
        ox[0].property("primaryGroup"),
        Some(&json!("cn=Domain Users,cn=groups,dc=example,dc=org"))
    );
    assert_eq!(ox[0].property("groups").unwrap().as_array().unwrap().len(), 3);
    assert_eq!(ox[2].property("contextid"), Some(&json!(20)));

    let kelvin = items(&site.kelvin());
    let kinds: Vec<_> = kelvin.iter().map(|item| item.udm_object_type.as_str()).collect();
    assert_eq!(kinds, ["users/user", "groups/group", "container/ou"]);
    assert_eq!(kelvin[0].property("isOxUser"), Some(&json!(true)));
}

#[test]
fn group_members_are_told_apart() {
    let site = Site::new();
    site.change("cn=alle-standorte,cn=groups,dc=example,dc=org", "groups/group", "modify");
    assert_eq!(site.once().exit, Exit::Done);
    let group = &items(&site.ox())[0];
    let count = |name: &str| group.property(name).unwrap().as_array().unwrap().len();
    assert_eq!((count("users"), count("nestedGroup"), count("hosts")), (1, 2, 1));
}

#[test]
fn without_memberof_the_groups_are_searched() {
    let site = Site::with(Slapd::builder().without_memberof().start().unwrap(), "");
    site.configure("groups_from = 'search'", "");
    site.change(OEHLER, "users/user", "modify");
    assert_eq!(site.once().exit, Exit::Done);
    let user = &items(&site.ox())[0];
    let mut groups: Vec<_> = user
        .property("groups")
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|dn| dn.as_str())
        .collect();
    groups.sort_unstable();
    assert_eq!(
        groups,
        [
            "cn=Domain Users,cn=groups,dc=example,dc=org",
            "cn=Vertrieb\\2C Süd,cn=groups,dc=example,dc=org",
            VERTRIEB
        ]
    );
}

#[test]
fn the_directory_wins_over_the_command() {
    let site = Site::new();
    site.change(OEHLER, "users/user", "delete");
    let gone = site.change(VERTRIEB, "groups/group", "modify");
    site.slapd.cli().delete(VERTRIEB).unwrap();
    assert_eq!(site.once().exit, Exit::Done);
    let found = items(&site.ox());
    assert!(found[0].object.is_some(), "it exists, whatever the command said");
    assert_eq!((found[1].id.as_str(), found[1].dn.as_str()), (gone.as_str(), VERTRIEB));
    assert!(found[1].object.is_none() && found[1].options.is_none());
}

#[test]
fn a_renamed_object_has_its_new_dn_and_every_change_its_own_file() {
    let site = Site::new();
    let uuid = site.change(OEHLER, "users/user", "modify");
    let renamed = OEHLER.replace("a.oehler", "anne");
    site.slapd.cli().rename(OEHLER, "uid=anne", None).unwrap();
    site.change_of(&uuid, OEHLER, "users/user", "modify");
    site.change_of(&uuid, &renamed, "users/user", "modify");
    let outcome = site.once();
    assert_eq!(outcome.statistics.items, 3);
    // The entry, its primary group, the share of its home directory.
    assert_eq!(outcome.statistics.requests, 3, "three changes of one entry cost one look-up");
    let found = items(&site.ox());
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|item| item.dn == renamed));
    assert!(found.iter().all(|item| item.property("username") == Some(&json!("anne"))));
}

#[test]
fn an_entry_that_became_another_kind_is_deleted_as_the_old_one() {
    let site = Site::new();
    let uuid = site.change(VERTRIEB, "users/user", "modify");
    assert_eq!(site.once().exit, Exit::Done);
    let found = items(&site.ox());
    let kinds: Vec<_> =
        found.iter().map(|item| (item.udm_object_type.as_str(), item.object.is_some())).collect();
    assert_eq!(kinds, [("users/user", false), ("groups/group", true)]);
    assert!(found.iter().all(|item| item.id == uuid));
}

#[test]
fn what_nobody_wants_is_done() {
    let site = Site::new();
    site.change("ou=gymnord,dc=example,dc=org", "container/ou", "modify");
    let computer = site.slapd.entry_uuid("cn=dc1,cn=computers,dc=example,dc=org").unwrap();
    let text = format!(
        r#"{{"entry_uuid": "{computer}", "dn": "cn=dc1,cn=computers,dc=example,dc=org", "object_type": "computers/linux", "command": "modify"}}"#
    );
    site.write("2024-01-01-00-00-00.json", &text);
    let outcome = site.once();
    assert_eq!((outcome.exit, outcome.statistics.items), (Exit::Done, 2));
    assert!(site.ox().names().unwrap().is_empty() && site.listener.names().unwrap().is_empty());
}

#[test]
fn the_snippet_of_the_manual_asks_for_a_call_in_any_case() {
    let site = Site::new();
    let uuid = site.slapd.entry_uuid(OEHLER).unwrap();
    let snippet = format!(
        "{{\n    \"entry_uuid\": \"{uuid}\",\n    \"dn\": \"{OEHLER}\",\n    \"object_type\": \"users/user\",\n    \"command\": \"modify\"\n}}\n"
    );
    site.write("2024-01-01-00-00-00.json", &snippet);
    assert_eq!(site.once().exit, Exit::Done);
    assert!(items(&site.ox())[0].resync);
}

#[test]
fn an_object_type_that_is_missing_does_no_harm_while_the_entry_exists() {
    let site = Site::new();
    let uuid = site.slapd.entry_uuid(OEHLER).unwrap();
    site.write("1.json", &format!(r#"{{"entry_uuid": "{uuid}", "dn": "{OEHLER}"}}"#));
    assert_eq!(site.once().exit, Exit::Done);
    assert_eq!(items(&site.ox())[0].udm_object_type, "users/user");
}

#[test]
fn a_deletion_of_an_unknown_kind_stops_the_queue_and_is_named() {
    let site = Site::new();
    let gone = "00000000-0000-4000-8000-000000000000";
    site.change(OEHLER, "users/user", "modify");
    let path = site.write(
        "9998.json",
        &format!(r#"{{"entry_uuid": "{gone}", "dn": "cn=x,dc=example,dc=org"}}"#),
    );
    site.write(
        "9999.json",
        &format!(r#"{{"entry_uuid": "{gone}", "dn": "cn=x,dc=example,dc=org", "object_type": "users/user"}}"#),
    );
    let ended = site.once_as_process();
    assert_eq!(ended.code(), Some(1));
    let log = ended.log();
    assert!(log.contains(&format!("Error while processing {}", path.display())), "{log}");
    assert!(log.contains("object_type"), "{log}");
    // What was before it is done, what is behind it waits.
    assert_eq!(items(&site.ox()).len(), 1);
    assert_eq!(site.listener.names().unwrap().len(), 2);
    let state = site.listener.state().unwrap();
    assert_eq!((state.errors, state.filename.as_deref()), (1, Some(path.as_path())));
    assert!(state.remedy.unwrap().contains("users/user"));

    std::fs::remove_file(&path).unwrap();
    assert_eq!(site.once().exit, Exit::Done);
    assert_eq!(items(&site.ox()).len(), 2);
    assert!(site.listener.state().unwrap().is_healthy());
}

#[test]
fn a_wrong_base_does_not_make_everything_look_deleted() {
    let site = Site::new();
    let user = site.change(OEHLER, "users/user", "modify");
    let text = std::fs::read_to_string(site.config()).unwrap();
    let narrow = text.replace("base_dn = 'dc=", "base_dn = 'cn=groups,dc=");
    std::fs::write(site.config(), narrow).unwrap();
    assert_eq!(site.once().exit, Exit::Stopped);
    assert!(site.ox().names().unwrap().is_empty());
    let state = site.listener.state().unwrap();
    let (message, remedy) = (state.message.unwrap(), state.remedy.unwrap());
    assert!(message.contains(OEHLER) && remedy.contains("directory.base_dn"), "{message}");

    std::fs::write(site.config(), text).unwrap();
    assert_eq!(site.once().exit, Exit::Done);
    assert_eq!(items(&site.ox())[0].id, user);
    assert!(items(&site.ox())[0].object.is_some());
}

#[test]
fn old_rubbish_stops_the_queue_and_stays() {
    for (name, content) in [("rubbish.json", "not JSON"), ("empty.json", ""), ("bare.json", "{}")] {
        let site = Site::new();
        let path = site.write(name, content);
        age(&path);
        site.write("z.json", "{");
        assert_eq!(site.once().exit, Exit::Stopped);
        let state = site.listener.state().unwrap();
        assert_eq!(state.filename.as_deref(), Some(path.as_path()));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_young_file_is_waited_for() {
    let site = Site::new();
    let uuid = site.slapd.entry_uuid(OEHLER).unwrap();
    let text =
        format!(r#"{{"entry_uuid": "{uuid}", "dn": "{OEHLER}", "object_type": "users/user"}}"#);
    let (first, second) = text.split_at(40);
    let path = site.write("2024-01-01-00-00-00.json", first);
    site.change(VERTRIEB, "groups/group", "modify");
    let daemon = site.program(&[]);
    daemon.wait_for("reads", common::SOON).unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut file, second.as_bytes()).unwrap();
    drop(file);
    common::wait_for_items(&site.ox(), 2);
    let ended = daemon.terminate(common::SOON).unwrap();
    assert_eq!(ended.code(), Some(0));
    assert!(!ended.log().contains("ERROR"), "{}", ended.log());
    let kinds: Vec<_> = items(&site.ox()).into_iter().map(|item| item.udm_object_type).collect();
    assert_eq!(kinds, ["users/user", "groups/group"]);
}

#[test]
fn many_changes_keep_their_order_and_cost_few_requests() {
    let population = Population { users: 2000 };
    let slapd =
        Slapd::builder().loading(Loading::SlapAdd).extra_ldif(&population.ldif()).start().unwrap();
    let site = Site::with(slapd, KELVIN);
    let changes: Vec<_> = (0..2000)
        .map(|index| {
            // Not the order of the directory.
            let index = (index * 7) % 2000;
            let (uuid, dn) = (population.entry_uuid(index), population.dn(index));
            idspool_listener::change(&uuid, &dn, "users/user", "modify", false).unwrap()
        })
        .collect();
    idspool_listener::enqueue(&site.listener, &changes).unwrap();
    let outcome = site.once();
    assert_eq!((outcome.exit, outcome.statistics.items), (Exit::Done, 2000));
    assert!(outcome.statistics.requests * 50 <= 2000, "{} requests", outcome.statistics.requests);
    for spool in [site.ox(), site.kelvin()] {
        let found = items(&spool);
        let ids: Vec<_> = found.iter().map(|item| item.id.as_str()).collect();
        let expected: Vec<_> = changes.iter().map(|change| change.entry_uuid.as_str()).collect();
        assert_eq!(ids, expected);
        let group = json!([population.group_dn(700)]);
        let user = found.iter().find(|item| item.id == population.entry_uuid(700)).unwrap();
        assert_eq!(user.property("groups"), Some(&group));
    }
}
