//! Measures `idspool ox check-sync --all` over real processes: time and memory for many users.
//!
//! ```text
//! bench_check [--users N]
//! ```

#![expect(clippy::print_stdout, reason = "the figures on standard output are what it is for")]

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use idspool_tests::{Installation, Loading, Population, Sandbox, Slapd};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let users = match arguments.iter().position(|argument| argument == "--users") {
        Some(at) => arguments.get(at + 1).context("a number is missing")?.parse()?,
        None => 20_000,
    };
    let population = Population { users };
    let slapd =
        Slapd::builder().loading(Loading::SlapAdd).extra_ldif(&population.ldif()).start()?;
    let sandbox = Sandbox::start(&[])?;
    let installation = Installation::new(&slapd.url(), sandbox.url())?;
    let started = Instant::now();
    for object_type in ["oxmail/oxcontext", "oxmail/accessprofile", "users/user", "groups/group"] {
        let filter = format!("(univentionObjectType={object_type})");
        installation.hook_all(&slapd.cli(), &filter, object_type)?;
    }
    for program in ["idspool-converter", "idspool-ox"] {
        let mut command = installation.command(program, &["--once"])?;
        let status = command.stderr(Stdio::null()).status()?;
        ensure!(status.success(), "{program} ended with {status}");
    }
    println!("{users} users provisioned in {:.0} s", started.elapsed().as_secs_f64());
    measure(&installation, &sandbox, users, "all equal", &["ox", "check-sync", "--all"])?;
    // A setting by which every user differs.
    let file = installation.path().join("idspool.toml");
    let text = fs::read_to_string(&file)?;
    fs::write(&file, format!("{text}imap_login = '{{username}}'\n"))?;
    measure(&installation, &sandbox, users, "all differ", &["ox", "check-sync", "--all"])?;
    let resync = ["ox", "check-sync", "--all", "--resync"];
    measure(&installation, &sandbox, users, "all differ, re-queued", &resync)
}

fn measure(
    installation: &Installation,
    sandbox: &Sandbox,
    users: u32,
    name: &str,
    arguments: &[&str],
) -> Result<()> {
    let before = sandbox.last_call()?;
    let started = Instant::now();
    let output = installation.path().join("answer");
    let mut command = installation.command("idspool", arguments)?;
    let mut child = command.stdout(fs::File::create(&output)?).spawn()?;
    let (mut memory, mut cpu) = (0, 0.0);
    // The processor time of a process is known until it is reaped.
    while let Some((is_over, seconds)) = state(child.id()) {
        memory = memory.max(peak(child.id()).unwrap_or(0));
        cpu = seconds;
        if is_over {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait()?;
    let seconds = started.elapsed().as_secs_f64();
    let calls = sandbox.last_call()? - before;
    println!(
        "{name}: {seconds:.1} s, {:.0} users/s, {:.2} ms CPU per user, {calls} calls, peak memory {:.1} MiB",
        f64::from(users) / seconds,
        cpu * 1000.0 / f64::from(users),
        memory as f64 / 1024.0
    );
    let answer = fs::read_to_string(&output)?;
    for line in answer.lines().rev().take(4) {
        println!("    {line}");
    }
    Ok(())
}

/// Whether it is over, and its processor time in seconds.
fn state(pid: u32) -> Option<(bool, f64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    // proc(5): utime and stime, the 14th and 15th field, in hundredths of a second.
    let ticks: u64 = fields.get(11..13)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some((fields.first() == Some(&"Z"), ticks as f64 / 100.0))
}

/// Peak of resident memory in KiB.
fn peak(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
