use std::sync::Arc;

use idspool_service::Kelvin as Settings;
use serde_json::{Value, json};

use super::*;
use crate::conf::SchoolMapping;
use crate::fake::{Failure, Fake};
use crate::{Kelvin as _, Layout, conf};

/// The authority `a` with this file.
fn authority(file: &Value) -> Arc<Authority> {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(&Settings { data_dir: folder.path().into(), ..Settings::default() });
    std::fs::create_dir_all(layout.authorities()).unwrap();
    std::fs::write(layout.authorities().join("a.json"), file.to_string()).unwrap();
    conf::load(&layout).unwrap().authorities.pop().unwrap().unwrap()
}

fn file(mapping: Value) -> Value {
    json!({
        "name": "a", "active": true, "url": "https://k.example/ucsschool/kelvin/v1/", "plugins": ["kelvin"],
        "plugin_configs": {"kelvin": {"username": "idc", "password": "s3cret", "mapping": mapping}},
    })
}

fn usual() -> Value {
    json!({
        "users": {"firstname": "firstname", "lastname": "lastname", "username": "name", "school": "school",
            "schools": "schools", "roles": "roles", "school_classes": "school_classes",
            "ucsschoolRecordUID": "record_uid", "ucsschoolSourceUID": "source_uid"},
        "school_classes": {"name": "name", "description": "description", "school": "school", "users": "users"},
    })
}

fn mapping(pairs: &[(&str, &str)]) -> SchoolMapping {
    let pairs = pairs.iter().map(|(school, name)| ((*school).to_owned(), name.parse().unwrap()));
    SchoolMapping::new(pairs)
}

/// Messages of what is no good, with a mark for problems.
fn odd(checks: Vec<Check>) -> Vec<String> {
    let odd = checks.into_iter().filter(|check| check.verdict != Verdict::Good);
    odd.map(|check| {
        let mark = if check.verdict == Verdict::Problem { "! " } else { "" };
        assert_eq!(check.remedy.is_some(), check.verdict == Verdict::Problem);
        format!("{mark}{}: {}", check.check, check.message)
    })
    .collect()
}

fn of_server(authority: &Authority, schools: &[(&str, &str)], fake: &Fake) -> Vec<String> {
    let mut sample = |school: &str| {
        let names = fake.user_names(school)?;
        names.first().map_or(Ok(None), |name| fake.user(name))
    };
    odd(server::checks(authority, &mapping(schools), fake, &mut sample))
}

#[test]
fn a_configuration_that_fits_is_good() {
    let authority = authority(&file(usual()));
    let fake = Fake::with_schools(&["GymNord", "Other"]);
    assert_eq!(odd(mapping::checks(&authority)), [""; 0]);
    assert_eq!(of_server(&authority, &[("gymnord", "a")], &fake), [""; 0]);
    assert!(fake.world().accounts.is_empty(), "nothing was changed");
}

#[test]
fn a_mapping_that_cannot_create_is_a_problem() {
    let empty =
        authority(&file(json!({"users": {"username": "name"}, "users_student": usual()["users"]})));
    let found = odd(mapping::checks(&empty));
    for expected in [
        "! mapping: users: nothing is mapped to 'school' or 'schools': users cannot be created",
        "! mapping: users: nothing is mapped to 'record_uid': users cannot be created",
        "! mapping: there is no mapping 'school_classes': the queue stops at the first class",
    ] {
        assert!(found.iter().any(|message| message == expected), "{found:?}");
    }
    assert_eq!(found.len(), 7, "the mapping of students is complete: {found:?}");
    let mut both = usual();
    both["users"]["e-mail"] = json!("email");
    both["users"]["password"] = json!("password");
    both["school_classes"] = json!({"name": "name", "school": "school", "mail": "mailAddress"});
    let found = odd(mapping::checks(&authority(&file(both.clone()))));
    let expected =
        ["'e-mail' is a list", "random password", "mapped to 'users'", "'mailAddress' is not sent"];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (message, expected) in found.iter().zip(expected) {
        assert!(message.contains(expected), "{message}");
    }
    both["users"]["department"] = json!("school");
    both["users"]["mailPrimaryAddress"] = json!("email");
    let found = odd(mapping::checks(&authority(&file(both))));
    assert!(found[0].contains("'school' cannot be filled from 'department'"), "{found:?}");
    assert!(found[1].contains("filled from e-mail, mailPrimaryAddress"), "{found:?}");
}

#[test]
fn s4_4_ignored_roles_need_a_mapping_without_classes() {
    let partial = |mapping: Value| {
        let mut file = file(mapping);
        file["plugins"] = json!(["kelvin-partial-group-sync"]);
        let mut config = file["plugin_configs"]["kelvin"].take();
        config["school_classes_ignore_roles"] = json!(["teacher"]);
        file["plugin_configs"] = json!({"kelvin-partial-group-sync": config});
        odd(mapping::checks(&authority(&file)))
    };
    let found = partial(usual());
    assert!(found[0].contains("the classes of each teacher are sent with the user"), "{found:?}");
    let mut without = usual();
    without["users_teacher"] = usual()["users"].clone();
    without["users_teacher"].as_object_mut().unwrap().remove("school_classes");
    assert_eq!(partial(without), [""; 0]);
}

#[test]
fn schools_and_roles_are_compared_with_those_of_the_server() {
    let authority = authority(&file(usual()));
    let fake = Fake::with_schools(&["GymNord"]);
    let found = of_server(&authority, &[("GYMNORD", "a"), ("RSSued", "a"), ("x", "b")], &fake);
    assert_eq!(found, ["! schools: the server does not have rssued"]);
    let found = of_server(&authority, &[("x", "b")], &fake);
    assert_eq!(found, ["! schools: no school belongs to the school authority"]);
    fake.change_world(|world| {
        world.schools.clear();
        world.roles.retain(|role| role != "legal_guardian" && role != "staff");
    });
    let found = of_server(&authority, &[("x", "a")], &fake);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].contains("no role 'staff'") && found[1].contains("before Kelvin 3.0.0"));
    assert!(found[2].contains("the server has no schools"), "{found:?}");
}

#[test]
fn properties_that_the_server_does_not_take_are_found() {
    let mut with = usual();
    with["users"]["title"] = json!("title");
    with["users_student"] = with["users"].clone();
    with["users_student"]["employeeNumber"] = json!("employeeNumber");
    let authority = authority(&file(with));
    let fake = Fake::with_schools(&["Empty", "GymNord"]);
    let schools = [("empty", "a"), ("gymnord", "a")];
    let found = of_server(&authority, &schools, &fake);
    assert_eq!(
        found,
        [
            "udm_properties: whether the server takes employeeNumber, title shows with its first user"
        ]
    );
    let fake = fake.with_user(json!({
        "name": "anna", "firstname": "A", "lastname": "B", "school": "GymNord", "schools": ["GymNord"],
        "roles": ["student"], "record_uid": "1", "source_uid": "S",
    }));
    let found = of_server(&authority, &schools, &fake);
    assert_eq!(
        found,
        ["! udm_properties: the server does not take employeeNumber: it refuses every user"]
    );
}

#[test]
fn what_keeps_a_check_from_its_answer_is_told() {
    let authority = authority(&file(usual()));
    let fake = Fake::with_schools(&["GymNord"]);
    for call in 1..=3 {
        fake.calls();
        fake.fail_at(call, Failure::Before);
        let found = of_server(&authority, &[("gymnord", "a")], &fake);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("! "), "{found:?}");
        fake.heal();
    }
}
