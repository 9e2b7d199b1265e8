//! `idspool-listener watch` at two servers that both take changes: the cookie has a part for each of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use std::fs;

use idspool_tests::{LdapCli, Slapd, poll};
use watching::{Change, SOON, World, change};

const OEHLER: &str = "uid=a.oehler,cn=users,dc=example,dc=org";

/// Two servers, and a world at the first one.
struct Pair {
    second: Slapd,
    world: World,
}

impl Pair {
    fn new() -> Self {
        // The overlays of each would change what the other one has changed already.
        let mut first = Slapd::builder().without_refint().without_memberof().start().unwrap();
        let second = Slapd::builder().peer_of(&first).start().unwrap();
        first.join(&second).unwrap();
        let pair = Self { second, world: World::new(first) };
        pair.catch_up();
        pair
    }

    fn first(&self) -> LdapCli {
        self.world.ldap()
    }

    fn second(&self) -> LdapCli {
        self.second.cli()
    }

    /// Waits until both have what the other one has.
    fn catch_up(&self) {
        let state = |server: LdapCli| {
            let found = server.search("(dc=example)", &["contextCSN"]).ok()?;
            let mut states: Vec<String> = found.lines().skip(1).map(str::to_owned).collect();
            states.sort();
            Some(states).filter(|states| states.len() > 1)
        };
        poll(SOON, || {
            let (first, second) = (state(self.first()), state(self.second()));
            (first.is_some() && first == second).then_some(())
        })
        .expect("the servers differ");
    }

    fn cookie(&self) -> String {
        let index = rusqlite::Connection::open(self.world.index()).unwrap();
        index.query_row("SELECT CAST(cookie AS TEXT) FROM base", [], |row| row.get(0)).unwrap()
    }

    /// Follows the second one from now on.
    fn fail_over(&self) {
        let path = self.world.idspool.path().join("idspool.toml");
        let text = fs::read_to_string(&path).unwrap();
        let changed = text.replace(&self.world.slapd.url(), &self.second.url());
        assert_ne!(changed, text);
        fs::write(path, changed).unwrap();
    }
}

fn user(uid: &str) -> (String, String) {
    let dn = format!("uid={uid},cn=users,dc=example,dc=org");
    let ldif = format!(
        "dn: {dn}\nobjectClass: inetOrgPerson\nobjectClass: univentionObject\n\
         univentionObjectType: users/user\nuid: {uid}\ncn: x\nsn: x\n"
    );
    (dn, ldif)
}

fn told(dn: &str, command: &str) -> Change {
    change(dn, "users/user", command)
}

#[test]
fn changes_of_both_servers_are_seen_at_one_of_them() {
    let mut pair = Pair::new();
    let ((one, one_ldif), (two, two_ldif)) = (user("one"), user("two"));
    pair.world.watcher = Some(pair.world.start());
    pair.world.take();
    pair.first().add(&one_ldif, false).unwrap();
    pair.second().add(&two_ldif, false).unwrap();
    pair.world.gather(|changes| changes.len() >= 2);
    assert_eq!(watching::sorted(&pair.world.take()), [told(&one, "add"), told(&two, "add")]);
    pair.catch_up();
    pair.world.watcher = None;
    pair.world.once();
    let cookie = pair.cookie();
    assert!(cookie.contains("#001#") && cookie.contains("#002#"), "{cookie}");

    // While nobody follows, also over a restart of the server.
    for is_restarted in [false, true] {
        let renamed = format!("uid=two{is_restarted},cn=users,dc=example,dc=org");
        let old = if is_restarted { "uid=twofalse,cn=users,dc=example,dc=org" } else { &two };
        let (gone, gone_ldif) = user("gone");
        pair.second().add(&gone_ldif, false).unwrap();
        pair.catch_up();
        pair.world.once();
        pair.world.take();
        pair.second().rename(old, &format!("uid=two{is_restarted}"), None).unwrap();
        pair.second().delete(&gone).unwrap();
        pair.first().replace(OEHLER, "title", &[&is_restarted.to_string()]).unwrap();
        pair.catch_up();
        if is_restarted {
            pair.world.slapd.restart().unwrap();
        }
        pair.world.once();
        let mut expected =
            [told(&gone, "delete"), told(OEHLER, "modify"), told(&renamed, "modify")];
        expected.sort_by(|a, b| a.dn.cmp(&b.dn));
        assert_eq!(watching::sorted(&pair.world.take()), watching::sorted(&expected));
    }
}

#[test]
fn the_other_server_is_followed_from_where_the_first_one_got_to() {
    let mut pair = Pair::new();
    pair.world.once();
    pair.world.take();
    let (one, ldif) = user("one");
    pair.first().add(&ldif, false).unwrap();
    pair.catch_up();
    pair.world.slapd.stop().unwrap();
    pair.fail_over();
    pair.world.once();
    assert_eq!(pair.world.take(), [told(&one, "add")], "what the first one had not told");
    pair.second().delete(&one).unwrap();
    pair.world.once();
    assert_eq!(pair.world.take(), [told(&one, "delete")]);
}
