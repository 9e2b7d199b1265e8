//! The LDAP server and the way to it.

use std::fs;

use idspool_tests::Slapd;
use serde_json::json;

use crate::world::{World, text};

const MEIER: &str = "uid=b.meier,cn=users,dc=example,dc=org";

/// An installation whose converter has one change to look up.
fn world(slapd: &Slapd) -> World {
    let world = World::with_directory(&slapd.url(), &[]);
    let uuid = slapd.entry_uuid(MEIER).unwrap();
    world.idspool.hook(&uuid, MEIER, "users/user", "modify").unwrap();
    world
}

/// Lets the converter stop, and go on once `mend` was done.
fn stops(world: &World, case: &str, word: &str) {
    let output = world.run("idspool-converter", &["--once"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    world.explained("listener", case, word);
}

fn goes_on(world: &World) {
    let output = world.run("idspool-converter", &["--once"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&world.run("idspool", &["explain"]).stdout), "nothing stands\n");
}

#[test]
fn a_server_that_is_down() {
    let mut slapd = Slapd::start().unwrap();
    let world = world(&slapd);
    slapd.stop().unwrap();
    stops(&world, "ldap-unreachable", "directory.url");
    slapd.restart().unwrap();
    goes_on(&world);
}

#[test]
fn a_wrong_bind_password() {
    let slapd = Slapd::start().unwrap();
    let world = world(&slapd);
    let right = fs::read_to_string(world.idspool.path().join("secrets/ldap")).unwrap();
    world.idspool.secret("ldap", "wr0ng-one").unwrap();
    stops(&world, "bind-password", "wrong bind password");
    world.idspool.secret("ldap", &right).unwrap();
    goes_on(&world);
}

#[test]
fn a_wrong_base() {
    let slapd = Slapd::start().unwrap();
    let world = world(&slapd);
    world.configure("base_dn = 'dc=example,dc=org'", "base_dn = 'dc=example,dc=com'");
    stops(&world, "base-dn", "directory.base_dn");
    world.configure("base_dn = 'dc=example,dc=com'", "base_dn = 'dc=example,dc=org'");
    goes_on(&world);
}

#[test]
fn a_certificate_that_is_not_known_here() {
    let slapd = Slapd::builder().tls().start().unwrap();
    let world = world(&slapd);
    world.configure("[directory]\n", "[directory]\nstart_tls = true\n");
    stops(&world, "ldap-certificate", "certificate is not accepted");
    let folder = slapd.certificates().unwrap().authority_directory();
    let key = format!("[directory]\nca_certificates = '{}'\n", folder.display());
    world.configure("[directory]\n", &key);
    goes_on(&world);
}

#[test]
fn a_listener_file_that_is_not_understood() {
    let slapd = Slapd::start().unwrap();
    let world = World::with_directory(&slapd.url(), &[]);
    fs::create_dir_all(world.idspool.listener_spool()).unwrap();
    let path = world.idspool.listener_spool().join("2026-01-01-00-00-01.json");
    fs::write(&path, json!({"dn": MEIER, "object_type": "users/user"}).to_string()).unwrap();
    let past = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    fs::File::options().write(true).open(&path).unwrap().set_modified(past).unwrap();
    stops(&world, "not-understood", "\"entry_uuid\" is missing");
    fs::remove_file(path).unwrap();
    goes_on(&world);
}
