//! `idspool ox adopt`: the data directory of an OX Connector becomes that of `idspool-ox`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use idspool_ox::Settings;
use idspool_ox::admin::adopt::{self, AdoptError, Done, Report, Source, Way};
use idspool_service::{Config, Exit, KEYS};
use serde_json::{Value, json};

use crate::findings;
use crate::format;
use crate::progress::Bar;

/// Arguments of the sub-command.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The connector's data directory, which holds listener/ and secrets/.
    ///
    /// When it is the configured `ox.data_dir`, it is used in place.
    pub directory: PathBuf,
    /// Only report what is there and what needs a person; change nothing.
    #[arg(long, conflicts_with = "copy")]
    pub check: bool,
    /// Copy it into the configured `ox.data_dir`. An interrupted copy is resumed.
    #[arg(long)]
    pub copy: bool,
    /// The folder in which the host's listener leaves its files; they are put into `listener.spool`.
    #[arg(long, value_name = "DIR")]
    pub listener: Option<PathBuf>,
}

/// Carries it out. The exit status is 1 when something needs a person.
pub(crate) fn run(
    config: &Config,
    arguments: &Arguments,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let settings = Settings::new(&config.ox).context("failed to use the settings of OX")?;
    let source = Source { data: arguments.directory.clone(), listener: arguments.listener.clone() };
    let way = way(arguments, &config.ox.data_dir)?;
    let mut bar = Bar::new();
    let inspected = adopt::inspect(&source, &config.ox, &settings, &mut bar);
    let report =
        inspected.with_context(|| format!("failed to look at {}", source.data.display()))?;
    let mut done = None;
    if let Some(way) = way {
        let spool = &config.listener.spool;
        match adopt::take_over(&source, way, &config.ox, &settings, spool, &mut bar) {
            Ok(took) => done = Some(took),
            Err(error) => {
                drop(bar);
                // What was found may be the reason.
                print(&report, None, as_json, out)?;
                let is_busy = matches!(error, AdoptError::Busy { .. });
                let error = anyhow::Error::new(error)
                    .context(format!("failed to take {} over", source.data.display()));
                if is_busy {
                    complain(&error);
                    return Ok(Exit::Locked);
                }
                return Err(error);
            }
        }
    }
    drop(bar);
    print(&report, done.as_ref(), as_json, out)?;
    Ok(if report.needs_a_person() { Exit::Stopped } else { Exit::Done })
}

#[expect(clippy::print_stderr, reason = "standard output has the report")]
fn complain(error: &anyhow::Error) {
    eprintln!("idspool: {error:#}");
}

fn way(arguments: &Arguments, configured: &Path) -> Result<Option<Way>> {
    let is_in_place = match (arguments.directory.canonicalize(), configured.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    };
    match (arguments.check, arguments.copy, is_in_place) {
        (true, ..) => Ok(None),
        (_, true, true) => bail!(
            "{} is ox.data_dir already: leave --copy out to take it over in place",
            configured.display()
        ),
        (_, true, false) => Ok(Some(Way::Copy)),
        (_, false, true) => Ok(Some(Way::InPlace)),
        (_, false, false) => bail!(
            "{} is not the configured ox.data_dir, {}: set ox.data_dir to it to use it in place, or add \
             --copy to copy it, or --check to look at it",
            arguments.directory.display(),
            configured.display()
        ),
    }
}

fn print(report: &Report, done: Option<&Done>, as_json: bool, out: &mut dyn Write) -> Result<()> {
    if as_json {
        let settings: Vec<Value> = settings()
            .map(|(variable, key, help)| json!({"variable": variable, "key": key, "help": help}))
            .collect();
        let answer = json!({
            "source": report.source, "counts": report.counts, "findings": report.findings,
            "needs_a_person": report.needs_a_person(), "done": done, "settings": settings,
        });
        writeln!(out, "{answer}")?;
        return Ok(());
    }
    writeln!(out, "{}", report.source.display())?;
    writeln!(
        out,
        "\n{:<28} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "type", "snapshots", "in OX", "with id", "waiting", "removals"
    )?;
    for (name, count) in &report.counts.types {
        writeln!(
            out,
            "{:<28} {:>10} {:>10} {:>10} {:>10} {:>10}",
            format::line(name),
            count.snapshots,
            count.active,
            count.with_id,
            count.waiting,
            count.waiting_removals
        )?;
    }
    writeln!(out, "waiting items: {}", report.counts.waiting)?;
    writeln!(out, "waiting listener files: {}", report.counts.listener_items)?;
    findings::print(&report.findings, out)?;
    writeln!(out, "\nSettings to carry over (the connector's app settings, and our keys)")?;
    for (variable, key, help) in settings() {
        writeln!(out, "  {variable:<38} {key:<40} {help}")?;
    }
    if let Some(done) = done {
        writeln!(out, "\n{}", summary(done))?;
    }
    Ok(())
}

/// The settings that the connector had under the same variable.
fn settings() -> impl Iterator<Item = (&'static str, String, &'static str)> {
    KEYS.iter()
        .filter(|key| key.section == "ox" && !key.variable.starts_with("IDSPOOL_"))
        .map(|key| (key.variable, format!("{}.{}", key.section, key.name), key.help))
        .chain([(
            "OX_MASTER_PASSWORD",
            "ox.master_password_file".to_owned(),
            "password of the OX master administrator, in a file of mode 0600",
        )])
}

fn summary(done: &Done) -> String {
    let way = match done.way {
        Way::InPlace => "taken over in place".to_owned(),
        Way::Copy => format!("taken over as a copy, {} files copied", done.copied),
    };
    let listener = match done.listener_items {
        0 => String::new(),
        count => format!(", {count} listener files enqueued"),
    };
    format!(
        "{}: {way}{listener}, {} files closed to others. idspool-ox can be started.",
        done.data_dir.display(),
        done.closed
    )
}
