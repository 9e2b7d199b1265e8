//! Measures `idspool-listener watch` over real processes; `scripts/bench` runs it.
//!
//! The limit that a refresh is held against is `ldapsearch`, which asks the same server for the same
//! entries and attributes and throws them away.
//!
//! ```text
//! bench_watch [--users N] [--rows N] [--rounds N]
//! ```

#![expect(clippy::print_stdout, reason = "a table on standard output is what it is for")]

use std::fmt::Write as _;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use idspool_tests::{
    BASE_DN, Installation, Loading, Population, READER_DN, READER_PASSWORD, Sandbox, Slapd, Usage,
    follow, poll,
};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: u32| -> Result<u32> {
        match arguments.iter().position(|argument| argument == name) {
            Some(at) => Ok(arguments.get(at + 1).context("a number is missing")?.parse()?),
            None => Ok(default),
        }
    };
    println!("{:<44} {:>9} {:>10} {:>10} {:>9}", "", "seconds", "per s", "CPU s", "peak MiB");
    population(number("--users", 100_000)?)?;
    many_rows(number("--rows", 1_000_000)?)?;
    latency(number("--rounds", 100)?)
}

fn line(name: &str, count: u32, usage: Usage) {
    println!(
        "{name:<44} {:>9.2} {:>10.0} {:>10.2} {:>9.1}",
        usage.wall.as_secs_f64(),
        f64::from(count) / usage.wall.as_secs_f64(),
        usage.cpu.as_secs_f64(),
        usage.memory
    );
}

fn watch(idspool: &Installation, arguments: &[&str]) -> Result<Usage> {
    let mut all = vec!["watch", "--once"];
    all.extend(arguments);
    let mut command = idspool.command("idspool-listener", &all)?;
    follow(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn()?)
}

/// The same entries with the same attributes as the watcher asks for.
fn ldapsearch(slapd: &Slapd) -> Result<Usage> {
    let mut command = std::process::Command::new("ldapsearch");
    command.args(["-x", "-LLL", "-H", &slapd.url(), "-D", READER_DN, "-w", READER_PASSWORD]);
    command.args(["-b", BASE_DN, "(objectClass=*)", "objectClass", "univentionObjectType"]);
    command.args(["univentionObjectFlag", "uid", "uidNumber", "cn", "entryCSN", "uniqueMember"]);
    command.args(["secretary", "ucsschoolLegalGuardian", "ucsschoolLegalWard"]);
    command.args(["univentionAllowedEmailUsers", "univentionAllowedEmailGroups"]);
    follow(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?)
}

fn empty(idspool: &Installation) -> Result<usize> {
    let spool = idspool.listener_spool();
    let names = Installation::waiting(&spool);
    for name in &names {
        fs::remove_file(spool.join(name))?;
    }
    Ok(names.len())
}

/// Real users in groups: the first time, and after a day without anybody watching.
fn population(users: u32) -> Result<()> {
    let population = Population { users };
    let builder = Slapd::builder().loading(Loading::SlapAdd).extra_ldif(&population.ldif());
    let mut slapd = builder.start()?;
    let idspool = Installation::new(&slapd.url(), "http://127.0.0.1:1")?;
    // The second one finds everything in the server's cache, as the watcher does.
    ldapsearch(&slapd)?;
    let limit = ldapsearch(&slapd)?;
    line(&format!("ldapsearch, {users} users"), users, limit);
    let usage = watch(&idspool, &[])?;
    line("watch, first refresh, all enqueued", users, usage);
    let share = limit.wall.as_secs_f64() / usage.wall.as_secs_f64() * 100.0;
    println!("{:<44} {share:>8.0}% of ldapsearch", "");
    ensure!(empty(&idspool)? as u32 >= users, "not everything was enqueued");
    let adopting = Installation::new(&slapd.url(), "http://127.0.0.1:1")?;
    let usage = watch(&adopting, &["--adopt"])?;
    line("watch, first refresh, --adopt", users, usage);
    let share = limit.wall.as_secs_f64() / usage.wall.as_secs_f64() * 100.0;
    println!("{:<44} {share:>8.0}% of ldapsearch", "");

    slapd.restart()?;
    let changed = users / 100;
    let mut ldif = String::new();
    for index in 0..changed {
        let dn = population.dn(index * 50);
        write!(ldif, "dn: {dn}\nchangetype: modify\nreplace: title\ntitle: {index}\n\n")?;
    }
    slapd.cli().modify(&ldif)?;
    let gone: Vec<String> = (0..changed / 10).map(|index| population.dn(index * 50 + 1)).collect();
    slapd.cli().delete_all(&gone)?;
    slapd.restart()?;
    let usage = watch(&idspool, &[])?;
    let count = empty(&idspool)?;
    line("watch, a day offline, no session log", users, usage);
    println!("{:<44} {changed} changed, {} gone: {count} items", "", gone.len());
    // A start of the server two seconds ago would still be looked into.
    std::thread::sleep(Duration::from_secs(4));
    watch(&idspool, &[])?;
    let usage = watch(&idspool, &[])?;
    line("watch --once, nothing has changed", 1, usage);
    Ok(())
}

/// Very many entries, of which few are of interest.
fn many_rows(rows: u32) -> Result<()> {
    let mut ldif = format!(
        "dn: cn=devices,{BASE_DN}\nobjectClass: top\nobjectClass: organizationalRole\ncn: devices\n\n"
    );
    for row in 0..rows {
        write!(
            ldif,
            "dn: cn=d{row},cn=devices,{BASE_DN}\nobjectClass: organizationalRole\ncn: d{row}\n\n"
        )?;
    }
    let mut slapd = Slapd::builder().loading(Loading::SlapAdd).extra_ldif(&ldif).start()?;
    drop(ldif);
    let idspool = Installation::new(&slapd.url(), "http://127.0.0.1:1")?;
    let usage = watch(&idspool, &[])?;
    line(&format!("watch, first refresh, {rows} entries"), rows, usage);
    empty(&idspool)?;
    slapd.cli().delete(&format!("cn=d7,cn=devices,{BASE_DN}"))?;
    let dn = format!("uid=a.oehler,cn=users,{BASE_DN}");
    slapd.cli().replace(&dn, "title", &["x"])?;
    slapd.restart()?;
    let usage = watch(&idspool, &[])?;
    ensure!(empty(&idspool)? == 1, "one user has changed");
    line("watch, present phase over as many rows", rows, usage);
    let size = fs::metadata(idspool.listener_spool().join(".watch.sqlite"))?.len();
    println!("{:<44} {:>8} MiB of index", "", size >> 20);
    Ok(())
}

/// A change with everything idle: from the return of ldapmodify to the call at the OX server.
fn latency(rounds: u32) -> Result<()> {
    let slapd = Slapd::start()?;
    let sandbox = Sandbox::start(&[])?;
    let idspool = Installation::new(&slapd.url(), sandbox.url())?;
    let watcher = idspool.start("idspool-listener", &["watch"])?;
    let _converter = idspool.start("idspool-converter", &[])?;
    let _ox = idspool.start("idspool-ox", &[])?;
    watcher.wait_for("Following", Duration::from_secs(60))?;
    idspool.settle(Duration::from_secs(60))?;
    let dn = format!("uid=a.oehler,cn=users,{BASE_DN}");
    let mut arrivals = Vec::new();
    for round in 0..rounds {
        let before = sandbox.last_call()?;
        let sent = Instant::now();
        slapd.cli().replace(&dn, "telephoneNumber", &[&format!("+49 {round}")])?;
        poll(Duration::from_secs(10), || sandbox.last_call().ok().filter(|last| *last > before))
            .context("the change did not arrive within ten seconds")?;
        arrivals.push(sent.elapsed());
        idspool.settle(Duration::from_secs(10))?;
    }
    arrivals.sort();
    let at = |share: usize| {
        arrivals.get(arrivals.len() * share / 100).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    println!();
    println!(
        "one change, everything idle ({rounds} times): from the start of ldapmodify to the call at the OX \
         server: median {:.1} ms, 95 % {:.1} ms",
        at(50),
        at(95)
    );
    Ok(())
}
