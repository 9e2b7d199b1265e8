//! A slapd, an installation, and a look at what the watcher enqueues.

#![allow(dead_code, reason = "not every test file uses all of it")]
#![allow(unreachable_pub, reason = "a module of tests is public to nobody")]

pub mod consumer;
pub mod evidence;
pub mod proxy;
pub mod random_tree;
pub mod site;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use idspool_tests::{Daemon, Ended, Installation, LdapCli, Slapd, poll};
use serde_json::Value;

/// Far more than a loaded test machine needs.
pub const SOON: Duration = Duration::from_secs(60);

/// An item of the listener's spool. Two are equal when they say the same of the same DN.
#[derive(Debug, Clone)]
pub struct Change {
    pub uuid: String,
    pub dn: String,
    pub object_type: String,
    pub command: String,
    pub resync: bool,
}

impl PartialEq for Change {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Change {
    fn key(&self) -> (&str, &str, &str) {
        (&self.dn, &self.object_type, &self.command)
    }
}

pub fn change(dn: &str, object_type: &str, command: &str) -> Change {
    Change {
        uuid: String::new(),
        dn: dn.into(),
        object_type: object_type.into(),
        command: command.into(),
        resync: false,
    }
}

pub fn sorted(changes: &[Change]) -> Vec<Change> {
    let mut changes = changes.to_vec();
    changes.sort_by(|a, b| a.key().cmp(&b.key()));
    changes
}

/// Waits until two servers have the same, one of them by way of the other one.
pub fn catch_up(provider: &LdapCli, replica: &LdapCli) {
    let state = |server: &LdapCli| {
        let answer = server.search("(dc=example)", &["contextCSN"]).ok()?;
        let mut state: Vec<String> = answer.lines().map(str::to_owned).collect();
        state.sort();
        Some(state).filter(|state| state.iter().any(|line| line.starts_with("contextCSN")))
    };
    let is_same = || (state(provider)? == state(replica)?).then_some(());
    poll(SOON, is_same).expect("a server lags");
}

pub struct World {
    pub watcher: Option<Daemon>,
    pub slapd: Slapd,
    pub idspool: Installation,
}

impl World {
    pub fn new(slapd: Slapd) -> Self {
        let idspool = Installation::new(&slapd.url(), "http://127.0.0.1:1").unwrap();
        Self { watcher: None, slapd, idspool }
    }

    /// Where the programs reach the server by way of this URL.
    pub fn by_way_of(slapd: Slapd, url: &str) -> Self {
        let idspool = Installation::new(url, "http://127.0.0.1:1").unwrap();
        Self { watcher: None, slapd, idspool }
    }

    /// With a watcher that has caught up, and what it enqueued out of the way.
    pub fn following(slapd: Slapd) -> Self {
        let mut world = Self::new(slapd);
        world.watcher = Some(world.start());
        world.quiet();
        world
    }

    pub fn start(&self) -> Daemon {
        let watcher = self.idspool.start("idspool-listener", &["watch"]).unwrap();
        watcher.wait_for("Following", SOON).unwrap();
        watcher
    }

    pub fn ldap(&self) -> LdapCli {
        self.slapd.cli()
    }

    pub fn uuid(&self, dn: &str) -> String {
        self.slapd.entry_uuid(dn).unwrap()
    }

    pub fn index(&self) -> PathBuf {
        self.idspool.listener_spool().join(".watch.sqlite")
    }

    /// Adds keys to the table of the listener.
    pub fn configure(&self, listener: &str) {
        let path = self.idspool.path().join("idspool.toml");
        let text = fs::read_to_string(&path).unwrap();
        let (before, after) = text.split_once("[listener]\n").unwrap();
        let rest = &after[after.find("[ox]").unwrap()..];
        let table = format!("[listener]\nspool = 'spool/listener'\n{listener}\n");
        fs::write(&path, format!("{before}{table}{rest}")).unwrap();
    }

    /// Has another server followed from the next start on.
    pub fn turn_to(&self, url: &str) {
        let path = self.idspool.path().join("idspool.toml");
        let text = fs::read_to_string(&path).unwrap();
        let (before, after) = text.split_once("url = '").unwrap();
        let (_, after) = after.split_once('\'').unwrap();
        fs::write(&path, format!("{before}url = '{url}'{after}")).unwrap();
    }

    pub fn watch_once(&self, arguments: &[&str]) -> Ended {
        let mut all = vec!["watch", "--once"];
        all.extend(arguments);
        self.idspool.start("idspool-listener", &all).unwrap().wait(SOON).unwrap()
    }

    /// Catches up, as cron would.
    pub fn once(&self) {
        let ended = self.watch_once(&[]);
        assert_eq!(ended.code(), Some(0), "{}", ended.log());
    }

    /// What is in the spool, in order.
    pub fn changes(&self) -> Vec<Change> {
        let spool = self.idspool.listener_spool();
        let read = |name: &String| {
            let bytes = fs::read(spool.join(name)).unwrap();
            let item: Value = serde_json::from_slice(&bytes).unwrap();
            let text = |key: &str| item[key].as_str().unwrap().to_owned();
            Change {
                uuid: text("entry_uuid"),
                dn: text("dn"),
                object_type: text("object_type"),
                command: text("command"),
                resync: item["resync"] == true,
            }
        };
        Installation::waiting(&spool).iter().map(read).collect()
    }

    /// Takes everything out of the spool.
    pub fn take(&self) -> Vec<Change> {
        let changes = self.changes();
        let spool = self.idspool.listener_spool();
        for name in Installation::waiting(&spool) {
            fs::remove_file(spool.join(name)).unwrap();
        }
        changes
    }

    /// Waits until the spool satisfies; what is in it stays.
    pub fn gather(&self, is_enough: impl Fn(&[Change]) -> bool) -> Vec<Change> {
        let found = poll(SOON, || Some(self.changes()).filter(|changes| is_enough(changes)));
        found.unwrap_or_else(|| panic!("it does not come; in the spool: {:#?}", self.changes()))
    }

    /// Waits for exactly these changes, in any order, and takes them.
    pub fn expect(&self, expected: &[Change]) -> Vec<Change> {
        self.gather(|changes| changes.len() >= expected.len());
        self.mark();
        let found = self.take();
        assert_eq!(sorted(&found), sorted(expected));
        found
    }

    /// As [`World::expect`], where nothing that is silent can follow.
    pub fn expect_at_once(&self, expected: &[Change]) {
        self.gather(|changes| changes.len() >= expected.len());
        assert_eq!(sorted(&self.take()), sorted(expected));
    }

    /// Waits until nothing is on its way any more, and takes what came.
    pub fn quiet(&self) -> Vec<Change> {
        self.mark();
        self.take()
    }

    /// Waits for everything that has happened so far: a change of our own goes the same way, and
    /// delayed items come before the last of it.
    fn mark(&self) {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // The member of a group comes with the delay that everything silent has.
        let [user, group] = [("uid", "users"), ("cn", "groups")].map(|(attribute, folder)| {
            format!("{attribute}=mark{number},cn={folder},dc=example,dc=org")
        });
        let ldap = self.ldap();
        ldap.add(
            &format!(
                "dn: {user}\nobjectClass: top\nobjectClass: person\nobjectClass: inetOrgPerson\n\
                 objectClass: univentionObject\nuniventionObjectType: users/user\nuid: mark{number}\n\
                 cn: x\nsn: x\n\n\
                 dn: {group}\nobjectClass: top\nobjectClass: univentionGroup\n\
                 objectClass: posixGroup\nobjectClass: univentionObject\n\
                 univentionObjectType: groups/group\ngidNumber: 4000\ncn: mark{number}\nuniqueMember: {user}\n"
            ),
            false,
        )
        .unwrap();
        let uuids = [self.uuid(&user), self.uuid(&group)];
        let seen = |wanted: &dyn Fn(&Change) -> bool| {
            poll(SOON, || self.changes().iter().any(wanted).then_some(())).expect("the mark");
        };
        seen(&|change| change.uuid == uuids[0] && change.command == "modify");
        ldap.delete(&group).unwrap();
        ldap.delete(&user).unwrap();
        seen(&|change| change.uuid == uuids[0] && change.command == "delete");
        let spool = self.idspool.listener_spool();
        for name in Installation::waiting(&spool) {
            let text = fs::read_to_string(spool.join(&name)).unwrap();
            if uuids.iter().any(|uuid| text.contains(uuid)) {
                fs::remove_file(spool.join(name)).unwrap();
            }
        }
    }

    /// Puts another cookie into the index.
    pub fn set_cookie(&self, cookie: &str) {
        let index = rusqlite::Connection::open(self.index()).unwrap();
        let changed = index.execute("UPDATE base SET cookie = CAST(?1 AS BLOB)", [cookie]).unwrap();
        assert_eq!(changed, 1);
    }

    /// As if the server had refused our cookie for years.
    pub fn refused_long_ago(&self) {
        let index = rusqlite::Connection::open(self.index()).unwrap();
        index
            .execute("INSERT OR REPLACE INTO note (name, value) VALUES ('refused_since', '1')", [])
            .unwrap();
    }
}
