//! A directory, an OX server and an installation, with the sample entries.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use idspool_tests::{BASE_DN, Installation, LdapCli, Sandbox, Slapd};
use serde_json::Value;

pub(crate) const GROUP: &str = "groups/group";
pub(crate) const USER: &str = "users/user";
pub(crate) const RESOURCE: &str = "oxresources/oxresources";
pub(crate) const ACCOUNT: &str = "oxmail/functional_account";
pub(crate) const CONTEXT: &str = "oxmail/oxcontext";

/// Far more than a loaded test machine needs.
pub(crate) const SOON: Duration = Duration::from_secs(90);

/// All types, those first that others need: the order in which a directory is reported does not matter, but a full
/// report in one pass should not wait for anything.
const TYPES: [&str; 6] = [CONTEXT, "oxmail/accessprofile", USER, GROUP, ACCOUNT, RESOURCE];

pub(crate) struct World {
    pub(crate) slapd: Slapd,
    pub(crate) sandbox: Sandbox,
    pub(crate) idspool: Installation,
}

/// One group of a context: its id and the logins of its members.
type Members = (i64, Vec<String>);

impl World {
    /// With the sample entries provisioned, and these lines at the end of `[ox]`.
    pub(crate) fn new(settings: &str) -> Self {
        let world = Self::reported(settings, &[]);
        world.once();
        world
    }

    /// With the sample entries reported.
    pub(crate) fn reported(settings: &str, sandbox_arguments: &[&str]) -> Self {
        let slapd = Slapd::start().unwrap();
        let sandbox = Sandbox::start(sandbox_arguments).unwrap();
        let idspool = Installation::new(&slapd.url(), sandbox.url()).unwrap();
        let file = idspool.path().join("idspool.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text + settings).unwrap();
        let world = Self { slapd, sandbox, idspool };
        for object_type in TYPES {
            let filter = format!("(univentionObjectType={object_type})");
            world.idspool.hook_all(&world.ldap(), &filter, object_type).unwrap();
        }
        world
    }

    pub(crate) fn ldap(&self) -> LdapCli {
        self.slapd.cli()
    }

    pub(crate) fn user(uid: &str) -> String {
        format!("uid={uid},cn=users,{BASE_DN}")
    }

    pub(crate) fn group(cn: &str) -> String {
        format!("cn={cn},cn=groups,{BASE_DN}")
    }

    pub(crate) fn account(cn: &str) -> String {
        format!("cn={cn},cn=functional_accounts,cn=open-xchange,{BASE_DN}")
    }

    pub(crate) fn resource(cn: &str) -> String {
        format!("cn={cn},cn=oxresources,cn=open-xchange,{BASE_DN}")
    }

    pub(crate) fn report(&self, dn: &str, object_type: &str) {
        let uuid = self.slapd.entry_uuid(dn).unwrap();
        self.idspool.hook(&uuid, dn, object_type, "modify").unwrap();
    }

    /// Deletes an entry and reports it.
    pub(crate) fn delete(&self, dn: &str, object_type: &str) {
        let uuid = self.slapd.entry_uuid(dn).unwrap();
        self.ldap().delete(dn).unwrap();
        self.idspool.hook(&uuid, dn, object_type, "delete").unwrap();
    }

    /// One pass of both programs, as cron would run them.
    pub(crate) fn once(&self) {
        for program in ["idspool-converter", "idspool-ox"] {
            let output = self.idspool.run(program, &["--once"]).unwrap();
            let log = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{program}: {log}");
        }
        let waiting = Installation::waiting(&self.idspool.ox_queue());
        assert!(waiting.is_empty(), "{waiting:?}");
    }

    /// The calls to OX that a change and one pass make.
    pub(crate) fn calls(&self, change: impl FnOnce()) -> Vec<String> {
        let before = self.sandbox.last_call().unwrap();
        change();
        self.once();
        self.sandbox.calls_since(before).unwrap()
    }

    pub(crate) fn context(&self, id: i64) -> Value {
        let state = self.sandbox.get(&format!("/state?context={id}")).unwrap();
        state["contexts"][0].clone()
    }

    /// Makes an OX user of context 10 of a user that is none, and reports it.
    pub(crate) fn make_ox_user(&self, dn: &str) {
        for (attribute, value) in [
            ("mailPrimaryAddress", "late@example.org"),
            ("oxContextIDNum", "10"),
            ("isOxUser", "OK"),
        ] {
            self.ldap().replace(dn, attribute, &[value]).unwrap();
        }
        self.report(dn, USER);
    }

    /// Groups of a context by name, without the one of all users.
    pub(crate) fn groups(&self, context: i64) -> BTreeMap<String, Members> {
        let context = self.context(context);
        let login = |id: &Value| {
            let users = context["users"].as_array().unwrap();
            let user = users.iter().find(|user| user["id"] == *id).expect("a member exists");
            user["name"].as_str().unwrap().to_owned()
        };
        let groups = context["groups"].as_array().unwrap().iter().skip(1);
        groups
            .map(|group| {
                let members = group["members"].as_array().unwrap();
                let mut members: Vec<String> = members.iter().map(login).collect();
                members.sort();
                (
                    group["name"].as_str().unwrap().to_owned(),
                    (group["id"].as_i64().unwrap(), members),
                )
            })
            .collect()
    }

    /// `login of the account: login of the user` for each functional account of a context.
    pub(crate) fn accounts(&self, context: i64) -> Vec<String> {
        let context = self.context(context);
        let users = context["users"].as_array().unwrap();
        let mut accounts: Vec<String> = context["accounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|account| {
                let owner = users.iter().find(|user| user["id"] == account["userId"]).unwrap();
                format!(
                    "{} {}: {}",
                    account["primaryAddress"].as_str().unwrap(),
                    account["login"].as_str().unwrap(),
                    owner["name"].as_str().unwrap()
                )
            })
            .collect();
        accounts.sort();
        accounts
    }

    pub(crate) fn resources(&self, context: i64) -> Vec<Value> {
        self.context(context)["resources"].as_array().cloned().unwrap_or_default()
    }
}

pub(crate) fn members(logins: &[&str]) -> Vec<String> {
    logins.iter().map(|login| (*login).to_owned()).collect()
}
