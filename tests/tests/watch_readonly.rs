//! `idspool-listener watch` where the spool can no longer be written: for want of rights, and on a file system
//! that is read-only.

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
use std::path::Path;
use std::process::Command;

use idspool_tests::{Daemon, Slapd, poll, program};
use watching::{SOON, World, change};

const OEHLER: &str = "uid=a.oehler,cn=users,dc=example,dc=org";

/// What keeps a program from writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Barrier {
    /// The folder's mode; a program of root has to give up its right to ignore that.
    Mode,
    /// A read-only mount, which only the program sees.
    Mount,
}

impl Barrier {
    const ALL: [Self; 2] = [Self::Mode, Self::Mount];

    /// A command that the barrier can be set up for, with `before` done in a shell first.
    fn command(self, world: &World, name: &str, arguments: &[&str], before: &str) -> Command {
        let ordinary = world.idspool.command(name, &[]).unwrap();
        let mut command = match self {
            Self::Mode if rustix::process::geteuid().is_root() => {
                let mut command = Command::new("setpriv");
                command.args(["--bounding-set", "-dac_override,-dac_read_search"]);
                command
            }
            Self::Mode => Command::new("env"),
            Self::Mount => {
                let mut command = Command::new("unshare");
                command.arg("-rm");
                command
            }
        };
        command.args(["sh", "-c", &format!("set -e; {before} exec \"$@\"")]).arg("sh");
        command.arg(program(name).unwrap()).args(arguments).current_dir(world.idspool.path());
        for (name, value) in ordinary.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    fn start(self, world: &World, arguments: &[&str]) -> Daemon {
        Daemon::spawn(self.command(world, "idspool-listener", arguments, "")).unwrap()
    }

    /// Closes a folder to a running program.
    fn close(self, program: &Daemon, folder: &Path) {
        match self {
            Self::Mode => fs::set_permissions(folder, Permissions::from_mode(0o500)).unwrap(),
            Self::Mount => inside(program, &read_only(folder)),
        }
    }

    fn open(self, program: &Daemon, folder: &Path) {
        match self {
            Self::Mode => fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap(),
            Self::Mount => inside(program, &format!("umount -l {}", folder.display())),
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Mode => "Permission denied",
            Self::Mount => "Read-only file system",
        }
    }
}

fn read_only(folder: &Path) -> String {
    let folder = folder.display();
    format!("mount --bind {folder} {folder} && mount -o remount,ro,bind {folder};")
}

/// Runs a script where the program sees the file system.
fn inside(program: &Daemon, script: &str) {
    let pid = program.pid().to_string();
    let output = Command::new("nsenter")
        .args(["-t", &pid, "-U", "-m", "--preserve-credentials", "sh", "-c", script])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn user(uid: &str) -> (String, String) {
    let dn = format!("uid={uid},cn=users,dc=example,dc=org");
    let ldif = format!(
        "dn: {dn}\nobjectClass: inetOrgPerson\nobjectClass: univentionObject\n\
         univentionObjectType: users/user\nuid: {uid}\ncn: x\nsn: x\n"
    );
    (dn, ldif)
}

#[test]
fn a_watcher_waits_until_the_spool_can_be_written_and_loses_nothing() {
    for barrier in Barrier::ALL {
        let world = World::new(Slapd::start().unwrap());
        let spool = world.idspool.listener_spool();
        let watcher = barrier.start(&world, &["watch"]);
        watcher.wait_for("Following", SOON).unwrap();
        world.quiet();
        for round in 0..2 {
            let before = watcher.lines().len();
            barrier.close(&watcher, &spool);
            let (dn, ldif) = user(&format!("new{round}"));
            world.ldap().add(&ldif, false).unwrap();
            world.ldap().replace(OEHLER, "telephoneNumber", &[&format!("+49 {round}")]).unwrap();
            let (_, line) = watcher.wait_for_after(before, "trying again", SOON).unwrap();
            assert!(line.contains(spool.to_str().unwrap()), "{line}");
            assert!(line.contains(barrier.reason()), "{line}");
            assert_eq!(world.changes(), []);
            barrier.open(&watcher, &spool);
            world.expect(&[
                change(&dn, "users/user", "add"),
                change(OEHLER, "users/user", "modify"),
            ]);
        }
    }
}

#[test]
fn a_watcher_that_may_not_write_at_its_start_says_so() {
    for barrier in Barrier::ALL {
        let world = World::new(Slapd::start().unwrap());
        let spool = world.idspool.listener_spool();
        world.once();
        world.take();
        world.ldap().delete(OEHLER).unwrap();
        let before = match barrier {
            Barrier::Mode => {
                fs::set_permissions(&spool, Permissions::from_mode(0o500)).unwrap();
                String::new()
            }
            Barrier::Mount => read_only(&spool),
        };
        for arguments in [&["watch"][..], &["watch", "--once"]] {
            let command = barrier.command(&world, "idspool-listener", arguments, &before);
            let ended = Daemon::spawn(command).unwrap().wait(SOON).unwrap();
            assert_eq!(ended.code(), Some(1), "{}", ended.log());
            assert!(ended.log().contains(spool.to_str().unwrap()), "{}", ended.log());
        }
        assert_eq!(world.changes(), []);
        fs::set_permissions(&spool, Permissions::from_mode(0o700)).unwrap();
        world.once();
        let changes = world.take();
        assert!(changes.contains(&change(OEHLER, "users/user", "delete")), "{changes:#?}");
    }
}

/// Many readings, more than the watcher takes at once.
fn fill_with_readings(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..600 {
        let name = format!("2026-11-21-17-35-07-{number:06}.json");
        fs::write(folder.join(name), "c3f4a5b6-0000-1041-8000-0123456789ab 42\n").unwrap();
    }
}

#[test]
fn readings_that_a_watcher_may_not_remove_are_named_and_keep_nothing_back() {
    let world = World::new(Slapd::start().unwrap());
    let readings = world.idspool.listener_spool().join(".read");
    let barrier = Barrier::Mode;
    world.once();
    world.take();
    fill_with_readings(&readings);
    fs::set_permissions(&readings, Permissions::from_mode(0o500)).unwrap();
    let ended = barrier.start(&world, &["watch", "--once"]).wait(SOON).unwrap();
    assert_eq!(ended.code(), Some(1), "{}", ended.log());
    let expected = format!("{}/2026", readings.display());
    assert!(ended.log().contains(&expected), "{}", ended.log());
    assert!(ended.log().contains("permission there"), "{}", ended.log());

    let watcher = barrier.start(&world, &["watch"]);
    watcher.wait_for(&expected, SOON).unwrap();
    world.ldap().delete(OEHLER).unwrap();
    world.gather(|changes| changes.contains(&change(OEHLER, "users/user", "delete")));
    fs::set_permissions(&readings, Permissions::from_mode(0o700)).unwrap();
    watcher.wait_for("Following", SOON).unwrap();
    poll(SOON, || (fs::read_dir(&readings).unwrap().count() == 0).then_some(())).unwrap();
}

#[test]
fn readings_may_be_removed_while_a_watcher_runs() {
    let world = World::new(Slapd::start().unwrap());
    let watcher = world.start();
    world.quiet();
    fs::remove_dir_all(world.idspool.listener_spool().join(".read")).unwrap();
    world.ldap().delete(OEHLER).unwrap();
    world.gather(|changes| changes.contains(&change(OEHLER, "users/user", "delete")));
    // Something is heard only after the folder was looked at once more.
    world.quiet();
    assert!(!watcher.lines().join("\n").contains("ERROR"), "{:#?}", watcher.lines());
}
