//! Measures `idspool-ox` and the whole pipeline over real processes; `scripts/bench` runs it.
//!
//! Against a server without latency it measures what idspool costs by itself. The limit it is held
//! against is a plain HTTP client that sends calls to the same server in the same run.
//!
//! ```text
//! bench_pipeline [--users N] [--members N] [--waiting N]
//! ```

#![expect(clippy::print_stdout, reason = "a table on standard output is what it is for")]
#![expect(clippy::indexing_slicing, reason = "JSON that is being built is indexed by name")]

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use idspool_tests::{BASE_DN, Installation, Sandbox, Slapd, follow, poll};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: usize| -> Result<usize> {
        match arguments.iter().position(|argument| argument == name) {
            Some(at) => Ok(arguments.get(at + 1).context("a number is missing")?.parse()?),
            None => Ok(default),
        }
    };
    let users = number("--users", 5_000)?;
    let members = number("--members", 20_000)?;
    let waiting = number("--waiting", 100_000)?;
    deliveries(users)?;
    groups(members)?;
    for count in [1_000, 10_000, 100_000, 1_000_000] {
        if count <= waiting {
            backlog(count)?;
        }
    }
    latency(100)
}

/// A user with as many properties as the converter delivers for a real one.
fn user(index: usize, phone: &str) -> Value {
    let name = format!("user{index:06}");
    let mut object = json!({
        "isOxUser": "OK", "oxAccess": "premium", "oxContext": 10, "username": name,
        "firstname": "Vorname", "lastname": format!("Nachname {index}"),
        "oxDisplayName": format!("Vorname Nachname {index}"),
        "mailPrimaryAddress": format!("{name}@example.org"),
        "mailAlternativeAddress": [format!("{name}.alias@example.org")],
        "groups": [format!("cn=Domain Users,cn=groups,{BASE_DN}")],
        "phone": [phone, "+49 421 2"], "homeTelephoneNumber": ["+49 421 3"],
        "mobileTelephoneNumber": ["+49 170 1"], "roomNumber": ["B 12"], "title": "Dr.",
        "organisation": "Schule am Deich", "street": "Am Deich 7", "postcode": "28195",
        "city": "Bremen", "country": "DE", "employeeNumber": format!("{index}"),
        "employeeType": "Lehrkraft", "birthday": "1980-02-29", "oxUserQuota": "-1",
        "mailHomeServer": "imap.example.org", "description": "", "disabled": "0", "locked": "0",
    });
    for field in 1..=20 {
        object[format!("oxUserfield{field:02}")] = format!("Feld {field} von {index}").into();
    }
    json!({
        "id": format!("00000000-1111-4222-8333-{index:012x}"), "udm_object_type": "users/user",
        "dn": format!("uid={name},cn=users,{BASE_DN}"), "options": ["default"], "object": object,
    })
}

/// A group of the first users. Those that are none for OX are other groups.
fn group(flag: &str, members: usize) -> Value {
    let users: Vec<String> =
        (0..members).map(|index| format!("uid=user{index:06},cn=users,{BASE_DN}")).collect();
    let name = format!("group {flag} {}", members.div_ceil(1_000));
    json!({
        "id": format!("00000000-2222-4222-8333-{:012x}", name.len() * 1_000 + members.div_ceil(1_000)),
        "udm_object_type": "groups/group", "dn": format!("cn={name},cn=groups,{BASE_DN}"),
        "options": ["default"], "object": {"name": name, "isOxGroup": flag, "users": users},
    })
}

/// Fills the queue directly: how it is filled is not what is measured here.
fn fill(queue: &Path, first: usize, items: impl Iterator<Item = Value>) -> Result<()> {
    fs::create_dir_all(queue)?;
    for (index, item) in items.enumerate() {
        let number = first + index;
        let name = format!(
            "2026-01-01-00-{:02}-{:02}-{:06}.json",
            number / 60_000_000,
            number / 1_000_000 % 60,
            number % 1_000_000
        );
        fs::write(queue.join(name), item.to_string())?;
    }
    Ok(())
}

fn installation(sandbox: &Sandbox, directory: &str) -> Result<Installation> {
    let installation = Installation::new(directory, sandbox.url())?;
    let contexts = json!({
        "10": {"adminuser": "oxadmin", "adminpass": "secret"},
        "master": {"adminuser": "oxadminmaster", "adminpass": Sandbox::MASTER_PASSWORD},
    });
    fs::create_dir_all(installation.path().join("spool/ox/secrets"))?;
    fs::write(installation.path().join("spool/ox/secrets/contexts.json"), contexts.to_string())?;
    fs::write(
        installation.path().join("spool/ox/ModuleAccessDefinitions.properties"),
        "premium=calendar,contacts,infostore,tasks,webmail\n",
    )?;
    Ok(installation)
}

fn ox(installation: &Installation, arguments: &[&str]) -> Result<Child> {
    let mut command = installation.command("idspool-ox", arguments)?;
    Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

fn deliveries(users: usize) -> Result<()> {
    let sandbox = Sandbox::start(&["--context", "10"])?;
    let installation = installation(&sandbox, "ldap://127.0.0.1:1")?;
    let limit = raw_calls(&sandbox, 5_000)?;
    println!("raw HTTP client, one connection, the same server: {limit:.0} calls/s");
    println!();
    println!(
        "{:<22} {:>9} {:>13} {:>11} {:>11} {:>13}",
        "idspool-ox", "items/s", "ms CPU/item", "calls/item", "peak MiB", "of raw HTTP"
    );
    let sets: [(&str, &dyn Fn(usize) -> Value); 4] = [
        ("users created", &|index| user(index, "+49 421 1")),
        ("users changed", &|index| user(index, "+49 421 9")),
        ("users unchanged", &|index| user(index, "+49 421 9")),
        ("users deleted", &|index| {
            let mut item = user(index, "");
            item["object"] = Value::Null;
            item
        }),
    ];
    for (round, (name, item)) in sets.into_iter().enumerate() {
        fill(&installation.ox_queue(), round * users, (0..users).map(item))?;
        let before = sandbox.last_call()?;
        let usage = follow(ox(&installation, &["--once"])?)?;
        let calls = sandbox.last_call()? - before;
        let items = users as f64;
        let rate = items / usage.wall.as_secs_f64();
        let share = calls as f64 / usage.wall.as_secs_f64() / limit * 100.0;
        println!(
            "{name:<22} {rate:>9.0} {:>13.3} {:>11.2} {:>11.1} {share:>12.0}%",
            usage.cpu.as_secs_f64() * 1000.0 / items,
            calls as f64 / items,
            usage.memory,
        );
    }
    println!();
    Ok(())
}

/// A name, how many items, and each of them.
type Set<'a> = (&'a str, usize, &'a dyn Fn(usize) -> Value);

/// Groups of users that are all known: what an item costs by itself, whether or not it leads to calls.
fn groups(most: usize) -> Result<()> {
    let sandbox = Sandbox::start(&["--context", "10"])?;
    let installation = installation(&sandbox, "ldap://127.0.0.1:1")?;
    let queue = installation.ox_queue();
    fill(&queue, 0, (0..most).map(|index| user(index, "+49 421 1")))?;
    follow(ox(&installation, &["--once"])?)?;
    println!(
        "{:<38} {:>9} {:>13} {:>11} {:>11}",
        "idspool-ox, group items", "items/s", "ms CPU/item", "calls/item", "peak MiB"
    );
    let mut number = most;
    let sizes = if most > 1_000 { vec![1_000, most] } else { vec![most] };
    for members in sizes {
        let rounds = (200_000 / members).max(1);
        let sets: [Set<'_>; 4] = [
            ("created", 1, &|_| group("OK", members - 1)),
            ("one joins or leaves", rounds, &|round| group("OK", members - round % 2)),
            ("unchanged", rounds, &|_| group("OK", members - (rounds - 1) % 2)),
            ("no group for OX", rounds, &|_| group("Not", members)),
        ];
        for (name, count, item) in sets {
            fill(&queue, number, (0..count).map(item))?;
            number += count;
            let before = sandbox.last_call()?;
            let usage = follow(ox(&installation, &["--once"])?)?;
            let calls = sandbox.last_call()? - before;
            println!(
                "{:<38} {:>9.0} {:>13.2} {:>11.2} {:>11.1}",
                format!("{members} members, {name}"),
                count as f64 / usage.wall.as_secs_f64(),
                usage.cpu.as_secs_f64() * 1000.0 / count as f64,
                calls as f64 / count as f64,
                usage.memory,
            );
        }
    }
    println!();
    Ok(())
}

/// Calls per second of a client that does nothing but send the same small call.
fn raw_calls(sandbox: &Sandbox, count: u32) -> Result<f64> {
    let body = "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>\
        <s:exists xmlns:s=\"http://soap.admin.openexchange.com\" \
        xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\" \
        xmlns:r=\"http://dataobjects.rmi.admin.openexchange.com/xsd\"><s:ctx><d:id>10</d:id></s:ctx>\
        <s:user><d:name>nobody</d:name></s:user><s:auth><r:login>oxadmin</r:login>\
        <r:password>secret</r:password></s:auth></s:exists></soap:Body></soap:Envelope>";
    let started = Instant::now();
    for _ in 0..count {
        let status = sandbox.soap("OXUserService", body)?;
        ensure!(status == 200, "the server answers {status}");
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}

/// A long backlog: time from the start to the first call, and memory.
fn backlog(waiting: usize) -> Result<()> {
    let sandbox = Sandbox::start(&["--context", "10"])?;
    let installation = installation(&sandbox, "ldap://127.0.0.1:1")?;
    fill(&installation.ox_queue(), 0, (0..waiting).map(|index| user(index, "+49 421 1")))?;
    let started = Instant::now();
    let child = ox(&installation, &[])?;
    let pid = child.id();
    let first = poll(Duration::from_secs(300), || {
        let called = sandbox.last_call().is_ok_and(|last| last > 0);
        called.then(|| started.elapsed())
    });
    let Some(first) = first else { bail!("no call within five minutes") };
    std::thread::sleep(Duration::from_secs(2));
    kill_process(Pid::from_raw(i32::try_from(pid)?).context("pid")?, Signal::TERM)?;
    let usage = follow(child)?;
    println!(
        "{waiting:>9} items waiting: first call after {:>6.0} ms, peak memory {:>6.1} MiB",
        first.as_secs_f64() * 1000.0,
        usage.memory
    );
    Ok(())
}

/// A change with everything idle: from the return of the hook to the first call at the server.
fn latency(rounds: u32) -> Result<()> {
    let slapd = Slapd::start()?;
    let sandbox = Sandbox::start(&[])?;
    let installation = Installation::new(&slapd.url(), sandbox.url())?;
    let _converter = installation.start("idspool-converter", &[])?;
    let _ox = installation.start("idspool-ox", &[])?;
    for object_type in ["oxmail/oxcontext", "oxmail/accessprofile", "users/user"] {
        let filter = format!("(univentionObjectType={object_type})");
        installation.hook_all(&slapd.cli(), &filter, object_type)?;
    }
    installation.settle(Duration::from_secs(60))?;
    let dn = format!("uid=a.oehler,cn=users,{BASE_DN}");
    let uuid = slapd.entry_uuid(&dn)?;
    let (mut arrivals, mut hooks) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        slapd.cli().replace(&dn, "telephoneNumber", &[&format!("+49 {round}")])?;
        let before = sandbox.last_call()?;
        let called = Instant::now();
        installation.hook(&uuid, &dn, "users/user", "modify")?;
        let returned = Instant::now();
        hooks.push(returned - called);
        poll(Duration::from_secs(10), || sandbox.last_call().ok().filter(|last| *last > before))
            .context("the change did not arrive within ten seconds")?;
        arrivals.push(returned.elapsed());
        installation.settle(Duration::from_secs(10))?;
    }
    arrivals.sort();
    hooks.sort();
    let at = |list: &[Duration], share: usize| {
        list.get(list.len() * share / 100).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    println!();
    println!(
        "one change, everything idle ({rounds} times): hook runs {:.1} ms; from its return to the \
         call at the server: median {:.1} ms, 95 % {:.1} ms",
        at(&hooks, 50),
        at(&arrivals, 50),
        at(&arrivals, 95)
    );
    Ok(())
}
