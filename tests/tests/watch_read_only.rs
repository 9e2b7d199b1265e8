//! `idspool-listener watch` and the converter where a folder cannot be written.
//!
//! Root may write in spite of modes, so for root the folder is mounted read-only over itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use idspool_tests::Slapd;
use watching::{SOON, World, change};

const OEHLER: &str = "uid=a.oehler,cn=users,dc=example,dc=org";

/// A folder in which nothing can be created, until this is dropped.
struct ReadOnly(PathBuf);

impl ReadOnly {
    fn new(folder: &Path) -> Self {
        if rustix::process::geteuid().is_root() {
            mount(&["--bind"], &[folder, folder]);
            mount(&["-o", "remount,bind,ro"], &[folder]);
        } else {
            fs::set_permissions(folder, Permissions::from_mode(0o500)).unwrap();
        }
        assert!(fs::write(folder.join("probe"), "").is_err());
        Self(folder.to_owned())
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        if rustix::process::geteuid().is_root() {
            let _ = Command::new("umount").arg(&self.0).status();
        } else {
            let _ = fs::set_permissions(&self.0, Permissions::from_mode(0o700));
        }
    }
}

fn mount(options: &[&str], paths: &[&Path]) {
    let ended = Command::new("mount").args(options).args(paths).status().unwrap();
    assert!(ended.success(), "as root this test needs the right to mount");
}

#[test]
fn a_spool_that_cannot_be_written_is_named_and_work_goes_on_when_it_can() {
    let world = World::following(Slapd::start().unwrap());
    let spool = world.idspool.listener_spool();
    let watcher = world.watcher.as_ref().unwrap();
    let read_only = ReadOnly::new(&spool);
    world.ldap().replace(OEHLER, "title", &["x"]).unwrap();
    let line = watcher.wait_for("trying again", SOON).unwrap();
    let why = if rustix::process::geteuid().is_root() { "Read-only" } else { "denied" };
    assert!(line.contains(spool.to_str().unwrap()) && line.contains(why), "{line}");
    drop(read_only);
    world.expect(&[change(OEHLER, "users/user", "modify")]);
}

#[test]
fn nothing_is_lost_where_a_start_finds_a_spool_that_cannot_be_written() {
    let world = World::new(Slapd::start().unwrap());
    world.once();
    world.take();
    let spool = world.idspool.listener_spool();
    world.ldap().replace(OEHLER, "title", &["x"]).unwrap();
    let read_only = ReadOnly::new(&spool);
    let ended = world.watch_once(&[]);
    assert_eq!(ended.code(), Some(1), "{}", ended.log());
    assert!(ended.log().contains(spool.to_str().unwrap()), "{}", ended.log());
    drop(read_only);
    world.once();
    assert_eq!(world.take(), [change(OEHLER, "users/user", "modify")]);
}

#[test]
fn a_converter_that_cannot_say_what_it_read_says_why() {
    let world = World::new(Slapd::start().unwrap());
    world.once();
    let readings = world.idspool.listener_spool().join(".read");
    let read_only = ReadOnly::new(&readings);
    let output = world.idspool.run("idspool-converter", &["--once"]).unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains(readings.to_str().unwrap()), "{log}");
    drop(read_only);
    let output = world.idspool.run("idspool-converter", &["--once"]).unwrap();
    assert!(output.status.success());
    assert_eq!(world.changes(), []);
}
