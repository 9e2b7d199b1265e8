//! What the delivery of users to a Kelvin server costs, with one worker.
//!
//! ```text
//! idspool-sandbox kelvin --listen 127.0.0.1:8080 --school School1 &
//! cargo run --release -p idspool-kelvin --example bench_delivery -- \
//!     http://127.0.0.1:8080/ucsschool/kelvin/v1/ DIR [items] 2>/dev/null
//! ```
//!
//! The server is another process, so that its processor time does not count. The log goes to standard error, as in
//! the service. DIR should be on the file system in question; everything made there is removed again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use idspool_kelvin::conf::{Authority, Mappings, Plugin, SchoolMapping, SslContext};
use idspool_kelvin::{KelvinRecipient, SchoolUsers, Settings, Site, SourceError, Target, client};
use idspool_provisioner::{Ended, Engine, Mode, Objects, Style};
use idspool_service::shutdown::Shutdown;
use idspool_service::{Kelvin as Config, Secret, logging};
use idspool_spool::Spool;
use idspool_udm::school::Role;
use serde_json::{Value, json};

const GROUP: usize = 512;
const USAGE: &str = "usage: bench_delivery URL DIR [items]";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or(USAGE)?;
    let parent = arguments.next().ok_or(USAGE)?;
    let items = arguments.next().map_or(Ok(2_000), |text| text.parse())?;
    logging::init("INFO")?;
    let root = PathBuf::from(parent).join(format!("bench-{}", std::process::id()));
    fs::create_dir_all(&root)?;
    // Not `println!`: it panics when the reader goes away, and would leave the files behind.
    let result = bench(&root, &url, items, &mut std::io::stdout());
    fs::remove_dir_all(&root)?;
    result
}

fn bench(root: &Path, url: &str, items: usize, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let queue = Spool::create(root)?;
    for (label, version, is_deletion) in [
        ("create", 0, false),
        ("nothing changed", 0, false),
        ("change", 1, false),
        ("delete", 1, true),
    ] {
        let contents: Vec<String> =
            (0..items).map(|number| item(number, version, is_deletion)).collect();
        for group in contents.chunks(GROUP) {
            queue.enqueue_group(group)?;
        }
        let (started, cpu) = (Instant::now(), cpu_time()?);
        deliver(root, url)?;
        let rate = items as f64 / started.elapsed().as_secs_f64();
        let cpu = cpu_time()?.saturating_sub(cpu) / u32::try_from(items)?;
        let micros = cpu.as_secs_f64() * 1e6;
        writeln!(out, "  {label:16} {rate:8.0} items/s  {micros:6.1} us CPU per item")?;
    }
    Ok(())
}

fn deliver(root: &Path, url: &str) -> Result<(), Box<dyn Error>> {
    let recipient = KelvinRecipient::new(site(url)?);
    let objects = Objects::open(root, KelvinRecipient::INDEXING)?;
    let consumer = Spool::create(root)?.consumer("bench_delivery")?;
    let engine = Engine::new(consumer, &recipient, &objects, Shutdown::default());
    let ended = engine.with_style(Style::IdConnector).run(Mode::Once)?;
    objects.close()?;
    match ended {
        Ended::Done => Ok(()),
        other => Err(format!("the delivery ended with {other:?}: see the log").into()),
    }
}

#[derive(Debug)]
struct NoUsers;

impl SchoolUsers for NoUsers {
    fn roles(&self, _: &[&str]) -> Result<HashMap<String, Vec<Role>>, SourceError> {
        Ok(HashMap::new())
    }
}

fn site(url: &str) -> Result<Site, Box<dyn Error>> {
    let mapping = [
        ("birthday", "birthday"),
        ("disabled", "disabled"),
        ("firstname", "firstname"),
        ("lastname", "lastname"),
        ("mailPrimaryAddress", "email"),
        ("roles", "roles"),
        ("school", "school"),
        ("school_classes", "school_classes"),
        ("schools", "schools"),
        ("ucsschoolRecordUID", "record_uid"),
        ("ucsschoolSourceUID", "source_uid"),
        ("userexpiry", "expiration_date"),
        ("username", "name"),
    ];
    let mapping = mapping.map(|(property, attribute)| (property.to_owned(), attribute.to_owned()));
    let authority = Authority {
        name: "authority".parse()?,
        active: true,
        url: url.to_owned(),
        plugin: Plugin::Kelvin,
        username: "connector".into(),
        password: Secret::new("secret"),
        mappings: Mappings {
            users: Some(mapping.into_iter().collect()),
            users_by_role: BTreeMap::new(),
            school_classes: None,
        },
        sync_password_hashes: true,
        ssl_context: SslContext::default(),
        ignored_roles: BTreeSet::new(),
    };
    let config = Config::default();
    let target = Target::new(Arc::new(client(&config, &authority)?));
    let schools = SchoolMapping::new([("School1".to_owned(), authority.name.clone())]);
    let settings = Settings::new(&config);
    Ok(Site::new(Arc::new(authority), Arc::new(schools), settings, target, Arc::new(NoUsers)))
}

fn item(number: usize, version: u32, is_deletion: bool) -> String {
    let class = number % 40;
    let object = json!({
        "username": format!("user{number}"), "firstname": format!("Anna{version}"),
        "lastname": "Schmidt", "disabled": false, "birthday": "2011-05-30", "school": ["School1"],
        "groups": [format!(
            "cn=School1-{class},cn=klassen,cn=schueler,cn=groups,ou=School1,dc=example,dc=org")],
        "ucsschoolRole": ["student:school:School1"], "mailPrimaryAddress": null,
        "ucsschoolRecordUID": number.to_string(), "ucsschoolSourceUID": "SIS",
        "description": "x".repeat(1500),
    });
    let passwords = json!({
        "userPassword": [format!("{{crypt}}$6${}", "x".repeat(100))],
        "sambaNTPassword": "5C453F1961837BA114A045684F12FCF1",
        "krb5Key": vec!["MB2hGzAZoAMCARehEgQQXEU/GWGDe6EUoEVoTxL88Q=="; 7],
        "krb5KeyVersionNumber": version, "sambaPwdLastSet": 1_700_000_000,
    });
    let none = Value::Null;
    json!({"id": format!("00000000-0000-103f-8000-{number:012}"), "udm_object_type": "users/user",
           "dn": format!("uid=user{number},cn=schueler,cn=users,ou=School1,dc=example,dc=org"),
           "options": ["default", "ucsschoolStudent"],
           "object": if is_deletion { &none } else { &object },
           "user_passwords": if is_deletion { &none } else { &passwords }})
    .to_string()
}

/// Processor time of all threads, from the kernel's scheduler statistics in nanoseconds.
fn cpu_time() -> Result<Duration, Box<dyn Error>> {
    let mut sum = 0;
    for task in fs::read_dir("/proc/self/task")? {
        let statistics = fs::read_to_string(task?.path().join("schedstat"))?;
        sum += statistics.split(' ').next().ok_or("schedstat is empty")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(sum))
}
