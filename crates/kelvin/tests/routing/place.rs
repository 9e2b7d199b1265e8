//! A data directory with authorities, and what is in its queues.

use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, Once};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use idspool_kelvin::routing::{Current, HashSource, Router, RouterError, Stop};
use idspool_kelvin::{Layout, conf};
use idspool_provisioner::{Ended, Mode};
use idspool_spool::{ItemName, Spool};
use idspool_udm::school::Containers;
use idspool_udm::{ConvertedItem, value};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Nothing here takes that long, except on a machine that is busy with something else.
pub(super) const SOON: Duration = Duration::from_secs(60);

pub(super) struct Place {
    pub(super) root: TempDir,
    pub(super) layout: Layout,
    pub(super) in_queue: Spool,
    current: Current,
    put: Mutex<Vec<ItemName>>,
}

/// A router in a thread.
pub(super) struct Running {
    pub(super) stop: Stop,
    thread: JoinHandle<Ended>,
}

impl Running {
    pub(super) fn end(self) {
        self.stop.stop();
        assert_eq!(self.thread.join().unwrap(), Ended::Requested);
    }
}

/// The file of an authority.
pub(super) fn authority(name: &str) -> Value {
    json!({"name": name, "active": true, "url": format!("https://{name}.example/ucsschool/kelvin/v1/"),
           "plugins": ["kelvin"],
           "plugin_configs": {"kelvin": {"username": "u", "password": "p", "mapping": {
               "users": {"firstname": "firstname", "lastname": "lastname", "username": "name", "roles": "roles",
                         "school": "school", "schools": "schools", "ucsschoolRecordUID": "record_uid",
                         "ucsschoolSourceUID": "source_uid"},
               "school_classes": {"name": "name", "school": "school", "users": "users"}}}}})
}

pub(super) fn pupil(number: u32, name: &str, schools: &[&str], version: u32) -> Value {
    let home = schools.first().unwrap_or(&"none");
    json!({"id": format!("u{number}"), "dn": format!("uid={name},ou={home},dc=x"),
           "udm_object_type": "users/user", "options": ["default", "ucsschoolStudent"],
           "object": {"username": name, "school": schools, "description": format!("v{version}"),
                      "ucsschoolRecordUID": format!("rec{number}"), "ucsschoolSourceUID": "SIS"}})
}

pub(super) fn class(number: u32, school: &str, version: u32) -> Value {
    json!({"id": format!("c{number}"), "udm_object_type": "groups/group", "options": ["default"],
           "dn": format!("cn={school}-{number},cn=klassen,cn=schueler,cn=groups,ou={school},dc=x"),
           "object": {"name": format!("{school}-{number}"), "description": format!("v{version}")}})
}

pub(super) fn deleted(number: u32, name: &str) -> Value {
    json!({"id": format!("u{number}"), "dn": format!("uid={name},dc=x"),
           "udm_object_type": "users/user", "options": null, "object": null})
}

/// Id and version.
pub(super) fn shown(item: &ConvertedItem) -> String {
    let version = value::first_text(item.property("description")).unwrap_or("deleted");
    format!("{} {version}", item.id)
}

impl Place {
    pub(super) fn new(authorities: &[Value]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout { data: root.path().join("data"), conf: root.path().join("data/conf") };
        let place = Self {
            in_queue: Spool::create(layout.in_queue()).unwrap(),
            current: Current::default(),
            put: Mutex::default(),
            layout,
            root,
        };
        fs::create_dir_all(place.layout.authorities()).unwrap();
        for authority in authorities {
            place.write_authority(authority);
        }
        place.reload();
        place
    }

    pub(super) fn write_authority(&self, authority: &Value) {
        let name = authority["name"].as_str().unwrap().parse().unwrap();
        fs::write(self.layout.authority(&name), authority.to_string()).unwrap();
    }

    pub(super) fn map(&self, pairs: &[(&str, &str)]) {
        let mapping: serde_json::Map<String, Value> = pairs
            .iter()
            .map(|(school, authority)| ((*school).to_owned(), json!(authority)))
            .collect();
        fs::write(self.layout.school_mapping(), json!({"mapping": mapping}).to_string()).unwrap();
        self.reload();
    }

    pub(super) fn reload(&self) {
        self.current.replace(Arc::new(conf::load(&self.layout).unwrap()));
    }

    pub(super) fn put(&self, item: &Value) -> PathBuf {
        self.put_bytes(item.to_string().as_bytes())
    }

    pub(super) fn put_bytes(&self, bytes: &[u8]) -> PathBuf {
        let name = self.in_queue.enqueue(bytes).unwrap();
        let path = self.in_queue.path_of(&name);
        self.put.lock().unwrap().push(name);
        path
    }

    /// Replaces `{N}` with the name of the N-th item that was put.
    pub(super) fn with_names(&self, text: &str) -> String {
        let names = self.put.lock().unwrap();
        let names = names.iter().enumerate();
        names.fold(text.to_owned(), |text, (at, name)| {
            text.replace(&format!("{{{}}}", at + 1), name.as_str())
        })
    }

    /// Sets the time of the last write far back.
    pub(super) fn age(&self, path: &Path) {
        let status = Command::new("touch").args(["-d", "2001-01-01"]).arg(path).status().unwrap();
        assert!(status.success());
    }

    pub(super) fn router(
        &self,
        hashes: Option<Box<dyn HashSource>>,
    ) -> Result<Router, RouterError> {
        Router::new(self.layout.clone(), Containers::default(), self.current.clone(), hashes)
    }

    pub(super) fn once(&self) -> Ended {
        self.router(None).unwrap().run(Mode::Once)
    }

    pub(super) fn daemon(&self, hashes: Option<Box<dyn HashSource>>) -> Running {
        let router = self.router(hashes).unwrap();
        Running { stop: router.stop(), thread: thread::spawn(move || router.run(Mode::Daemon)) }
    }

    pub(super) fn waiting(&self) -> Vec<ItemName> {
        self.in_queue.names().unwrap()
    }

    pub(super) fn out_queue(&self, authority: &str) -> PathBuf {
        self.layout.out_queue(&authority.parse().unwrap())
    }

    /// The items for an authority, in order.
    pub(super) fn items(&self, authority: &str) -> Vec<ConvertedItem> {
        let Ok(spool) = Spool::open(self.out_queue(authority)) else { return Vec::new() };
        let names = spool.names().unwrap();
        let read = |name: &ItemName| {
            ConvertedItem::parse(&spool.read(name, 1 << 24).unwrap().bytes).unwrap()
        };
        names.iter().map(read).collect()
    }

    pub(super) fn shown(&self, authority: &str) -> Vec<String> {
        self.items(authority).iter().map(shown).collect()
    }

    /// Waits until an authority has so many items.
    pub(super) fn wait_for(&self, authority: &str, count: usize) {
        let there = || (self.items(authority).len() >= count).then_some(());
        idspool_tests::poll(SOON, there)
            .unwrap_or_else(|| panic!("{authority} has {:?}", self.shown(authority)));
    }

    /// What is logged meanwhile by this thread.
    pub(super) fn logged(&self, work: impl FnOnce()) -> String {
        // One subscriber for all tests: several lose lines to each other's cached interest.
        static LISTENING: Once = Once::new();
        LISTENING.call_once(|| {
            let subscriber = tracing_subscriber::fmt()
                .with_ansi(false)
                .with_max_level(tracing::Level::DEBUG)
                .with_writer(|| ThreadLog)
                .finish();
            tracing::subscriber::set_global_default(subscriber).unwrap();
        });
        LOG.take();
        work();
        String::from_utf8(LOG.take()).unwrap()
    }
}

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Collects what its thread logs.
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
