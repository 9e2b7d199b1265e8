use std::os::unix::fs::PermissionsExt as _;

use idspool_spool::FaultClass;

use super::*;
use crate::conf::{AuthorityName, SchoolMapping};

fn name(text: &str) -> AuthorityName {
    text.parse().unwrap()
}

fn user(id: &str) -> Known {
    let identity =
        Identity { record_uid: Some("4711".to_owned()), source_uid: Some("SIS".to_owned()) };
    let mapping = SchoolMapping::new([("school1".to_owned(), name("a"))]);
    let user = Known::imported_user(id, vec!["School1".into(), "X".into()], identity, &mapping);
    Known { dn: "uid=ä,dc=x".into(), ..user }
}

fn long_ago() -> DateTime<Utc> {
    DateTime::from_timestamp(0, 0).unwrap()
}

#[test]
fn what_is_committed_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".routing.sqlite");
    assert!(RoutingState::existing(&path).unwrap().is_none());
    let mut state = RoutingState::open(&path).unwrap();
    let mut one = user("one");
    let told = Told {
        last: Some("2026-01-01-00-00-00-000000.json".parse().unwrap()),
        identity: Some(Identity { record_uid: Some("old".into()), source_uid: None }),
    };
    one.told.insert(name("Träger b"), told);
    let class = Known { schools: vec!["School1".into()], ..Known::new("one", Kind::Class) };
    let gone = Known {
        deleted: Some(DateTime::from_timestamp(1_000_000, 0).unwrap()),
        ..Known::new("two", Kind::User)
    };
    let counted = [(Reason::NoSchool, 2), (Reason::NoClass, 1)];
    state.commit([&one, &class, &gone], counted, long_ago()).unwrap();
    state.commit([], [(Reason::NoSchool, 3)], long_ago()).unwrap();
    drop(state);
    let state = RoutingState::existing(&path).unwrap().unwrap();
    assert_eq!(state.find("one", Kind::User).unwrap(), Some(one.clone()));
    assert_eq!(state.find("one", Kind::Class).unwrap(), Some(class.clone()));
    assert_eq!(state.find("two", Kind::User).unwrap(), Some(gone.clone()));
    assert_eq!(state.find("two", Kind::Class).unwrap(), None);
    assert_eq!(state.counts().unwrap(), Counts { users: 1, classes: 1, deleted: 1 });
    assert_eq!(state.counters().unwrap(), [(Reason::NoSchool, 5), (Reason::NoClass, 1)]);
    assert_eq!(state.page(None, 2).unwrap(), [one, class]);
    assert_eq!(state.page(Some(("one", Kind::Class)), 2).unwrap(), [gone]);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_import_changes_nothing_that_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut state = RoutingState::open(&path).unwrap();
    let known = Known { dn: "uid=new,dc=x".into(), ..user("one") };
    state.commit([&known], [], long_ago()).unwrap();
    assert_eq!(state.import([&user("one"), &user("two")]).unwrap(), 1);
    assert_eq!(state.import([&user("one"), &user("two")]).unwrap(), 0);
    assert_eq!(state.find("one", Kind::User).unwrap().unwrap().dn, "uid=new,dc=x");
    let told = state.find("two", Kind::User).unwrap().unwrap().told;
    assert_eq!(told.into_keys().collect::<Vec<_>>(), [name("a")]);
}

#[test]
fn deleted_objects_are_forgotten_when_their_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = RoutingState::open(&folder.path().join("state")).unwrap();
    let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
    for (id, deleted) in [("a", Some(at(100))), ("b", Some(at(200))), ("c", None)] {
        state.commit([&Known { deleted, ..user(id) }], [], at(0)).unwrap();
    }
    state.commit([], [], at(150)).unwrap();
    let left: Vec<_> = state.page(None, 9).unwrap().into_iter().map(|known| known.id).collect();
    assert_eq!(left, ["b", "c"]);
}

#[test]
fn a_file_that_is_damaged_or_not_ours_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let refused = |bytes: &[u8]| {
        let before = std::fs::read(&path).unwrap();
        assert_eq!(before, bytes);
        let error = RoutingState::open(&path).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert!(RoutingState::existing(&path).is_err());
        assert_eq!(error.fault_class(), FaultClass::Permanent);
        error.to_string()
    };
    std::fs::write(&path, "no database at all, but long enough to be taken for one".repeat(40))
        .unwrap();
    let text = refused(&std::fs::read(&path).unwrap());
    assert!(text.contains("damaged") && text.contains(path.to_str().unwrap()), "{text}");

    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    assert!(refused(&std::fs::read(&path).unwrap()).contains("another program"));

    std::fs::remove_file(&path).unwrap();
    let later = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = 99;");
    Connection::open(&path)
        .unwrap()
        .execute_batch(&format!("CREATE TABLE x (y); {later}"))
        .unwrap();
    assert!(refused(&std::fs::read(&path).unwrap()).contains("version 99"));
}

#[test]
fn a_row_that_makes_no_sense_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut state = RoutingState::open(&path).unwrap();
    state.commit([&user("one")], [], long_ago()).unwrap();
    state.connection.execute("UPDATE object SET told = '{\"..\": {}}'", []).unwrap();
    let error = state.find("one", Kind::User).unwrap_err();
    assert!(matches!(error, StateError::Damaged { .. }), "{error}");
}
