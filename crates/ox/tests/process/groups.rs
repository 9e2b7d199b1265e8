//! Groups over HTTP, and what remains of them when the program is killed.

use std::collections::{BTreeMap, BTreeSet};

use idspool_sandbox::ox::{ContextSpec, Options};
use idspool_tests::Daemon;
use idspool_udm::ConvertedItem;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::LONG;
use super::place::{Place, anna, item};

/// Name to members' names of all groups but the standard one.
fn groups(place: &Place, context: i32) -> BTreeMap<String, BTreeSet<String>> {
    place.server.inspect(|world| {
        let context = world.context(context).unwrap();
        let name = |id| context.user(id).unwrap().name().to_owned();
        let groups = context.groups().filter(|group| group.id > 1);
        groups
            .map(|group| (group.name.clone(), context.members(group).map(name).collect()))
            .collect()
    })
}

fn of(expected: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    expected.iter().map(|(name, members)| ((*name).to_owned(), set(members))).collect()
}

/// Contexts 10 and 11.
fn place(options: Options) -> Place {
    let contexts = vec![ContextSpec::new(10), ContextSpec::new(11)];
    let place = Place::new(Options { contexts, ..options });
    let entry = json!({"adminuser": "oxadmin", "adminpass": "secret"});
    place.set_credentials(&json!({"10": entry, "11": entry}));
    place
}

fn user_dn(name: &str) -> String {
    format!("uid={name},cn=users,dc=example,dc=org")
}

fn group_dn(name: &str) -> String {
    format!("cn={name},cn=groups,dc=example,dc=org")
}

fn user(name: &str, context: i32, groups: &[&str]) -> ConvertedItem {
    let groups: Vec<_> = groups.iter().map(|group| group_dn(group)).collect();
    let mut user = anna(json!({
        "username": name, "oxDisplayName": name, "oxContext": context, "groups": groups,
        "mailPrimaryAddress": format!("{name}@example.org"),
    }));
    (user.id, user.dn) = (format!("u-{name}"), user_dn(name));
    user
}

fn group(name: &str, members: &[&str]) -> ConvertedItem {
    let users: Vec<_> = members.iter().map(|member| user_dn(member)).collect();
    let object = json!({"name": name, "isOxGroup": "OK", "users": users});
    item(&format!("g-{name}"), "groups/group", &group_dn(name), object)
}

#[test]
fn s5_8_the_life_of_a_group_over_http() {
    let place = place(Options::default());
    place.enqueue(&group("team", &["anna", "berta", "carl"]));
    for (name, context) in [("anna", 10), ("berta", 10), ("carl", 11)] {
        place.enqueue(&user(name, context, &["team"]));
    }
    assert_eq!(place.run().code(), Some(0));
    assert_eq!(groups(&place, 10), of(&[("team", &["anna", "berta"])]));
    assert_eq!(groups(&place, 11), of(&[("team", &["carl"])]));
    let of_groups = |calls: Vec<String>| -> Vec<String> {
        let calls = calls
            .into_iter()
            .filter_map(|call| Some(call.strip_prefix("OXGroupService.")?.to_owned()));
        calls.collect()
    };
    assert_eq!(
        of_groups(place.server_calls()),
        ["getData NoSuchGroupException", "create ok", "getData NoSuchGroupException", "create ok"]
    );
    // The same state again, as for each change of a member.
    place.enqueue(&group("team", &["anna", "berta", "carl"]));
    assert_eq!(place.run().code(), Some(0));
    assert_eq!(place.server_calls(), [""; 0]);
    // Carl moves: his group of the old context goes, and he is in that of the new one.
    place.enqueue(&user("carl", 10, &["team"]));
    assert_eq!(place.run().code(), Some(0));
    assert_eq!(groups(&place, 10), of(&[("team", &["anna", "berta", "carl"])]));
    assert_eq!(groups(&place, 11), of(&[]));
    let mut renamed = group("crew", &["anna", "carl"]);
    renamed.id = "g-team".into();
    let id =
        place.server.inspect(|world| world.context(10).unwrap().group_named("team").unwrap().id);
    place.enqueue(&renamed);
    assert_eq!(place.run().code(), Some(0));
    assert_eq!(groups(&place, 10), of(&[("crew", &["anna", "carl"])]));
    let kept =
        place.server.inspect(|world| world.context(10).unwrap().group_named("crew").unwrap().id);
    assert_eq!(kept, id);
    assert_eq!(place.snapshot("g-team")["object"]["oxDbGroupname"], json!("crew"));
    renamed.object = None;
    place.enqueue(&renamed);
    assert_eq!(place.run().code(), Some(0));
    assert_eq!(groups(&place, 10), of(&[]));
    assert!(!place.snapshot_path("g-team").exists());
}

#[test]
fn s2_2_15_a_vanished_member_stops_the_queue_until_it_is_provisioned_again() {
    let place = place(Options::default());
    for name in ["anna", "berta"] {
        place.enqueue(&user(name, 10, &[]));
    }
    assert_eq!(place.run().code(), Some(0));
    std::fs::remove_file(place.snapshot_path("u-berta")).unwrap();
    place.enqueue(&group("team", &["anna", "berta"]));
    let ended = place.run();
    assert_eq!(ended.code(), Some(1));
    for line in [
        format!(
            "Old object file {} for {} does not exist!",
            place.snapshot_path("u-berta").display(),
            user_dn("berta")
        ),
        format!(
            "You need to re-provision \"{}\" (see https://docs.software-univention.de/",
            user_dn("berta")
        ),
    ] {
        assert!(ended.log().contains(&line), "{}", ended.log());
    }
    place.enqueue(&user("berta", 10, &["team"]));
    assert_eq!(place.run().code(), Some(0));
    assert_eq!(groups(&place, 10), of(&[("team", &["anna", "berta"])]));
}

/// What the directory holds, and the items that its changes make (2.8).
#[derive(Default)]
struct Directory {
    /// Name to context and whether it is an OX user.
    users: BTreeMap<usize, (i32, bool)>,
    /// Members, the flag, and how often it was renamed.
    groups: BTreeMap<usize, (BTreeSet<usize>, bool, usize)>,
}

const USERS: usize = 6;
const GROUPS: usize = 3;

impl Directory {
    fn user_item(&self, number: usize) -> ConvertedItem {
        let name = format!("user{number}");
        let Some((context, is_ox)) = self.users.get(&number) else {
            return item(&format!("u-{name}"), "users/user", &user_dn(&name), Value::Null);
        };
        let mut user = user(&name, *context, &[]);
        let groups = self.groups.iter().filter(|(_, (members, ..))| members.contains(&number));
        let groups: Vec<_> = groups.map(|(group, _)| group_dn(&format!("group{group}"))).collect();
        let object = user.object.as_mut().unwrap();
        object.insert("groups".into(), json!(groups));
        object.insert("isOxUser".into(), json!(if *is_ox { "OK" } else { "Not" }));
        user
    }

    fn group_item(&self, number: usize) -> ConvertedItem {
        let name = format!("group{number}");
        let Some((members, is_ox, renamed)) = self.groups.get(&number) else {
            return item(&format!("g-{name}"), "groups/group", &group_dn(&name), Value::Null);
        };
        let members: Vec<String> = members.iter().map(|member| format!("user{member}")).collect();
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        let mut group = group(&name, &members);
        let object = group.object.as_mut().unwrap();
        object.insert("name".into(), json!(format!("{name}-{renamed}")));
        object.insert("isOxGroup".into(), json!(if *is_ox { "OK" } else { "Not" }));
        group
    }

    /// Changes something; the items that follow.
    fn change(&mut self, random: &mut Random) -> Vec<ConvertedItem> {
        let (user, group) = (random.below(USERS), random.below(GROUPS));
        let context = if random.below(2) == 0 { 10 } else { 11 };
        match random.below(10) {
            // A user comes, goes, moves, stops or starts being one of OX.
            0 | 1 if !self.users.contains_key(&user) => {
                self.users.insert(user, (context, true));
                vec![self.user_item(user)]
            }
            0 => {
                self.users.remove(&user);
                let mut items = vec![self.user_item(user)];
                for group in 0..GROUPS {
                    if self
                        .groups
                        .get_mut(&group)
                        .is_some_and(|(members, ..)| members.remove(&user))
                    {
                        items.push(self.group_item(group));
                    }
                }
                items
            }
            1 | 2 => {
                if let Some((present, _)) = self.users.get_mut(&user) {
                    *present = context;
                }
                vec![self.user_item(user)]
            }
            3 => {
                if let Some((_, is_ox)) = self.users.get_mut(&user) {
                    *is_ox = !*is_ox;
                }
                vec![self.user_item(user)]
            }
            4 if self.groups.contains_key(&group) && random.below(2) == 0 => {
                self.groups.remove(&group);
                vec![self.group_item(group)]
            }
            5 => {
                if let Some((_, is_ox, _)) = self.groups.get_mut(&group) {
                    *is_ox = !*is_ox;
                }
                vec![self.group_item(group)]
            }
            6 => {
                if let Some((_, _, renamed)) = self.groups.get_mut(&group) {
                    *renamed += 1;
                }
                vec![self.group_item(group)]
            }
            _ => {
                let (members, ..) = self.groups.entry(group).or_insert((BTreeSet::new(), true, 0));
                for user in self.users.keys() {
                    if random.below(2) == 0 {
                        members.insert(*user);
                    } else {
                        members.remove(user);
                    }
                }
                vec![self.group_item(group)]
            }
        }
    }

    /// What OX is to have of the groups.
    fn groups_in(&self, context: i32) -> BTreeMap<String, BTreeSet<String>> {
        let mut expected = BTreeMap::new();
        for (number, (members, is_ox, renamed)) in &self.groups {
            let is_there = |member: &&usize| self.users.get(member) == Some(&(context, true));
            let members: BTreeSet<String> =
                members.iter().filter(is_there).map(|member| format!("user{member}")).collect();
            if *is_ox && !members.is_empty() {
                expected.insert(format!("group{number}-{renamed}"), members);
            }
        }
        expected
    }

    fn users_in(&self, context: i32) -> BTreeSet<String> {
        let users = self.users.iter().filter(|(_, state)| **state == (context, true));
        users.map(|(number, _)| format!("user{number}")).collect()
    }
}

/// xorshift64*: the same sequence on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % bound
    }
}

#[test]
fn killed_at_any_moment_ox_has_the_last_state_of_users_and_groups() {
    for seed in [1, 2, 3] {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ seed);
        let place =
            place(Options { latency: std::time::Duration::from_millis(5), ..Options::default() });
        let mut directory = Directory::default();
        let (mut kills, mut changes) = (0, 0);
        while changes < 60 || place.queued() > 0 {
            // Items arrive before a start and while the program runs.
            for _ in 0..random.below(8).min(60_usize.saturating_sub(changes)) {
                changes += 1;
                directory.change(&mut random).iter().for_each(|item| place.enqueue(item));
            }
            let daemon: Daemon = place.start();
            daemon.wait_for("Provisioning", LONG).unwrap();
            if changes < 60 {
                changes += 1;
                directory.change(&mut random).iter().for_each(|item| place.enqueue(item));
            }
            let target = place.server.calls(0).len() + random.below(40);
            let reached =
                || (place.server.calls(0).len() >= target || place.queued() == 0).then_some(());
            let is_reached = idspool_tests::poll(LONG, reached).is_some();
            daemon.signal(Signal::KILL).unwrap();
            let ended = daemon.wait(LONG).unwrap();
            assert!(is_reached, "seed {seed}: {}", ended.log());
            kills += 1;
            assert!(kills < 300, "seed {seed}: {}", ended.log());
        }
        let ended = place.run();
        assert_eq!(ended.code(), Some(0), "seed {seed}: {}", ended.log());
        assert!(kills > 3, "seed {seed}: {kills}");
        for context in [10, 11] {
            let users: BTreeSet<String> = place.server.inspect(|world| {
                let users = world.context(context).unwrap().users();
                users
                    .filter(|user| !user.is_administrator())
                    .map(|user| user.name().to_owned())
                    .collect()
            });
            assert_eq!(users, directory.users_in(context), "seed {seed}, context {context}");
            assert_eq!(
                groups(&place, context),
                directory.groups_in(context),
                "seed {seed}, context {context}, {kills} kills"
            );
        }
    }
}
