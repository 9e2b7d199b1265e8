//! Killed at any moment, converter or LDAP server: nothing is lost, nothing goes backwards.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{SOON, Site, items, wait_for_items};
use idspool_tests::{Loading, Population, Slapd};

fn populated(users: u32) -> (Site, Population) {
    let population = Population { users };
    let slapd =
        Slapd::builder().loading(Loading::SlapAdd).extra_ldif(&population.ldif()).start().unwrap();
    (Site::with(slapd, ""), population)
}

/// A small generator, so that a failing run can be repeated with its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[test]
fn a_converter_killed_again_and_again_loses_no_change() {
    const USERS: u64 = 200;
    const GROUPS: u64 = 80;
    const GROUP: u64 = 50;
    let (site, population) = populated(USERS as u32);
    let seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64 | 1;
    println!("seed {seed}");
    let is_over = AtomicBool::new(false);
    let (versions, kills) = std::thread::scope(|scope| {
        let changer = scope.spawn(|| {
            let mut random = Random(seed);
            let mut versions: HashMap<u32, u32> = HashMap::new();
            for _ in 0..GROUPS {
                let (mut ldif, mut changes) = (String::new(), Vec::new());
                for _ in 0..GROUP {
                    let user = random.below(USERS) as u32;
                    let version = versions.entry(user).or_default();
                    *version += 1;
                    let dn = population.dn(user);
                    ldif.push_str(&format!(
                        "dn: {dn}\nchangetype: modify\nreplace: description\ndescription: {version}\n\n"
                    ));
                    let uuid = population.entry_uuid(user);
                    let change = idspool_listener::change(&uuid, &dn, "users/user", "modify", false);
                    changes.push(change.unwrap());
                }
                site.slapd.cli().modify(&ldif).unwrap();
                idspool_listener::enqueue(&site.listener, &changes).unwrap();
            }
            is_over.store(true, Ordering::SeqCst);
            versions
        });
        let mut random = Random(seed);
        let mut kills = 0;
        while !is_over.load(Ordering::SeqCst) {
            let daemon = site.program(&[]);
            let alive = Duration::from_millis(5 + random.below(200));
            // Not for an event: the point is to strike at any moment.
            std::thread::sleep(alive);
            daemon.kill().unwrap();
            kills += 1;
        }
        (changer.join().unwrap(), kills)
    });
    println!("{kills} kills");
    let ended = site.once_as_process();
    assert_eq!(ended.code(), Some(0), "{}", ended.log());
    assert!(site.listener.names().unwrap().is_empty());

    let found = items(&site.ox());
    assert!(found.len() >= (GROUPS * GROUP) as usize, "one file per change at least");
    let mut seen: HashMap<String, u32> = HashMap::new();
    for item in &found {
        let description = item.property("description").unwrap().as_str().unwrap();
        // A user that was not changed yet has another text.
        let version = description.parse().unwrap_or(0);
        let last = seen.entry(item.id.clone()).or_default();
        assert!(*last <= version, "{} went from {last} back to {version}", item.dn);
        *last = version;
    }
    for (user, version) in versions {
        assert_eq!(seen.get(&population.entry_uuid(user)), Some(&version));
    }
}

#[test]
fn an_ldap_server_killed_in_the_middle_loses_no_change() {
    const USERS: u32 = 3000;
    let (mut site, population) = populated(USERS);
    let changes: Vec<_> = (0..USERS)
        .map(|index| {
            let (uuid, dn) = (population.entry_uuid(index), population.dn(index));
            idspool_listener::change(&uuid, &dn, "users/user", "modify", false).unwrap()
        })
        .collect();
    idspool_listener::enqueue(&site.listener, &changes).unwrap();
    let daemon = site.program(&[]);
    for round in 0..3 {
        wait_for_items(&site.ox(), 600 * round + 1);
        site.slapd.kill().unwrap();
        site.slapd.restart().unwrap();
    }
    wait_for_items(&site.ox(), USERS as usize);
    let ended = daemon.terminate(SOON).unwrap();
    assert_eq!(ended.code(), Some(0), "{}", ended.log());
    assert!(site.listener.names().unwrap().is_empty());
    let ids: Vec<_> =
        items(&site.ox()).into_iter().map(|item| (item.id, item.object.is_some())).collect();
    let expected: Vec<_> = (0..USERS).map(|index| (population.entry_uuid(index), true)).collect();
    assert_eq!(ids, expected);
}
