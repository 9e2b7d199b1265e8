//! A slapd, a listener's spool, the consumers' spools and a configuration file that joins them.

#![allow(dead_code, reason = "not every test file uses all of it")]
#![allow(unreachable_pub, reason = "a module of tests is public to nobody")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail as a test does")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use idspool_converter::{Converter, Mode, Outcome};
use idspool_service::Config;
use idspool_spool::{ItemName, Spool};
use idspool_tests::{BASE_DN, Daemon, Ended, READER_DN, READER_PASSWORD, Slapd};
use idspool_udm::ConvertedItem;
use tempfile::TempDir;

/// Nothing here takes that long, except on a machine that is busy with something else.
pub const SOON: Duration = Duration::from_secs(60);

pub const OEHLER: &str = "uid=a.oehler,cn=users,dc=example,dc=org";
pub const VERTRIEB: &str = "cn=ox-vertrieb,cn=groups,dc=example,dc=org";

pub struct Site {
    pub slapd: Slapd,
    pub root: TempDir,
    pub listener: Spool,
}

impl Site {
    pub fn new() -> Site {
        Site::with(Slapd::start().unwrap(), "")
    }

    pub fn with(slapd: Slapd, more: &str) -> Site {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("password"), READER_PASSWORD).unwrap();
        let listener = Spool::create(root.path().join("listener")).unwrap();
        let site = Site { slapd, root, listener };
        site.configure("", more);
        site
    }

    /// Writes the configuration; `directory` are more keys of its table, `more` more tables.
    pub fn configure(&self, directory: &str, more: &str) {
        let url = self.slapd.url();
        let text = format!(
            "[directory]\nurl = '{url}'\nbase_dn = '{BASE_DN}'\nbind_dn = '{READER_DN}'\n\
             bind_password_file = 'password'\n{directory}\n\
             [listener]\nspool = 'listener'\n[ox]\ndata_dir = 'ox'\n{more}\n"
        );
        std::fs::write(self.config(), text).unwrap();
    }

    pub fn config(&self) -> PathBuf {
        self.root.path().join("idspool.toml")
    }

    pub fn ox(&self) -> Spool {
        Spool::create(self.root.path().join("ox/listener")).unwrap()
    }

    pub fn kelvin(&self) -> Spool {
        Spool::create(self.root.path().join("kelvin/listener")).unwrap()
    }

    pub fn change(&self, dn: &str, object_type: &str, command: &str) -> String {
        let uuid = self.slapd.entry_uuid(dn).unwrap();
        self.change_of(&uuid, dn, object_type, command);
        uuid
    }

    pub fn change_of(&self, uuid: &str, dn: &str, object_type: &str, command: &str) {
        let change = idspool_listener::change(uuid, dn, object_type, command, false).unwrap();
        idspool_listener::enqueue(&self.listener, &[change]).unwrap();
    }

    /// A listener file as a script writes it.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.listener.dir().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn once(&self) -> Outcome {
        let config = Config::load(Some(&self.config())).unwrap();
        Converter::new(&config).unwrap().run(Mode::Once).unwrap()
    }

    pub fn program(&self, arguments: &[&str]) -> Daemon {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idspool-converter"));
        command.arg("--config").arg(self.config()).args(arguments);
        Daemon::spawn(command).unwrap()
    }

    pub fn once_as_process(&self) -> Ended {
        self.program(&["--once"]).wait(SOON).unwrap()
    }
}

pub fn read(spool: &Spool, name: &ItemName) -> ConvertedItem {
    ConvertedItem::parse(&spool.read(name, 1 << 24).unwrap().bytes).unwrap()
}

pub fn items(spool: &Spool) -> Vec<ConvertedItem> {
    spool.names().unwrap().iter().map(|name| read(spool, name)).collect()
}

/// Sets the time of the last write far back.
pub fn age(path: &Path) {
    let status = Command::new("touch").args(["-d", "2001-01-01"]).arg(path).status().unwrap();
    assert!(status.success());
}

/// Waits until the spool has at least `count` items.
pub fn wait_for_items(spool: &Spool, count: usize) -> Vec<ItemName> {
    idspool_tests::poll(SOON, || {
        let names = spool.names().unwrap();
        (names.len() >= count).then_some(names)
    })
    .unwrap_or_else(|| panic!("{} has not got {count} items", spool.dir().display()))
}
