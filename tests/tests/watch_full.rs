//! `idspool-listener watch` where nothing more can be written.
//!
//! A limit on the size of files that is set to zero while the program runs refuses each write as a
//! full disk does, and needs no rights.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use std::process::Command;

use idspool_tests::{Daemon, Slapd, program};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use watching::{SOON, World, change};

const OEHLER: &str = "uid=a.oehler,cn=users,dc=example,dc=org";

/// A watcher that is refused to write by an error and not by a signal.
fn start(world: &World, limit: Option<u64>) -> Daemon {
    let ordinary = world.idspool.command("idspool-listener", &[]).unwrap();
    let mut command = Command::new("sh");
    let ulimit = limit.map_or(String::new(), |limit| format!("ulimit -S -f {limit}; "));
    command
        .args(["-c", &format!("trap '' XFSZ; {ulimit}exec \"$0\" watch")])
        .arg(program("idspool-listener").unwrap())
        .current_dir(world.idspool.path());
    for (name, value) in ordinary.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Daemon::spawn(command).unwrap()
}

fn limit(watcher: &Daemon, bytes: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(watcher.pid()).unwrap());
    prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

#[test]
fn a_watcher_waits_for_room_and_loses_nothing() {
    let world = World::new(Slapd::start().unwrap());
    let watcher = start(&world, None);
    watcher.wait_for("Following", SOON).unwrap();
    world.quiet();
    let ldap = world.ldap();
    for round in 0..2 {
        limit(&watcher, Some(0));
        let before = watcher.lines().len();
        ldap.replace(OEHLER, "telephoneNumber", &[&format!("+49 {round}")]).unwrap();
        let user = format!("uid=new{round},cn=users,dc=example,dc=org");
        ldap.add(
            &format!(
                "dn: {user}\nobjectClass: inetOrgPerson\nobjectClass: univentionObject\n\
                 univentionObjectType: users/user\nuid: new{round}\ncn: x\nsn: x\n"
            ),
            false,
        )
        .unwrap();
        let (_, line) = watcher.wait_for_after(before, "trying again", SOON).unwrap();
        assert!(line.contains(".watch.sqlite") && !line.contains("remove the file"), "{line}");
        assert_eq!(world.changes(), []);
        limit(&watcher, None);
        world.expect(&[change(OEHLER, "users/user", "modify"), change(&user, "users/user", "add")]);
    }
}

#[test]
fn a_watcher_that_dies_where_there_is_no_room_goes_on_later() {
    let world = World::new(Slapd::start().unwrap());
    let watcher = start(&world, None);
    watcher.wait_for("Following", SOON).unwrap();
    world.quiet();
    limit(&watcher, Some(0));
    world.ldap().delete(OEHLER).unwrap();
    watcher.wait_for("trying again", SOON).unwrap();
    watcher.kill().unwrap();
    world.once();
    let changes = world.take();
    let is_there = changes.contains(&change(OEHLER, "users/user", "delete"));
    assert!(is_there, "{changes:#?}");
}

#[test]
fn a_watcher_that_finds_no_room_at_its_start_says_so() {
    let world = World::new(Slapd::start().unwrap());
    let ended = start(&world, Some(0)).wait(SOON).unwrap();
    assert_eq!(ended.code(), Some(1), "{}", ended.log());
    assert!(ended.log().contains("spool/listener"), "{}", ended.log());
    world.once();
    assert!(!world.take().is_empty());
}
