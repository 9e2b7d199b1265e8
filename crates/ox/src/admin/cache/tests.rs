use std::fs;
use std::num::NonZeroUsize;

use idspool_service::shutdown::Shutdown;
use serde_json::{Value, json};

use super::ids::{delete, find};
use super::*;
use crate::admin::Progress;
use crate::fake::Fake;
use crate::settings::Identifier;
use crate::tests::stage::{Stage, item};

/// Keeps what it is told; asks for a stop at a line, if wanted.
#[derive(Debug, Default)]
struct Told {
    lines: Vec<String>,
    warnings: Vec<String>,
    stop: Shutdown,
    stop_at: Option<&'static str>,
}

impl Progress for Told {
    fn begin(&mut self, _part: &'static str, _steps: u64) {}
    fn step(&mut self) {}
}

impl Watcher for Told {
    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        let line = line.to_string();
        if self.stop_at == Some(line.as_str()) {
            self.stop.request();
        }
        self.lines.push(line);
        Ok(())
    }

    fn warn(&mut self, text: &str) {
        self.warnings.push(text.to_owned());
    }
}

fn stage() -> Stage {
    Stage::new(Fake::new().with_context(10).with_context(11).with_user(10, 2, "oxadmin"))
}

fn user(id: &str, name: &str, changes: Value) -> idspool_udm::ConvertedItem {
    let mut object = json!({"isOxUser": "OK", "oxContext": 10, "username": name});
    object.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    item(id, "users/user", &format!("uid={name},dc=x"), object)
}

/// A snapshot as it was delivered.
fn keep(stage: &Stage, item: &idspool_udm::ConvertedItem) {
    let facts = idspool_provisioner::Facts {
        digest: Some("d".into()),
        rights: Some("r".into()),
        ..crate::OxRecipient::facts_of(item)
    };
    stage.objects.store(item, &facts).unwrap();
    stage.objects.commit().unwrap();
}

fn id_of(stage: &Stage, id: &str) -> Option<Value> {
    stage.snapshot(id).unwrap().get("oxDbId").cloned()
}

fn run(stage: &Stage, together: Option<usize>) -> (Told, Result<Summary, CacheError>) {
    let mut told = Told::default();
    let chunk = together.map(|size| Chunk(NonZeroUsize::new(size).unwrap()));
    let stop = told.stop.clone();
    let result = find(&stage.core(), &stage.objects, chunk, &stop, &mut told);
    (told, result)
}

fn run_delete(stage: &Stage) -> (Told, Summary) {
    let mut told = Told::default();
    let summary = delete(&stage.objects, &Shutdown::new(), &mut told).unwrap();
    (told, summary)
}

#[test]
fn s9_1_ids_are_found_one_by_one() {
    let stage = stage();
    let ox = stage.ox.clone().with_user(10, 5, "anna").with_user(11, 7, "bert");
    keep(&stage, &user("u-1", "anna", json!({})));
    keep(&stage, &user("u-2", "bert", json!({"isOxUser": true, "oxContext": "11"})));
    keep(&stage, &user("u-3", "carl", json!({})));
    keep(&stage, &user("u-4", "dora", json!({"oxContext": 99})));
    keep(&stage, &user("u-5", "emil", json!({"oxDbId": 77})));
    keep(&stage, &user("u-6", "finn", json!({"isOxUser": "Not"})));
    keep(&stage, &user("u-7", "gerd", json!({"oxContext": null})));
    keep(
        &stage,
        &item("g-1", "groups/group", "cn=g,dc=x", json!({"name": "g", "isOxGroup": "OK"})),
    );
    ox.calls();
    let (told, result) = run(&stage, None);
    assert_eq!(
        told.lines,
        [
            "Found 8 files.",
            "Searching in 10 for anna",
            "... found it at 5",
            "Searching in 11 for bert",
            "... found it at 7",
            "Searching in 10 for carl",
            "... not found!",
            "Searching in 99 for dora",
            "... no password configured for context!",
            "2 files updated.",
        ]
    );
    assert_eq!(
        ox.calls(),
        [
            "User.exists 10 anna",
            "User.getData 10 anna",
            "User.exists 11 bert",
            "User.getData 11 bert",
            "User.exists 10 carl",
        ]
    );
    let summary = Summary {
        files: 8,
        users: 6,
        updated: 2,
        not_found: 1,
        no_password: 1,
        refused: 0,
        no_context: 1,
        unusable: 0,
    };
    assert_eq!(result.unwrap(), summary);
    let ids = ["u-1", "u-2", "u-3", "u-5"].map(|id| id_of(&stage, id));
    assert_eq!(ids, [Some(json!(5)), Some(json!(7)), None, Some(json!(77))]);
    // The index follows, and what was delivered no longer counts.
    let facts = stage.facts("u-1").unwrap();
    assert_eq!((facts.remote_id, facts.digest, facts.rights), (Some(5), None, None));
    assert_eq!(stage.facts("u-5").unwrap().digest.as_deref(), Some("d"), "left alone");
    // A second run asks only for those that are still missing.
    run(&stage, None).1.unwrap();
    assert_eq!(ox.calls(), ["User.exists 10 carl"]);
}

#[test]
fn s9_1_ids_are_found_with_one_call_for_many() {
    let stage = stage();
    let mut ox = stage.ox.clone();
    for number in 0..5 {
        ox = ox.with_user(10, 5 + number, &format!("u{number}"));
        keep(&stage, &user(&format!("u-{number}"), &format!("u{number}"), json!({})));
    }
    keep(&stage, &user("u-8", "gone", json!({})));
    keep(&stage, &user("u-9", "lost", json!({"oxContext": 99})));
    ox.calls();
    let (told, result) = run(&stage, Some(4));
    assert_eq!(
        told.lines[..8],
        [
            "Found 7 files.",
            "Searching in 10 for u0",
            "Building cache for 10",
            "Retrieved 6 ids",
            "Loaded 4",
            "Loaded 6",
            "... built cache",
            "... found it at 5",
        ]
    );
    assert!(told.lines.contains(&"... not found!".to_owned()), "{:?}", told.lines);
    assert_eq!(told.lines.last().unwrap(), "5 files updated.");
    assert_eq!(result.unwrap().no_password, 1);
    // One list and two reads, whatever the number of users: who is not there is not asked for.
    assert_eq!(ox.calls().len(), 3);
    assert_eq!(id_of(&stage, "u-4"), Some(json!(9)));
}

#[test]
fn a_user_that_vanishes_while_the_list_is_read_does_not_stop_the_others() {
    let stage = stage();
    let ox =
        stage.ox.clone().with_user(10, 5, "anna").with_user(10, 6, "bert").with_user(10, 7, "carl");
    keep(&stage, &user("u-1", "carl", json!({})));
    let core = stage.core();
    let admin = core.admin(ContextId::new(10)).unwrap();
    let scope = crate::ox::Scope { context: ContextId::new(10), admin: &admin };
    let listed = core.ox.user_ids(scope).unwrap();
    ox.change_world(|world| {
        world.contexts.get_mut(&10).unwrap().users.remove(&6);
    });
    assert!(core.ox.user_names(scope, &listed).unwrap_err().is_not_found());
    let mut names = names::Names::default();
    names.add(&*core.ox, scope, &listed).unwrap();
    let found = ["oxadmin", "anna", "bert", "carl"].map(|name| names.get(name).is_some());
    assert_eq!(found, [true, true, false, true]);
}

#[test]
fn s9_1_delete_removes_the_ids_of_ox_users_without_a_call() {
    let stage = stage();
    keep(&stage, &user("u-1", "anna", json!({"oxDbId": 5, "oxDbUsername": "anna"})));
    keep(&stage, &user("u-2", "bert", json!({"oxDbId": 6, "isOxUser": "Not"})));
    keep(&stage, &user("u-3", "carl", json!({"oxDbId": 0})));
    keep(&stage, &user("u-4", "dora", json!({})));
    let (told, summary) = run_delete(&stage);
    assert_eq!(told.lines, ["Found 4 files.", "2 files updated."]);
    assert_eq!((summary.users, summary.updated), (3, 2));
    assert_eq!(stage.ox.calls(), [""; 0]);
    assert_eq!(stage.snapshot("u-1").unwrap().get("oxDbId"), None);
    assert_eq!(stage.snapshot("u-1").unwrap()["oxDbUsername"], json!("anna"));
    assert_eq!(id_of(&stage, "u-2"), Some(json!(6)));
    let facts = stage.facts("u-1").unwrap();
    assert_eq!((facts.remote_id, facts.digest), (None, None));
}

#[test]
fn s5_3_1_the_admin_is_skipped_also_after_the_ids_were_deleted_and_rebuilt() {
    let stage = stage();
    let admin = |title: &str| user("u-1", "oxadmin", json!({"title": title}));
    stage.deliver(&admin("a")).unwrap();
    stage.objects.commit().unwrap();
    run_delete(&stage);
    for together in [None, Some(10)] {
        run_delete(&stage);
        let (told, _) = run(&stage, together);
        assert!(told.lines.contains(&"... found it at 2".to_owned()), "{:?}", told.lines);
        assert_eq!(id_of(&stage, "u-1"), Some(json!(2)));
        assert_eq!(stage.calls(&admin("b")), [""; 0]);
        let off = user("u-1", "oxadmin", json!({"isOxUser": "Not"}));
        assert_eq!(stage.calls(&off), [""; 0]);
        stage.deliver(&admin("c")).unwrap();
        stage.objects.commit().unwrap();
    }
    assert!(stage.ox.user_of(10, "oxadmin").is_some());
}

#[test]
fn after_a_rebuild_the_next_item_of_a_user_is_delivered_even_if_nothing_changed() {
    let stage = stage();
    let anna = user(
        "u-1",
        "anna",
        json!({"firstname": "A", "lastname": "M", "oxDisplayName": "A M",
        "mailPrimaryAddress": "anna@example.org"}),
    );
    stage.deliver(&anna).unwrap();
    stage.objects.commit().unwrap();
    assert_eq!(stage.calls(&anna), [""; 0]);
    stage.objects.commit().unwrap();
    run_delete(&stage);
    run(&stage, None).1.unwrap();
    assert!(stage.calls(&anna).iter().any(|call| call.starts_with("User.change 10")));
}

#[test]
fn s5_3_1_users_are_searched_under_the_name_that_ox_has() {
    let stage = stage();
    let ox = stage
        .ox
        .clone()
        .with_user(10, 5, "written")
        .with_user(10, 6, "mail")
        .with_user(10, 7, "plain");
    keep(&stage, &user("u-1", "x", json!({"oxDbUsername": "written", "mailId": "mail"})));
    keep(&stage, &user("u-2", "x2", json!({"mailId": "mail"})));
    keep(&stage, &user("u-3", "plain", json!({})));
    ox.calls();
    let mut core = stage.core();
    core.settings.user_identifier = Identifier::Property("mailId".into());
    let mut told = Told::default();
    find(&core, &stage.objects, None, &Shutdown::new(), &mut told).unwrap();
    let ids = ["u-1", "u-2", "u-3"].map(|id| id_of(&stage, id));
    assert_eq!(ids, [Some(json!(5)), Some(json!(6)), Some(json!(7))]);
}

#[test]
fn an_interrupted_run_keeps_what_it_did_and_goes_on_there() {
    let stage = stage();
    let ox =
        stage.ox.clone().with_user(10, 5, "anna").with_user(10, 6, "bert").with_user(10, 7, "carl");
    for (id, name) in [("u-1", "anna"), ("u-2", "bert"), ("u-3", "carl")] {
        keep(&stage, &user(id, name, json!({})));
    }
    let mut told = Told { stop_at: Some("Searching in 10 for bert"), ..Told::default() };
    let stop = told.stop.clone();
    let error = find(&stage.core(), &stage.objects, None, &stop, &mut told).unwrap_err();
    assert!(matches!(error, CacheError::Stopped), "{error}");
    assert_eq!(stage.objects.uncommitted(), 0);
    assert_eq!(["u-1", "u-2", "u-3"].map(|id| id_of(&stage, id).is_some()), [true, true, false]);
    ox.calls();
    assert_eq!(run(&stage, None).1.unwrap().updated, 1);
    assert_eq!(ox.calls(), ["User.exists 10 carl", "User.getData 10 carl"]);
}

#[test]
fn a_fault_of_ox_ends_the_run_with_what_was_done_kept() {
    let stage = stage();
    let ox = stage.ox.clone().with_user(10, 5, "anna").with_user(10, 6, "bert");
    keep(&stage, &user("u-1", "anna", json!({})));
    keep(&stage, &user("u-2", "bert", json!({})));
    ox.fail_at(3, crate::fake::Failure::Before);
    let (_, result) = run(&stage, None);
    let error = result.unwrap_err().to_string();
    assert!(error.starts_with("failed to look users up in context 10: "), "{error}");
    ox.heal();
    assert_eq!(["u-1", "u-2"].map(|id| id_of(&stage, id)), [Some(json!(5)), None]);
    assert_eq!(stage.objects.uncommitted(), 0);
}

#[test]
fn snapshots_that_cannot_be_used_are_named_and_the_others_done() {
    let stage = stage();
    let _ox = stage.ox.clone().with_user(10, 5, "anna");
    keep(&stage, &user("u-1", "anna", json!({})));
    keep(&stage, &user("u-2", "bert", json!({"oxContext": "ten"})));
    keep(&stage, &user("u-3", "", json!({})));
    fs::write(stage.objects.folder().join("damaged.json"), "{").unwrap();
    fs::write(stage.objects.folder().join("not an id.json"), "{}").unwrap();
    let (told, result) = run(&stage, None);
    let summary = result.unwrap();
    assert_eq!((summary.files, summary.updated, summary.unusable), (5, 1, 4));
    let mut warnings = told.warnings;
    warnings.sort_unstable();
    for (warning, expected) in warnings.iter().zip([
        "u-2.json: property 'oxContext' is the text 'ten'",
        "u-3.json: the user has no name",
        "damaged.json is no usable snapshot",
        "not an id.json is no usable snapshot",
    ]) {
        assert!(warning.contains(expected), "{warnings:?}");
    }
    assert_eq!(warnings.len(), 4);
}

#[test]
fn a_context_that_ox_does_not_have_is_asked_for_once() {
    let stage = Stage::new(Fake::new().with_context(10));
    keep(&stage, &user("u-1", "anna", json!({"oxContext": 11})));
    keep(&stage, &user("u-2", "bert", json!({"oxContext": 11})));
    for together in [None, Some(10)] {
        let (told, result) = run(&stage, together);
        assert_eq!(result.unwrap().refused, 2);
        assert_eq!(told.warnings.len(), 1, "{:?}", told.warnings);
        let built = told.lines.iter().filter(|line| *line == "Building cache for 11").count();
        assert_eq!(built, together.map_or(0, |_| 1));
    }
}

#[test]
fn a_snapshot_that_vanished_is_passed_over() {
    let stage = stage();
    keep(&stage, &user("u-1", "anna", json!({})));
    fs::remove_file(stage.objects.path_of("u-1").unwrap()).unwrap();
    let (told, result) = run(&stage, None);
    assert_eq!(told.lines, ["Found 0 files.", "0 files updated."]);
    assert_eq!(result.unwrap(), Summary::default());
    assert!(!stage.objects.path_of("u-1").unwrap().exists());
}

#[test]
fn one_damaged_snapshot_does_not_keep_the_others_from_their_ids() {
    let stage = stage();
    let _ox = stage.ox.clone().with_user(10, 5, "anna").with_user(10, 6, "bert");
    for (id, name) in [("u-1", "anna"), ("u-2", "bert")] {
        keep(&stage, &user(id, name, json!({"oxDbId": 77})));
    }
    fs::write(stage.objects.folder().join("u-1.json"), "{\"id\": ").unwrap();
    let (told, summary) = run_delete(&stage);
    assert_eq!((summary.unusable, summary.updated), (1, 1));
    assert!(told.warnings.iter().any(|line| line.contains("u-1.json is damaged")), "{told:?}");
    assert_eq!(id_of(&stage, "u-2"), None);
    let (_, summary) = run(&stage, None);
    assert_eq!(summary.unwrap().updated, 1);
    assert_eq!(id_of(&stage, "u-2"), Some(json!(6)));
}
