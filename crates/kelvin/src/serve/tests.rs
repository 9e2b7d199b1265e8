//! The threads over servers in memory; the files are real.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use idspool_provisioner::{Fault, Mode};
use idspool_service::{Exit, Kelvin};
use idspool_spool::{FaultClass, Spool, SpoolState};
use idspool_udm::school::{Containers, Role};
use serde_json::json;

use super::equipment::Equip;
use super::*;
use crate::conf::{self, Authority, AuthorityName, SchoolMapping};
use crate::fake::{Failure, Fake};
use crate::routing::Current;
use crate::source::SourceError;
use crate::{Layout, SchoolUsers, Settings, Site, Target};

/// Far more than a loaded test machine needs.
const SOON: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Nobody;

impl SchoolUsers for Nobody {
    fn roles(
        &self,
        _: &[&str],
    ) -> Result<std::collections::HashMap<String, Vec<Role>>, SourceError> {
        Ok(Default::default())
    }
}

/// The servers of all authorities.
#[derive(Debug, Default)]
struct Servers {
    servers: Mutex<BTreeMap<AuthorityName, Fake>>,
    /// How many sites are still to break.
    breaking: AtomicUsize,
}

impl Servers {
    fn server(&self, name: &str) -> Fake {
        let mut servers = self.servers.lock().unwrap();
        servers.entry(name.parse().unwrap()).or_insert_with(|| Fake::with_schools(&["a"])).clone()
    }
}

impl Equip for Servers {
    fn site(
        &self,
        authority: &Arc<Authority>,
        schools: &Arc<SchoolMapping>,
        _: &stop::Stop,
    ) -> Result<Site, Fault> {
        let breaks = |left: usize| left.checked_sub(1);
        if self.breaking.fetch_update(Ordering::SeqCst, Ordering::SeqCst, breaks).is_ok() {
            panic!("no site today");
        }
        let settings = Settings { source_uid: "TESTID".into(), containers: Containers::default() };
        let target = Target::new(Arc::new(self.server(authority.name.as_str())));
        let (authority, schools) = (Arc::clone(authority), Arc::clone(schools));
        Ok(Site::new(authority, schools, settings, target, Arc::new(Nobody)))
    }
}

/// An installation without programs.
struct Place {
    folder: tempfile::TempDir,
    servers: Arc<Servers>,
    routing: Option<Arc<Ends>>,
}

/// A thread that comes to its end although nobody asked it to, in one way or another.
#[derive(Default)]
struct Ends(AtomicUsize);

impl Routing for Arc<Ends> {
    fn run(&self, _: Mode, stop: &stop::Stop) -> outcome::Outcome {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => panic!("no routing today"),
            1 => outcome::Outcome::Done,
            _ => {
                while stop.pause(SOON) {}
                outcome::Outcome::Done
            }
        }
    }
}

struct Running {
    events: Sender<Event>,
    thread: JoinHandle<Exit>,
}

impl Running {
    fn stop(self) -> Exit {
        let _ended = self.events.send(Event::Stop);
        self.thread.join().unwrap()
    }
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("conf/school_authorities")).unwrap();
        Self { folder, servers: Arc::default(), routing: None }
    }

    fn layout(&self) -> Layout {
        Layout::new(&Kelvin { data_dir: self.folder.path().into(), ..Kelvin::default() })
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join("conf").join(name);
        let draft = path.with_extension("new");
        fs::write(&draft, text).unwrap();
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(draft, path).unwrap();
    }

    fn authority(&self, name: &str, active: bool) {
        self.authority_with(name, active, "hush");
    }

    fn authority_with(&self, name: &str, active: bool, password: &str) {
        let users = json!({
            "username": "name", "firstname": "firstname", "lastname": "lastname", "school": "school",
            "schools": "schools", "roles": "roles", "ucsschoolRecordUID": "record_uid",
            "ucsschoolSourceUID": "source_uid"
        });
        let document = json!({
            "name": name, "active": active, "plugins": ["kelvin"],
            "url": format!("https://{name}.example.org/ucsschool/kelvin/v1/"),
            "plugin_configs": {"kelvin": {
                "username": "idc", "password": password, "mapping": {"users": users}
            }}
        });
        self.write(&format!("school_authorities/{name}.json"), &document.to_string());
    }

    fn mapping(&self, pairs: &[(&str, &str)]) {
        let mapping: BTreeMap<_, _> = pairs.iter().copied().collect();
        self.write("schools_authorities_mapping.json", &json!({ "mapping": mapping }).to_string());
    }

    fn supervisor(&self, mode: Mode, selection: Selection) -> Supervisor {
        let mut standing = Standing::default();
        let read = conf::load(&self.layout()).unwrap();
        standing.take_over(Ok(read), &self.layout());
        let equip = Arc::clone(&self.servers);
        let router: Option<Box<dyn Routing>> = match &self.routing {
            Some(routing) => Some(Box::new(Arc::clone(routing))),
            None => None,
        };
        let (layout, current) = (self.layout(), Current::default());
        let task = Task { layout, mode, router, selection, equip, current };
        Supervisor::new(task, standing)
    }

    fn start(&self) -> Running {
        let supervisor = self.supervisor(Mode::Daemon, Selection::All);
        let events = supervisor.sender();
        Running { events, thread: std::thread::spawn(move || supervisor.run()) }
    }

    fn once(&self) -> Exit {
        self.supervisor(Mode::Once, Selection::All).run()
    }

    fn queue(&self, name: &str) -> Spool {
        Spool::create(self.layout().out_queue(&name.parse().unwrap())).unwrap()
    }

    fn state(&self, name: &str) -> SpoolState {
        self.queue(name).state().unwrap()
    }

    fn is_served(&self, name: &str) -> bool {
        self.queue(name).holder().unwrap().is_some()
    }
}

fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let until = Instant::now() + SOON;
    while !is() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How often the server was asked whether it is there.
fn checks(fake: &Fake) -> usize {
    fake.calls().iter().filter(|line| line.contains("roles")).count()
}

fn item(uid: &str) -> Vec<u8> {
    let item = json!({
        "id": format!("0b0c7f1e-0000-1040-8000-0000000{uid}"), "udm_object_type": "users/user",
        "dn": format!("uid={uid},cn=schueler,cn=users,ou=a,dc=example,dc=org"),
        "options": ["default", "ucsschoolStudent"],
        "object": {"username": uid, "school": ["a"]},
    });
    serde_json::to_vec(&item).unwrap()
}

#[test]
fn active_authorities_are_served_and_others_are_not() {
    let place = Place::new();
    place.authority("north", true);
    place.authority("south", false);
    place.mapping(&[("a", "north")]);
    let running = place.start();
    eventually("north is asked", || checks(&place.servers.server("north")) > 0);
    eventually("north is served", || place.is_served("north"));
    assert!(!place.is_served("south"));
    assert_eq!(running.stop(), Exit::Done);
    assert!(!place.is_served("north"));
}

#[test]
fn s2_5_a_changed_configuration_takes_effect_at_once() {
    let place = Place::new();
    place.authority("north", true);
    place.authority("other", true);
    let running = place.start();
    let (north, other) = (place.servers.server("north"), place.servers.server("other"));
    eventually("north is asked", || checks(&north) > 0);
    eventually("the other one is asked", || checks(&other) > 0);

    place.authority_with("north", true, "another");
    eventually("north is asked with the new password", || checks(&north) > 0);
    place.mapping(&[("a", "north")]);
    eventually("north is asked with its school", || checks(&north) > 0);
    place.authority("south", true);
    eventually("one that is new is asked", || checks(&place.servers.server("south")) > 0);
    place.authority("north", false);
    eventually("one that is deactivated is let go", || !place.is_served("north"));
    place.authority("north", true);
    eventually("and taken up again", || checks(&north) > 0);
    fs::remove_file(place.layout().authority(&"south".parse().unwrap())).unwrap();
    eventually("one that was removed is let go", || !place.is_served("south"));

    assert_eq!(checks(&other), 0, "who was not changed was not disturbed");
    assert_eq!(running.stop(), Exit::Done);
}

#[test]
fn s2_5_what_cannot_be_used_does_not_replace_what_could() {
    let place = Place::new();
    place.authority("north", true);
    let running = place.start();
    let north = place.servers.server("north");
    eventually("north is asked", || checks(&north) > 0);
    place.write("school_authorities/north.json", "{ half");
    place.write("school_authorities/south.json", "{ half");
    eventually("one that was never usable stands", || {
        place.state("south").class == Some(FaultClass::Permanent)
    });
    let message = place.state("south").message.unwrap();
    assert!(message.contains("south.json"), "{message}");
    assert!(place.is_served("north") && place.state("north").is_healthy());
    assert_eq!(checks(&north), 0, "it goes on as it was");

    place.authority("south", true);
    eventually("it is served when its file can be used", || {
        place.state("south").is_healthy() && checks(&place.servers.server("south")) > 0
    });
    place.write("school_authorities/east.json", "{ half");
    eventually("east stands", || !place.state("east").is_healthy());
    fs::remove_file(place.layout().authority(&"east".parse().unwrap())).unwrap();
    eventually("nobody stands at a file that is gone", || place.state("east").is_healthy());
    assert_eq!(running.stop(), Exit::Done);
}

#[test]
fn a_mapping_that_cannot_be_used_or_is_gone_leaves_the_former_one() {
    let place = Place::new();
    place.authority("north", true);
    place.mapping(&[("a", "north")]);
    let mut standing = Standing::default();
    standing.take_over(conf::load(&place.layout()), &place.layout());
    for _ in 0..2 {
        fs::remove_file(place.layout().school_mapping()).unwrap();
        standing.take_over(conf::load(&place.layout()), &place.layout());
        assert_eq!(standing.schools().iter().count(), 1);
        place.write("schools_authorities_mapping.json", "[]");
        standing.take_over(conf::load(&place.layout()), &place.layout());
        assert_eq!(standing.schools().iter().count(), 1);
        assert_eq!(standing.jobs().len(), 1);
    }
    place.mapping(&[]);
    standing.take_over(conf::load(&place.layout()), &place.layout());
    assert_eq!(standing.schools().iter().count(), 0, "an empty one is meant");
}

#[test]
fn s2_2_nothing_is_consumed_until_the_server_can_be_reached() {
    let place = Place::new();
    place.authority("north", true);
    let north = place.servers.server("north");
    north.fail_at(1, Failure::Before);
    let running = place.start();
    eventually("the fault is recorded", || {
        place.state("north").class == Some(FaultClass::Transient)
    });
    let state = place.state("north");
    assert!(state.next_attempt.is_some() && state.filename.is_none(), "{state:?}");
    eventually("it is tried again", || place.state("north").is_healthy());
    assert_eq!(running.stop(), Exit::Done);
}

#[test]
fn a_thread_that_breaks_off_is_recorded_and_begun_again() {
    let place = Place::new();
    place.authority("north", true);
    place.authority("other", true);
    let running = place.start();
    let (north, other) = (place.servers.server("north"), place.servers.server("other"));
    eventually("both are asked", || checks(&north) > 0);
    eventually("both are asked", || checks(&other) > 0);
    place.servers.breaking.store(1, Ordering::SeqCst);
    place.authority_with("north", true, "another");
    eventually("the fault is recorded as ours", || {
        place.state("north").class == Some(FaultClass::Ours)
    });
    assert!(place.state("north").message.unwrap().contains("no site today"));
    eventually("it is begun again", || place.state("north").is_healthy() && checks(&north) > 0);
    assert_eq!(checks(&other), 0);
    assert_eq!(running.stop(), Exit::Done);
}

#[test]
fn once_tells_by_its_status_how_it_went() {
    let place = Place::new();
    assert_eq!(place.once(), Exit::Done, "nothing to do");
    place.authority("north", true);
    place.authority("south", true);
    assert_eq!(place.once(), Exit::Done);
    let north = place.servers.server("north");
    assert_eq!(checks(&north), 0, "nothing waits, so nobody is asked");

    place.queue("north").enqueue(&item("12345")).unwrap();
    north.fail_at(1, Failure::Before);
    assert_eq!(place.once(), Exit::Stopped);
    assert_eq!(place.state("north").class, Some(FaultClass::Transient));
    assert!(place.state("south").is_healthy());

    let held = place.queue("south").consumer("somebody else").unwrap();
    north.fail_at(1, Failure::Before);
    assert_eq!(place.once(), Exit::Stopped, "a fault is worse than a lock");
    for name in place.queue("north").names().unwrap() {
        place.queue("north").remove(&name).unwrap();
    }
    assert_eq!(place.once(), Exit::Locked);
    assert!(place.state("north").is_healthy(), "nothing waits any more");

    place.write("school_authorities/east.json", "{ half");
    drop(held);
    assert_eq!(place.once(), Exit::Stopped, "an authority that cannot be served");
}

#[test]
fn a_queue_that_somebody_else_works_on_is_waited_for() {
    let place = Place::new();
    place.authority("north", true);
    let held = place.queue("north").consumer("somebody else").unwrap();
    let running = place.start();
    drop(held);
    eventually("north is asked", || checks(&place.servers.server("north")) > 0);
    assert_eq!(running.stop(), Exit::Done);
}

#[test]
fn one_authority_can_be_chosen() {
    let place = Place::new();
    place.authority("north", true);
    place.authority("south", true);
    place.queue("north").enqueue(&item("12345")).unwrap();
    place.queue("south").enqueue(&item("12345")).unwrap();
    let south = Selection::One("south".parse().unwrap());
    place.supervisor(Mode::Once, south).run();
    assert_eq!(checks(&place.servers.server("north")), 0);
    assert!(checks(&place.servers.server("south")) > 0);
}

#[test]
fn a_thread_that_ends_unasked_is_begun_again_and_disturbs_nobody() {
    let place = Place { routing: Some(Arc::default()), ..Place::new() };
    place.authority("north", true);
    let running = place.start();
    let north = place.servers.server("north");
    eventually("north is asked", || checks(&north) > 0);
    let routing = place.routing.as_ref().unwrap();
    eventually("it is begun again", || routing.0.load(Ordering::SeqCst) == 3);
    assert!(place.is_served("north") && checks(&north) == 0);
    assert_eq!(running.stop(), Exit::Done);
}

#[test]
fn files_that_cannot_be_read_are_tried_again_and_not_all_the_time() {
    let place = Place::new();
    place.authority("north", true);
    let mut standing = Standing::default();
    standing.take_over(conf::load(&place.layout()), &place.layout());
    place.write("schools_authorities_mapping.json", "[]");
    standing.take_over(conf::load(&place.layout()), &place.layout());
    assert!(standing.is_doubtful() && !standing.is_current());
    place.mapping(&[("a", "north")]);
    standing.take_over(conf::load(&place.layout()), &place.layout());
    assert!(!standing.is_doubtful());
}
