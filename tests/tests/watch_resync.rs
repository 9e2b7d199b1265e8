//! `idspool-listener resync`: what it takes, and what is left when it does not come to its end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use std::fmt::Write as _;

use idspool_tests::{Installation, Loading, Slapd, poll};
use rustix::process::Signal;
use watching::{SOON, World};

const BASE: &str = "dc=example,dc=org";

fn user(uid: &str, above: &str) -> String {
    format!(
        "dn: uid={uid},{above}\nobjectClass: top\nobjectClass: person\nobjectClass: inetOrgPerson\n\
         objectClass: univentionObject\nuniventionObjectType: users/user\nuid: {uid}\ncn: {uid}\n\
         sn: {uid}\n\n"
    )
}

fn container(name: &str) -> String {
    format!("dn: cn={name},{BASE}\nobjectClass: organizationalRole\ncn: {name}\n\n")
}

fn resync(world: &World, arguments: &[&str]) -> (Option<i32>, String, Vec<String>) {
    let mut all = vec!["resync"];
    all.extend(arguments);
    let output = world.idspool.run("idspool-listener", &all).unwrap();
    let text = [output.stdout, output.stderr].concat();
    let mut dns: Vec<String> = world.take().into_iter().map(|change| change.dn).collect();
    dns.sort();
    (output.status.code(), String::from_utf8(text).unwrap(), dns)
}

#[test]
fn nothing_is_taken_that_the_listener_does_not_want() {
    let mut ldif = String::new();
    for name in ["one", "two", "three"] {
        ldif += &container(name);
        for uid in ["anna", "bert"] {
            ldif += &user(&format!("{uid}-{name}"), &format!("cn={name},{BASE}"));
        }
    }
    let slapd = Slapd::builder().extra_ldif(&ldif).start().unwrap();
    let world = World::new(slapd);
    world.configure(&format!("bases = 'cn=one,{BASE};cn=two,{BASE}'\nfilter = '(!(uid=bert-*))'"));
    let [one, two] = ["one", "two"].map(|name| format!("uid=anna-{name},cn={name},{BASE}"));
    let (code, text, dns) = resync(&world, &[]);
    assert_eq!((code, dns), (Some(0), vec![one.clone(), two]), "{text}");
    assert_eq!(text, "2 users/user\n2 enqueued\n");
    let (code, text, dns) = resync(&world, &["--filter", "uid=*-one"]);
    assert_eq!((code, dns), (Some(0), vec![one.clone()]), "{text}");
    let (code, text, dns) = resync(&world, &["--dn", &one, "--object-type", "users/user"]);
    assert_eq!((code, dns), (Some(0), vec![one]), "{text}");
    for left_out in ["uid=bert-one,cn=one", "uid=anna-three,cn=three"] {
        let (code, text, dns) = resync(&world, &["--dn", &format!("{left_out},{BASE}")]);
        assert_eq!((code, dns), (Some(1), vec![]), "{text}");
        assert!(text.contains(" below ") && text.contains("listener.filter"), "{text}");
    }
    world.configure(&format!("bases = 'cn=one,{BASE};cn=none,{BASE}'"));
    let (code, text, dns) = resync(&world, &[]);
    assert_eq!((code, dns), (Some(1), vec![]), "{text}");
    assert!(text.contains("cn=none") && text.contains("listener.bases"), "{text}");
}

#[test]
fn an_interrupted_resync_leaves_whole_items_and_says_how_many() {
    const USERS: usize = 20_000;
    let mut ldif = String::new();
    for number in 0..USERS {
        write!(ldif, "{}", user(&format!("k{number}"), BASE)).unwrap();
    }
    let slapd = Slapd::builder().loading(Loading::SlapAdd).extra_ldif(&ldif).start().unwrap();
    let world = World::new(slapd);
    let spool = world.idspool.listener_spool();
    let running = world.idspool.start("idspool-listener", &["resync"]).unwrap();
    let waiting = || Installation::waiting(&spool).len();
    poll(SOON, || (waiting() > 1000).then_some(())).expect("it is at work");
    running.signal(Signal::INT).unwrap();
    let ended = running.wait(SOON).unwrap();
    assert_eq!(ended.code(), Some(1), "{}", ended.log());
    // Read as JSON, each of them.
    let count = world.changes().len();
    assert!(count > 1000 && count < USERS, "{count}");
    assert!(ended.log().contains(&format!("interrupted: {count} objects")), "{}", ended.log());
}
