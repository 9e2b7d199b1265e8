use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Map, Value, json};

use super::*;

const ANNA: &str = "0f3c9c6a-0000-103f-8000-000000000001";
const BERT: &str = "0f3c9c6a-0000-103f-8000-000000000002";

fn item(id: &str, dn: &str, properties: Value) -> ConvertedItem {
    let Value::Object(object) = properties else { panic!("not an object") };
    ConvertedItem {
        id: id.into(),
        udm_object_type: "users/user".into(),
        dn: dn.into(),
        object: Some(object),
        options: Some(vec!["default".into()]),
        resync: false,
        old_data: None,
        user_passwords: None,
    }
}

fn facts_of(item: &ConvertedItem) -> Facts {
    let number = |name: &str| item.object.as_ref()?.get(name)?.as_i64();
    Facts { scope: number("oxContext"), remote_id: number("oxDbId"), ..Facts::default() }
}

fn references_of(item: &ConvertedItem) -> Vec<String> {
    let list = item.object.as_ref().and_then(|object| object.get("users")?.as_array());
    list.into_iter().flatten().filter_map(|dn| Some(dn.as_str()?.to_owned())).collect()
}

fn names_of(item: &ConvertedItem) -> Vec<String> {
    let name = item.object.as_ref().and_then(|object| object.get("name")?.as_str());
    name.into_iter().map(str::to_owned).collect()
}

const INDEXING: Indexing = Indexing { facts_of, references_of, names_of };

fn open(queue: &Path) -> Objects {
    Objects::open(queue, INDEXING).unwrap()
}

/// Stores a state, durably.
fn store(objects: &Objects, item: &ConvertedItem, facts: &Facts) {
    objects.store(item, facts).unwrap();
    objects.commit().unwrap();
}

fn delivered() -> Facts {
    Facts {
        scope: Some(10),
        remote_id: Some(42),
        active: true,
        digest: Some("d".into()),
        rights: Some("r".into()),
    }
}

#[test]
fn a_snapshot_has_the_documented_form_and_mode() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    store(&objects, &item(ANNA, "uid=anna,dc=x", json!({"b": "ä", "a": []})), &delivered());
    let path = queue.path().join(format!("old/{ANNA}.json"));
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        format!(
            "{{\n    \"dn\": \"uid=anna,dc=x\",\n    \"id\": \"{ANNA}\",\n    \"object\": {{\n        \
             \"a\": [],\n        \"b\": \"\\u00e4\"\n    }},\n    \"options\": [\n        \
             \"default\"\n    ],\n    \"udm_object_type\": \"users/user\"\n}}"
        )
    );
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn an_object_is_found_by_any_spelling_of_its_dn() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    store(&objects, &item(ANNA, "uid=Anna,cn=Users,dc=x", json!({})), &delivered());
    let known = objects.by_dn("UID=ANNA, cn=users , DC=x").unwrap().unwrap();
    assert_eq!((known.id.as_str(), known.facts.remote_id), (ANNA, Some(42)));
    assert_eq!(known.path, queue.path().join(format!("old/{ANNA}.json")));
    assert_eq!(objects.by_dn("uid=bert,cn=users,dc=x").unwrap(), None);
    assert_eq!(objects.by_dn("").unwrap(), None);
}

#[test]
fn a_rename_takes_the_old_dn_away_and_a_case_rename_keeps_the_object() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    for dn in ["uid=anna,dc=x", "uid=Anna,dc=x", "uid=anne,dc=x"] {
        store(&objects, &item(ANNA, dn, json!({})), &delivered());
        assert_eq!(objects.by_dn(dn).unwrap().unwrap().id, ANNA);
    }
    assert_eq!(objects.by_dn("uid=anna,dc=x").unwrap(), None);
}

#[test]
fn a_late_delete_of_the_former_owner_of_a_dn_leaves_the_new_one_alone() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    store(&objects, &item(ANNA, "uid=anna,dc=x", json!({})), &delivered());
    store(&objects, &item(BERT, "uid=anna,dc=x", json!({})), &delivered());
    objects.forget(ANNA).unwrap();
    assert_eq!(objects.by_dn("uid=anna,dc=x").unwrap().unwrap().id, BERT);
    assert_eq!(objects.snapshot(ANNA).unwrap(), None);
    objects.forget(ANNA).unwrap();
}

#[test]
fn what_was_delivered_is_noted_until_somebody_edits_the_snapshot() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    let stored = item(ANNA, "uid=anna,dc=x", json!({"oxDbId": 42}));
    store(&objects, &stored, &delivered());
    assert_eq!(objects.previous(ANNA).unwrap(), Some((stored.clone(), Some(delivered()))));
    let path = objects.path_of(ANNA).unwrap();
    let edited = item(ANNA, "uid=anna,dc=x", json!({"oxDbId": 43}));
    fs::write(&path, edited.to_snapshot_bytes()).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(1);
    fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    assert_eq!(objects.previous(ANNA).unwrap(), Some((edited, None)));
}

#[test]
fn a_lost_index_is_made_from_the_snapshots() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    let properties = json!({"oxContext": 10, "oxDbId": 42});
    store(&objects, &item(ANNA, "uid=anna,dc=x", properties), &delivered());
    drop(objects);
    for file in fs::read_dir(queue.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if file.is_file() {
            fs::remove_file(file).unwrap();
        }
    }
    let known = open(queue.path()).by_dn("uid=anna,dc=x").unwrap().unwrap();
    let derived = Facts { scope: Some(10), remote_id: Some(42), ..Facts::default() };
    assert_eq!(known.facts, derived);
}

#[test]
fn a_damaged_index_is_made_anew() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    store(&objects, &item(ANNA, "uid=anna,dc=x", json!({})), &delivered());
    drop(objects);
    fs::write(queue.path().join(INDEX), "this is not a database, and long enough to see it")
        .unwrap();
    assert_eq!(open(queue.path()).by_dn("uid=anna,dc=x").unwrap().unwrap().id, ANNA);
}

#[test]
fn snapshots_changed_while_nothing_ran_are_seen_at_the_next_start() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    store(&objects, &item(ANNA, "uid=anna,dc=x", json!({})), &delivered());
    objects.close().unwrap();
    fs::remove_file(queue.path().join(format!("old/{ANNA}.json"))).unwrap();
    let bert = item(BERT, "uid=bert,dc=x", json!({}));
    fs::write(queue.path().join(format!("old/{BERT}.json")), bert.to_snapshot_bytes()).unwrap();
    let objects = open(queue.path());
    assert!(objects.by_dn("uid=anna,dc=x").is_err());
    assert_eq!(objects.by_dn("uid=bert,dc=x").unwrap().unwrap().id, BERT);
}

/// Every entry below a folder, with what a change of it would change.
fn fingerprint(folder: &Path) -> Vec<(PathBuf, SystemTime, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        if path.is_dir() {
            found.extend(fingerprint(&path));
            found.push((path, modified, Vec::new()));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, modified, bytes));
        }
    }
    found.sort();
    found
}

#[test]
fn s2_5_a_dn_whose_snapshot_vanished_is_known_and_named_until_it_is_forgotten() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    let dn = "uid=anna,dc=x";
    objects.store(&item(ANNA, dn, json!({})), &delivered()).unwrap();
    assert!(objects.by_dn(dn).is_ok(), "not on disk yet, but there");
    objects.commit().unwrap();
    let path = objects.path_of(ANNA).unwrap();
    fs::remove_file(&path).unwrap();
    let expected = format!(
        "Old object file {} for UID=anna,dc=x does not exist!\nYou need to re-provision \
         \"UID=anna,dc=x\" (see https://docs.software-univention.de/ox-connector-app/latest/\
         troubleshooting.html#traceback-provisioning-groups).",
        path.display()
    );
    let while_running = objects.by_dn("UID=anna,dc=x").unwrap_err();
    assert_eq!(while_running.to_string(), expected);
    let fault = while_running.to_fault();
    assert!(fault.remedy.unwrap().contains("cache forget 'UID=anna,dc=x'"));
    drop(objects);
    let objects = open(queue.path());
    assert_eq!(objects.by_dn("UID=anna,dc=x").unwrap_err().to_string(), expected);
    assert!(objects.forget_dn("UID = anna,dc=x").unwrap());
    assert!(!objects.forget_dn("uid=anna,dc=x").unwrap());
    drop(objects);
    assert_eq!(open(queue.path()).by_dn(dn).unwrap(), None);
}

#[test]
fn a_place_follows_every_change_of_object_and_file() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    let place = |dn: &str| objects.place(dn).unwrap();
    let at = |scope, remote_id| Some(Place { scope: Some(scope), remote_id: Some(remote_id) });
    let noted = |remote_id| Facts { remote_id: Some(remote_id), ..delivered() };
    let anna = |dn: &str, id: i64| item(ANNA, dn, json!({"oxContext": 10, "oxDbId": id}));
    assert_eq!(place("uid=anna,dc=x"), None);
    objects.store(&anna("uid=anna,dc=x", 1), &noted(1)).unwrap();
    assert_eq!(place("UID=anna, dc=x"), at(10, 1), "before the commit");
    objects.commit().unwrap();
    // Twice: from the index, then from memory.
    for _ in 0..2 {
        assert_eq!(place("uid=anna,dc=x"), at(10, 1));
    }
    store(&objects, &anna("uid=anna,dc=x", 2), &noted(2));
    assert_eq!(place("uid=anna,dc=x"), at(10, 2));
    store(&objects, &anna("uid=anne,dc=x", 2), &noted(2));
    assert_eq!((place("uid=anna,dc=x"), place("uid=anne,dc=x")), (None, at(10, 2)));
    let path = objects.path_of(ANNA).unwrap();
    fs::write(&path, anna("uid=anne,dc=x", 3).to_snapshot_bytes()).unwrap();
    let later = SystemTime::now() + std::time::Duration::from_secs(1);
    fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    assert_eq!(place("uid=anne,dc=x"), at(10, 3), "edited by hand");
    store(&objects, &item(BERT, "uid=anne,dc=x", json!({})), &noted(4));
    assert_eq!(place("uid=anne,dc=x"), at(10, 4), "the DN belongs to another object");
    objects.forget_dn("uid=anne,dc=x").unwrap();
    assert_eq!(place("uid=anne,dc=x"), None);
    store(&objects, &item(BERT, "uid=anne,dc=x", json!({})), &noted(4));
    assert_eq!(place("uid=anne,dc=x"), at(10, 4));
    fs::remove_file(objects.path_of(BERT).unwrap()).unwrap();
    let error = objects.place("uid=anne,dc=x").unwrap_err();
    assert!(matches!(error, Error::SnapshotMissing { .. }), "{error}");
    objects.forget(BERT).unwrap();
    assert_eq!(place("uid=anne,dc=x"), None);
}

#[test]
fn s2_5_a_vanished_object_loses_its_dn_to_a_new_one() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    store(&objects, &item(ANNA, "uid=anna,dc=x", json!({})), &delivered());
    fs::remove_file(objects.path_of(ANNA).unwrap()).unwrap();
    store(&objects, &item(BERT, "uid=anna,dc=x", json!({})), &delivered());
    assert_eq!(objects.by_dn("uid=anna,dc=x").unwrap().unwrap().id, BERT);
    drop(objects);
    assert_eq!(open(queue.path()).count().unwrap(), 1, "what has neither file nor DN goes");
}

#[test]
fn a_forgotten_dn_stays_so_until_the_object_is_delivered_or_the_index_rebuilt() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    let anna = item(ANNA, "uid=anna,dc=x", json!({"oxDbId": 42}));
    store(&objects, &anna, &delivered());
    assert!(objects.forget_dn("uid=anna,dc=x").unwrap());
    drop(objects);
    let objects = open(queue.path());
    assert_eq!(objects.by_dn("uid=anna,dc=x").unwrap(), None);
    assert_eq!(objects.snapshot(ANNA).unwrap(), Some(anna.clone()));
    let mut seen = Vec::new();
    let rebuilt = objects.rebuild(&mut |count| seen.push(count)).unwrap();
    assert_eq!((rebuilt, seen), (Rebuilt { read: 1, unreadable: 0 }, vec![1]));
    assert_eq!(objects.by_dn("uid=anna,dc=x").unwrap().unwrap().facts, facts_of(&anna));
    assert!(objects.forget_dn("uid=anna,dc=x").unwrap());
    store(&objects, &anna, &delivered());
    assert_eq!(objects.by_dn("uid=anna,dc=x").unwrap().unwrap().facts, delivered());
}

#[test]
fn a_dn_can_be_forgotten_beside_whoever_works_with_the_queue() {
    let queue = tempfile::tempdir().unwrap();
    assert!(Objects::beside(queue.path(), INDEXING).unwrap().is_none());
    let objects = open(queue.path());
    let anna = item(ANNA, "uid=anna,dc=x", json!({}));
    store(&objects, &anna, &delivered());
    fs::remove_file(objects.path_of(ANNA).unwrap()).unwrap();
    // What is not committed yet is neither seen nor disturbed, and the other one is waited for.
    objects.store(&item(BERT, "uid=bert,dc=x", json!({})), &delivered()).unwrap();
    std::thread::scope(|scope| {
        let forgotten = scope.spawn(|| {
            let beside = Objects::beside(queue.path(), INDEXING).unwrap().unwrap();
            (beside.forget_dn("UID=Anna, dc=x").unwrap(), beside.forget_dn("uid=c").unwrap())
        });
        objects.commit().unwrap();
        assert_eq!(forgotten.join().unwrap(), (true, false));
    });
    assert_eq!(objects.by_dn("uid=anna,dc=x").unwrap(), None);
    assert_eq!(objects.by_dn("uid=bert,dc=x").unwrap().unwrap().id, BERT);
    store(&objects, &anna, &delivered());
    assert_eq!(objects.by_dn("uid=anna,dc=x").unwrap().unwrap().id, ANNA);
}

#[test]
fn a_rebuild_counts_damaged_snapshots_and_drops_what_has_no_file() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    store(&objects, &item(ANNA, "uid=anna,dc=x", json!({})), &delivered());
    store(&objects, &item(BERT, "uid=bert,dc=x", json!({"users": ["uid=c"]})), &delivered());
    fs::remove_file(objects.path_of(ANNA).unwrap()).unwrap();
    fs::write(queue.path().join("old/damaged.json"), "{").unwrap();
    let rebuilt = objects.rebuild(&mut |_| ()).unwrap();
    assert_eq!(rebuilt, Rebuilt { read: 1, unreadable: 1 });
    assert_eq!(objects.by_dn("uid=anna,dc=x").unwrap(), None);
    assert_eq!(objects.referring("uid=c").unwrap().len(), 1);
}

#[test]
fn who_has_a_name_follows_every_change_and_is_no_reference() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    let named = |id, name: &str| item(id, &format!("cn={id}"), json!({"name": name}));
    let holders = |objects: &Objects, name: &str| -> Vec<String> {
        objects.holding(name).unwrap().into_iter().map(|known| known.id).collect()
    };
    for id in [BERT, ANNA] {
        store(&objects, &named(id, "uid=x"), &delivered());
    }
    assert_eq!(holders(&objects, "uid=x"), [ANNA, BERT]);
    assert_eq!(objects.referring("uid=x").unwrap(), []);
    store(&objects, &named(ANNA, "other"), &delivered());
    assert_eq!(holders(&objects, "uid=x"), [BERT]);
    objects.forget(BERT).unwrap();
    objects.commit().unwrap();
    assert_eq!(holders(&objects, "uid=x"), Vec::<String>::new());
    objects.rebuild(&mut |_| ()).unwrap();
    assert_eq!(holders(&objects, "other"), [ANNA]);
}

#[test]
fn who_refers_to_a_dn_follows_every_change() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    let refers = |objects: &Objects, dn: &str| -> Vec<String> {
        objects.referring(dn).unwrap().into_iter().map(|known| known.id).collect()
    };
    let users = |dns: &[&str]| json!({ "users": dns });
    store(&objects, &item(BERT, "cn=b", users(&["uid=x,dc=y", "UID=x, dc=y", ""])), &delivered());
    store(&objects, &item(ANNA, "cn=a", users(&["uid=x,dc=y", "uid=z"])), &delivered());
    assert_eq!(refers(&objects, "uid=X,DC=y"), [ANNA, BERT]);
    assert_eq!(refers(&objects, ""), [""; 0]);
    objects.store(&item(ANNA, "cn=a", users(&["uid=q", "uid=z"])), &delivered()).unwrap();
    assert_eq!(refers(&objects, "uid=x,dc=y"), [BERT], "counts before the commit");
    assert_eq!(
        (refers(&objects, "uid=q"), refers(&objects, "uid=z")),
        (vec![ANNA.into()], vec![ANNA.into()])
    );
    objects.commit().unwrap();
    objects.forget(BERT).unwrap();
    assert_eq!(refers(&objects, "uid=x,dc=y"), [""; 0]);
    objects.commit().unwrap();
    drop(objects);
    let edited = item(ANNA, "cn=a", users(&["uid=new"]));
    fs::write(queue.path().join(format!("old/{ANNA}.json")), edited.to_snapshot_bytes()).unwrap();
    let objects = open(queue.path());
    assert_eq!(refers(&objects, "uid=new"), [ANNA]);
    assert_eq!(refers(&objects, "uid=q"), [""; 0]);
}

#[test]
fn each_visits_all_objects_in_pages_and_allows_changes() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    let id = |number: usize| format!("id-{number:05}");
    for number in 0..1201 {
        let state = item(&id(number), &format!("uid=U{number},dc=x"), json!({}));
        objects.store(&state, &delivered()).unwrap();
    }
    objects.commit().unwrap();
    let mut seen = Vec::new();
    objects
        .each(|known| {
            if seen.is_empty() {
                objects.forget(&id(1200))?;
            }
            assert_eq!(known.dn, format!("uid=u{},dc=x", seen.len()));
            seen.push(known.id);
            Ok::<(), Error>(())
        })
        .unwrap();
    assert_eq!(seen, (0..1200).map(id).collect::<Vec<_>>());
    assert_eq!(objects.count().unwrap(), 1200);
}

#[test]
fn a_view_changes_nothing_and_sees_its_own_changes() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    store(&objects, &item(ANNA, "uid=anna,dc=x", json!({})), &delivered());
    store(&objects, &item(BERT, "uid=bert,dc=x", json!({})), &delivered());
    // Beside a running provisioner, after it, and without an index.
    for state in ["running", "closed", "no index"] {
        if state != "running" {
            open(queue.path()).close().unwrap();
        }
        if state == "no index" {
            fs::remove_file(queue.path().join(INDEX)).unwrap();
        }
        let before = fingerprint(queue.path());
        let view = Objects::view(queue.path(), INDEXING).unwrap();
        assert_eq!(view.by_dn("uid=anna,dc=x").unwrap().unwrap().id, ANNA, "{state}");
        let noted = view.previous(ANNA).unwrap().unwrap().1.unwrap();
        assert_eq!(noted.digest, delivered().digest.filter(|_| state != "no index"), "{state}");
        view.forget(ANNA).unwrap();
        assert_eq!(view.snapshot(ANNA).unwrap(), None);
        assert_eq!(view.by_dn("uid=anna,dc=x").unwrap(), None);
        let changed = item(BERT, "uid=bertha,dc=x", json!({"a": 1}));
        view.store(&changed, &Facts::default()).unwrap();
        view.commit().unwrap();
        assert_eq!(view.previous(BERT).unwrap(), Some((changed, Some(Facts::default()))));
        assert_eq!(view.by_dn("uid=bertha,dc=x").unwrap().unwrap().id, BERT);
        view.close().unwrap();
        assert!(fingerprint(queue.path()) == before, "{state}");
    }
}

#[test]
fn a_view_of_nothing_is_empty_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("listener");
    let view = Objects::view(&queue, INDEXING).unwrap();
    assert_eq!((view.count().unwrap(), view.snapshot(ANNA).unwrap()), (0, None));
    assert!(!queue.exists());
}

#[test]
fn a_view_is_whole_while_the_index_is_written() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                let state = item(&format!("id-{}", number % 500), "", json!({"n": number}));
                objects.store(&state, &delivered()).unwrap();
                if number % 20 == 0 {
                    objects.commit().unwrap();
                }
                if stop.load(std::sync::atomic::Ordering::Relaxed) && number > 1000 {
                    break;
                }
            }
        });
        for _ in 0..20 {
            let view = Objects::view(queue.path(), INDEXING).unwrap();
            let mut seen = 0;
            view.each(|_| {
                seen += 1;
                Ok::<(), Error>(())
            })
            .unwrap();
            assert_eq!(seen, view.count().unwrap());
            assert!(view.on_index(Index::is_sound).unwrap());
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_damaged_snapshot_is_named_and_does_not_hide_the_others() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    store(&objects, &item(BERT, "uid=bert,dc=x", json!({})), &delivered());
    drop(objects);
    fs::write(queue.path().join(format!("old/{ANNA}.json")), "{\"id\": ").unwrap();
    fs::remove_file(queue.path().join(INDEX)).unwrap();
    let objects = open(queue.path());
    assert_eq!(objects.by_dn("uid=bert,dc=x").unwrap().unwrap().id, BERT);
    let error = objects.previous(ANNA).unwrap_err().to_string();
    assert!(error.contains(ANNA) && error.contains("re-provision"), "{error}");
}

#[test]
fn an_id_never_leads_out_of_the_folder() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    for id in ["../anna", "", "a/b", ".hidden", "a\0b", &"x".repeat(200)] {
        let mut bad = item(ANNA, "uid=anna,dc=x", json!({}));
        bad.id = id.into();
        assert!(matches!(objects.store(&bad, &Facts::default()), Err(Error::BadId { .. })), "{id}");
    }
    assert_eq!(fs::read_dir(queue.path().join("old")).unwrap().count(), 0);
}

#[test]
fn enriched_properties_are_in_the_snapshot() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    let mut object = Map::new();
    object.insert("oxDbUsername".into(), "anna".into());
    let stored = ConvertedItem { object: Some(object), ..item(ANNA, "uid=anna,dc=x", json!({})) };
    store(&objects, &stored, &Facts::default());
    assert_eq!(objects.snapshot(ANNA).unwrap(), Some(stored));
}

#[test]
fn a_stored_state_counts_at_once_and_is_on_disk_after_the_commit() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    let (first, second) = (json!({"a": "1"}), json!({"a": "2"}));
    for properties in [first, second.clone()] {
        objects.store(&item(ANNA, "uid=anna,dc=x", properties), &delivered()).unwrap();
    }
    let state = item(ANNA, "uid=anna,dc=x", second);
    assert_eq!(objects.previous(ANNA).unwrap(), Some((state.clone(), Some(delivered()))));
    assert_eq!(objects.by_dn("uid=anna,dc=x").unwrap().unwrap().id, ANNA);
    let path = objects.path_of(ANNA).unwrap();
    assert!(!path.exists());
    objects.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap(), state.to_snapshot_bytes());
    assert_eq!(objects.previous(ANNA).unwrap(), Some((state, Some(delivered()))));
}

#[test]
fn a_state_that_was_not_committed_is_gone_after_a_crash() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    store(&objects, &item(ANNA, "uid=anna,dc=x", json!({"a": "1"})), &delivered());
    objects.store(&item(ANNA, "uid=anne,dc=x", json!({"a": "2"})), &delivered()).unwrap();
    objects.store(&item(BERT, "uid=bert,dc=x", json!({})), &delivered()).unwrap();
    // What kill -9 would leave: the files as they are at this moment, nothing cleaned up.
    let left = tempfile::tempdir().unwrap();
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .arg(queue.path().join("."))
        .arg(left.path())
        .status();
    assert!(copied.unwrap().success());
    drop(objects);
    let objects = open(left.path());
    let (state, _) = objects.previous(ANNA).unwrap().unwrap();
    assert_eq!((state.dn.as_str(), &state.object.unwrap()["a"]), ("uid=anna,dc=x", &json!("1")));
    assert_eq!(objects.by_dn("uid=anna,dc=x").unwrap().unwrap().id, ANNA);
    assert_eq!(objects.by_dn("uid=anne,dc=x").unwrap(), None);
    assert_eq!(objects.by_dn("uid=bert,dc=x").unwrap(), None);
    let drafts = fs::read_dir(left.path().join("old")).unwrap().count();
    assert_eq!(drafts, 1, "what the dead process left is removed");
}

#[test]
fn forgetting_takes_a_state_back_that_was_not_committed() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    objects.store(&item(ANNA, "uid=anna,dc=x", json!({})), &delivered()).unwrap();
    objects.forget(ANNA).unwrap();
    objects.commit().unwrap();
    assert_eq!(objects.snapshot(ANNA).unwrap(), None);
    assert_eq!(objects.by_dn("uid=anna,dc=x").unwrap(), None);
}

#[test]
fn a_note_changes_facts_and_leaves_the_file_alone() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    let state = item(ANNA, "uid=anna,dc=x", json!({}));
    store(&objects, &state, &Facts::default());
    let before = fs::metadata(objects.path_of(ANNA).unwrap()).unwrap().modified().unwrap();
    objects.note(&state, &delivered()).unwrap();
    objects.commit().unwrap();
    assert_eq!(objects.previous(ANNA).unwrap(), Some((state, Some(delivered()))));
    let after = fs::metadata(objects.path_of(ANNA).unwrap()).unwrap().modified().unwrap();
    assert_eq!(after, before);
}

#[test]
fn what_is_amended_beside_a_delivery_takes_no_dn_back() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    let list = json!({"users": ["uid=u,dc=x"]});
    store(&objects, &item(ANNA, "cn=a,dc=x", list.clone()), &delivered());
    store(&objects, &item(BERT, "cn=a,dc=x", json!({})), &delivered());
    let known = Facts { scope: Some(11), digest: None, ..delivered() };
    objects.amend(ANNA, &known).unwrap();
    objects.commit().unwrap();
    assert_eq!(objects.previous(ANNA).unwrap().unwrap().1, Some(known.clone()));
    assert_eq!(objects.by_dn("cn=a,dc=x").unwrap().unwrap().id, BERT);
    assert_eq!(objects.referring("uid=u,dc=x").unwrap().len(), 1);
    // Nor is another place remembered than the new one.
    objects.place("cn=a,dc=x").unwrap();
    objects.amend(BERT, &known).unwrap();
    assert_eq!(objects.place("cn=a,dc=x").unwrap().unwrap().scope, Some(11));
    objects.amend("unknown", &known).unwrap();
    assert_eq!(objects.count().unwrap(), 2);
}

#[test]
fn s5_a_crash_around_a_removal_leaves_no_object_known_without_snapshot() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    store(&objects, &item(ANNA, "uid=anna,dc=x", json!({})), &delivered());
    objects.forget(ANNA).unwrap();
    let after_kill = |is_known: bool| {
        let left = tempfile::tempdir().unwrap();
        let (from, to) = (queue.path().join("."), left.path());
        let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status();
        assert!(copied.unwrap().success());
        let known = open(left.path()).by_dn("uid=anna,dc=x").unwrap();
        assert_eq!(known.is_some(), is_known);
    };
    after_kill(true);
    objects.commit().unwrap();
    after_kill(false);
    assert!(!objects.path_of(ANNA).unwrap().exists());
    // Deleted and there again before anything was made durable.
    let again = item(ANNA, "uid=anna,dc=x", json!({"a": 2}));
    store(&objects, &again, &delivered());
    objects.forget(ANNA).unwrap();
    objects.store(&again, &delivered()).unwrap();
    objects.commit().unwrap();
    assert_eq!(objects.snapshot(ANNA).unwrap(), Some(again));
    assert!(objects.by_dn("uid=anna,dc=x").unwrap().is_some());
}

#[test]
fn s5_a_removal_counts_at_once_and_is_made_durable_with_the_group() {
    let queue = tempfile::tempdir().unwrap();
    let objects = open(queue.path());
    store(&objects, &item(ANNA, "uid=anna,dc=x", json!({})), &delivered());
    objects.forget(ANNA).unwrap();
    objects.forget(BERT).unwrap();
    assert_eq!(objects.uncommitted(), 1, "there was nothing of the second to remove");
    assert_eq!(objects.snapshot(ANNA).unwrap(), None);
    objects.commit().unwrap();
    assert_eq!(objects.uncommitted(), 0);
}
