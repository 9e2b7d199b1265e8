//! The listener module of scripts/ucs in a stand-in for the Univention Directory Listener.

#![allow(unreachable_pub, reason = "a module of tests is public to nobody")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod account;
mod change;
mod pending;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use idspool_tests::{Installation, data_file, program};
use serde_json::{Value, json};

/// Folder of the module.
pub fn scripts() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts/ucs").canonicalize().unwrap()
}

/// An installation, and the folders and settings of the module.
pub struct Site {
    pub idspool: Installation,
}

impl Site {
    pub fn new() -> Site {
        Site::of(Installation::new("ldap://127.0.0.1:9", "http://127.0.0.1:9").unwrap())
    }

    pub fn of(idspool: Installation) -> Site {
        let site = Site { idspool };
        fs::create_dir(site.state("")).unwrap();
        site.settings(&program("idspool-listener").unwrap(), "");
        site
    }

    /// A file that the module keeps.
    pub fn state(&self, name: &str) -> PathBuf {
        self.idspool.path().join("state").join(name)
    }

    /// Writes the module's settings.
    pub fn settings(&self, program: &Path, more: &str) {
        let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout);
        let more = if more.contains("user") {
            more.to_owned()
        } else {
            format!("user = {}\n{more}", user.unwrap().trim())
        };
        let config = self.idspool.path().join("idspool.toml");
        let text = format!(
            "[listener]\nprogram = {}\nconfig = {}\n{more}\n",
            program.display(),
            config.display()
        );
        fs::write(self.idspool.path().join("ucs-listener.ini"), text).unwrap();
    }

    pub fn python(&self) -> Command {
        // The system's, as the listener has it; one in a home folder is not for every user.
        let system = Path::new("/usr/bin/python3");
        let mut command = Command::new(if system.exists() { system } else { Path::new("python3") });
        command
            .args(["-O", "-B"])
            .env("IDSPOOL_UCS_SETTINGS", self.idspool.path().join("ucs-listener.ini"))
            .env("IDSPOOL_UCS_STATE", self.state(""));
        command
    }

    pub fn start(&self) -> Listener {
        let mut command = self.python();
        command.arg(data_file("ucs_listener.py")).arg(scripts().join("idspool.py"));
        Listener::start(command)
    }

    /// What is in the listener's spool, as (DN, command).
    pub fn items(&self) -> Vec<(String, String)> {
        let text = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
        self.files().iter().map(|item| (text(item, "dn"), text(item, "command"))).collect()
    }

    pub fn files(&self) -> Vec<Value> {
        let spool = self.idspool.listener_spool();
        let names = Installation::waiting(&spool);
        names
            .iter()
            .map(|name| serde_json::from_slice(&fs::read(spool.join(name)).unwrap()).unwrap())
            .collect()
    }

    /// Lines of a file that the module keeps; none if it is not there.
    pub fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.state(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// The stand-in, running.
pub struct Listener {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    log: Arc<Mutex<String>>,
}

impl Listener {
    pub fn start(mut command: Command) -> Listener {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, stderr) = (Arc::clone(&log), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Listener { child, input, output: BufReader::new(output), log }
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits for a log line.
    pub fn wait_for(&self, phrase: &str) {
        let found = idspool_tests::poll(std::time::Duration::from_secs(60), || {
            self.log().contains(phrase).then_some(())
        });
        assert!(found.is_some(), "no {phrase:?} in\n{}", self.log());
    }

    pub fn send(&mut self, request: &Value) {
        self.input.write_all(format!("{request}\n").as_bytes()).unwrap();
    }

    pub fn ask(&mut self, request: &Value) -> Value {
        self.send(request);
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        assert!(!answer.is_empty(), "the stand-in ended:\n{}", self.log());
        serde_json::from_str(&answer).unwrap()
    }

    /// Calls, and checks what the real listener would find wrong; returns how long it took.
    pub fn call(&mut self, request: &Value) -> f64 {
        let answer = self.ask(request);
        assert_eq!(
            (&answer["is_none"], &answer["error"], &answer["same_user"]),
            (&json!(true), &Value::Null, &json!(true)),
            "{request}\n{}",
            self.log()
        );
        answer["seconds"].as_f64().unwrap()
    }

    pub fn handler(&mut self, dn: &str, new: &Value, old: &Value, command: &str) -> f64 {
        self.call(&json!({"call": "handler", "dn": dn, "new": new, "old": old, "command": command}))
    }

    pub fn postrun(&mut self) {
        self.call(&json!({"call": "postrun"}));
    }

    /// Sets a constant of the module.
    pub fn set(&mut self, name: &str, value: f64) {
        self.ask(&json!({"set": {format!("idspool_ucs.reporter.{name}"): value}}));
    }

    /// kill -9; what it had answered until then can be read.
    pub fn kill(mut self) -> usize {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        drop(self.input);
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        rest.lines().count()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as the real one ends; the module gets no word of it.
    pub fn stop(mut self) -> String {
        drop(self.input);
        self.child.wait().unwrap();
        self.log.lock().unwrap().clone()
    }
}

/// A UUID for a number.
pub fn uuid(number: usize) -> String {
    format!("0f3c9c6a-0000-103f-8000-{number:012}")
}

/// An entry of this type.
pub fn entry(number: usize, object_type: &str) -> Value {
    json!({
        "objectClass": ["top", "univentionObject"],
        "univentionObjectType": [object_type],
        "entryUUID": [uuid(number)],
    })
}

/// A user.
pub fn user(number: usize) -> Value {
    entry(number, "users/user")
}

/// Its DN.
pub fn dn(number: usize) -> String {
    format!("uid=user{number},cn=users,dc=example,dc=org")
}

pub fn nothing() -> Value {
    json!({})
}

pub fn modify(listener: &mut Listener, number: usize) -> f64 {
    listener.handler(&dn(number), &user(number), &user(number), "m")
}

pub fn modified(numbers: impl IntoIterator<Item = usize>) -> Vec<(String, String)> {
    numbers.into_iter().map(|number| (dn(number), "modify".to_owned())).collect()
}

pub fn pair(dn: &str, command: &str) -> (String, String) {
    (dn.to_owned(), command.to_owned())
}

/// A program in place of the hook.
pub fn stand_in(site: &Site, text: &str) {
    let path = site.idspool.path().join("stand-in");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    site.settings(&path, "timeout = 3");
}

pub fn real(site: &Site) {
    site.settings(&program("idspool-listener").unwrap(), "");
}
