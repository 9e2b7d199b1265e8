//! An installation whose sides can be altered behind the back of the others.

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use idspool_tests::{BASE_DN, Installation, Sandbox, Slapd};
use serde_json::Value;

/// Far more than a loaded test machine needs.
pub(crate) const SOON: Duration = Duration::from_secs(60);

const TYPES: [&str; 6] = [
    "oxmail/oxcontext",
    "oxmail/accessprofile",
    "users/user",
    "groups/group",
    "oxmail/functional_account",
    "oxresources/oxresources",
];

pub(crate) struct World {
    pub(crate) slapd: Slapd,
    pub(crate) sandbox: Sandbox,
    pub(crate) idspool: Installation,
}

impl World {
    /// An installation in which everything is delivered.
    pub(crate) fn provisioned() -> Self {
        Self::configured("")
    }

    /// The same with further lines of `[ox]`.
    pub(crate) fn configured(settings: &str) -> Self {
        let slapd = Slapd::start().unwrap();
        let sandbox = Sandbox::start(&[]).unwrap();
        let idspool = Installation::new(&slapd.url(), sandbox.url()).unwrap();
        let file = idspool.path().join("idspool.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text + settings).unwrap();
        let world = Self { slapd, sandbox, idspool };
        for object_type in TYPES {
            let filter = format!("(univentionObjectType={object_type})");
            world.idspool.hook_all(&world.slapd.cli(), &filter, object_type).unwrap();
        }
        world.once();
        world
    }

    pub(crate) fn dn(uid: &str) -> String {
        format!("uid={uid},cn=users,{BASE_DN}")
    }

    pub(crate) fn uuid(&self, uid: &str) -> String {
        self.slapd.entry_uuid(&Self::dn(uid)).unwrap()
    }

    /// One pass of both programs, as cron would run them.
    pub(crate) fn once(&self) {
        for program in ["idspool-converter", "idspool-ox"] {
            let output = self.idspool.run(program, &["--once"]).unwrap();
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{program}: {log}");
        }
    }

    pub(crate) fn check(&self, arguments: &[&str]) -> Output {
        let mut all = vec!["ox", "check-sync"];
        all.extend(arguments);
        self.idspool.run("idspool", &all).unwrap()
    }

    /// Exit status and lines.
    pub(crate) fn one(&self, dn: &str, arguments: &[&str]) -> (i32, String) {
        let mut all = vec!["--dn", dn];
        all.extend(arguments);
        text(&self.check(&all))
    }

    /// The findings for all objects, and the summary.
    pub(crate) fn all(&self, arguments: &[&str]) -> (Vec<Value>, Value) {
        let mut all = vec!["--all", "--json"];
        all.extend(arguments);
        let output = self.check(&all);
        let (code, lines) = text(&output);
        let mut lines: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let summary = lines.pop().unwrap_or_default()["summary"].clone();
        let is_consistent = summary["inconsistent"] == 0;
        assert_eq!(code, i32::from(!is_consistent), "{summary}");
        (lines, summary)
    }

    pub(crate) fn assert_consistent(&self) {
        let (findings, summary) = self.all(&[]);
        assert_eq!(findings, [] as [Value; 0], "{summary}");
    }

    /// Calls an operation of OX as the administrator of a context.
    pub(crate) fn soap(&self, context: i32, service: &str, body: &str) {
        self.soap_as(&context.to_string(), service, body);
    }

    /// Calls an operation of OX with the credentials of this entry.
    pub(crate) fn soap_as(&self, entry: &str, service: &str, body: &str) {
        let path = self.idspool.path().join("spool/ox/secrets/contexts.json");
        let contexts: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let admin = &contexts[entry];
        let [login, password] = ["adminuser", "adminpass"].map(|key| admin[key].as_str().unwrap());
        let auth = format!(
            "<s:auth><r:login>{login}</r:login><r:password>{password}</r:password></s:auth>"
        );
        let body = body.replace("AUTH", &auth);
        let envelope = format!(
            "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:s=\"http://soap.admin.openexchange.com\" \
             xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\" \
             xmlns:r=\"http://dataobjects.rmi.admin.openexchange.com/xsd\">\
             <soap:Body>{body}</soap:Body></soap:Envelope>"
        );
        assert_eq!(self.sandbox.soap(service, &envelope).unwrap(), 200, "{body}");
    }

    pub(crate) fn state(&self, context: i64, list: &str, name: &str) -> Value {
        let state = self.sandbox.get("/state").unwrap();
        let contexts = state["contexts"].as_array().unwrap();
        let context = contexts.iter().find(|found| found["id"] == context).unwrap();
        let found = context[list].as_array().unwrap().iter().find(|found| found["name"] == name);
        found.cloned().unwrap_or_default()
    }

    pub(crate) fn change_user(&self, uid: &str, fields: &str) {
        let id = self.sandbox.user(10, uid).unwrap().unwrap()["id"].clone();
        self.soap(
            10,
            "OXUserService",
            &format!(
                "<s:change><s:ctx><d:id>10</d:id></s:ctx><s:usrdata>{fields}</s:usrdata>AUTH</s:change>"
            )
            .replace("ID", &id.to_string()),
        );
    }

    pub(crate) fn delete_user(&self, uid: &str) {
        let id = self.sandbox.user(10, uid).unwrap().unwrap()["id"].clone();
        self.soap(
            10,
            "OXUserService",
            &format!(
                "<s:delete><s:ctx><d:id>10</d:id></s:ctx><s:user><d:id>{id}</d:id></s:user>AUTH</s:delete>"
            ),
        );
    }

    pub(crate) fn snapshot_path(&self, uuid: &str) -> PathBuf {
        self.idspool.ox_queue().join(format!("old/{uuid}.json"))
    }

    pub(crate) fn edit_snapshot(&self, uuid: &str, edit: impl FnOnce(&mut Value)) {
        let mut snapshot = self.idspool.snapshot(uuid).unwrap();
        edit(&mut snapshot["object"]);
        fs::write(self.snapshot_path(uuid), snapshot.to_string()).unwrap();
    }
}

pub(crate) fn text(output: &Output) -> (i32, String) {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(errors, "", "{}", String::from_utf8_lossy(&output.stdout));
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The members of a finding that tell what differs.
pub(crate) fn brief(finding: &Value) -> Value {
    let keys = ["kind", "context", "field", "snapshot", "ox", "directory"];
    keys.iter().map(|key| ((*key).to_owned(), finding[*key].clone())).collect()
}

/// Everything in a folder, with times and contents.
pub(crate) fn picture(folder: &std::path::Path) -> Vec<(PathBuf, std::time::SystemTime, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        if path.is_dir() {
            all.push((path.clone(), modified, Vec::new()));
            all.extend(picture(&path));
        } else {
            all.push((path.clone(), modified, fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}
