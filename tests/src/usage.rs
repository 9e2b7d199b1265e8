//! What a process has used: time and memory, for benches.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// What a process has used.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// From the call of [`follow`] to the end.
    pub wall: Duration,
    /// Processor time.
    pub cpu: Duration,
    /// Peak of resident memory in MiB.
    pub memory: f64,
}

/// Follows a child to its end.
///
/// Its processor time is read when it has ended and not yet been reaped; the peak of its memory while it
/// runs, where the last look is at most 10 ms before the end.
pub fn follow(mut child: Child) -> Result<Usage> {
    let started = Instant::now();
    let pid = child.id();
    let mut memory = 0.0_f64;
    loop {
        memory = memory.max(peak_memory(pid).unwrap_or(0.0));
        if state(pid)? == "Z" {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let usage = Usage { wall: started.elapsed(), cpu: cpu(pid)?, memory };
    let status = child.wait()?;
    ensure!(status.success(), "it ended with {status}");
    Ok(usage)
}

/// Fields of `/proc/PID/stat` behind the command name.
fn stat(pid: u32) -> Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = text.rsplit_once(") ").context("unexpected form of /proc/PID/stat")?;
    Ok(fields.split(' ').map(str::to_owned).collect())
}

fn state(pid: u32) -> Result<String> {
    stat(pid)?.into_iter().next().context("no state in /proc/PID/stat")
}

fn cpu(pid: u32) -> Result<Duration> {
    // proc(5): utime and stime, the 14th and 15th field, in hundredths of a second.
    let fields = stat(pid)?;
    let ticks: u64 =
        fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// Peak of resident memory of a running process in MiB.
pub fn peak_memory(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes / 1024.0)
}
