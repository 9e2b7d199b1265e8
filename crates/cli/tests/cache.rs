//! `idspool ox cache` and `idspool ox index`, as built commands, against the stand-in OX server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use idspool_ox_soap::{Client, ContextId, Credentials, User, UserField};
use idspool_sandbox::ox::{ContextSpec, Options, Server, serve};
use idspool_spool::Spool;
use idspool_tests::{Daemon, Ended};
use rustix::process::Signal;
use serde_json::{Value, json};

/// Longer than anything here takes on a loaded machine.
const LONG: Duration = Duration::from_secs(60);

struct Place {
    folder: tempfile::TempDir,
    server: Server,
}

impl Place {
    /// An installation, and an OX server with two contexts and these users in context 10.
    fn new(users: &[&str], latency: Duration) -> Self {
        let contexts = vec![ContextSpec::new(10), ContextSpec::new(11)];
        let server = serve(Options { contexts, latency, ..Options::default() }).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let text = format!("[ox]\ndata_dir = 'data'\nsoap_server = '{}'\n", server.url());
        fs::write(folder.path().join("idspool.toml"), text).unwrap();
        fs::create_dir_all(folder.path().join("data/listener/old")).unwrap();
        fs::create_dir_all(folder.path().join("data/secrets")).unwrap();
        let place = Self { folder, server };
        let entry = json!({"adminuser": "oxadmin", "adminpass": "secret"});
        place.write("secrets/contexts.json", &json!({"10": entry, "11": entry}));
        let client = Client::builder(place.server.url()).build().unwrap();
        let admin = Credentials::new("oxadmin", "secret");
        for name in users {
            let mail = format!("{name}@example.org");
            let user = User::new()
                .with(UserField::Name, *name)
                .with(UserField::DisplayName, *name)
                .with(UserField::Password, "dummy")
                .with(UserField::GivenName, *name)
                .with(UserField::SurName, *name)
                .with(UserField::PrimaryEmail, mail.as_str())
                .with(UserField::Email1, mail.as_str());
            client.users(ContextId::new(10), &admin).create(&user).unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    fn write(&self, name: &str, value: &Value) {
        fs::write(self.path(name), serde_json::to_vec(value).unwrap()).unwrap();
    }

    fn keep(&self, id: &str, name: &str, context: i32) {
        let object = json!({"isOxUser": "OK", "oxContext": context, "username": name});
        self.write(
            &format!("listener/old/{id}.json"),
            &json!({"id": id, "udm_object_type": "users/user", "dn": dn(name), "options": [], "object": object}),
        );
    }

    fn snapshot(&self, id: &str) -> Value {
        let bytes = fs::read(self.path(&format!("listener/old/{id}.json"))).unwrap();
        serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{id}: {error}"))
    }

    /// What the snapshot of a user says, and what is right.
    fn ids(&self, id: &str, name: &str) -> (Value, Value) {
        let right =
            self.server.inspect(|world| world.context(10).unwrap().user_named(name).unwrap().id);
        (self.snapshot(id)["object"]["oxDbId"].clone(), json!(right))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idspool"));
        command
            .arg("ox")
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("IDSPOOL_CONFIG")
            .env_remove("REQUESTS_CA_BUNDLE");
        command
    }

    /// Exit status, standard output, standard error.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn start(&self, arguments: &[&str]) -> Daemon {
        Daemon::spawn(self.command(arguments)).unwrap()
    }
}

/// Waits for a line on standard output.
fn wait_for_line(run: &Daemon, line: &str) {
    let told = || run.output().lines().any(|told| told == line).then_some(());
    idspool_tests::poll(LONG, told).unwrap_or_else(|| panic!("no {line} in {}", run.output()));
}

fn dn(name: &str) -> String {
    format!("uid={name},cn=users,dc=example,dc=org")
}

fn id(number: usize) -> String {
    format!("0f3c9c6a-0000-103f-8000-{number:012}")
}

#[test]
fn s9_1_the_procedure_of_the_manual() {
    let place = Place::new(&["anna"], Duration::ZERO);
    place.keep(&id(1), "anna", 10);
    place.keep(&id(2), "bert", 10);
    place.keep(&id(3), "carl", 99);
    let mut wrong = place.snapshot(&id(1));
    wrong["object"]["oxDbId"] = json!(4711);
    place.write(&format!("listener/old/{}.json", id(1)), &wrong);

    let (exit, out, err) = place.run(&["cache", "rebuild", "--delete"]);
    assert_eq!((exit, out.as_str(), err.as_str()), (0, "Found 3 files.\n1 files updated.\n", ""));
    assert_eq!(place.snapshot(&id(1))["object"].get("oxDbId"), None);
    let (exit, out, err) = place.run(&["cache", "rebuild"]);
    assert_eq!(
        (exit, out.as_str(), err.as_str()),
        (
            0,
            "Found 3 files.\n\
             Searching in 10 for anna\n... found it at 3\n\
             Searching in 10 for bert\n... not found!\n\
             Searching in 99 for carl\n... no password configured for context!\n\
             1 files updated.\n",
            ""
        )
    );
    assert_eq!(place.snapshot(&id(1))["object"]["oxDbId"], json!(3));
    let mode = fs::metadata(place.path(&format!("listener/old/{}.json", id(1)))).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);

    place.run(&["cache", "rebuild", "--delete"]);
    let (exit, out, _) =
        place.run(&["cache", "rebuild", "--build-cache", "--build-cache-size", "1"]);
    assert_eq!(exit, 0);
    assert!(
        out.starts_with(
            "Found 3 files.\nSearching in 10 for anna\nBuilding cache for 10\nRetrieved 2 ids\nLoaded 1\nLoaded 2\n\
             ... built cache\n... found it at 3\n"
        ),
        "{out}"
    );
}

#[test]
fn a_context_that_ox_does_not_know_is_named_and_the_others_are_done() {
    let place = Place::new(&["anna"], Duration::ZERO);
    let entry = json!({"adminuser": "oxadmin", "adminpass": "secret"});
    place.write("secrets/contexts.json", &json!({"10": entry, "77": entry}));
    for (number, name, context) in [(1, "bert", 77), (2, "carl", 77), (3, "anna", 10)] {
        place.keep(&id(number), name, context);
    }
    for arguments in [&["cache", "rebuild"][..], &["cache", "rebuild", "--build-cache"]] {
        let (exit, out, err) = place.run(arguments);
        assert_eq!(exit, 1, "{err}");
        assert_eq!(err.matches("context 77 is left out").count(), 1, "{err}");
        assert!(err.contains("contexts.json"), "{err}");
        assert!(
            out.ends_with("Searching in 10 for anna\n... found it at 3\n1 files updated.\n")
                || out.contains("... built cache\n... found it at 3\n1 files updated.\n"),
            "{out}"
        );
        place.run(&["cache", "rebuild", "--delete"]);
    }
}

#[test]
fn the_summary_for_machines() {
    let place = Place::new(&["anna"], Duration::ZERO);
    place.keep(&id(1), "anna", 10);
    place.keep(&id(2), "bert", 10);
    fs::write(place.path("listener/old/damaged.json"), "{").unwrap();
    let (exit, out, err) = place.run(&["cache", "rebuild", "--json"]);
    assert_eq!(exit, 1, "a snapshot cannot be used");
    assert!(err.contains("damaged.json is no usable snapshot"), "{err}");
    assert_eq!(
        serde_json::from_str::<Value>(&out).unwrap(),
        json!({"files": 3, "users": 2, "updated": 1, "not_found": 1, "no_password": 0, "refused": 0,
            "no_context": 0, "unusable": 1})
    );
    fs::remove_file(place.path("listener/old/damaged.json")).unwrap();
    let answer = |arguments: &[&str]| -> Value {
        let (exit, out, err) = place.run(arguments);
        assert_eq!(exit, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    };
    assert_eq!(answer(&["index", "rebuild", "--json"]), json!({"read": 2, "unusable": 0}));
    assert_eq!(
        answer(&["index", "rebuild", "--fix-existing-keys", "--json"]),
        json!({"removed": 0})
    );
    let bert = dn("bert");
    assert_eq!(answer(&["cache", "forget", &bert, "--json"]), json!({"dn": bert, "removed": true}));
    assert_eq!(
        answer(&["cache", "forget", &bert, "--json"]),
        json!({"dn": bert, "removed": false})
    );
}

#[test]
fn beside_a_running_consumer_only_forgetting_is_possible() {
    let place = Place::new(&[], Duration::ZERO);
    place.keep(&id(1), "anna", 10);
    place.keep(&id(2), "bert", 10);
    assert_eq!(place.run(&["index", "rebuild"]).0, 0);
    let _running = Spool::open(place.path("listener")).unwrap().consumer("idspool-ox").unwrap();
    for arguments in [
        &["cache", "rebuild"][..],
        &["cache", "rebuild", "--delete"],
        &["cache", "rebuild", "--build-cache"],
        &["index", "rebuild"],
        &["index", "rebuild", "--fix-existing-keys"],
    ] {
        let (exit, out, err) = place.run(arguments);
        assert_eq!((exit, out.as_str()), (3, ""), "{arguments:?}");
        assert!(err.contains("idspool-ox, process") && err.contains("stop it"), "{err}");
    }
    // In any spelling, printed as it was given.
    let spelling = "UID = Anna, CN=users,dc=example,dc=org";
    assert_eq!(
        place.run(&["cache", "forget", spelling]),
        (0, format!("Removing {spelling}\n"), String::new())
    );
    assert_eq!(
        place.run(&["cache", "forget", spelling]),
        (0, format!("{spelling} not found\n"), String::new())
    );
    assert!(place.path(&format!("listener/old/{}.json", id(1))).exists());
    assert_eq!(
        place.run(&["cache", "forget", &dn("bert")]).1,
        format!("Removing {}\n", dn("bert"))
    );
}

#[test]
fn s9_3_the_lines_of_rebuild_old_db() {
    let place = Place::new(&[], Duration::ZERO);
    for number in 0..2001 {
        place.keep(&id(number), &format!("u{number}"), 10);
    }
    for arguments in [&["index", "rebuild"][..], &["index", "rebuild", "--complete-rebuild"]] {
        let (exit, out, err) = place.run(arguments);
        assert_eq!(
            (exit, out.as_str(), err.as_str()),
            (
                0,
                "Read 1000 files...\nRead 2000 files...\nRead 2001 files. Writing everything now...\nDone\n",
                ""
            )
        );
    }
    let (exit, out, _) = place.run(&["index", "rebuild", "--fix-existing-keys"]);
    assert_eq!((exit, out.as_str()), (0, "No errors found. Leaving DB untouched\n"));
    let old = place.path("listener/old").canonicalize().unwrap();
    let gone = old.join(format!("{}.json", id(7)));
    fs::remove_file(&gone).unwrap();
    let (exit, out, _) = place.run(&["index", "rebuild", "--fix-existing-keys"]);
    let expected = format!(
        "{} references {}, but this file does not exist. Removing DN\nWriting 1 changes\n",
        dn("u7"),
        gone.display()
    );
    assert_eq!((exit, out), (0, expected));
    let (_, out, _) = place.run(&["index", "rebuild", "--fix-existing-keys"]);
    assert_eq!(out, "No errors found. Leaving DB untouched\n");
}

#[test]
fn on_a_terminal_a_bar_tells_how_far_the_work_is_and_the_answer_stays_clean() {
    let names: Vec<String> = (0..20).map(|number| format!("u{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let place = Place::new(&names, Duration::from_millis(20));
    for (number, name) in names.iter().enumerate() {
        place.keep(&id(number), name, 10);
    }
    // script(1) gives the command a terminal; what it shows is its own standard output.
    let answer = place.folder.path().join("answer");
    let program = env!("CARGO_BIN_EXE_idspool");
    let command = format!("'{program}' ox cache rebuild >'{}'", answer.display());
    let output = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(place.folder.path())
        .env_remove("IDSPOOL_CONFIG")
        .env("TERM", "xterm")
        .output()
        .unwrap();
    let terminal = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{terminal}");
    assert!(terminal.contains(" of 20, ") && terminal.contains("/s, "), "{terminal}");
    let answer = fs::read_to_string(answer).unwrap();
    assert!(
        answer.starts_with("Found 20 files.\nSearching in 10 for u0\n... found it at "),
        "{answer}"
    );
    assert!(!answer.contains('\u{1b}'), "{answer}");
}

#[test]
fn ctrl_c_ends_a_rebuild_which_then_goes_on_where_it_was() {
    let names: Vec<String> = (0..30).map(|number| format!("u{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let place = Place::new(&names, Duration::from_millis(20));
    for (number, name) in names.iter().enumerate() {
        place.keep(&id(number), name, 10);
    }
    let run = place.start(&["cache", "rebuild"]);
    wait_for_line(&run, "Searching in 10 for u5");
    run.signal(Signal::INT).unwrap();
    let ended: Ended = run.wait(LONG).unwrap();
    assert_eq!(ended.code(), Some(1), "{}", ended.log());
    assert!(ended.log().contains("stopped on request"), "{}", ended.log());
    let known = |number: usize| !place.snapshot(&id(number))["object"]["oxDbId"].is_null();
    assert!(known(4) && !known(29));
    let done = (0..30).filter(|number| known(*number)).count();
    let (exit, out, _) = place.run(&["cache", "rebuild"]);
    assert_eq!(exit, 0);
    assert!(out.ends_with(&format!("{} files updated.\n", 30 - done)), "{out}");
    assert_eq!(out.matches("Searching").count(), 30 - done);
    for (number, name) in names.iter().enumerate() {
        let (found, right) = place.ids(&id(number), name);
        assert_eq!(found, right, "{name}");
    }
}

#[test]
fn killed_at_any_moment_every_snapshot_is_whole() {
    let names: Vec<String> = (0..200).map(|number| format!("u{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let place = Place::new(&names, Duration::ZERO);
    for (number, name) in names.iter().enumerate() {
        place.keep(&id(number), name, 10);
    }
    let mut rounds = 0;
    loop {
        let run = place.start(&["cache", "rebuild"]);
        wait_for_line(&run, &format!("Searching in 10 for u{}", 40 * rounds + 30));
        run.signal(Signal::KILL).unwrap();
        run.wait(LONG).unwrap();
        for (number, name) in names.iter().enumerate() {
            assert_eq!(place.snapshot(&id(number))["object"]["username"], *name);
        }
        rounds += 1;
        if rounds == 4 {
            break;
        }
    }
    assert_eq!(place.run(&["cache", "rebuild"]).0, 0);
    for (number, name) in names.iter().enumerate() {
        let (found, right) = place.ids(&id(number), name);
        assert_eq!(found, right, "{name}");
    }
    let left: Vec<_> = fs::read_dir(place.path("listener/old"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| !name.to_str().unwrap().ends_with(".json"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_is_wrong_with_ox_or_the_configuration_is_told_apart() {
    let place = Place::new(&["anna"], Duration::ZERO);
    place.keep(&id(1), "anna", 10);
    let secrets = fs::read(place.path("secrets/contexts.json")).unwrap();
    let entry = json!({"adminuser": "oxadmin", "adminpass": "wrong-s3cret"});
    place.write("secrets/contexts.json", &json!({"10": entry}));
    for arguments in [&["cache", "rebuild"][..], &["cache", "rebuild", "--build-cache"]] {
        let (exit, _, err) = place.run(arguments);
        assert_eq!(exit, 1, "{err}");
        assert!(err.contains("context 10") && !err.contains("wrong-s3cret"), "{err}");
    }
    fs::write(place.path("secrets/contexts.json"), secrets).unwrap();
    for arguments in [&["cache", "rebuild"][..], &["cache", "rebuild", "--build-cache"]] {
        // Nobody listens there.
        let output =
            place.command(arguments).env("OX_SOAP_SERVER", "http://127.0.0.1:1").output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{err}");
        assert!(
            err.contains("failed to look users up in context 10") && err.contains("OX_SOAP_SERVER"),
            "{err}"
        );
    }
    fs::remove_file(place.path("secrets/contexts.json")).unwrap();
    let (exit, _, err) = place.run(&["cache", "rebuild"]);
    assert_eq!(exit, 1, "{err}");
    assert!(err.contains("contexts.json"), "{err}");
    for arguments in [
        &["cache", "rebuild", "--build-cache-size", "5"][..],
        &["cache", "rebuild", "--build-cache", "--build-cache-size", "0"],
        &["cache", "rebuild", "--delete", "--build-cache"],
        &["index", "rebuild", "--complete-rebuild", "--fix-existing-keys"],
        &["cache", "forget"],
    ] {
        assert_eq!(place.run(arguments).0, 2, "{arguments:?}");
    }
    fs::remove_dir_all(place.path("")).unwrap();
    for arguments in
        [&["cache", "rebuild"][..], &["cache", "forget", "uid=x"], &["index", "rebuild"]]
    {
        let (exit, _, err) = place.run(arguments);
        assert_eq!(exit, 2, "{arguments:?}");
        assert!(err.contains("ox.data_dir"), "{err}");
    }
    assert!(!place.path("").exists(), "nothing is made");
}

#[test]
fn what_root_does_belongs_to_the_user_of_the_daemon() {
    let place = Place::new(&["anna"], Duration::ZERO);
    place.keep(&id(1), "anna", 10);
    let me = rustix::process::geteuid();
    // Another user can only be played by root; everybody else sees their own files stay their own.
    let service = if me.is_root() { 65534 } else { me.as_raw() };
    if me.is_root() {
        give(&place.path(""), service);
    }
    for arguments in
        [&["cache", "rebuild"][..], &["mapping", "restore-default"], &["index", "rebuild"]]
    {
        let (exit, _, err) = place.run(arguments);
        assert_eq!(exit, 0, "{arguments:?}: {err}");
    }
    assert_eq!(place.snapshot(&id(1))["object"]["oxDbId"], json!(3));
    let mut seen = 0;
    each_file(&place.path(""), &mut |path| {
        seen += 1;
        assert_eq!(fs::metadata(path).unwrap().uid(), service, "{}", path.display());
    });
    assert!(seen > 5, "{seen}");
}

fn give(folder: &Path, user: u32) {
    std::os::unix::fs::chown(folder, Some(user), Some(user)).unwrap();
    each_file(folder, &mut |path| {
        std::os::unix::fs::chown(path, Some(user), Some(user)).unwrap();
    });
}

fn each_file(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        visit(&path);
        if path.is_dir() {
            each_file(&path, visit);
        }
    }
}
