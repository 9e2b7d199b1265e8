//! A stand-in for a consumer, and what one should hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use idspool_tests::{Installation, Sandbox, Slapd};
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

/// An installation that has everything from this server, and reads the groups of users this way.
pub fn installation(slapd: &Slapd, groups_from: &str, ox: &str) -> Installation {
    let installation = Installation::new(&slapd.url(), ox).unwrap();
    let path = installation.path().join("idspool.toml");
    let text = fs::read_to_string(&path).unwrap();
    let keys = format!("[directory]\ngroups_from = '{groups_from}'\n");
    fs::write(&path, text.replace("[directory]\n", &keys)).unwrap();
    installation
}

/// What the directory holds, as consumers see it: converted from nothing.
pub fn truth(slapd: &Slapd, groups_from: &str) -> Objects {
    let fresh = installation(slapd, groups_from, "http://127.0.0.1:1");
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

/// What `idspool-ox` has delivered, by its snapshots; without what it notes there for itself.
pub fn snapshots(idspool: &Installation) -> Objects {
    let folder = idspool.ox_queue().join("old");
    let mut objects = Objects::new();
    for name in Installation::waiting(&folder) {
        // One that goes away meanwhile is gone.
        let Ok(bytes) = fs::read(folder.join(&name)) else { continue };
        let Ok(mut item) = serde_json::from_slice::<Value>(&bytes) else { continue };
        if let Some(object) = item["object"].as_object_mut() {
            object.retain(|key, _| !key.starts_with("oxDb"));
        }
        objects.insert(name.trim_end_matches(".json").to_owned(), item);
    }
    objects
}

/// Who should be in a context of OX: logins, and groups with the logins of their members.
pub fn expected_context(objects: &Objects, context: i64) -> (BTreeSet<String>, Groups) {
    let mut logins = BTreeMap::new();
    for item in objects.values().filter(|item| item["udm_object_type"] == "users/user") {
        let object = &item["object"];
        if object["isOxUser"] == "OK" && object["oxContext"] == context {
            logins.insert(item["dn"].as_str().unwrap(), object["username"].as_str().unwrap());
        }
    }
    let mut groups = Groups::new();
    for item in objects.values().filter(|item| item["udm_object_type"] == "groups/group") {
        let object = &item["object"];
        let members = object["users"].as_array().into_iter().flatten();
        let members: BTreeSet<String> =
            members.filter_map(|dn| Some((*logins.get(dn.as_str()?)?).to_owned())).collect();
        if object["isOxGroup"] == "OK" && !members.is_empty() {
            groups.insert(object["name"].as_str().unwrap().to_owned(), members);
        }
    }
    (logins.into_values().map(str::to_owned).collect(), groups)
}

pub type Groups = BTreeMap<String, BTreeSet<String>>;

/// Who is in a context of OX, without its administrator and the group of everybody.
pub fn found_context(sandbox: &Sandbox, context: i64) -> (BTreeSet<String>, Groups) {
    let state = sandbox.get(&format!("/state?context={context}")).unwrap();
    let state = &state["contexts"][0];
    let users = state["users"].as_array().into_iter().flatten();
    let users: BTreeMap<i64, String> = users
        .filter(|user| user["contextadmin"] == false)
        .map(|user| (user["id"].as_i64().unwrap(), user["name"].as_str().unwrap().to_owned()))
        .collect();
    let login = |id: &Value| users.get(&id.as_i64().unwrap()).cloned().unwrap_or_default();
    let groups = state["groups"].as_array().into_iter().flatten().skip(1);
    let groups = groups
        .map(|group| {
            let members = group["members"].as_array().unwrap().iter().map(login).collect();
            (group["name"].as_str().unwrap().to_owned(), members)
        })
        .collect();
    (users.into_values().collect(), groups)
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
            object.retain(|name, value| {
                let Some(list) = value.as_array_mut() else { return true };
                // Members and groups have no order.
                list.sort_by_key(Value::to_string);
                if name != "users" && name != "secretary" {
                    return true;
                }
                // A killed slapd leaves DNs of users behind that are gone, and refint goes on to rewrite
                // them, or takes them out. They stand for nobody.
                list.retain(|dn| dn.as_str().is_none_or(|dn| existing.contains(dn)));
                !list.is_empty()
            });
        }
        Some(item)
    };
    let ids: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    ids.into_iter()
        .filter_map(|id| {
            let (is, be) = (found.get(id), expected.get(id));
            (comparable(is) != comparable(be)).then(|| Difference {
                id: id.clone(),
                is: is.cloned(),
                be: be.cloned(),
            })
        })
        .collect()
}
