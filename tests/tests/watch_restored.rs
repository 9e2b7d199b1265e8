//! `idspool-listener watch` after the server went back in time, or shows what it did not show before:
//! what the cookie cannot tell.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use idspool_tests::{SessionLog, Slapd, Syncprov, poll};
use watching::proxy::Proxy;
use watching::{Change, SOON, World, change, sorted};

const USERS: &str = "cn=users,dc=example,dc=org";

fn user(uid: &str, command: &str) -> Change {
    change(&format!("uid={uid},{USERS}"), "users/user", command)
}

fn dn(uid: &str) -> String {
    format!("uid={uid},{USERS}")
}

/// LDIF of users that nothing names.
fn new_users(uids: &[&str]) -> String {
    let ldif = uids.iter().enumerate().map(|(at, uid)| {
        format!(
            "dn: uid={uid},{USERS}\nobjectClass: top\nobjectClass: person\n\
             objectClass: organizationalPerson\nobjectClass: inetOrgPerson\n\
             objectClass: posixAccount\nobjectClass: univentionObject\n\
             univentionObjectType: users/user\nuid: {uid}\ncn: {uid}\nsn: {uid}\n\
             uidNumber: {}\ngidNumber: 5001\nhomeDirectory: /home/{uid}\n\n",
            80_000 + at
        )
    });
    ldif.collect()
}

fn copy(from: &Path, to: &Path) {
    let _absent = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

fn world(log: SessionLog) -> World {
    let world = World::new(Slapd::builder().syncprov(Syncprov::On(log)).start().unwrap());
    world
        .ldap()
        .add(&new_users(&["removed", "changed", "moved", "still", "hidden"]), false)
        .unwrap();
    world.once();
    world.take();
    world
}

#[test]
fn a_server_restored_from_a_backup_that_has_gone_on_since_is_compared() {
    for log in [SessionLog::Changes(500), SessionLog::Without] {
        let mut world = world(log);
        let backup = tempfile::tempdir().unwrap();
        let backup = backup.path().join("db");
        world.slapd.stop().unwrap();
        copy(&world.slapd.database(), &backup);
        world.slapd.restart().unwrap();
        let ldap = world.ldap();
        ldap.delete(&dn("removed")).unwrap();
        ldap.replace(&dn("changed"), "title", &["new"]).unwrap();
        ldap.rename(&dn("moved"), "uid=elsewhere", None).unwrap();
        ldap.add(&new_users(&["added"]), false).unwrap();
        world.once();
        world.take();
        world.slapd.stop().unwrap();
        copy(&backup, &world.slapd.database());
        world.slapd.restart().unwrap();
        // With this the server is newer than our cookie, and takes it.
        world.ldap().replace(&dn("still"), "title", &["new"]).unwrap();
        world.once();
        assert_eq!(
            sorted(&world.take()),
            sorted(&[
                user("removed", "add"),
                user("changed", "modify"),
                user("moved", "modify"),
                user("added", "delete"),
                user("still", "modify"),
            ]),
            "{log:?}"
        );
        world.once();
        assert_eq!(world.take(), [], "{log:?}");
    }
}

#[test]
fn a_comparison_that_breaks_off_is_made_the_next_time() {
    let slapd = Slapd::start().unwrap();
    let proxy = Proxy::new(slapd.port());
    let mut world = World::by_way_of(slapd, &proxy.url());
    world.ldap().add(&new_users(&["changed"]), false).unwrap();
    world.once();
    world.take();
    let backup = tempfile::tempdir().unwrap();
    let backup = backup.path().join("db");
    world.slapd.stop().unwrap();
    copy(&world.slapd.database(), &backup);
    world.slapd.restart().unwrap();
    let ldap = world.ldap();
    ldap.replace(&dn("changed"), "title", &["new"]).unwrap();
    world.once();
    world.take();
    world.slapd.stop().unwrap();
    copy(&backup, &world.slapd.database());
    world.slapd.restart().unwrap();
    // With this the server is newer than our cookie.
    ldap.replace(&format!("uid=a.oehler,{USERS}"), "title", &["new"]).unwrap();
    // A start is told from another one when it was some seconds ago.
    let up = Instant::now();
    poll(SOON, || (up.elapsed() > Duration::from_secs(4)).then_some(()));
    // Enough for the start of the server, and not for what changed.
    proxy.cut_after(300);
    let ended = world.watch_once(&[]);
    assert_eq!(ended.code(), Some(1), "{}", ended.log());
    proxy.cut_after(i64::MAX);
    world.once();
    let changes = world.take();
    assert!(changes.contains(&user("changed", "modify")), "{changes:#?}");
}

#[test]
fn an_entry_that_may_be_read_again_comes_back() {
    for changes_meanwhile in [false, true] {
        let mut world = world(SessionLog::Without);
        world.slapd.hide(&format!("entry dn.exact=\"{}\"", dn("hidden"))).unwrap();
        world.once();
        assert_eq!(world.take(), [user("hidden", "delete")]);
        world.slapd.hide("telephoneNumber").unwrap();
        let mut expected = vec![user("hidden", "add")];
        if changes_meanwhile {
            world.ldap().replace(&dn("still"), "title", &["newer"]).unwrap();
            expected.push(user("still", "modify"));
        }
        world.once();
        assert_eq!(sorted(&world.take()), sorted(&expected), "{changes_meanwhile}");
        world.once();
        assert_eq!(world.take(), [], "{changes_meanwhile}");
    }
}

#[test]
fn a_cookie_that_the_server_does_not_understand_is_not_kept() {
    let world = world(SessionLog::Changes(500));
    world.set_cookie("rubbish");
    let first = world.watch_once(&[]);
    assert!(first.log().contains("did not understand"), "{}", first.log());
    for _ in 0..2 {
        let next = world.watch_once(&[]);
        assert_eq!((next.code(), next.log().as_str()), (Some(0), ""), "every minute from cron");
    }
    world.ldap().delete(&dn("removed")).unwrap();
    world.once();
    assert_eq!(world.take(), [user("removed", "delete")]);
}

#[test]
fn an_index_that_is_damaged_inside_is_made_anew() {
    let world = world(SessionLog::Changes(500));
    let mut bytes = fs::read(world.index()).unwrap();
    // The head is whole, so that it can be opened.
    bytes[8192..].fill(0xff);
    fs::write(world.index(), bytes).unwrap();
    let ended = world.watch_once(&[]);
    assert_eq!(ended.code(), Some(0), "{}", ended.log());
    assert!(ended.log().contains("is damaged: making it anew"), "{}", ended.log());
    assert!(world.take().contains(&user("still", "add")));
    world.ldap().delete(&dn("removed")).unwrap();
    world.once();
    assert_eq!(world.take(), [user("removed", "delete")]);
}

#[test]
fn a_malformed_filter_is_refused_and_not_tried_again() {
    let world = World::new(Slapd::start().unwrap());
    world.configure("filter = '(uid='");
    let watcher = world.idspool.start("idspool-listener", &["watch"]).unwrap();
    let ended = watcher.wait(watching::SOON).unwrap();
    assert_eq!(ended.code(), Some(2), "{}", ended.log());
    assert!(ended.log().contains("filter is malformed"), "{}", ended.log());
}
