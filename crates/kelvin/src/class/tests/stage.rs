//! One authority, its queue, a server in memory, and the part of the loop between them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, Once};

use idspool_provisioner::{Delivery, Facts, Fault, Objects, Outcome, Waiting};
use idspool_service::Secret;
use idspool_spool::Spool;
use idspool_udm::ConvertedItem;
use idspool_udm::school::{Containers, Role};
use serde_json::{Value, json};

use crate::class;
use crate::conf::{Authority, AuthorityName, Mappings, Plugin, SchoolMapping, SslContext};
use crate::fake::Fake;
use crate::recipient::KelvinRecipient;
use crate::site::{Settings, Site};
use crate::source::{SchoolUsers, SourceError};
use crate::target::Target;

/// Schools of the authority; those of the server may be others.
pub(crate) const OURS: [&str; 3] = ["School1", "School2", "a-b"];

pub(crate) struct Stage {
    _dir: tempfile::TempDir,
    pub(crate) server: Fake,
    pub(crate) authority: Authority,
    pub(crate) schools: Vec<(String, AuthorityName)>,
    pub(crate) source: Directory,
    site: Site,
    pub(crate) objects: Objects,
    pub(crate) queue: Spool,
    pub(crate) waiting: WaitingIds,
    pub(crate) forced: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct WaitingIds(pub(crate) Vec<String>);

impl Waiting for WaitingIds {
    fn has(&self, object_id: &str) -> bool {
        self.0.iter().any(|id| id == object_id)
    }
}

/// The school users of our directory, and who was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directory(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    roles: HashMap<String, Vec<Role>>,
    asked: Vec<Vec<String>>,
    is_down: bool,
}

impl Directory {
    pub(crate) fn set(&self, name: &str, roles: &[&str]) {
        let roles = roles.iter().filter_map(|role| Role::parse(role)).collect();
        self.0.lock().unwrap().roles.insert(name.to_lowercase(), roles);
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.0.lock().unwrap().is_down = is_down;
    }

    /// The searches so far, and forgets them.
    pub(crate) fn asked(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }
}

impl SchoolUsers for Directory {
    fn roles(&self, names: &[&str]) -> Result<HashMap<String, Vec<Role>>, SourceError> {
        let mut known = self.0.lock().unwrap();
        known.asked.push(names.iter().map(|&name| name.to_owned()).collect());
        if known.is_down {
            return Err(SourceError { reason: "no connection".into() });
        }
        let find = |&name: &&str| {
            known.roles.get(&name.to_lowercase()).map(|roles| (name.to_owned(), roles.clone()))
        };
        Ok(names.iter().filter_map(find).collect())
    }
}

pub(crate) fn authority() -> Authority {
    let pairs = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|&(from, to)| (from.to_owned(), to.to_owned())).collect()
    };
    Authority {
        name: "auth1".parse().unwrap(),
        active: true,
        url: "https://kelvin.example/ucsschool/kelvin/v1/".into(),
        plugin: Plugin::Kelvin,
        username: "idspool".into(),
        password: Secret::new("s"),
        mappings: Mappings {
            users: Some(pairs(&[("username", "name")])),
            school_classes: Some(pairs(&[
                ("name", "name"),
                ("description", "description"),
                ("school", "school"),
                ("users", "users"),
            ])),
            ..Mappings::default()
        },
        sync_password_hashes: false,
        ssl_context: SslContext::default(),
        ignored_roles: Default::default(),
    }
}

impl Stage {
    pub(crate) fn new(server: Fake) -> Self {
        capture_log();
        let dir = tempfile::tempdir().unwrap();
        let queue = Spool::create(dir.path().join("auth1")).unwrap();
        let objects = Objects::open(queue.dir(), KelvinRecipient::INDEXING).unwrap();
        let authority = authority();
        let schools: Vec<_> =
            OURS.map(|school| (school.to_owned(), authority.name.clone())).to_vec();
        let source = Directory::default();
        let site = site(&authority, &schools, &server, &source);
        Self {
            _dir: dir,
            server,
            authority,
            schools,
            source,
            site,
            objects,
            queue,
            waiting: WaitingIds::default(),
            forced: false,
        }
    }

    /// The files of the administrator change.
    pub(crate) fn configure(&mut self, change: impl FnOnce(&mut Self)) {
        change(self);
        self.site = site(&self.authority, &self.schools, &self.server, &self.source);
    }

    /// A user as if it had been delivered, at the server and here.
    pub(crate) fn add_user(&self, name: &str) {
        let _there = self.server.clone().with_user(server_user(name));
        self.remember_user(name);
    }

    /// A user as if it had been delivered, here only.
    pub(crate) fn remember_user(&self, name: &str) {
        let item =
            item(&format!("u-{name}"), "users/user", &user_dn(name), json!({"username": name}));
        self.objects.store(&item, &Facts::default()).unwrap();
    }

    /// What happens to classes when a user is delivered.
    pub(crate) fn user_appears(&self, name: &str) {
        self.add_user(name);
        let item =
            item(&format!("u-{name}"), "users/user", &user_dn(name), json!({"username": name}));
        let delivery = Delivery {
            item: &item,
            path: Path::new("x.json"),
            previous: None,
            facts: None,
            forced: false,
            objects: &self.objects,
            queue: &self.queue,
            waiting: &self.waiting,
        };
        class::after_user(&self.site, &delivery).unwrap();
    }

    /// What the loop does with one item: deliver it, keep what becomes of it.
    pub(crate) fn deliver(&self, item: &ConvertedItem) -> Result<(), Fault> {
        self.deliver_file(item, &self.queue.dir().join("2026-01-01-00-00-00-000001.json"))
    }

    pub(crate) fn deliver_file(&self, item: &ConvertedItem, path: &Path) -> Result<(), Fault> {
        let (previous, facts) = self.objects.previous(&item.id).unwrap().unzip();
        let facts = facts.flatten();
        let is_copy = class::is_copy(&self.site, item, path);
        let item = match &previous {
            Some(previous) if is_copy => previous,
            None if is_copy => return Ok(()),
            _ => item,
        };
        let delivery = Delivery {
            item,
            path,
            previous: previous.as_ref(),
            facts: facts.as_ref(),
            forced: self.forced,
            objects: &self.objects,
            queue: &self.queue,
            waiting: &self.waiting,
        };
        match class::deliver(&self.site, &delivery)? {
            Outcome::Gone => self.objects.forget(&item.id).unwrap(),
            Outcome::Keep { object, facts } => {
                let item = ConvertedItem { object: Some(object), ..item.clone() };
                self.objects.store(&item, &facts).unwrap();
            }
        }
        Ok(())
    }

    /// Delivers an item that must succeed; the requests that it took, but for the lists that are remembered.
    pub(crate) fn calls(&self, item: &ConvertedItem) -> Vec<String> {
        self.server.calls();
        self.deliver(item).unwrap();
        let mut calls = self.server.calls();
        calls.retain(|call| call != "GET schools/");
        calls
    }

    /// Items in the queue: copies of classes.
    pub(crate) fn queued(&self) -> Vec<(std::path::PathBuf, ConvertedItem)> {
        let names = self.queue.names().unwrap();
        let paths = names.iter().map(|name| self.queue.path_of(name));
        paths
            .map(|path| {
                let item = ConvertedItem::parse(&std::fs::read(&path).unwrap()).unwrap();
                (path, item)
            })
            .collect()
    }

    /// Delivers what waits in the queue.
    pub(crate) fn deliver_queued(&self) {
        for (path, item) in self.queued() {
            self.deliver_file(&item, &path).unwrap();
            std::fs::remove_file(path).unwrap();
        }
    }

    pub(crate) fn snapshot(&self, id: &str) -> Option<ConvertedItem> {
        self.objects.snapshot(id).unwrap()
    }
}

fn site(
    authority: &Authority,
    schools: &[(String, AuthorityName)],
    server: &Fake,
    source: &Directory,
) -> Site {
    let settings = Settings { source_uid: "TESTID".into(), containers: Containers::default() };
    Site::new(
        Arc::new(authority.clone()),
        Arc::new(SchoolMapping::new(schools.iter().cloned())),
        settings,
        Target::new(Arc::new(server.clone())),
        Arc::new(source.clone()),
    )
}

fn server_user(name: &str) -> Value {
    json!({
        "name": name, "firstname": "F", "lastname": "L", "school": "School1", "schools": ["School1"],
        "roles": ["teacher"], "record_uid": name, "source_uid": "SIS",
    })
}

pub(crate) fn user_dn(name: &str) -> String {
    format!("uid={name},cn=schueler,cn=users,ou=School1,dc=example,dc=org")
}

pub(crate) fn class_dn(school: &str, name: &str) -> String {
    format!("cn={school}-{name},cn=klassen,cn=schueler,cn=groups,ou={school},dc=example,dc=org")
}

/// A class with these members.
pub(crate) fn class_item(id: &str, school: &str, name: &str, users: &[&str]) -> ConvertedItem {
    let users: Vec<String> = users.iter().map(|name| user_dn(name)).collect();
    let object = json!({
        "name": format!("{school}-{name}"), "description": format!("Klasse {name}"), "users": users,
        "hosts": [], "mailAddress": null,
    });
    item(id, "groups/group", &class_dn(school, name), object)
}

/// The same with other properties.
pub(crate) fn with(mut item: ConvertedItem, changes: Value) -> ConvertedItem {
    let object = item.object.as_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        object.insert(name.clone(), value.clone());
    }
    item
}

/// The deletion of an object.
pub(crate) fn deleted(item: &ConvertedItem) -> ConvertedItem {
    ConvertedItem { object: None, options: None, ..item.clone() }
}

pub(crate) fn item(id: &str, module: &str, dn: &str, object: Value) -> ConvertedItem {
    ConvertedItem {
        id: id.into(),
        udm_object_type: module.into(),
        dn: dn.into(),
        object: object.as_object().cloned(),
        options: Some(vec!["default".into()]),
        resync: false,
        old_data: None,
        user_passwords: None,
    }
}

thread_local! {
    /// What this thread logged since it was last asked.
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct ThreadLog;

impl Write for ThreadLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One subscriber for all tests: several, one per test, lose lines to each other's cached interest.
fn capture_log() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_writer(|| ThreadLog)
            .with_ansi(false)
            .with_target(false)
            .without_time()
            .finish();
        // Another stage of this process may have been first, with a writer of its own.
        let _taken = tracing::subscriber::set_global_default(subscriber);
    });
}

/// Log lines of what `work` does, as `LEVEL message`.
pub(crate) fn logged(work: impl FnOnce()) -> Vec<String> {
    capture_log();
    LOG.take();
    work();
    let text = String::from_utf8(LOG.take()).unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}
