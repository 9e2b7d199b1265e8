//! An installation with one context, and the questions that an administrator asks it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use idspool_tests::{Installation, Sandbox, poll};
use serde_json::{Value, json};

/// Far more than a loaded test machine needs.
pub(crate) const SOON: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) idspool: Installation,
}

impl World {
    /// A server with context 10, and its password in `contexts.json`.
    pub(crate) fn new(sandbox_arguments: &[&str]) -> Self {
        Self::with_directory("ldap://127.0.0.1:9", sandbox_arguments)
    }

    pub(crate) fn with_directory(url: &str, sandbox_arguments: &[&str]) -> Self {
        let arguments = [&["--context", "10"], sandbox_arguments].concat();
        let sandbox = Sandbox::start(&arguments).unwrap();
        let idspool = Installation::new(url, sandbox.url()).unwrap();
        let world = Self { sandbox, idspool };
        world.credentials(&json!({"10": {"adminuser": "oxadmin", "adminpass": "secret"}}));
        fs::write(world.data().join("ModuleAccessDefinitions.properties"), "premium=webmail\n")
            .unwrap();
        fs::create_dir_all(world.idspool.ox_queue()).unwrap();
        world
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.idspool.path().join("spool/ox")
    }

    pub(crate) fn snapshot_path(&self, id: &str) -> PathBuf {
        self.idspool.ox_queue().join(format!("old/{id}.json"))
    }

    pub(crate) fn credentials(&self, content: &Value) {
        fs::create_dir_all(self.data().join("secrets")).unwrap();
        fs::write(self.data().join("secrets/contexts.json"), content.to_string()).unwrap();
    }

    /// Replaces a part of the configuration.
    pub(crate) fn configure(&self, old: &str, new: &str) {
        let path = self.idspool.path().join("idspool.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{text}");
        fs::write(path, text.replace(old, new)).unwrap();
    }

    /// Puts an item into the queue of OX and returns its path.
    pub(crate) fn enqueue(
        &self,
        second: u32,
        id: &str,
        object_type: &str,
        object: Value,
    ) -> PathBuf {
        let item = json!({
            "id": id, "udm_object_type": object_type, "dn": dn_of(id), "object": object,
            "options": ["default"],
        });
        self.write(second, &item.to_string())
    }

    pub(crate) fn write(&self, second: u32, text: &str) -> PathBuf {
        let path =
            self.idspool.ox_queue().join(format!("2026-01-01-00-00-{second:02}-000000.json"));
        fs::write(&path, text).unwrap();
        // Not one that somebody is still writing.
        let past = std::time::SystemTime::now() - Duration::from_secs(60);
        fs::File::options().write(true).open(&path).unwrap().set_modified(past).unwrap();
        path
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.idspool.run(program, arguments).unwrap()
    }

    /// Runs a script in the installation, with the programs in its path and the folders of the page.
    pub(crate) fn shell(&self, script: &str) -> Output {
        let programs = idspool_tests::program("idspool").unwrap();
        let ready = self.idspool.command("idspool", &[]).unwrap();
        let folders = format!(
            "PATH={}:$PATH\nlistener={}\nqueue={}\n",
            programs.parent().unwrap().display(),
            self.idspool.listener_spool().display(),
            self.idspool.ox_queue().display()
        );
        let mut command = Command::new("bash");
        command.arg("-c").arg(format!("{folders}{script}")).current_dir(self.idspool.path());
        for (variable, value) in ready.get_envs() {
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            };
        }
        command.output().unwrap()
    }

    /// Runs `idspool-ox`, which is to do everything that waits.
    pub(crate) fn provision(&self) {
        let output = self.run("idspool-ox", &["--once"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }

    /// Runs `idspool-ox`, which is to stop at a fault.
    pub(crate) fn stop(&self) {
        self.stop_with(self.idspool.command("idspool-ox", &["--once"]).unwrap());
    }

    pub(crate) fn stop_with(&self, mut command: Command) {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    }

    /// The fault at which a queue stands, as `explain` tells it. The message holds `word`, it says what to
    /// do, and the words for people have everything of it.
    pub(crate) fn explained(&self, queue: &str, case: &str, word: &str) -> Value {
        let output = self.run("idspool", &["--json", "explain", "--queue", queue]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let fault = answer["faults"][0].clone();
        let message = fault["message"].as_str().unwrap();
        assert_eq!(fault["case"], case, "{message}");
        assert!(message.contains(word), "{message}");
        let status = self.idspool.status(queue).unwrap();
        assert!(
            status["remedy"].is_string() || message.contains("; ") || message.contains(" ("),
            "{status}"
        );
        let words = text(&self.run("idspool", &["explain", "--queue", queue]).stdout);
        for key in ["meaning", "cause", "page"] {
            assert!(words.contains(fault[key].as_str().unwrap()), "{key}: {words}");
        }
        for step in fault["steps"].as_array().unwrap() {
            assert!(words.contains(step.as_str().unwrap()), "{words}");
        }
        fault
    }

    /// The same for `idspool-ox`, after it stopped.
    pub(crate) fn stops(&self, case: &str, word: &str) -> Value {
        self.stop();
        self.explained("ox", case, word)
    }

    /// Waits until a daemon has noted a fault.
    pub(crate) fn wait_for_fault(&self, queue: &str) {
        let stands = || (self.idspool.status(queue).unwrap()["stopped"] == true).then_some(());
        poll(SOON, stands).expect("a fault");
    }
}

pub(crate) fn dn_of(id: &str) -> String {
    format!("uid={id},cn=users,dc=example,dc=org")
}

/// A user without anything wrong.
pub(crate) fn user(name: &str) -> Value {
    json!({
        "isOxUser": "OK", "oxAccess": "premium", "oxContext": 10, "username": name,
        "firstname": "Given", "lastname": "Family", "oxDisplayName": format!("Given {name}"),
        "mailPrimaryAddress": format!("{name}@example.org"), "groups": [],
    })
}

pub(crate) fn with(mut object: Value, key: &str, value: impl Into<Value>) -> Value {
    object[key] = value.into();
    object
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
