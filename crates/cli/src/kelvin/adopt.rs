//! `idspool kelvin adopt`: the directory of an ID Connector becomes that of `idspool-kelvin`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use idspool_kelvin::Layout;
use idspool_kelvin::admin::adopt::{self, AdoptError, Done, Report, Source, Way};
use idspool_service::{Config, Exit};
use serde_json::{Value, json};

use super::complain;
use crate::findings;
use crate::format;
use crate::progress::Bar;

/// Settings of the ID Connector, and ours.
const SETTINGS: [(&str, &str, &str); 6] = [
    (
        "ucsschool-id-connector/source_uid",
        "kelvin.source_uid",
        "source UID of users that have none",
    ),
    ("ucsschool-id-connector/log_level", "kelvin.log_level", "DEBUG, INFO, WARNING or ERROR"),
    (
        "ucsschool_ldap_default_container_class",
        "kelvin.class_container",
        "container of school classes",
    ),
    (
        "ucsschool_ldap_default_container_pupils",
        "kelvin.pupils_container",
        "container of pupils' groups",
    ),
    (
        "sync_password_hashes",
        "kelvin.password_hashes",
        "true, if one school authority takes password hashes",
    ),
    (
        "ldap_server_name, ldap_base, ldap_hostdn",
        "directory.*",
        "how our own LDAP server is reached",
    ),
];

/// Arguments of the sub-command.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The ID Connector's directory, which holds conf/ and data/.
    ///
    /// When data/ is the configured `kelvin.data_dir`, it is used in place.
    pub directory: PathBuf,
    /// Only report what is there and what needs a person; change nothing.
    #[arg(long, conflicts_with = "copy")]
    pub check: bool,
    /// Copy it into the configured `kelvin.data_dir`. An interrupted copy is resumed.
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
    let directory = std::path::absolute(&arguments.directory)
        .with_context(|| format!("failed to find {}", arguments.directory.display()))?;
    let source = Source { directory, listener: arguments.listener.clone() };
    let way = way(config, arguments, &source)?;
    let mut bar = Bar::new();
    let inspected =
        adopt::inspect(&source, &config.kelvin, &mut |part, done, of| bar.show(part, done, of));
    let report =
        inspected.with_context(|| format!("failed to look at {}", source.directory.display()))?;
    let mut done = None;
    if let Some(way) = way {
        let spool = &config.listener.spool;
        let mut show = |part, step, of| bar.show(part, step, of);
        match adopt::take_over(&source, way, &config.kelvin, spool, &mut show) {
            Ok(took) => done = Some(took),
            Err(error) => {
                drop(bar);
                // What was found may be the reason.
                print(&report, None, as_json, out)?;
                let is_busy = matches!(error, AdoptError::Busy { .. });
                let error = anyhow::Error::new(error)
                    .context(format!("failed to take {} over", source.directory.display()));
                if is_busy {
                    complain(&format!("{error:#}"));
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

fn way(config: &Config, arguments: &Arguments, source: &Source) -> Result<Option<Way>> {
    let is_in_place = source.is_configured(&config.kelvin);
    let configured = config.kelvin.data_dir.display();
    match (arguments.check, arguments.copy, is_in_place) {
        (true, ..) => Ok(None),
        (_, true, true) => {
            bail!(
                "{configured} is kelvin.data_dir already: leave --copy out to take it over in place"
            )
        }
        (_, true, false) => Ok(Some(Way::Copy)),
        (_, false, true) => {
            let (conf, theirs) = (Layout::new(&config.kelvin).conf, source.directory.join("conf"));
            if conf.canonicalize().ok() != theirs.canonicalize().ok() {
                bail!(
                    "kelvin.conf_dir is {}, but the ID Connector's configuration is in {}: leave kelvin.conf_dir out",
                    conf.display(),
                    theirs.display()
                );
            }
            Ok(Some(Way::InPlace))
        }
        (_, false, false) => bail!(
            "{} is not the configured kelvin.data_dir, {configured}: set kelvin.data_dir to it to use it in place, \
             or add --copy to copy it, or --check to look at it",
            source.directory.join("data").display(),
        ),
    }
}

fn print(report: &Report, done: Option<&Done>, as_json: bool, out: &mut dyn Write) -> Result<()> {
    if as_json {
        let settings: Vec<Value> = SETTINGS
            .map(|(theirs, key, help)| json!({"id_connector": theirs, "key": key, "help": help}))
            .into();
        let answer = json!({
            "source": report.source, "counts": report.counts, "findings": report.findings,
            "needs_a_person": report.needs_a_person(), "done": done, "settings": settings,
        });
        writeln!(out, "{answer}")?;
        return Ok(());
    }
    let counts = &report.counts;
    writeln!(out, "{}\n", format::line(&report.source.display().to_string()))?;
    writeln!(out, "school authorities: {}, with {} schools", counts.authorities, counts.schools)?;
    writeln!(out, "remembered: {} users, {} groups", counts.users, counts.groups)?;
    writeln!(out, "waiting in the in queue: {}", counts.in_queue)?;
    for (name, waiting) in &counts.out_queues {
        writeln!(out, "waiting for {}: {waiting}", format::line(name))?;
    }
    writeln!(out, "waiting listener files: {}", counts.listener_items)?;
    findings::print(&report.findings, out)?;
    writeln!(out, "\nSettings to carry over (the ID Connector's, and our keys)")?;
    for (theirs, key, help) in SETTINGS {
        writeln!(out, "  {theirs:<40} {key:<24} {help}")?;
    }
    if let Some(done) = done {
        writeln!(out, "\n{}", summary(done))?;
    }
    Ok(())
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
        "{}: {way}, {} users remembered anew{listener}, {} files closed to others. idspool-kelvin can be started.",
        done.data_dir.display(),
        done.imported,
        done.closed
    )
}
