//! `idspool-listener watch` and groups so large that the server is slow with them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use idspool_tests::{Loading, Slapd, follow, poll};
use watching::{SOON, World};

const MEMBERS: usize = 50_000;
/// refint needs longer for these than an item waits.
const RENAMED: usize = 120;
const GROUP: &str = "cn=everybody,cn=groups,dc=example,dc=org";

fn dn(name: &str, number: usize) -> String {
    format!("uid={name}{number},cn=users,dc=example,dc=org")
}

#[test]
fn a_group_that_refint_is_slow_with_is_told_once_more_when_it_is_right() {
    let mut ldif = String::new();
    for number in 0..RENAMED {
        write!(
            ldif,
            "dn: {}\nobjectClass: inetOrgPerson\nobjectClass: univentionObject\n\
             univentionObjectType: users/user\nuid: old{number}\ncn: x\nsn: x\n\n",
            dn("old", number)
        )
        .unwrap();
    }
    write!(
        ldif,
        "dn: {GROUP}\nobjectClass: univentionGroup\nobjectClass: posixGroup\n\
         objectClass: univentionObject\nuniventionObjectType: groups/group\n\
         cn: everybody\ngidNumber: 4000\n"
    )
    .unwrap();
    for number in 0..MEMBERS {
        writeln!(ldif, "uniqueMember: {}", dn("old", number)).unwrap();
    }
    let slapd = Slapd::builder().loading(Loading::SlapAdd).extra_ldif(&ldif).start().unwrap();
    let mut world = World::new(slapd);
    let _watcher = world.start();
    world.take();
    let uuid = world.uuid(GROUP);
    let renames: String = (0..RENAMED)
        .map(|number| {
            format!(
                "dn: {}\nchangetype: modrdn\nnewrdn: uid=new{number}\ndeleteoldrdn: 1\n\n",
                dn("old", number)
            )
        })
        .collect();
    world.ldap().modify(&renames).unwrap();
    let old: String = (0..RENAMED).map(|n| format!("(uniqueMember={})", dn("old", n))).collect();
    let old = format!("(|{old})");
    let started = Instant::now();
    let mut told_early = 0;
    let mut needed = None;
    loop {
        let is_done = world.ldap().entry_uuids(&old).unwrap().is_empty();
        let told = world.take().iter().filter(|change| change.uuid == uuid).count();
        if is_done {
            let needed = *needed.get_or_insert_with(|| started.elapsed());
            if told > 0 {
                break;
            }
            assert!(
                started.elapsed() < needed * 2 + SOON,
                "told {told_early} times before refint was done after {needed:?}, and not since"
            );
        } else {
            told_early += told;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    world.watcher = None;
}

#[test]
fn a_first_refresh_of_very_many_entries_needs_little_memory() {
    const ENTRIES: usize = 120_000;
    let mut ldif = String::new();
    for number in 0..ENTRIES {
        write!(
            ldif,
            "dn: cn=d{number},dc=example,dc=org\nobjectClass: organizationalRole\ncn: d{number}\n\n"
        )
        .unwrap();
    }
    let slapd = Slapd::builder().loading(Loading::SlapAdd).extra_ldif(&ldif).start().unwrap();
    let world = World::new(slapd);
    let mut command = world.idspool.command("idspool-listener", &["watch", "--once"]).unwrap();
    let usage = follow(command.stderr(Stdio::null()).spawn().unwrap()).unwrap();
    // What was read and not handled yet would be another 100 MiB.
    assert!(usage.memory < 80.0, "{:.0} MiB", usage.memory);
    assert!(!world.take().is_empty());
}

/// Processor time of a process, in units of the system (a hundredth of a second).
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.split(' ').nth(11).unwrap().parse().unwrap()
}

#[test]
fn a_watcher_stops_in_the_midst_of_a_great_deal_and_goes_on_later() {
    const CHILDREN: usize = 5000;
    const RENAMES: usize = 400;
    let container = |number: usize| format!("cn=big{number},dc=example,dc=org");
    let mut ldif = format!("dn: {}\nobjectClass: organizationalRole\ncn: big0\n\n", container(0));
    for number in 0..CHILDREN {
        write!(
            ldif,
            "dn: uid=k{number},{}\nobjectClass: inetOrgPerson\nobjectClass: univentionObject\n\
             univentionObjectType: users/user\nuid: k{number}\ncn: x\nsn: x\n\n",
            container(0)
        )
        .unwrap();
    }
    let slapd = Slapd::builder().loading(Loading::SlapAdd).extra_ldif(&ldif).start().unwrap();
    let world = World::new(slapd);
    let watcher = world.start();
    world.take();
    let renames: String = (0..RENAMES)
        .map(|number| {
            format!(
                "dn: {}\nchangetype: modrdn\nnewrdn: cn=big{}\ndeleteoldrdn: 1\n\n",
                container(number),
                number + 1
            )
        })
        .collect();
    // So that all of it comes at once.
    watcher.signal(rustix::process::Signal::STOP).unwrap();
    world.ldap().modify(&renames).unwrap();
    let before = ticks(watcher.pid());
    watcher.signal(rustix::process::Signal::CONT).unwrap();
    poll(SOON, || (ticks(watcher.pid()) > before + 30).then_some(())).expect("it is at work");
    let begin = Instant::now();
    let ended = watcher.terminate(SOON).unwrap();
    assert_eq!(ended.code(), Some(0), "{}", ended.log());
    assert!(begin.elapsed() < Duration::from_secs(30), "it took {:?} to stop", begin.elapsed());
    world.once();
    let last = world.uuid(&format!("uid=k{},{}", CHILDREN - 1, container(RENAMES)));
    let changes = world.take();
    let dn = changes.iter().rev().find(|change| change.uuid == last).map(|change| &change.dn);
    assert_eq!(dn, Some(&format!("uid=k{},{}", CHILDREN - 1, container(RENAMES))));
}
