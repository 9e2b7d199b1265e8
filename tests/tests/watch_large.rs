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
use std::time::{Duration, Instant};

use idspool_tests::{Loading, Slapd};
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
