//! What routing costs, beside what writing the same files costs at least.
//!
//! `cargo run --release -p idspool-kelvin --example bench_routing -- DIR [items] [authorities] 2>/dev/null`
//!
//! The first line enqueues the items in groups, as the converter does; routing reads each of them, remembers its
//! object, and writes it once (one in eight twice, for a second authority). The second pass finds all objects
//! known. The log goes to standard error, as in the service. DIR should be on the file system in question;
//! everything made there is removed again.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use idspool_kelvin::routing::{Current, Router};
use idspool_kelvin::{Layout, conf};
use idspool_provisioner::{Ended, Mode};
use idspool_service::logging;
use idspool_spool::Spool;
use idspool_udm::school::Containers;
use serde_json::json;

const GROUP: usize = 512;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().ok_or("usage: bench_routing DIR [items] [authorities]")?;
    let items = arguments.next().map_or(Ok(20_000), |text| text.parse())?;
    let authorities = arguments.next().map_or(Ok(2), |text| text.parse())?;
    logging::init("INFO")?;
    let root = PathBuf::from(parent).join(format!("bench-{}", std::process::id()));
    fs::create_dir_all(&root)?;
    // Not `println!`: it panics when the reader goes away, and would leave the files behind.
    let result = bench(&root, items, authorities, &mut std::io::stdout());
    fs::remove_dir_all(&root)?;
    result
}

fn bench(
    root: &Path,
    items: usize,
    authorities: usize,
    out: &mut dyn Write,
) -> Result<(), Box<dyn Error>> {
    let layout = Layout { data: root.join("data"), conf: root.join("conf") };
    configure(&layout, authorities)?;
    let contents: Vec<String> = (0..items).map(|number| item(number, authorities)).collect();
    let bytes = contents.first().map_or(0, String::len);
    writeln!(out, "{items} users of {bytes} bytes, {authorities} authorities")?;
    let raw = Spool::create(root.join("raw"))?;
    let enqueue = |spool: &Spool| -> Result<(), Box<dyn Error>> {
        for group in contents.chunks(GROUP) {
            spool.enqueue_group(group)?;
        }
        Ok(())
    };
    let raw_rate = timed(out, "enqueue alone", items, 1.0, || enqueue(&raw))?;
    let in_queue = Spool::create(layout.in_queue())?;
    for label in ["routing, all new", "routing, all known"] {
        enqueue(&in_queue)?;
        timed(out, label, items, raw_rate, || route(&layout))?;
    }
    Ok(())
}

fn route(layout: &Layout) -> Result<(), Box<dyn Error>> {
    let current = Current::new(Arc::new(conf::load(layout)?));
    let router = Router::new(layout.clone(), Containers::default(), current, None)?;
    match router.run(Mode::Once) {
        Ended::Done => Ok(()),
        other => Err(format!("routing ended with {other:?}").into()),
    }
}

fn configure(layout: &Layout, authorities: usize) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(layout.authorities())?;
    let mut mapping = serde_json::Map::new();
    for number in 0..authorities {
        let name = format!("authority{number}");
        let users = json!({"username": "name", "school": "school", "schools": "schools", "roles": "roles",
                           "ucsschoolRecordUID": "record_uid", "ucsschoolSourceUID": "source_uid"});
        let authority = json!({
            "name": name, "active": true, "url": "https://kelvin.example/ucsschool/kelvin/v1/",
            "plugins": ["kelvin"],
            "plugin_configs": {"kelvin": {"username": "u", "password": "p", "mapping": {"users": users}}}
        });
        fs::write(layout.authority(&name.parse()?), authority.to_string())?;
        mapping.insert(format!("School{number}"), json!(name));
    }
    fs::write(layout.school_mapping(), json!({"mapping": mapping}).to_string())?;
    Ok(())
}

fn item(number: usize, authorities: usize) -> String {
    let home = number % authorities;
    let mut schools = vec![format!("School{home}")];
    if number.is_multiple_of(8) && authorities > 1 {
        schools.push(format!("School{}", (home + 1) % authorities));
    }
    let object = json!({
        "username": format!("user{number}"), "firstname": "Anna", "lastname": "Schmidt", "disabled": false,
        "birthday": "2011-05-30", "school": schools, "groups": [format!(
            "cn=School{home}-1a,cn=klassen,cn=schueler,cn=groups,ou=School{home},dc=example,dc=org")],
        "ucsschoolRole": [format!("student:school:School{home}")],
        "ucsschoolRecordUID": number.to_string(), "ucsschoolSourceUID": "SIS",
        "description": "x".repeat(1500),
    });
    json!({"id": format!("00000000-0000-103f-8000-{number:012}"), "udm_object_type": "users/user",
           "dn": format!("uid=user{number},cn=schueler,cn=users,ou=School{home},dc=example,dc=org"),
           "options": ["default", "ucsschoolStudent"], "object": object})
    .to_string()
}

/// Items per second.
fn timed(
    out: &mut dyn Write,
    label: &str,
    items: usize,
    raw_rate: f64,
    run: impl FnOnce() -> Result<(), Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let (started, cpu) = (Instant::now(), cpu_time()?);
    run()?;
    let rate = items as f64 / started.elapsed().as_secs_f64();
    let cpu = cpu_time()?.saturating_sub(cpu) / u32::try_from(items)?;
    let ratio = rate / if raw_rate > 1.0 { raw_rate } else { rate };
    let micros = cpu.as_secs_f64() * 1e6;
    writeln!(
        out,
        "  {label:20} {rate:8.0} items/s  {ratio:5.2} x raw  {micros:6.1} us CPU per item"
    )?;
    Ok(rate)
}

/// Processor time of this process and its threads, as the kernel counts it: in hundredths of a second.
fn cpu_time() -> Result<Duration, Box<dyn Error>> {
    let statistics = fs::read_to_string("/proc/self/stat")?;
    // The name of the program, in brackets, may hold anything.
    let (_, fields) = statistics.rsplit_once(')').ok_or("stat has no name")?;
    let ticks = |at| fields.split_whitespace().nth(at).unwrap_or_default().parse::<u64>();
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}
