//! `idspool-listener watch` over TLS: what is said about a certificate that is not accepted, and that it
//! goes on when that is mended.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use std::fs;

use idspool_tests::Slapd;
use watching::{SOON, World, change};

const OEHLER: &str = "uid=a.oehler,cn=users,dc=example,dc=org";

/// A server with TLS, and a watcher's installation that trusts nobody yet.
fn world(is_starttls: bool) -> World {
    let slapd = Slapd::builder().tls().start().unwrap();
    let url = if is_starttls { slapd.url() } else { slapd.ldaps_url().unwrap() };
    let world = World::by_way_of(slapd, &url);
    fs::create_dir(world.idspool.path().join("trusted")).unwrap();
    let path = world.idspool.path().join("idspool.toml");
    let text = fs::read_to_string(&path).unwrap();
    let settings = format!("[directory]\nstart_tls = {is_starttls}\nca_certificates = 'trusted'\n");
    fs::write(&path, text.replace("[directory]\n", &settings)).unwrap();
    world
}

fn trust(world: &World) {
    let authority = world.slapd.certificates().unwrap().authority();
    fs::copy(authority, world.idspool.path().join("trusted/authority.pem")).unwrap();
}

fn follows(world: &World, number: u32) {
    world.take();
    world.ldap().replace(OEHLER, "telephoneNumber", &[&format!("+49 {number}")]).unwrap();
    world.gather(|changes| changes.contains(&change(OEHLER, "users/user", "modify")));
}

#[test]
fn an_unknown_authority_is_named_and_followed_once_it_is_known() {
    for is_starttls in [true, false] {
        let world = world(is_starttls);
        let watcher = world.idspool.start("idspool-listener", &["watch"]).unwrap();
        let line = watcher.wait_for("is not accepted", SOON).unwrap();
        assert!(line.contains("directory.ca_certificates"), "{line}");
        trust(&world);
        watcher.wait_for("Following", SOON).unwrap();
        follows(&world, 1);
    }
}

#[test]
fn a_certificate_that_is_not_right_is_named_and_followed_once_it_is() {
    let mut world = world(true);
    trust(&world);
    let watcher = world.idspool.start("idspool-listener", &["watch"]).unwrap();
    watcher.wait_for("Following", SOON).unwrap();
    follows(&world, 0);
    let right = "IP:127.0.0.1,DNS:localhost";
    let wrong = [
        (right, -1, "renew the server's certificate"),
        ("DNS:elsewhere.example.org", 10, "directory.url by a host name that its certificate has"),
    ];
    for (number, (names, days, phrase)) in (1..).zip(wrong) {
        let before = watcher.lines().len();
        world.slapd.certificates().unwrap().issue_server(names, days).unwrap();
        world.slapd.restart().unwrap();
        watcher.wait_for_after(before, phrase, SOON).unwrap();
        let before = watcher.lines().len();
        world.slapd.certificates().unwrap().issue_server(right, 10).unwrap();
        world.slapd.restart().unwrap();
        watcher.wait_for_after(before, "Following", SOON).unwrap();
        follows(&world, number);
    }
}
