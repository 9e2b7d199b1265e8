//! An authority with a server in memory, and the part of the loop around its rules.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use idspool_kelvin_client::Attributes;
use idspool_provisioner::{Delivery, Fault, Objects, Outcome, Recipient as _, Waiting};
use idspool_service::Secret;
use idspool_spool::Spool;
use idspool_udm::school::{Containers, Role};
use idspool_udm::{ConvertedItem, OldData, UserPasswords};
use serde_json::{Value, json};

use crate::conf::{AttributeMapping, Authority, Mappings, Plugin, SchoolMapping, SslContext};
use crate::fake::{Failure, Fake};
use crate::kelvin::Kelvin;
use crate::recipient::KelvinRecipient;
use crate::site::{Settings, Site};
use crate::source::{SchoolUsers, SourceError};
use crate::target::Target;

/// Id of the user that most tests are about.
pub(crate) const ANNA: &str = "0b0c7f1e-0000-1040-8000-3f0a1f5f0001";

/// The mapping of id-connector 5.2, with relations.
pub(crate) fn authority() -> Authority {
    let mapping = [
        ("birthday", "birthday"),
        ("disabled", "disabled"),
        ("e-mail", "email"),
        ("firstname", "firstname"),
        ("lastname", "lastname"),
        ("mailPrimaryAddress", "email"),
        ("phone", "phone"),
        ("roles", "roles"),
        ("school", "school"),
        ("school_classes", "school_classes"),
        ("schools", "schools"),
        ("title", "title"),
        ("ucsschoolLegalGuardian", "legal_guardians"),
        ("ucsschoolLegalWard", "legal_wards"),
        ("ucsschoolRecordUID", "record_uid"),
        ("ucsschoolSourceUID", "source_uid"),
        ("userexpiry", "expiration_date"),
        ("username", "name"),
    ];
    let mapping: AttributeMapping =
        mapping.into_iter().map(|(from, to)| (from.to_owned(), to.to_owned())).collect();
    Authority {
        name: "a".parse().unwrap(),
        active: true,
        url: "https://kelvin.example/ucsschool/kelvin/v1/".into(),
        plugin: Plugin::Kelvin,
        username: "idc".into(),
        password: Secret::new("s3cret"),
        mappings: Mappings {
            users: Some(mapping),
            users_by_role: BTreeMap::new(),
            school_classes: None,
        },
        sync_password_hashes: true,
        ssl_context: SslContext::default(),
        ignored_roles: std::collections::BTreeSet::new(),
    }
}

pub(crate) fn settings() -> Settings {
    Settings { source_uid: "T".into(), containers: Containers::default() }
}

#[derive(Debug)]
struct NoUsers;

impl SchoolUsers for NoUsers {
    fn roles(&self, _: &[&str]) -> Result<HashMap<String, Vec<Role>>, SourceError> {
        Ok(HashMap::new())
    }
}

/// The authority of [`authority`], which has these schools.
pub(crate) fn site(fake: &Fake, schools: &[&str]) -> Site {
    site_of(Arc::new(fake.clone()), authority(), schools)
}

fn site_of(kelvin: Arc<dyn Kelvin>, authority: Authority, schools: &[&str]) -> Site {
    let other: crate::conf::AuthorityName = "other".parse().unwrap();
    let own = schools.iter().map(|&school| (school.to_owned(), authority.name.clone()));
    let pairs = [("foreign".to_owned(), other)].into_iter().chain(own);
    let schools = Arc::new(SchoolMapping::new(pairs));
    let target = Target::new(kelvin);
    Site::new(Arc::new(authority), schools, settings(), target, Arc::new(NoUsers))
}

/// A student.
pub(crate) fn item(object: Value) -> ConvertedItem {
    ConvertedItem {
        id: ANNA.into(),
        udm_object_type: "users/user".into(),
        dn: "uid=anna,cn=schueler,cn=users,ou=S1,dc=x".into(),
        object: object.as_object().cloned(),
        options: Some(vec!["default".into(), "ucsschoolStudent".into()]),
        resync: false,
        old_data: None,
        user_passwords: None,
    }
}

pub(crate) fn class_dn(school: &str, name: &str) -> String {
    format!("cn={school}-{name},cn=klassen,cn=schueler,cn=groups,ou={school},dc=x")
}

/// Anna, student of class 1a at S1.
pub(crate) fn anna() -> ConvertedItem {
    person(ANNA, "anna", "1", "Student", json!({"groups": [class_dn("S1", "1a")]}))
}

/// A user of S1 with some properties.
pub(crate) fn person(
    id: &str,
    name: &str,
    record_uid: &str,
    kind: &str,
    more: Value,
) -> ConvertedItem {
    let mut object = json!({
        "username": name, "firstname": "Anna", "lastname": "A", "disabled": false,
        "birthday": "2011-05-30", "userexpiry": null, "mailPrimaryAddress": null, "e-mail": [],
        "phone": ["+49 1"], "title": null, "school": ["S1"], "groups": [],
        "ucsschoolRole": [format!("{}:school:S1", kind.to_lowercase())],
        "ucsschoolRecordUID": record_uid, "ucsschoolSourceUID": "SIS",
    });
    object.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    ConvertedItem {
        id: id.into(),
        dn: format!("uid={name},cn=users,ou=S1,dc=x"),
        options: Some(vec!["default".into(), format!("ucsschool{kind}")]),
        ..item(object)
    }
}

/// The item with other values.
pub(crate) fn with(item: &ConvertedItem, more: Value) -> ConvertedItem {
    let mut changed = item.clone();
    changed.object.as_mut().unwrap().extend(more.as_object().cloned().unwrap());
    changed
}

/// The item's object is gone.
pub(crate) fn gone(item: &ConvertedItem) -> ConvertedItem {
    ConvertedItem { object: None, options: None, user_passwords: None, ..item.clone() }
}

/// What was known before.
pub(crate) fn known(record_uid: &str, schools: &[&str]) -> Option<OldData> {
    Some(OldData {
        record_uid: Some(record_uid.to_owned()).filter(|uid| !uid.is_empty()),
        source_uid: Some("SIS".into()),
        schools: schools.iter().map(|&school| school.to_owned()).collect(),
        users: Vec::new(),
    })
}

pub(crate) fn hashes(nt: &str) -> Option<UserPasswords> {
    Some(UserPasswords {
        user_password: vec!["{crypt}$6$x".into()],
        samba_nt_password: nt.into(),
        krb5_key: vec!["MB2h".into()],
        krb5_key_version_number: 3,
        samba_pwd_last_set: 1_700_000_000,
    })
}

#[derive(Debug, Default)]
pub(crate) struct WaitingIds(pub(crate) Vec<String>);

impl Waiting for WaitingIds {
    fn has(&self, object_id: &str) -> bool {
        self.0.iter().any(|id| id == object_id)
    }
}

/// A server that items are delivered to.
pub(crate) trait Server {
    fn kelvin(&self) -> Arc<dyn Kelvin>;

    /// Lets the `call`-th request from now on fail, counted from 1, and no other.
    fn fail_at(&self, call: usize, failure: Failure);

    /// The names of all users, in order.
    fn users(&self) -> Vec<String>;

    /// A user as the server shows it.
    fn shown(&self, name: &str) -> Option<Attributes>;
}

impl Server for Fake {
    fn kelvin(&self) -> Arc<dyn Kelvin> {
        Arc::new(self.clone())
    }

    fn fail_at(&self, call: usize, failure: Failure) {
        self.fail_at(call, failure);
    }

    fn users(&self) -> Vec<String> {
        self.world().accounts.into_keys().collect()
    }

    fn shown(&self, name: &str) -> Option<Attributes> {
        self.shown(name)
    }
}

pub(crate) struct Stage<S = Fake> {
    dir: tempfile::TempDir,
    /// The server.
    pub(crate) fake: S,
    recipient: KelvinRecipient,
    pub(crate) objects: Objects,
    queue: Spool,
    pub(crate) waiting: WaitingIds,
    /// Whether the next items are re-provisioned.
    pub(crate) forced: bool,
    mapped: Vec<String>,
}

impl Stage<Fake> {
    /// An authority with the schools S1, S2, S3, all of which the server has; and Foreign, which is another
    /// authority's.
    pub(crate) fn new() -> Self {
        Self::with(authority())
    }

    pub(crate) fn with(authority: Authority) -> Self {
        Self::of(authority, &["S1", "S2", "S3", "Foreign"], &["s1", "s2", "s3"])
    }

    /// A server with some schools, and an authority that has some.
    pub(crate) fn of(authority: Authority, schools: &[&str], mapped: &[&str]) -> Self {
        let stage = Stage::over(Fake::with_schools(schools), authority, mapped);
        stage.fake.calls();
        stage
    }

    /// Delivers an item that must succeed; the requests that it took.
    pub(crate) fn calls(&self, item: &ConvertedItem) -> Vec<String> {
        self.fake.calls();
        self.deliver(item).unwrap();
        self.fake.calls()
    }

    /// Delivers an item that must succeed; what was sent last.
    pub(crate) fn sent(&self, item: &ConvertedItem) -> Value {
        self.fake.requests();
        self.deliver(item).unwrap();
        let mut bodies = self.fake.requests().into_iter().filter_map(|request| request.body);
        bodies.next_back().unwrap_or(Value::Null)
    }
}

impl<S: Server> Stage<S> {
    /// The authority with these schools.
    pub(crate) fn over(server: S, authority: Authority, mapped: &[&str]) -> Self {
        let fake = server;
        let dir = tempfile::tempdir().unwrap();
        let queue = Spool::create(dir.path()).unwrap();
        let objects = Objects::open(dir.path(), KelvinRecipient::INDEXING).unwrap();
        let site = site_of(fake.kelvin(), authority, mapped);
        // So that tests count what items need.
        site.target.read().unwrap();
        let mapped = mapped.iter().map(|&school| school.to_owned()).collect();
        let recipient = KelvinRecipient::new(site);
        let waiting = WaitingIds::default();
        Self { dir, fake, recipient, objects, queue, waiting, forced: false, mapped }
    }

    /// A new process over the same files, with another configuration.
    pub(crate) fn reconfigure(&mut self, change: impl FnOnce(&mut Authority)) {
        let mut authority = authority();
        change(&mut authority);
        let mapped: Vec<&str> = self.mapped.iter().map(String::as_str).collect();
        self.recipient = KelvinRecipient::new(site_of(self.fake.kelvin(), authority, &mapped));
    }

    /// A new process, whose authority has other schools.
    pub(crate) fn map_schools(&mut self, schools: &[&str]) {
        self.mapped = schools.iter().map(|&school| school.to_owned()).collect();
        self.reconfigure(|_| ());
    }

    /// A new process that finds no mapping.
    pub(crate) fn lose_mapping(&mut self) {
        let site = site_of(self.fake.kelvin(), authority(), &[]);
        self.recipient = KelvinRecipient::new(Site { schools: Arc::default(), ..site });
    }

    /// A process that starts again with a lost index.
    pub(crate) fn rebuild_index(&mut self) {
        self.objects.rebuild(&mut |_| ()).unwrap();
    }

    /// What the recipient does with an item, and nothing after it: as if the process ended there.
    pub(crate) fn hand_over(&self, item: &ConvertedItem) -> Result<Outcome, Fault> {
        let (previous, facts) = self.objects.previous(&item.id).unwrap().unzip();
        let facts = facts.flatten();
        self.recipient.deliver(&Delivery {
            item,
            path: &self.dir.path().join("2026-01-01-00-00-00-000001.json"),
            previous: previous.as_ref(),
            facts: facts.as_ref(),
            forced: self.forced,
            objects: &self.objects,
            queue: &self.queue,
            waiting: &self.waiting,
        })
    }

    /// What the loop does with an item: deliver it, keep what becomes of it.
    pub(crate) fn deliver(&self, item: &ConvertedItem) -> Result<(), Fault> {
        match self.hand_over(item)? {
            Outcome::Gone => self.objects.forget(&item.id).unwrap(),
            Outcome::Keep { object, facts } => {
                let item = ConvertedItem { object: Some(object), ..item.clone() };
                self.objects.store(&item, &facts).unwrap();
            }
        }
        Ok(())
    }

    /// Delivers an item that must fail.
    pub(crate) fn fault(&self, item: &ConvertedItem) -> Fault {
        self.deliver(item).unwrap_err()
    }

    /// An attribute of a user as the server shows it.
    pub(crate) fn shown(&self, name: &str, attribute: &str) -> Value {
        let user = self.fake.shown(name).unwrap_or_else(|| panic!("there is no {name}"));
        user.get(attribute).cloned().unwrap_or(Value::Null)
    }

    /// The names of all users of the server.
    pub(crate) fn users(&self) -> Vec<String> {
        self.fake.users()
    }
}

/// The log lines that something writes.
pub(crate) fn log_of(work: impl FnOnce()) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let writer = Mutex::new(file.reopen().unwrap());
    let subscriber = tracing_subscriber::fmt()
        .with_writer(writer)
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .finish();
    tracing::subscriber::with_default(subscriber, work);
    let log = std::fs::read_to_string(file.path()).unwrap();
    log.lines().map(|line| line.trim().to_owned()).collect()
}
