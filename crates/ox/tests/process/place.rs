//! A data directory, a stand-in server, and the program between them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use idspool_sandbox::ox::{Options, Server, serve};
use idspool_spool::Spool;
use idspool_tests::{Daemon, Ended};
use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

pub(crate) const ANNA: &str = "0f3c9c6a-0000-103f-8000-000000000001";
pub(crate) const ANNA_DN: &str = "uid=anna,cn=users,dc=example,dc=org";
pub(crate) const MASTER_PASSWORD: &str = "m4ster-s3cret";

pub(crate) struct Place {
    dir: tempfile::TempDir,
    pub(crate) server: Server,
    seen: AtomicU64,
}

impl Place {
    pub(crate) fn new(options: Options) -> Self {
        let options = Options { master_password: MASTER_PASSWORD.to_owned(), ..options };
        Self {
            dir: tempfile::tempdir().unwrap(),
            server: serve(options).unwrap(),
            seen: AtomicU64::new(0),
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn spool(&self) -> Spool {
        Spool::create(self.data().join("listener")).unwrap()
    }

    pub(crate) fn enqueue(&self, item: &ConvertedItem) {
        self.spool().enqueue(&item.to_queue_bytes()).unwrap();
    }

    pub(crate) fn queued(&self) -> usize {
        self.spool().names().unwrap().len()
    }

    /// The program with a configuration from the environment alone.
    fn command(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idspool-ox"));
        command
            .args(arguments)
            .arg("--data")
            .arg(self.data())
            .current_dir(self.dir.path())
            .env_clear()
            .env("OX_SOAP_SERVER", self.server.url())
            .env("OX_MASTER_ADMIN", "oxadminmaster")
            .env("OX_MASTER_PASSWORD", MASTER_PASSWORD)
            .envs(variables.iter().copied());
        command
    }

    pub(crate) fn run(&self) -> Ended {
        self.run_with(&["--once"], &[])
    }

    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let daemon = Daemon::spawn(self.command(arguments, variables)).unwrap();
        daemon.wait(Duration::from_secs(60)).unwrap()
    }

    pub(crate) fn start(&self) -> Daemon {
        self.start_with(&[])
    }

    pub(crate) fn start_with(&self, variables: &[(&str, &str)]) -> Daemon {
        Daemon::spawn(self.command(&[], variables)).unwrap()
    }

    /// Calls since the last question, as `Service.operation outcome`.
    pub(crate) fn server_calls(&self) -> Vec<String> {
        let calls = self.server.calls(self.seen.load(Ordering::SeqCst));
        if let Some(last) = calls.last() {
            self.seen.store(last.number, Ordering::SeqCst);
        }
        calls
            .iter()
            .map(|call| format!("{}.{} {}", call.service, call.operation, call.outcome))
            .collect()
    }

    pub(crate) fn text(&self, context: i32, user: &str, field: &str) -> Option<String> {
        self.server.inspect(|world| {
            Some(world.context(context)?.user_named(user)?.text(field)?.to_owned())
        })
    }

    pub(crate) fn id(&self, context: i32, user: &str) -> Option<i32> {
        self.server.inspect(|world| Some(world.context(context)?.user_named(user)?.id))
    }

    pub(crate) fn rights(&self, context: i32, user: &str) -> Vec<String> {
        self.server.inspect(|world| {
            let context = world.context(context).unwrap();
            let user = context.user_named(user).unwrap();
            // Rights that are never sent keep the server's default.
            let default = ["OLOX20", "publication", "publicFolderEditable"];
            let rights = context.rights(user).into_iter().filter(|right| !default.contains(right));
            rights.map(str::to_owned).collect()
        })
    }

    /// Users of all contexts, with what decides whether a run went well.
    pub(crate) fn state(&self) -> Value {
        let users: Vec<Value> = self.server.inspect(|world| {
            world
                .contexts()
                .flat_map(|context| {
                    context.users().map(|user| {
                        let fields: Vec<_> =
                            user.fields().filter(|(name, _)| *name != "id").collect();
                        json!([context.id, fields, context.rights(user)])
                    })
                })
                .collect()
        });
        // The id depends on how often a copy was tried.
        let mut snapshot = self.snapshot(ANNA);
        snapshot["object"]["oxDbId"] = Value::Null;
        json!({"users": users, "snapshot": snapshot})
    }

    pub(crate) fn snapshot_path(&self, id: &str) -> PathBuf {
        self.data().join(format!("listener/old/{id}.json"))
    }

    pub(crate) fn snapshot(&self, id: &str) -> Value {
        read_json(&self.snapshot_path(id))
    }

    pub(crate) fn credentials(&self) -> Value {
        read_json(&self.data().join("secrets/contexts.json"))
    }

    pub(crate) fn set_credentials(&self, credentials: &Value) {
        fs::create_dir_all(self.data().join("secrets")).unwrap();
        fs::write(self.data().join("secrets/contexts.json"), credentials.to_string()).unwrap();
    }

    /// Creates a group as another client of the server would.
    pub(crate) fn create_group(&self, context: i32, name: &str, members: &[i32]) {
        let entry = &self.credentials()[context.to_string()];
        let members: String =
            members.iter().map(|id| format!("<d:members>{id}</d:members>")).collect();
        let envelope = format!(
            "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>\
             <s:create xmlns:s=\"http://soap.admin.openexchange.com\" \
             xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\" \
             xmlns:r=\"http://dataobjects.rmi.admin.openexchange.com/xsd\">\
             <s:ctx><d:id>{context}</d:id></s:ctx>\
             <s:grp><d:displayname>{name}</d:displayname>{members}<d:name>{name}</d:name></s:grp>\
             <s:auth><r:login>{}</r:login><r:password>{}</r:password></s:auth>\
             </s:create></soap:Body></soap:Envelope>",
            entry["adminuser"].as_str().unwrap(),
            entry["adminpass"].as_str().unwrap(),
        );
        let mut connection = TcpStream::connect(self.server.address()).unwrap();
        write!(
            connection,
            "POST /webservices/OXGroupService HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml; \
             charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{envelope}",
            envelope.len()
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

fn read_json(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap()
}

pub(crate) fn item(id: &str, module: &str, dn: &str, object: Value) -> ConvertedItem {
    let object = object.as_object().cloned();
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

pub(crate) fn anna(changes: Value) -> ConvertedItem {
    let mut object = json!({
        "isOxUser": "OK", "oxContext": 10, "oxAccess": "premium", "username": "anna",
        "oxDisplayName": "Anna M", "firstname": "Anna", "lastname": "M", "oxUserQuota": "-1",
        "mailPrimaryAddress": "anna@example.org", "mailAlternativeAddress": ["anna@example.org"],
        "groups": [], "birthday": "24.12.1980",
    });
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    item(ANNA, "users/user", ANNA_DN, object)
}

pub(crate) fn context(id: i32) -> ConvertedItem {
    let name = format!("context{id}");
    let object = json!({"contextid": id, "name": name, "oxQuota": "1000"});
    item(&format!("c-{id}"), "oxmail/oxcontext", &format!("cn={name},dc=example,dc=org"), object)
}

pub(crate) fn profile(name: &str, flags: &[&str]) -> ConvertedItem {
    let mut object = json!({"name": name, "displayname": name});
    for flag in flags {
        object[*flag] = json!("TRUE");
    }
    item(&format!("p-{name}"), "oxmail/accessprofile", &format!("cn={name},dc=example"), object)
}
