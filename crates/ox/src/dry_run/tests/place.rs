//! A data directory, a server in memory, and both ways to handle what waits.

use std::fs;
use std::path::Path;

use idspool_provisioner::{Ended, Engine, Mode, Objects};
use idspool_service::shutdown::Shutdown;
use idspool_service::{Ox as Config, Secret};
use idspool_spool::Spool;
use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::super::DryRun;
use super::super::stage::Stage;
use crate::core::Core;
use crate::fake::Fake;
use crate::ox::Ox;
use crate::recipient::OxRecipient;
use crate::settings::Settings;

pub(super) struct Place {
    dir: tempfile::TempDir,
    config: Config,
    pub(super) ox: Fake,
    pub(super) queue: Spool,
}

/// What a dry run said.
pub(super) struct Told {
    pub(super) items: Vec<Value>,
    pub(super) summary: Value,
}

impl Told {
    /// Operation and context of each call, up to the first faulty item.
    pub(super) fn calls(&self) -> Vec<String> {
        let good = self.items.iter().take_while(|item| item["faults"] == json!([]));
        good.flat_map(calls_of).collect()
    }
}

pub(super) fn calls_of(item: &Value) -> Vec<String> {
    let calls = item["calls"].as_array().unwrap().iter();
    calls
        .map(|call| format!("{} {}", call["operation"].as_str().unwrap(), call["context"]))
        .collect()
}

impl Place {
    pub(super) fn new(ox: Fake) -> Self {
        Self::with(ox, Config::default())
    }

    pub(super) fn with(ox: Fake, config: Config) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: dir.path().to_owned(),
            master_password: Some(Secret::new("m")),
            ..config
        };
        fs::create_dir(dir.path().join("secrets")).unwrap();
        let entry = json!({"adminuser": "oxadmin", "adminpass": "p"});
        let secrets = json!({"10": entry, "11": entry}).to_string();
        fs::write(dir.path().join("secrets/contexts.json"), secrets).unwrap();
        fs::write(
            dir.path().join("ModuleAccessDefinitions.properties"),
            "none=\n\nwebmail=contacts,webmail\n\npremium=contacts,tasks,webmail\n\n",
        )
        .unwrap();
        let queue = Spool::create(config.queue()).unwrap();
        Self { dir, config, ox, queue }
    }

    pub(super) fn data(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn put(&self, item: &ConvertedItem) {
        self.queue.enqueue(&item.to_queue_bytes()).unwrap();
    }

    /// A dry run; OX is as before, and only reads were asked of it.
    pub(super) fn dry_run(&self) -> Told {
        let before = self.ox.world();
        self.ox.calls();
        let told = self.told(Some(Box::new(self.ox.clone())));
        for call in self.ox.calls() {
            assert!(!is_write(&call), "{call}");
        }
        assert_eq!(self.ox.world(), before);
        told
    }

    /// A dry run that asks nobody.
    pub(super) fn offline(&self) -> Told {
        self.told(None)
    }

    fn told(&self, server: Option<Box<dyn Ox>>) -> Told {
        let stage = Stage::new(Settings::new(&self.config).unwrap(), server).unwrap();
        let mut out = Vec::new();
        DryRun { json: true, ..DryRun::default() }
            .rehearse(&self.config.queue(), &stage, &Shutdown::new(), &mut out)
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        let mut items: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let summary = items.pop().unwrap()["summary"].clone();
        Told { items, summary }
    }

    /// A run of the loop; its writing calls as [`Told::calls`] has them, and the item at which it stands.
    pub(super) fn run(&self) -> (Vec<String>, Option<String>) {
        let core =
            Core::new(Settings::new(&self.config).unwrap(), Box::new(self.ox.clone())).unwrap();
        core.prepare_credentials().unwrap();
        let recipient = OxRecipient::of(core);
        let objects = Objects::open(self.queue.dir(), OxRecipient::INDEXING).unwrap();
        let consumer = self.queue.consumer("test").unwrap();
        self.ox.answered();
        let ended =
            Engine::new(consumer, &recipient, &objects, Shutdown::new()).run(Mode::Once).unwrap();
        objects.close().unwrap();
        let calls = self.ox.answered();
        let calls = calls.iter().filter(|call| is_write(call)).map(|call| operation(call));
        let faulty = self.queue.state().unwrap().filename;
        let faulty = faulty.filter(|_| ended == Ended::Stopped);
        let name = |path: &std::path::PathBuf| path.file_name()?.to_str().map(str::to_owned);
        (calls.collect(), faulty.as_ref().and_then(name))
    }
}

fn is_write(call: &str) -> bool {
    let operation = call.split([' ', '.']).nth(1).unwrap();
    !["exists", "list"].contains(&operation)
        && !["getData", "getModuleAccess", "getMultipleData", "listAll", "listGroupsForUser"]
            .contains(&operation)
}

fn operation(call: &str) -> String {
    let mut words = call.split(' ');
    let (operation, second) = (words.next().unwrap(), words.next().unwrap());
    // The server notes the copied user before the contexts.
    let context = if operation == "UserCopy.copyUser" { words.next().unwrap() } else { second };
    format!("{operation} {context}")
}
