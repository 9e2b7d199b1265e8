//! A stand-in for a consumer, and what one should hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use idspool_tests::{Installation, Slapd};
use serde_json::Value;

/// What consumers hold: identity to the whole item.
pub type Objects = BTreeMap<String, Value>;

/// Takes the items in order, as slow as a directory listing.
pub struct Consumer {
    objects: Arc<Mutex<Objects>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Consumer {
    pub fn start(queue: PathBuf) -> Self {
        let objects = Arc::new(Mutex::new(Objects::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (map, over) = (Arc::clone(&objects), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                if consume(&queue, &mut map.lock().unwrap()) == 0 {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        });
        Self { objects, is_over, thread: Some(thread) }
    }

    pub fn objects(&self) -> Objects {
        self.objects.lock().unwrap().clone()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn consume(queue: &Path, objects: &mut Objects) -> usize {
    let names = Installation::waiting(queue);
    for name in &names {
        let item: Value = serde_json::from_slice(&fs::read(queue.join(name)).unwrap()).unwrap();
        let id = item["id"].as_str().unwrap().to_owned();
        if item["object"].is_null() {
            // Something else by now: a deletion names what it was.
            if objects.get(&id).is_none_or(|o| o["udm_object_type"] == item["udm_object_type"]) {
                objects.remove(&id);
            }
        } else {
            objects.insert(id, item);
        }
        fs::remove_file(queue.join(name)).unwrap();
    }
    names.len()
}

/// An installation that has everything from this server, and nothing from `memberOf`: the overlay
/// leaves old names there when the container of a group is renamed.
pub fn installation(slapd: &Slapd) -> Installation {
    let installation = Installation::new(&slapd.url(), "http://127.0.0.1:1").unwrap();
    let path = installation.path().join("idspool.toml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("[directory]\n", "[directory]\ngroups_from = 'search'\n");
    fs::write(&path, text).unwrap();
    installation
}

/// What the directory holds, as consumers see it: converted from nothing.
pub fn truth(slapd: &Slapd) -> Objects {
    let fresh = installation(slapd);
    for (program, arguments) in
        [("idspool-listener", &["resync"][..]), ("idspool-converter", &["--once"])]
    {
        let output = fresh.run(program, arguments).unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}: {message}");
    }
    let mut objects = Objects::new();
    consume(&fresh.ox_queue(), &mut objects);
    objects
}

/// An object that is not as it should be.
pub struct Difference {
    pub id: String,
    pub is: Option<Value>,
    pub be: Option<Value>,
}

impl Difference {
    /// What both sides say where they differ.
    pub fn describe(&self) -> String {
        let side = |value: &Option<Value>| value.clone().unwrap_or_default();
        let (is, be) = (side(&self.is), side(&self.be));
        let mut text = format!("{}: is {}, be {}", self.id, is["dn"], be["dn"]);
        let empty = serde_json::Map::new();
        let object = |value: &Value| value["object"].as_object().unwrap_or(&empty).clone();
        let (is, be) = (object(&is), object(&be));
        let names: BTreeSet<&String> = is.keys().chain(be.keys()).collect();
        for name in names.into_iter().filter(|name| is.get(*name) != be.get(*name)) {
            text += &format!("\n  {name}:\n    is {:?}\n    be {:?}", is.get(name), be.get(name));
        }
        text
    }

    /// DNs under which it was known, and those of others that only one side has.
    pub fn dns(&self) -> BTreeSet<String> {
        let all = |value: &Option<Value>| {
            let mut dns = BTreeSet::new();
            let object = value.iter().filter_map(|value| value["object"].as_object());
            for list in object.flat_map(|object| object.values()).filter_map(Value::as_array) {
                dns.extend(list.iter().filter_map(|dn| Some(dn.as_str()?.to_owned())));
            }
            dns
        };
        let sides = [&self.is, &self.be].into_iter().flatten();
        let own = sides.filter_map(|value| Some(value["dn"].as_str()?.to_owned()));
        own.chain(all(&self.is).symmetric_difference(&all(&self.be)).cloned()).collect()
    }
}

/// What is not as it should be, without the rest.
pub fn differences(found: &Objects, expected: &Objects) -> Vec<Difference> {
    let existing: BTreeSet<&str> =
        expected.values().filter_map(|item| item["dn"].as_str()).collect();
    let comparable = |item: Option<&Value>| {
        let mut item = item?.clone();
        item.as_object_mut().unwrap().remove("resync");
        if let Some(object) = item["object"].as_object_mut() {
            for (name, value) in object {
                let Some(list) = value.as_array_mut() else { continue };
                // Members and groups have no order.
                list.sort_by_key(Value::to_string);
                // A killed slapd leaves DNs of users behind that are gone, and refint goes on to rewrite
                // them. They stand for nobody.
                if name == "users" || name == "secretary" {
                    list.retain(|dn| dn.as_str().is_none_or(|dn| existing.contains(dn)));
                }
            }
        }
        Some(item)
    };
    let ids: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    ids.into_iter()
        .filter_map(|id| {
            let (is, be) = (comparable(found.get(id)), comparable(expected.get(id)));
            (is != be).then(|| Difference { id: id.clone(), is, be })
        })
        .collect()
}
