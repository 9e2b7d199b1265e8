//! What an administrator does to school authorities, beside a real `idspool-kelvin` and real servers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use idspool_tests::{Daemon, poll, program};
use serde_json::{Value, json};

/// How long a busy machine may take.
const PATIENCE: Duration = Duration::from_secs(60);
const ANNA: &str = "0b0c7f1e-0000-1040-8000-3f0a1f5f0001";

/// A stand-in Kelvin server.
struct Server {
    _daemon: Daemon,
    url: String,
}

impl Server {
    fn start(school: &str) -> Self {
        let arguments = ["kelvin", "--listen", "127.0.0.1:0", "--school", school];
        let daemon = Daemon::start("idspool-sandbox", &arguments).unwrap();
        let url = poll(PATIENCE, || {
            let output = daemon.output();
            let line = output.lines().find_map(|line| line.strip_prefix("listening on "))?;
            output.contains('\n').then(|| line.to_owned())
        });
        Self { url: url.expect("the server listens"), _daemon: daemon }
    }

    /// Login names of its users.
    fn users(&self) -> Vec<String> {
        let mut answer = ureq::get(format!("{}/state", self.url)).call().unwrap();
        let state: Value =
            serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
        let users = state["users"].as_array().unwrap();
        users.iter().map(|user| user["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The users of the server once they are these.
    fn has(&self, expected: &[&str]) {
        let found = poll(PATIENCE, || (self.users() == expected).then_some(()));
        assert!(found.is_some(), "{:?} in place of {expected:?}", self.users());
    }
}

/// An installation with its data directory `data`.
struct Place(tempfile::TempDir);

impl Place {
    fn new(data: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let text = format!(
            "[ox]\nenabled = false\n[listener]\nspool = 'listener'\n[kelvin]\nenabled = true\ndata_dir = '{data}'\n"
        );
        fs::write(place.path("idspool.toml"), text).unwrap();
        place
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, name: &str, arguments: &[&str], input: &str) -> Output {
        use std::io::Write as _;
        let mut child = Command::new(program(name).unwrap())
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("IDSPOOL_CONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// The answer of an `idspool kelvin …` that succeeds.
    fn idspool(&self, arguments: &[&str]) -> String {
        let output = self.run("idspool", &[&["kelvin"], arguments].concat(), "secret\n");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    fn add(&self, name: &str, server: &Server, school: &str) {
        let url = format!("{}/ucsschool/kelvin/v1/", server.url);
        let add = ["authorities", "add", "--name", name, "--url", &url, "--username", "connector"];
        self.idspool(&[&add[..], &["--password-file", "-", "--active"]].concat());
        self.idspool(&["authorities", "map", school, name]);
    }

    /// Puts a change of a pupil into the in queue.
    fn change(&self, folder: &str, name: &str, login: &str, id: &str, school: &str) {
        let item = json!({
            "id": id, "udm_object_type": "users/user",
            "dn": format!("uid={login},cn=schueler,cn=users,ou={school},dc=example,dc=org"),
            "options": ["default", "ucsschoolStudent"],
            "object": {
                "username": login, "firstname": "A", "lastname": "B", "disabled": false, "school": [school],
                "groups": [format!("cn={school}-1a,cn=klassen,cn=schueler,cn=groups,ou={school},dc=example,dc=org")],
                "ucsschoolRole": [format!("student:school:{school}")], "ucsschoolRecordUID": id,
                "ucsschoolSourceUID": "SIS",
            },
        });
        let folder = self.path(folder);
        fs::create_dir_all(&folder).unwrap();
        // As a whole, as the converter does it.
        fs::write(folder.join(".draft"), item.to_string()).unwrap();
        fs::rename(folder.join(".draft"), folder.join(name)).unwrap();
    }

    fn daemon(&self) -> Daemon {
        let mut command = Command::new(program("idspool-kelvin").unwrap());
        command.current_dir(self.0.path()).env_remove("IDSPOOL_CONFIG");
        Daemon::spawn(command).unwrap()
    }
}

#[test]
fn authorities_come_and_go_beside_the_running_program() {
    let place = Place::new("kelvin");
    let (north, south) = (Server::start("North"), Server::start("South"));
    place.add("north", &north, "north");
    place.add("south", &south, "SOUTH");
    let running = place.daemon();
    place.change("kelvin/listener", "2026-11-21-08-00-00-000001.json", "anna", "u-1", "North");
    north.has(&["anna"]);

    // The running program lets go of the queue.
    let removed = place.idspool(&["authorities", "remove", "north"]);
    assert!(removed.contains("out_queues_trash"), "{removed}");
    assert!(!place.path("kelvin/out_queues/north").exists());
    place.change("kelvin/listener", "2026-11-21-08-00-00-000002.json", "bert", "u-2", "South");
    south.has(&["bert"]);
    assert_eq!(north.users(), ["anna"], "what the server has stays there");

    // Added again it is served at once.
    place.add("north", &north, "north");
    place.change("kelvin/listener", "2026-11-21-08-00-00-000003.json", "carl", "u-3", "North");
    north.has(&["anna", "carl"]);
    let tested = place.idspool(&["authorities", "test"]);
    assert!(tested.contains("may change users"), "{tested}");

    // Deactivated it keeps what comes.
    place.idspool(&["authorities", "deactivate", "north"]);
    place.change("kelvin/listener", "2026-11-21-08-00-00-000004.json", "dora", "u-4", "North");
    place.change("kelvin/listener", "2026-11-21-08-00-00-000005.json", "emil", "u-5", "South");
    south.has(&["bert", "emil"]);
    assert_eq!(north.users(), ["anna", "carl"]);
    place.idspool(&["authorities", "activate", "north"]);
    north.has(&["anna", "carl", "dora"]);
    drop(running);
}

#[test]
fn who_left_before_the_take_over_is_removed_after_it() {
    let (north, south) = (Server::start("School1"), Server::start("School2"));
    let place = Place::new("app/data");
    // Authorities as the ID Connector had them, and a user that it had brought to the first one.
    let record = |school: &str, queue: &str, name: &str| {
        place.change(queue, name, "anna", ANNA, school);
        let path = place.path(queue).join(name);
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace(
            &format!("\"ucsschoolRecordUID\":\"{ANNA}\""),
            "\"ucsschoolRecordUID\":\"4711\"",
        );
        fs::write(path, text).unwrap();
    };
    fs::create_dir_all(place.path("app/conf/school_authorities")).unwrap();
    place.add("north", &north, "School1");
    place.add("south", &south, "School2");
    assert!(place.path("app/conf/school_authorities/north.json").exists(), "beside the data");
    let memory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/kelvin/src/admin/adopt/tests/old_data_db/cache.db");
    fs::create_dir_all(place.path("app/data/old_data_db")).unwrap();
    fs::copy(memory, place.path("app/data/old_data_db/cache.db")).unwrap();
    // What waits: she is still to be made at the first, and has moved to the second since.
    record("School1", "app/data/out_queues/north", "2025-11-20-08-15-00-000001_ready.json");
    record("School2", "app/data/listener", "2025-11-20-08-15-00-000002.json");

    place.idspool(&["adopt", "app"]);
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("app/data/out_queues/north/2025-11-20-08-15-00-000001_ready.json"), 0o600);

    let first = place.run("idspool-kelvin", &["--once", "--authority", "north"], "");
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    assert_eq!(north.users(), ["anna"]);
    let then = place.run("idspool-kelvin", &["--once"], "");
    assert!(then.status.success(), "{}", String::from_utf8_lossy(&then.stderr));
    assert_eq!(north.users(), [""; 0], "she has left");
    assert_eq!(south.users(), ["anna"]);
}
