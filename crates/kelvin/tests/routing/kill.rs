//! A router killed at any moment: nothing is lost, and what comes twice is in nobody's way.

use std::collections::{BTreeMap, HashMap};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use idspool_provisioner::{Ended, Mode};
use idspool_udm::value;
use serde_json::Value;

use super::place::{Place, authority, deleted, pupil};

const USERS: u64 = 12;
const NAMES: u64 = 16;
const CHANGES: usize = 1500;
const SCHOOLS: [&str; 4] = ["SchoolA", "SchoolB", "SchoolC", "SchoolX"];
const MAPPING: [(&str, &str); 3] = [("SchoolA", "a"), ("SchoolB", "a"), ("SchoolC", "b")];

/// Where the child finds the data directory.
const DATA: &str = "IDSPOOL_TEST_ROUTES";

/// Not a test, but the process that is killed.
#[test]
fn child() {
    let Some(data) = std::env::var_os(DATA) else { return };
    let layout = idspool_kelvin::Layout {
        conf: std::path::Path::new(&data).join("conf"),
        data: data.into(),
    };
    let loaded = idspool_kelvin::conf::load(&layout).unwrap();
    let current = idspool_kelvin::routing::Current::new(loaded.into());
    let router =
        idspool_kelvin::routing::Router::new(layout, Default::default(), current, None).unwrap();
    router.run(Mode::Daemon);
}

fn start(place: &Place) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["kill::child", "--exact", "--nocapture"])
        .env(DATA, &place.layout.data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
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

/// Users that are renamed, move between schools, are deleted and come back under new ids.
struct Directory {
    random: Random,
    /// Number to name and schools.
    users: BTreeMap<u32, (String, Vec<&'static str>)>,
    next: u32,
    version: u32,
}

impl Directory {
    fn change(&mut self) -> Value {
        self.version += 1;
        let free = loop {
            let name = format!("name{}", self.random.below(NAMES));
            if self.users.values().all(|(taken, _)| *taken != name) {
                break name;
            }
        };
        let schools = |random: &mut Random| -> Vec<&'static str> {
            let mut schools: Vec<&str> = SCHOOLS.to_vec();
            schools.rotate_left(random.below(SCHOOLS.len() as u64) as usize);
            schools.truncate(1 + random.below(2) as usize);
            schools
        };
        if (self.users.len() as u64) < USERS && self.random.below(2) == 0 {
            self.next += 1;
            let chosen = schools(&mut self.random);
            self.users.insert(self.next, (free, chosen));
            return self.item(self.next);
        }
        let at = self.random.below(self.users.len().max(1) as u64) as usize;
        let Some(number) = self.users.keys().nth(at).copied() else { return self.change() };
        match self.random.below(8) {
            0 => {
                let (name, _) = self.users.remove(&number).unwrap();
                return deleted(number, &name);
            }
            1 | 2 => self.users.get_mut(&number).unwrap().0 = free,
            3 => self.users.get_mut(&number).unwrap().1 = schools(&mut self.random),
            // Nothing that anybody else could be concerned with.
            _ => {}
        }
        self.item(number)
    }

    fn item(&self, number: u32) -> Value {
        let (name, schools) = self.users.get(&number).unwrap();
        pupil(number, name, schools, self.version)
    }
}

#[test]
fn a_router_killed_again_and_again_loses_nothing_and_gets_in_nobodys_way() {
    let place = Place::new(&[authority("a"), authority("b")]);
    place.map(&MAPPING);
    let seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64 | 1;
    println!("seed {seed}");
    let mut directory =
        Directory { random: Random(seed), users: BTreeMap::new(), next: 0, version: 0 };
    let is_over = AtomicBool::new(false);
    let kills = std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            let mut random = Random(seed);
            let mut kills = 0;
            while !is_over.load(Ordering::SeqCst) {
                let mut child = start(&place);
                // Not for an event: the point is to strike at any moment.
                std::thread::sleep(Duration::from_millis(5 + random.below(120)));
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
            }
            kills
        });
        for _ in 0..CHANGES / 30 {
            let group: Vec<String> = (0..30).map(|_| directory.change().to_string()).collect();
            place.in_queue.enqueue_group(&group).unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
        is_over.store(true, Ordering::SeqCst);
        killer.join().unwrap()
    });
    assert_eq!(place.once(), Ended::Done);
    assert!(place.waiting().is_empty());
    let mut copies = 0;
    for authority in ["a", "b"] {
        let belongs =
            |schools: &[&str]| schools.iter().any(|school| MAPPING.contains(&(*school, authority)));
        // A server that knows names but once.
        let mut server: HashMap<String, (String, u32)> = HashMap::new();
        for item in place.items(authority) {
            copies += 1;
            let schools: Vec<&str> = value::texts(item.property("school")).collect();
            if !belongs(&schools) {
                server.remove(&item.id);
                continue;
            }
            let name = value::first_text(item.property("username")).unwrap().to_owned();
            let version = value::first_text(item.property("description")).unwrap();
            let version: u32 = version.strip_prefix('v').unwrap().parse().unwrap();
            let holder = server.iter().find(|(id, (taken, _))| **id != item.id && *taken == name);
            assert_eq!(holder, None, "{} wants {name}, seed {seed}", item.id);
            server.insert(item.id, (name, version));
        }
        let mut found: Vec<_> = server.into_iter().map(|(id, (name, _))| (id, name)).collect();
        found.sort();
        let mut expected: Vec<_> = directory
            .users
            .iter()
            .filter(|(_, (_, schools))| belongs(schools))
            .map(|(number, (name, _))| (format!("u{number}"), name.clone()))
            .collect();
        expected.sort();
        assert_eq!(found, expected, "{authority}, seed {seed}");
    }
    println!("{kills} kills, {copies} copies");
}
