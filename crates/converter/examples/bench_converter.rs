//! What the converter costs, against a real slapd on this machine.
//!
//! `cargo run --release -p idspool-converter --example bench_converter -- [USERS]`
//!
//! Measured, with 10,000 users of 54 attributes unless told otherwise:
//!
//! - the baseline: one `ldapsearch` that streams all these users to the same bind DN, with the
//!   attributes that the converter asks for (best of three);
//! - the converter from a full listener's spool to an empty one (best of three), with its LDAP
//!   requests;
//! - what the disk alone costs: making as many files of that size, durably in groups of 512, and
//!   removing as many (the converter does both for each change, and cannot be faster);
//! - the time from the return of a hook to the converted file, with nothing else to do (median and
//!   95th percentile of 200).

#![allow(clippy::print_stdout, reason = "its purpose")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use idspool_converter::{Converter, Mode};
use idspool_service::Config;
use idspool_spool::Spool;
use idspool_tests::{BASE_DN, Loading, Population, READER_DN, READER_PASSWORD, Slapd};
use idspool_udm::ListenerItem;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let users = match std::env::args().nth(1) {
        Some(count) => count.parse()?,
        None => 10_000,
    };
    let population = Population { users };
    let slapd =
        Slapd::builder().loading(Loading::SlapAdd).extra_ldif(&population.ldif()).start()?;

    let streamed = best(3, || stream(&slapd))?;
    report("ldapsearch", users, streamed);

    let mut requests = 0;
    let mut cpu = f64::MAX;
    // Kept to the end: ext4 is slow at making files where many were removed a short while ago.
    let mut sites = Vec::new();
    let converted = best(3, || {
        let site = Site::new(&slapd)?;
        let changes: Vec<_> =
            (0..users).map(|index| change(&population, index)).collect::<Result<_>>()?;
        idspool_listener::enqueue(&site.listener, &changes)?;
        let converter = Converter::new(&site.config)?;
        let (started, used) = (Instant::now(), cpu_seconds()?);
        let outcome = converter.run(Mode::Once)?;
        let elapsed = started.elapsed();
        cpu = cpu.min(cpu_seconds()? - used);
        let written = site.ox.names()?.len();
        if outcome.statistics.items != u64::from(users) || written != users as usize {
            return Err(format!("{written} of {users} users were written").into());
        }
        requests = outcome.statistics.requests;
        sites.push(site);
        Ok(elapsed)
    })?;
    report("converter", users, converted);
    println!(
        "converter / ldapsearch: {:.0} % of the rate (target: at least 50 %)",
        100.0 * streamed.as_secs_f64() / converted.as_secs_f64()
    );
    println!("processor time: {:.0} µs per change", cpu * 1e6 / f64::from(users));
    println!(
        "LDAP requests: {requests}, one per {:.0} objects (target: at least 50)",
        f64::from(users) / requests as f64
    );
    disk(users.min(2048))?;
    latency(&slapd, &population)
}

/// ext4 takes many times longer to make files where many were removed in the last minutes; a low
/// rate here says so.
fn disk(users: u32) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let handle = std::fs::File::open(folder.path())?;
    let content = vec![b'x'; 3000];
    let started = Instant::now();
    for first in (0..users).step_by(512) {
        let group = first..users.min(first + 512);
        for index in group.clone() {
            std::fs::write(folder.path().join(format!(".{index}")), &content)?;
        }
        rustix::fs::syncfs(&handle)?;
        for index in group {
            let name = folder.path().join(index.to_string());
            std::fs::rename(folder.path().join(format!(".{index}")), name)?;
        }
        handle.sync_all()?;
    }
    for index in 0..users {
        std::fs::remove_file(folder.path().join(index.to_string()))?;
    }
    report("the disk alone", users, started.elapsed());
    Ok(())
}

/// Where a converter works.
struct Site {
    _root: tempfile::TempDir,
    config: Config,
    listener: Spool,
    ox: Spool,
}

impl Site {
    fn new(slapd: &Slapd) -> Result<Site> {
        let root = tempfile::tempdir()?;
        std::fs::write(root.path().join("password"), READER_PASSWORD)?;
        let path = root.path().join("idspool.toml");
        std::fs::write(
            &path,
            format!(
                "[directory]\nurl = '{}'\nbase_dn = '{BASE_DN}'\nbind_dn = '{READER_DN}'\n\
                 bind_password_file = 'password'\n[listener]\nspool = 'listener'\n[ox]\ndata_dir = 'ox'\n",
                slapd.url()
            ),
        )?;
        let config = Config::load(Some(&path))?;
        let listener = Spool::create(&config.listener.spool)?;
        let ox = Spool::create(config.ox.queue())?;
        Ok(Site { _root: root, config, listener, ox })
    }
}

fn change(population: &Population, index: u32) -> Result<ListenerItem> {
    let (uuid, dn) = (population.entry_uuid(index), population.dn(index));
    Ok(idspool_listener::change(&uuid, &dn, "users/user", "modify", false)?)
}

/// Processor time of this process so far, in steps of 10 ms.
fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, numbers) = stat.rsplit_once(')').ok_or("no name in /proc/self/stat")?;
    let ticks = |index| numbers.split_whitespace().nth(index).and_then(|n| n.parse::<f64>().ok());
    Ok((ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0)
}

fn best(times: u32, mut run: impl FnMut() -> Result<Duration>) -> Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..times {
        best = best.min(run()?);
    }
    Ok(best)
}

fn report(what: &str, users: u32, elapsed: Duration) {
    let rate = f64::from(users) / elapsed.as_secs_f64();
    println!("{what}: {users} in {:.3} s, {rate:.0} per second", elapsed.as_secs_f64());
}

fn stream(slapd: &Slapd) -> Result<Duration> {
    let mut command = Command::new("ldapsearch");
    command
        .args(["-x", "-H", &slapd.url(), "-D", READER_DN, "-w", READER_PASSWORD])
        .args(["-LLL", "-o", "ldif-wrap=no", "-b", BASE_DN, "(uid=user*)"])
        .args(idspool_udm::mapping::attributes())
        .stdout(Stdio::null());
    let started = Instant::now();
    let status = command.status()?;
    let elapsed = started.elapsed();
    if !status.success() {
        return Err(format!("ldapsearch ended with {status}").into());
    }
    Ok(elapsed)
}

fn latency(slapd: &Slapd, population: &Population) -> Result<()> {
    let site = Site::new(slapd)?;
    let converter = Converter::new(&site.config)?;
    let stop = converter.stop();
    let mut times = std::thread::scope(|scope| -> Result<Vec<Duration>> {
        let running = scope.spawn(|| converter.run(Mode::Daemon).map(drop));
        let times = (0..201).map(|index| one_change(&site, population, index)).collect();
        stop.stop();
        running.join().map_err(|_| "the converter panicked")??;
        times
    })?;
    // The first one connects and binds.
    times.remove(0);
    times.sort_unstable();
    let milliseconds = |share: usize| {
        times.get(times.len() * share / 100).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    println!(
        "one change, hook to converted file: median {:.1} ms, 95 % within {:.1} ms (target: 15 ms)",
        milliseconds(50),
        milliseconds(95)
    );
    Ok(())
}

fn one_change(site: &Site, population: &Population, index: u32) -> Result<Duration> {
    let before = site.ox.names()?.len();
    idspool_listener::enqueue(&site.listener, &[change(population, index)?])?;
    let started = Instant::now();
    loop {
        if site.ox.names()?.len() > before {
            return Ok(started.elapsed());
        }
        if started.elapsed() > Duration::from_secs(10) {
            return Err("the change was not converted".into());
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}
