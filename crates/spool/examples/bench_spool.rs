//! What the spool costs, beside the least that durable files can cost.
//!
//! `cargo run --release -p idspool-spool --example bench_spool -- DIR [largest-scan]`
//!
//! The baseline is a raw loop of write, fsync, rename, fsync of the directory, with items of the
//! same size. Disks have moods and machines other work, so the contestants take turns in slices of
//! some milliseconds, and the medians of many slices are compared; the quartiles tell how far to
//! trust them. DIR should be on the file system in question; everything made there is removed
//! again, at the end. For some seconds after many files were removed, ext4 without a journal searches
//! long for an inode that was not in use lately, which shows as processor time per item.

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use idspool_spool::Spool;

/// A user without a photo, as the converter writes it.
const ITEM: [u8; 2000] = [b'x'; 2000];
const ROUNDS: usize = 31;
/// Items in one slice of the raw loop and of enqueueing one by one.
const SINGLES: usize = 25;
const GROUP: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().ok_or("usage: bench_spool DIR [largest-scan]")?;
    let largest = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let root = PathBuf::from(parent).join(format!("bench-{}", std::process::id()));
    fs::create_dir_all(&root)?;
    // Not `println!`: it panics when the reader goes away, and would leave the files behind.
    let mut out = std::io::stdout();
    let result = enqueue(&root, &mut out).and_then(|()| scan(&root, largest, &mut out));
    fs::remove_dir_all(&root)?;
    result
}

fn enqueue(root: &Path, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let raw_dir = root.join("raw");
    fs::create_dir(&raw_dir)?;
    let singles = Spool::create(root.join("singles"))?;
    let groups = Spool::create(root.join("groups"))?;
    let group = vec![ITEM; GROUP];
    let (mut raw, mut one_by_one, mut grouped) =
        (Runs::default(), Runs::default(), Runs::default());
    for round in 0..ROUNDS {
        raw.time(SINGLES, || raw_loop(&raw_dir, round))?;
        one_by_one.time(SINGLES, || {
            for _ in 0..SINGLES {
                singles.enqueue(&ITEM)?;
            }
            Ok(())
        })?;
        grouped.time(GROUP, || {
            groups.enqueue_group(&group)?;
            Ok(())
        })?;
    }
    writeln!(out, "enqueue, {} bytes per item, median (quartiles) of {ROUNDS} slices", ITEM.len())?;
    for (label, runs) in
        [("raw loop", &raw), ("one by one", &one_by_one), ("groups of 500", &grouped)]
    {
        writeln!(
            out,
            "  {label:14} {:8.0} items/s ({:.0} to {:.0})  {:6.2} x raw  {:6.1} us CPU per item",
            runs.rate(2),
            runs.rate(1),
            runs.rate(3),
            runs.rate(2) / raw.rate(2),
            runs.median_cpu().as_secs_f64() * 1e6,
        )?;
    }
    Ok(())
}

fn raw_loop(dir: &Path, round: usize) -> Result<(), Box<dyn Error>> {
    let directory = File::open(dir)?;
    for number in 0..SINGLES {
        let draft = dir.join(format!(".{round}-{number}"));
        let mut file = File::create_new(&draft)?;
        file.write_all(&ITEM)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&draft, dir.join(format!("{round}-{number}.json")))?;
        directory.sync_all()?;
    }
    Ok(())
}

fn scan(root: &Path, largest: usize, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    writeln!(out, "consumer, first scan and a refresh after one more item")?;
    let spool = Spool::create(root.join("scan"))?;
    let original = root.join("original");
    fs::write(&original, ITEM)?;
    // Before the first scan: what an earlier one left behind must not pass for free memory.
    let before = memory("VmRSS")?;
    let mut waiting = 0;
    for count in [1_000, 10_000, 100_000, 1_000_000] {
        if count > largest {
            break;
        }
        for number in waiting..count {
            let (seconds, micros) = (number / 1000, number % 1000);
            // Links cost no room; only the names matter here.
            let name = format!(
                "2023-12-11-{:02}-{:02}-{:02}-{micros:06}.json",
                seconds / 3600 % 24,
                seconds / 60 % 60,
                seconds % 60,
            );
            if number % 50_000 == 0 {
                // ext4 allows 65,000 links of one file.
                fs::remove_file(&original)?;
                fs::write(&original, ITEM)?;
            }
            fs::hard_link(&original, spool.dir().join(name))?;
        }
        waiting = count;
        let mut consumer = spool.consumer("bench_spool")?;
        let started = Instant::now();
        let found = consumer.refresh()?.appeared.len();
        let peak = memory("VmHWM")?;
        let took = started.elapsed();
        let kept = memory("VmRSS")?.saturating_sub(before);
        let started = Instant::now();
        let extra = spool.enqueue(&ITEM)?;
        consumer.wait(Some(Duration::from_secs(10)))?;
        let seen = consumer.refresh()?.appeared == [extra.clone()];
        let noticed = started.elapsed();
        consumer.done(&extra)?;
        writeln!(
            out,
            "  {found:8} names {:9.1} ms  {:6.1} MB more resident ({:.0} bytes per name), process \
             peak {:.1} MB; one more enqueued and seen ({seen}) in {:.2} ms",
            took.as_secs_f64() * 1e3,
            kept as f64 / 1e6,
            kept as f64 / found as f64,
            peak as f64 / 1e6,
            noticed.as_secs_f64() * 1e3,
        )?;
    }
    Ok(())
}

#[derive(Default)]
struct Runs(Vec<(f64, Duration)>);

impl Runs {
    fn time(
        &mut self,
        items: usize,
        run: impl FnOnce() -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let (started, cpu) = (Instant::now(), cpu_time()?);
        run()?;
        let rate = items as f64 / started.elapsed().as_secs_f64();
        let cpu = (cpu_time()?.saturating_sub(cpu)) / u32::try_from(items)?;
        self.0.push((rate, cpu));
        Ok(())
    }

    /// The rate that this many quarters of the slices stay below.
    fn rate(&self, quarters: usize) -> f64 {
        let mut rates: Vec<f64> = self.0.iter().map(|run| run.0).collect();
        rates.sort_unstable_by(f64::total_cmp);
        rates.get(rates.len() * quarters / 4).copied().unwrap_or_default()
    }

    fn median_cpu(&self) -> Duration {
        let mut times: Vec<Duration> = self.0.iter().map(|run| run.1).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }
}

/// Processor time of this thread, from the kernel's scheduler statistics in nanoseconds.
fn cpu_time() -> Result<Duration, Box<dyn Error>> {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = statistics.split(' ').next().ok_or("schedstat is empty")?;
    Ok(Duration::from_nanos(first.parse()?))
}

/// A figure in bytes from `/proc/self/status`.
fn memory(key: &str) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(key)).ok_or("no such figure")?;
    let kibibytes: u64 = line.split_whitespace().nth(1).ok_or("no figure")?.parse()?;
    Ok(kibibytes * 1024)
}
