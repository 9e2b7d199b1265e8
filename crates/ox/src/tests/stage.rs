//! A data directory, a server in memory, and the part of the loop between them.

use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Once;

use idspool_ox_soap::{ModuleAccess, User};
use idspool_provisioner::{Delivery, Facts, Fault, Objects, Outcome, Recipient as _, Waiting};
use idspool_service::{Ox as Config, Secret};
use idspool_spool::Spool;
use idspool_udm::ConvertedItem;
use serde_json::{Map, Value, json};

use crate::core::Core;
use crate::fake::Fake;
use crate::recipient::OxRecipient;
use crate::settings::Settings;

/// Id of the user that most tests are about.
pub(crate) const ANNA: &str = "0f3c9c6a-0000-103f-8000-000000000001";

pub(crate) struct Stage {
    dir: tempfile::TempDir,
    pub(crate) ox: Fake,
    config: Config,
    recipient: OxRecipient,
    pub(crate) objects: Objects,
    pub(crate) queue: Spool,
    pub(crate) waiting: WaitingIds,
    /// Whether the next items are re-provisioned.
    pub(crate) forced: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct WaitingIds(pub(crate) Vec<String>);

impl Waiting for WaitingIds {
    fn has(&self, object_id: &str) -> bool {
        self.0.iter().any(|id| id == object_id)
    }
}

impl Stage {
    pub(crate) fn new(ox: Fake) -> Self {
        Self::with_config(ox, Config::default())
    }

    pub(crate) fn with_config(ox: Fake, config: Config) -> Self {
        capture_log();
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
        let objects = Objects::open(&config.queue(), OxRecipient::INDEXING).unwrap();
        let recipient = recipient(&config, &ox);
        Self {
            dir,
            ox,
            config,
            recipient,
            objects,
            queue,
            waiting: WaitingIds::default(),
            forced: false,
        }
    }

    /// A new process over the same files, which it has seen all.
    pub(crate) fn restart(&mut self) {
        self.waiting.0 = self.queued().into_iter().map(|item| item.id).collect();
        self.recipient = recipient(&self.config, &self.ox);
    }

    /// A new process with other settings.
    pub(crate) fn reconfigure(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        self.restart();
    }

    /// What the rules share, for what is done beside them.
    pub(crate) fn core(&self) -> Core {
        core(&self.config, &self.ox)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn credentials(&self) -> Value {
        serde_json::from_slice(&fs::read(self.file("secrets/contexts.json")).unwrap()).unwrap()
    }

    pub(crate) fn set_credentials(&self, change: impl FnOnce(&mut Map<String, Value>)) {
        let mut all = self.credentials();
        change(all.as_object_mut().unwrap());
        fs::write(self.file("secrets/contexts.json"), all.to_string()).unwrap();
    }

    /// What the loop does with one item: deliver it, keep what becomes of it.
    pub(crate) fn deliver(&self, item: &ConvertedItem) -> Result<(), Fault> {
        self.deliver_file(item, &self.queue.dir().join("2026-01-01-00-00-00-000001.json"))
    }

    pub(crate) fn deliver_file(&self, item: &ConvertedItem, path: &Path) -> Result<(), Fault> {
        let (previous, facts) = match self.objects.previous(&item.id).unwrap() {
            Some((previous, facts)) => (Some(previous), facts),
            None => (None, None),
        };
        let is_copy = self.recipient.is_copy(item, path);
        let item = match &previous {
            Some(previous) if is_copy => previous,
            None if is_copy => return Ok(()),
            _ => item,
        };
        let outcome = self.recipient.deliver(&Delivery {
            item,
            path,
            previous: previous.as_ref(),
            facts: facts.as_ref(),
            forced: self.forced,
            objects: &self.objects,
            queue: &self.queue,
            waiting: &self.waiting,
        })?;
        match outcome {
            Outcome::Gone => self.objects.forget(&item.id).unwrap(),
            Outcome::Keep { object, facts } => {
                let item = ConvertedItem { object: Some(object), ..item.clone() };
                self.objects.store(&item, &facts).unwrap();
            }
        }
        Ok(())
    }

    /// Delivers an item that must succeed; the calls that it took.
    pub(crate) fn calls(&self, item: &ConvertedItem) -> Vec<String> {
        self.ox.calls();
        self.deliver(item).unwrap();
        self.ox.calls()
    }

    pub(crate) fn snapshot(&self, id: &str) -> Option<Map<String, Value>> {
        self.objects.snapshot(id).unwrap().and_then(|item| item.object)
    }

    pub(crate) fn facts(&self, id: &str) -> Option<Facts> {
        self.objects.facts(id).unwrap()
    }

    pub(crate) fn user(&self, context: i32, name: &str) -> User {
        self.ox.user_of(context, name).unwrap_or_else(|| panic!("no {name} in {context}")).1
    }

    pub(crate) fn access(&self, context: i32, name: &str) -> Option<ModuleAccess> {
        let (id, _) = self.ox.user_of(context, name).unwrap();
        self.ox.world().contexts[&context].users[&id].access
    }

    pub(crate) fn queued(&self) -> Vec<ConvertedItem> {
        let names = self.queue.names().unwrap();
        names
            .iter()
            .map(|name| ConvertedItem::parse(&fs::read(self.queue.path_of(name)).unwrap()).unwrap())
            .collect()
    }
}

fn recipient(config: &Config, ox: &Fake) -> OxRecipient {
    let core = core(config, ox);
    core.prepare_credentials().unwrap();
    OxRecipient::of(core)
}

fn core(config: &Config, ox: &Fake) -> Core {
    Core::new(Settings::new(config).unwrap(), Box::new(ox.clone())).unwrap()
}

/// An item of any type.
pub(crate) fn item(id: &str, module: &str, dn: &str, object: Value) -> ConvertedItem {
    let object = match object {
        Value::Object(object) => Some(object),
        _ => None,
    };
    ConvertedItem {
        id: id.into(),
        udm_object_type: module.into(),
        dn: dn.into(),
        options: object.is_some().then(|| vec!["default".to_owned()]),
        object,
        resync: false,
        old_data: None,
        user_passwords: None,
    }
}

/// Anna, an OX user of context 10, with some properties changed.
pub(crate) fn anna(changes: Value) -> ConvertedItem {
    let mut object = json!({
        "isOxUser": "OK", "oxContext": 10, "oxAccess": "premium", "username": "anna",
        "oxDisplayName": "Anna M", "firstname": "Anna", "lastname": "M",
        "mailPrimaryAddress": "anna@example.org", "mailAlternativeAddress": ["a.m@example.org"],
        "groups": [],
    });
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    item(ANNA, "users/user", "uid=anna,cn=users,dc=example,dc=org", object)
}

pub(crate) fn anna_deleted() -> ConvertedItem {
    item(ANNA, "users/user", "uid=anna,cn=users,dc=example,dc=org", Value::Null)
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
        tracing::subscriber::set_global_default(subscriber).unwrap();
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
