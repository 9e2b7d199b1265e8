//! Looking school users up, against a real server.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::time::Duration;

use idspool_directory::{Credentials, Settings};
use idspool_kelvin::{LdapSchoolUsers, SchoolUsers};
use idspool_tests::{BASE_DN, READER_DN, READER_PASSWORD, Slapd};

fn settings(slapd: &Slapd) -> Settings {
    let mut settings = Settings::new(slapd.url(), BASE_DN);
    settings.credentials = Some(Credentials::new(READER_DN, READER_PASSWORD));
    settings
}

#[test]
fn roles_of_many_are_found_and_others_are_left_out() {
    let slapd = Slapd::start().unwrap();
    let users = LdapSchoolUsers::new(settings(&slapd)).unwrap();
    let asked = [
        "A.Schmidt",
        "e.okafor",
        "k.schmidt",
        "g.admin",
        "a.oehler",
        "",
        "*",
        "no)(uid=*",
        "nobody",
    ];
    let roles = users.roles(&asked).unwrap();
    let texts = |name: &str| -> Vec<String> {
        roles.get(name).into_iter().flatten().map(ToString::to_string).collect()
    };
    assert_eq!(texts("A.Schmidt"), ["student:school:gymnord"]);
    assert_eq!(texts("e.okafor").len(), 2);
    assert_eq!(texts("k.schmidt"), ["legal_guardian:school:gymnord"]);
    let mut found: Vec<_> = roles.keys().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, ["A.Schmidt", "e.okafor", "k.schmidt"]);
    assert!(users.roles(&[]).unwrap().is_empty());
}

#[test]
fn a_server_that_went_away_is_an_error_and_one_that_is_back_is_asked_again() {
    let mut slapd = Slapd::start().unwrap();
    let mut limited = settings(&slapd);
    limited.timeout = Duration::from_secs(20);
    let users = LdapSchoolUsers::new(limited).unwrap();
    assert_eq!(users.roles(&["a.schmidt"]).unwrap().len(), 1);
    slapd.kill().unwrap();
    let error = users.roles(&["a.schmidt"]).unwrap_err().to_string();
    assert!(error.starts_with("look up school users in the directory: "), "{error}");
    slapd.restart().unwrap();
    assert_eq!(users.roles(&["a.schmidt"]).unwrap().len(), 1);
    users.interrupt();
    assert!(users.roles(&["a.schmidt"]).is_err());
}
