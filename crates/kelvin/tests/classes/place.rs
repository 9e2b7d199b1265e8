//! A stand-in Kelvin server, an authority's queue, and the loop between them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use idspool_kelvin::conf::{
    AttributeMapping, Authority, AuthorityName, Mappings, Plugin, SchoolMapping, SslContext,
};
use idspool_kelvin::{KelvinRecipient, SchoolUsers, Settings, Site, SourceError, Target, client};
use idspool_provisioner::{Ended, Engine, Mode, Objects};
use idspool_sandbox::kelvin::world::GroupKind;
use idspool_sandbox::kelvin::{Options, Server, serve};
use idspool_service::{Kelvin, Secret, shutdown::Shutdown};
use idspool_spool::Spool;
use idspool_udm::ConvertedItem;
use idspool_udm::school::{Containers, Role};
use serde_json::{Value, json};

pub(crate) struct Place {
    _dir: tempfile::TempDir,
    pub(crate) server: Server,
    pub(crate) queue: Spool,
    pub(crate) authority: Authority,
    pub(crate) source: Directory,
    seen: u64,
}

/// The school users of our own directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directory(Arc<Mutex<HashMap<String, Vec<Role>>>>);

impl Directory {
    pub(crate) fn set(&self, name: &str, role: &str) {
        self.0.lock().unwrap().insert(name.into(), Role::parse(role).into_iter().collect());
    }
}

impl SchoolUsers for Directory {
    fn roles(&self, names: &[&str]) -> Result<HashMap<String, Vec<Role>>, SourceError> {
        let known = self.0.lock().unwrap();
        let find = |&name: &&str| Some((name.to_owned(), known.get(name)?.clone()));
        Ok(names.iter().filter_map(find).collect())
    }
}

fn mapping(pairs: &[(&str, &str)]) -> AttributeMapping {
    pairs.iter().map(|&(from, to)| (from.to_owned(), to.to_owned())).collect()
}

impl Place {
    /// Users are delivered with their classes.
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let schools = ["School1", "School2"].map(str::to_owned).to_vec();
        let server = serve(Options { schools, ..options }).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let queue = Spool::create(dir.path().join("out")).unwrap();
        let users = mapping(&[
            ("firstname", "firstname"),
            ("lastname", "lastname"),
            ("roles", "roles"),
            ("school", "school"),
            ("school_classes", "school_classes"),
            ("schools", "schools"),
            ("ucsschoolRecordUID", "record_uid"),
            ("ucsschoolSourceUID", "source_uid"),
            ("username", "name"),
        ]);
        let school_classes = mapping(&[
            ("name", "name"),
            ("description", "description"),
            ("school", "school"),
            ("users", "users"),
        ]);
        let authority = Authority {
            name: "auth1".parse().unwrap(),
            active: true,
            url: format!("{}/ucsschool/kelvin/v1/", server.url()),
            plugin: Plugin::Kelvin,
            username: "connector".into(),
            password: Secret::new("secret"),
            mappings: Mappings {
                users: Some(users),
                users_by_role: BTreeMap::new(),
                school_classes: Some(school_classes),
            },
            sync_password_hashes: false,
            ssl_context: SslContext::default(),
            ignored_roles: BTreeSet::new(),
        };
        let source = Directory::default();
        Self { _dir: dir, server, queue, authority, source, seen: 0 }
    }

    /// The memberships of users are not delivered with them.
    pub(crate) fn without_classes_of_users(mut self) -> Self {
        self.authority.mappings.users.as_mut().unwrap().remove("school_classes");
        self
    }

    /// Puts an item into the queue.
    pub(crate) fn enqueue(&self, item: &ConvertedItem) {
        self.queue.enqueue(&item.to_queue_bytes()).unwrap();
    }

    /// Delivers what waits, in a process of its own; how it ended.
    pub(crate) fn once(&self) -> Ended {
        let objects = Objects::open(self.queue.dir(), KelvinRecipient::INDEXING).unwrap();
        let config = Kelvin::default();
        let name: AuthorityName = self.authority.name.clone();
        let schools = ["school1", "SCHOOL2"].map(|school| (school.to_owned(), name.clone()));
        let settings = Settings { source_uid: "SIS".into(), containers: Containers::default() };
        let recipient = KelvinRecipient::new(Site::new(
            Arc::new(self.authority.clone()),
            Arc::new(SchoolMapping::new(schools)),
            settings,
            Target::new(Arc::new(client(&config, &self.authority).unwrap())),
            Arc::new(self.source.clone()),
        ));
        let consumer = self.queue.consumer("test").unwrap();
        let engine = Engine::new(consumer, &recipient, &objects, Shutdown::new());
        let ended = engine.run(Mode::Once).unwrap();
        objects.close().unwrap();
        ended
    }

    /// Delivers one item, which must succeed; the requests about users and classes that it took.
    pub(crate) fn deliver(&mut self, item: &ConvertedItem) -> Vec<String> {
        self.enqueue(item);
        assert_eq!(self.once(), Ended::Done, "{:?}", self.queue.state());
        self.calls()
    }

    /// The requests about users and classes since the last time.
    pub(crate) fn calls(&mut self) -> Vec<String> {
        let calls = self.server.calls(self.seen);
        self.seen = calls.last().map_or(self.seen, |call| call.number);
        let wanted =
            calls.iter().filter(|c| c.path.contains("/users/") || c.path.contains("/classes/"));
        wanted
            .map(|call| {
                let path = call.path.trim_start_matches("v1/");
                let query = if call.query.is_empty() { "" } else { "?" };
                format!("{} {path}{query}{} {}", call.method, call.query, call.status)
            })
            .collect()
    }

    /// Members of a class at the server; `None`: there is no such class.
    pub(crate) fn members(&self, school: &str, name: &str) -> Option<Vec<String>> {
        self.server.inspect(|world| {
            let class = world.group_named(GroupKind::Class, school, name)?;
            Some(world.members(class).into_iter().map(str::to_owned).collect())
        })
    }

    /// All classes of the server.
    pub(crate) fn classes(&self) -> Vec<String> {
        self.server.inspect(|world| {
            let show = |class: &idspool_sandbox::kelvin::world::Group| {
                let members = world.members(class).join(" ");
                let description = class.description.as_deref().unwrap_or("-");
                format!("{}/{} ({description}): {members}", class.school, class.name)
            };
            world.groups(GroupKind::Class).map(show).collect()
        })
    }
}

pub(crate) fn user_dn(name: &str) -> String {
    format!("uid={name},cn=schueler,cn=users,ou=School1,dc=example,dc=org")
}

pub(crate) fn class_dn(school: &str, name: &str) -> String {
    format!("cn={school}-{name},cn=klassen,cn=schueler,cn=groups,ou={school},dc=example,dc=org")
}

fn item(id: String, module: &str, dn: String, options: &[&str], object: &Value) -> ConvertedItem {
    ConvertedItem {
        id,
        udm_object_type: module.into(),
        dn,
        object: object.as_object().cloned(),
        options: Some(options.iter().map(|&option| option.to_owned()).collect()),
        resync: false,
        old_data: None,
        user_passwords: None,
    }
}

/// A pupil of a school, with classes there.
pub(crate) fn pupil(name: &str, school: &str, classes: &[&str]) -> ConvertedItem {
    let groups: Vec<String> = classes.iter().map(|class| class_dn(school, class)).collect();
    let object = json!({
        "username": name, "firstname": "F", "lastname": "L", "school": [school], "groups": groups,
        "ucsschoolRole": [format!("student:school:{school}")],
        "ucsschoolRecordUID": name, "ucsschoolSourceUID": "SIS",
    });
    let options = ["default", "ucsschoolStudent"];
    item(format!("u-{name}"), "users/user", user_dn(name), &options, &object)
}

/// A class with these members.
pub(crate) fn class(id: &str, school: &str, name: &str, users: &[&str]) -> ConvertedItem {
    let users: Vec<String> = users.iter().map(|name| user_dn(name)).collect();
    let object = json!({
        "name": format!("{school}-{name}"), "description": format!("of {id}"), "users": users,
    });
    item(id.into(), "groups/group", class_dn(school, name), &["default"], &object)
}

pub(crate) fn deleted(item: &ConvertedItem) -> ConvertedItem {
    ConvertedItem { object: None, options: None, ..item.clone() }
}
