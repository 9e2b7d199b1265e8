//! A directory, an OX server and an installation, and what a dry run and a run make of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use idspool_tests::{BASE_DN, Installation, Sandbox, Slapd};
use serde_json::{Value, json};

/// Far more than a loaded test machine needs.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Operations that change nothing.
const READS: [&str; 7] = [
    "exists",
    "getData",
    "getModuleAccess",
    "getMultipleData",
    "list",
    "listAll",
    "listGroupsForUser",
];

pub(crate) struct World {
    pub(crate) slapd: Slapd,
    pub(crate) sandbox: Sandbox,
    pub(crate) idspool: Installation,
}

/// What a dry run said.
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) items: Vec<Value>,
    pub(crate) summary: Value,
    pub(crate) errors: String,
}

impl Told {
    /// The calls of all items, in order.
    pub(crate) fn calls(&self) -> Vec<&Value> {
        self.items.iter().flat_map(|item| item["calls"].as_array().unwrap()).collect()
    }

    pub(crate) fn operations(&self) -> Vec<&str> {
        self.calls().iter().map(|call| call["operation"].as_str().unwrap()).collect()
    }

    pub(crate) fn item(&self, dn: &str) -> &Value {
        let found = self.items.iter().find(|item| item["object"]["dn"] == dn);
        found.unwrap_or_else(|| panic!("no {dn} in {:#?}", self.items))
    }
}

impl World {
    pub(crate) fn new(sandbox_arguments: &[&str]) -> Self {
        let slapd = Slapd::start().unwrap();
        let sandbox = Sandbox::start(sandbox_arguments).unwrap();
        let idspool = Installation::new(&slapd.url(), sandbox.url()).unwrap();
        Self { slapd, sandbox, idspool }
    }

    pub(crate) fn user(uid: &str) -> String {
        format!("uid={uid},cn=users,{BASE_DN}")
    }

    pub(crate) fn report_everything(&self) {
        for object_type in [
            "oxmail/oxcontext",
            "oxmail/accessprofile",
            "users/user",
            "groups/group",
            "oxmail/functional_account",
            "oxresources/oxresources",
        ] {
            let filter = format!("(univentionObjectType={object_type})");
            let count = self.idspool.hook_all(&self.slapd.cli(), &filter, object_type).unwrap();
            assert!(count > 0, "{object_type}");
        }
    }

    pub(crate) fn report(&self, uuid: &str, dn: &str, object_type: &str) {
        self.idspool.hook(uuid, dn, object_type, "modify").unwrap();
    }

    pub(crate) fn report_user(&self, uid: &str) {
        let dn = Self::user(uid);
        self.report(&self.slapd.entry_uuid(&dn).unwrap(), &dn, "users/user");
    }

    pub(crate) fn run(&self, program: &str) {
        let output = self.idspool.run(program, &["--once"]).unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.idspool.path().join("spool/ox")
    }

    /// The converted form of everything that was reported is in OX.
    pub(crate) fn provisioned(sandbox_arguments: &[&str]) -> Self {
        let world = Self::new(sandbox_arguments);
        world.report_everything();
        for program in ["idspool-converter", "idspool-ox"] {
            world.run(program);
        }
        world
    }

    pub(crate) fn snapshot(&self, dn: &str) -> Value {
        self.idspool.snapshot(&self.slapd.entry_uuid(dn).unwrap()).unwrap()
    }

    /// Puts an item into the queue of idspool-ox, as a script would; the number decides the order.
    pub(crate) fn put(&self, number: u32, item: &Value) -> String {
        let name = format!("2026-11-21-10-00-00-{number:06}.json");
        self.put_text(&name, &item.to_string());
        name
    }

    pub(crate) fn put_text(&self, name: &str, text: &str) {
        fs::create_dir_all(self.idspool.ox_queue()).unwrap();
        let path = self.idspool.ox_queue().join(name);
        fs::write(&path, text).unwrap();
        // Nobody is writing it any more.
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        fs::File::options().append(true).open(path).unwrap().set_modified(long_ago).unwrap();
    }

    /// A dry run that may change nothing: neither a file nor a time in the data directory, nor OX.
    pub(crate) fn dry_run(&self, arguments: &[&str]) -> Told {
        let (files, last) = (state(&self.data()), self.sandbox.last_call().unwrap());
        let told = self.told(arguments);
        assert_eq!(state(&self.data()), files, "the data directory was touched");
        for call in self.sandbox.calls_since(last).unwrap() {
            let (_, operation) = call.split_once('.').unwrap();
            assert!(READS.contains(&operation), "{call} is no read");
        }
        told
    }

    pub(crate) fn told(&self, arguments: &[&str]) -> Told {
        let mut all = vec!["--dry-run", "--json"];
        all.extend(arguments);
        let output = self.idspool.run("idspool-ox", &all).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut items: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let summary = items.pop().map_or(Value::Null, |last| last["summary"].clone());
        Told { code: output.status.code().unwrap(), items, summary, errors }
    }

    /// Writing calls of a real run.
    pub(crate) fn writes_of_a_run(&self) -> Vec<Value> {
        let last = self.sandbox.last_call().unwrap();
        self.run("idspool-ox");
        let log = self.sandbox.get(&format!("/calls?since={last}")).unwrap();
        let calls = log["calls"].as_array().unwrap().iter();
        calls
            .filter(|call| !READS.contains(&call["operation"].as_str().unwrap()))
            .inspect(|call| assert_eq!(call["outcome"], "ok", "{call}"))
            .cloned()
            .collect()
    }

    /// What a dry run announces is what a run then does.
    pub(crate) fn announced_is_done(&self, arguments: &[&str]) -> Told {
        self.run("idspool-converter");
        let told = self.dry_run(arguments);
        assert_eq!(told.code, 0, "{:#?}\n{}", told.items, told.errors);
        let done = self.writes_of_a_run();
        let lines = |calls: &mut dyn Iterator<Item = (String, Value, Value)>| {
            calls.map(|(call, context, _)| format!("{call} {context}")).collect::<Vec<_>>()
        };
        let announced = || {
            told.calls().into_iter().map(|call| {
                let operation = call["operation"].as_str().unwrap().to_owned();
                (operation, call["context"].clone(), call.clone())
            })
        };
        let done = || {
            done.iter().map(|call| {
                let service = call["service"].as_str().unwrap();
                let service = service.trim_start_matches("OX").trim_end_matches("Service");
                let service = service.replace("DeputyPermissions", "Deputy");
                let operation = format!("{service}.{}", call["operation"].as_str().unwrap());
                (operation, call["context"].clone(), call["object"].clone())
            })
        };
        assert_eq!(lines(&mut announced()), lines(&mut done()));
        for ((_, _, told), (call, _, object)) in announced().zip(done()) {
            // The server's list names an object by its id where the call does.
            let by_id = object.as_str().unwrap().parse::<i64>();
            match (by_id, told["id"].as_i64()) {
                (Ok(id), Some(told)) => assert_eq!(told, id, "{call}"),
                (Ok(_), None) => {}
                (Err(_), _) => assert_eq!(told["object"], object, "{call}"),
            }
        }
        told
    }
}

/// Kind, time and content of everything below a folder.
pub(crate) fn state(folder: &Path) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    pub(crate) fn visit(path: &Path, state: &mut BTreeMap<PathBuf, (SystemTime, Vec<u8>)>) {
        let modified = fs::metadata(path).unwrap().modified().unwrap();
        state.insert(path.to_owned(), (modified, fs::read(path).unwrap_or_default()));
        for entry in fs::read_dir(path).into_iter().flatten() {
            visit(&entry.unwrap().path(), state);
        }
    }
    let mut state = BTreeMap::new();
    visit(folder, &mut state);
    state
}

/// A user of context 10 that OX does not have yet.
pub(crate) fn user(number: u32, changes: &Value) -> Value {
    let mut object = json!({
        "isOxUser": "OK", "oxContext": 10, "oxAccess": "webmail", "username": format!("u{number}"),
        "oxDisplayName": format!("U {number}"), "firstname": "U", "lastname": format!("{number}"),
        "mailPrimaryAddress": format!("u{number}@example.org"), "groups": [],
    });
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    item("users/user", &format!("uid=u{number}"), &format!("u-{number}"), &object)
}

pub(crate) fn item(module: &str, rdn: &str, id: &str, object: &Value) -> Value {
    json!({
        "id": id, "udm_object_type": module, "dn": format!("{rdn},cn=x,{BASE_DN}"),
        "options": ["default"], "object": object,
    })
}
