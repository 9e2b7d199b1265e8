//! `idspool-listener watch` at one of two servers that both take changes (multi-provider), so that the cookie
//! has a state for each of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use idspool_tests::{LdapCli, Slapd, poll};
use watching::proxy::Proxy;
use watching::{Change, SOON, World, catch_up, change};

const USERS: &str = "cn=users,dc=example,dc=org";

/// More than what follows from the few changes of a step, and far less than everything.
const FEW: usize = 15;

fn dn(uid: &str) -> String {
    format!("uid={uid},{USERS}")
}

fn user(uid: &str, command: &str) -> Change {
    change(&dn(uid), "users/user", command)
}

fn add(server: &LdapCli, uid: &str) {
    let ldif = format!(
        "dn: {}\nobjectClass: inetOrgPerson\nobjectClass: univentionObject\n\
         univentionObjectType: users/user\nuid: {uid}\ncn: x\nsn: x\n",
        dn(uid)
    );
    server.add(&ldif, false).unwrap();
}

/// Waits for changes and takes everything: not much else may come, and nothing else as deleted but what is gone,
/// which may be told again after the watcher was killed.
fn gather(world: &World, sides: &[Side; 2], wanted: &[Change]) {
    world.gather(|changes| wanted.iter().all(|change| changes.contains(change)));
    let changes = world.take();
    assert!(changes.len() < FEW, "{changes:#?}");
    let is_gone = |change: &Change| sides.iter().any(|side| side.gone.contains(change));
    let unwanted = |change: &&Change| change.command == "delete" && !is_gone(change);
    assert_eq!(changes.iter().find(unwanted), None, "{changes:#?}");
}

/// One of the servers, and how often it was changed.
struct Side {
    name: &'static str,
    ldap: LdapCli,
    round: u32,
    gone: Vec<Change>,
}

impl Side {
    fn new(name: &'static str, server: &Slapd) -> Self {
        let side = Self { name, ldap: server.cli(), round: 0, gone: Vec::new() };
        for name in ["changed", "moving0", "doomed0"] {
            add(&side.ldap, &side.uid(name));
        }
        side
    }

    fn uid(&self, what: &str) -> String {
        format!("{what}-{}", self.name)
    }

    /// Makes changes of every kind; what they are to lead to.
    fn change(&mut self) -> Vec<Change> {
        let round = self.round;
        self.round += 1;
        let [changed, from, gone] =
            ["changed", &format!("moving{round}"), &format!("doomed{round}")]
                .map(|name| self.uid(name));
        let [to, new] = ["moving", "doomed"].map(|name| self.uid(&format!("{name}{}", round + 1)));
        self.ldap.replace(&dn(&changed), "title", &[&round.to_string()]).unwrap();
        self.ldap.rename(&dn(&from), &format!("uid={to}"), None).unwrap();
        self.ldap.delete(&dn(&gone)).unwrap();
        add(&self.ldap, &new);
        self.gone.push(user(&gone, "delete"));
        vec![
            user(&changed, "modify"),
            user(&to, "modify"),
            user(&gone, "delete"),
            user(&new, "add"),
        ]
    }
}

/// A world at the first server where everything is provisioned, the second server, and the sides of both.
fn world() -> (World, Slapd, [Side; 2]) {
    let [one, other] = Slapd::pair().unwrap();
    catch_up(&one.cli(), &other.cli());
    let sides = [Side::new("one", &one), Side::new("other", &other)];
    catch_up(&one.cli(), &other.cli());
    let world = World::new(one);
    world.once();
    assert!(world.take().len() > 2 * FEW);
    (world, other, sides)
}

/// Changes both servers and waits until each has both changes.
fn change_both(sides: &mut [Side; 2]) -> Vec<Change> {
    let wanted = sides.iter_mut().flat_map(Side::change).collect();
    catch_up(&sides[0].ldap, &sides[1].ldap);
    wanted
}

#[test]
fn changes_at_both_servers_are_seen_over_restarts() {
    let (mut world, _other, mut sides) = world();
    for round in 0..2 {
        world.watcher = Some(world.start());
        assert_eq!(world.take(), [], "round {round}: nothing has changed");
        let wanted: Vec<Change> = sides.iter_mut().flat_map(Side::change).collect();
        gather(&world, &sides, &wanted);
        // One after the other, so that the last word has the state of one server alone.
        for at in [1, 0, 1] {
            let wanted = sides[at].change();
            gather(&world, &sides, &wanted);
        }
        // While nobody watches.
        world.watcher.take().unwrap().kill().unwrap();
        let wanted = change_both(&mut sides);
        if round > 0 {
            world.slapd.restart().unwrap();
        }
        world.once();
        gather(&world, &sides, &wanted);
    }
}

#[test]
fn the_server_that_is_followed_restarts_while_the_other_one_goes_on() {
    let (mut world, other, mut sides) = world();
    let watcher = world.start();
    for kill in [true, false] {
        if kill {
            world.slapd.kill().unwrap()
        } else {
            world.slapd.stop().unwrap()
        }
        let mut wanted = sides[1].change();
        let before = watcher.lines().len();
        world.slapd.restart().unwrap();
        world.slapd.wait_for_exchange(&other).unwrap();
        wanted.extend(sides[0].change());
        watcher.wait_for_after(before, "Following", SOON).unwrap();
        gather(&world, &sides, &wanted);
    }
}

#[test]
fn another_server_goes_on_where_the_first_one_was() {
    let (mut world, mut other, mut sides) = world();
    let watcher = world.start();
    let wanted = sides.iter_mut().flat_map(Side::change).collect::<Vec<_>>();
    gather(&world, &sides, &wanted);
    for _ in 0..2 {
        // The next thing that is heard comes from the other one alone.
        let wanted = sides[1].change();
        gather(&world, &sides, &wanted);
    }
    assert_eq!(watcher.terminate(SOON).unwrap().code(), Some(0));
    let wanted = change_both(&mut sides);
    world.slapd.stop().unwrap();
    world.turn_to(&other.url());
    let watcher = world.start();
    gather(&world, &sides, &wanted);
    // What is changed there, and what comes there from the first one when that is back.
    let mut wanted = sides[1].change();
    gather(&world, &sides, &wanted);
    world.slapd.restart().unwrap();
    world.slapd.wait_for_exchange(&other).unwrap();
    wanted = sides[0].change();
    gather(&world, &sides, &wanted);
    // And back again.
    catch_up(&sides[0].ldap, &sides[1].ldap);
    assert_eq!(watcher.terminate(SOON).unwrap().code(), Some(0));
    world.turn_to(&world.slapd.url());
    world.watcher = Some(world.start());
    assert_eq!(world.take(), []);
    for at in [1, 0] {
        wanted = sides[at].change();
        gather(&world, &sides, &wanted);
    }
    other.stop().unwrap();
    wanted = sides[0].change();
    gather(&world, &sides, &wanted);
}

#[test]
fn a_server_that_lags_is_waited_for_and_nothing_is_taken_back() {
    let (mut world, mut other, mut sides) = world();
    let watcher = world.start();
    other.stop().unwrap();
    let wanted = sides[0].change();
    gather(&world, &sides, &wanted);
    assert_eq!(watcher.terminate(SOON).unwrap().code(), Some(0));
    world.slapd.stop().unwrap();
    other.restart().unwrap();
    world.turn_to(&other.url());
    let watcher = world.idspool.start("idspool-listener", &["watch"]).unwrap();
    watcher.wait_for("cannot go on from the last known state", SOON).unwrap();
    assert_eq!(world.take(), []);
    world.slapd.restart().unwrap();
    watcher.wait_for("Following", SOON).unwrap();
    world.slapd.wait_for_exchange(&other).unwrap();
    let wanted = sides[0].change();
    gather(&world, &sides, &wanted);
}

#[test]
fn a_server_that_is_being_filled_takes_nothing_back() {
    let (world, mut other, mut sides) = world();
    let wanted = change_both(&mut sides);
    world.once();
    gather(&world, &sides, &wanted);
    let proxy = Proxy::new(world.slapd.port());
    // Some entries, and the way stays closed after them.
    proxy.cut_after(40_000);
    other.begin_anew(&proxy.url()).unwrap();
    let entries = || other.cli().entry_uuids("(objectClass=*)").map_or(0, |all| all.len());
    poll(SOON, || (entries() > 20).then_some(())).unwrap();
    world.slapd.freeze().unwrap();
    world.turn_to(&other.url());
    let refused = |cause: &str| {
        for _ in 0..2 {
            let ended = world.watch_once(&[]);
            assert_eq!(ended.code(), Some(1), "{}", ended.log());
            let expected = ["cannot go on from the last known state", cause];
            assert!(expected.iter().all(|text| ended.log().contains(text)), "{}", ended.log());
            world.refused_long_ago();
        }
        assert_eq!(world.take(), []);
    };
    refused("provider doesn't");
    // Now it knows how new it is, as far as it was changed itself.
    add(&other.cli(), "meanwhile");
    refused("serverID 1 it has nothing");
    world.slapd.thaw().unwrap();
    let is_done = || (world.watch_once(&[]).code() == Some(0)).then_some(());
    poll(SOON, is_done).expect("it is never filled");
    assert_eq!(world.take(), [user("meanwhile", "add")]);
}

#[test]
fn what_names_a_user_follows_who_is_renamed_at_the_other_server() {
    const OEHLER: &str = "uid=a.oehler,cn=users,dc=example,dc=org";
    let (mut world, _other, sides) = world();
    let groups = sides[1].ldap.entry_uuids(&format!("(uniqueMember={OEHLER})")).unwrap();
    assert!(!groups.is_empty());
    world.watcher = Some(world.start());
    sides[1].ldap.rename(OEHLER, "uid=renamed", None).unwrap();
    let changes = world.gather(|changes| {
        let is_told = |uuid: &String| changes.iter().any(|change| change.uuid == *uuid);
        changes.contains(&user("renamed", "modify")) && groups.iter().all(is_told)
    });
    assert!(changes.len() < FEW, "{changes:#?}");
    let is_rewritten = |server: &LdapCli| {
        let filter = format!("(uniqueMember={})", dn("renamed"));
        Some(()).filter(|()| server.entry_uuids(&filter).is_ok_and(|found| found == groups))
    };
    for side in sides {
        poll(SOON, || is_rewritten(&side.ldap)).expect("refint");
    }
}
