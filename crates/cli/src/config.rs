//! `idspool config`.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use idspool_kelvin::{Layout, conf};
use idspool_service::{Config, ConfigError, Exit, KEYS};
use idspool_udm::dn::Dn;
use serde_json::json;

use crate::spools;

/// Checks the configuration and the folders that it names. The exit status is 2 when the programs could
/// not work, 1 when there are only warnings.
pub(crate) fn check(
    loaded: Result<Config, ConfigError>,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let mut lines: Vec<(bool, String, String)> = Vec::new();
    let mut source = None;
    match &loaded {
        Err(error) => lines.push((true, "file".into(), error.to_string())),
        Ok(config) => {
            source = config.source.clone();
            let problems = config.problems().into_iter();
            lines.extend(problems.map(|p| (p.is_fatal, p.key.to_owned(), p.message)));
            lines.extend(unusable_values(config).map(|(key, message)| (true, key.into(), message)));
            if config.kelvin.enabled {
                lines.extend(kelvin(config));
            }
            for queue in spools::all(config) {
                if let Some(message) = unusable(&queue.folder) {
                    lines.push((true, format!("queue {}", queue.name), message));
                }
            }
        }
    }
    let exit = match lines.iter().map(|(is_fatal, ..)| *is_fatal).max() {
        None => Exit::Done,
        Some(false) => Exit::Stopped,
        Some(true) => Exit::Usage,
    };
    if as_json {
        let list: Vec<_> = lines
            .iter()
            .map(|(is_fatal, key, message)| {
                json!({ "level": if *is_fatal { "error" } else { "warning" }, "key": key, "message": message })
            })
            .collect();
        writeln!(out, "{}", json!({ "file": source, "problems": list }))?;
        return Ok(exit);
    }
    match (&source, loaded.is_ok()) {
        (Some(path), _) => writeln!(out, "file: {}", path.display())?,
        (None, true) => writeln!(out, "file: none found, defaults and environment only")?,
        (None, false) => {}
    }
    for (is_fatal, key, message) in &lines {
        writeln!(out, "{}: {key}: {message}", if *is_fatal { "error" } else { "warning" })?;
    }
    if lines.is_empty() {
        writeln!(out, "no problems found")?;
    }
    Ok(exit)
}

/// Values that a program would refuse at its start, in the program's own words.
fn unusable_values(config: &Config) -> impl Iterator<Item = (&'static str, String)> {
    let directory = &config.directory;
    let mut found = Vec::new();
    let dns = [
        ("directory.base_dn", Some(&directory.base_dn)),
        ("directory.bind_dn", directory.bind_dn.as_ref()),
    ];
    for (key, dn) in dns {
        if let Some(error) = dn.and_then(|dn| Dn::parse(dn).err()) {
            found.push((key, error.to_string()));
        }
    }
    if config.ox.enabled {
        if let Err(error) = idspool_ox::Settings::new(&config.ox) {
            found.push(("ox", error.to_string()));
        }
        if let Err(error) = idspool_ox::client(&config.ox) {
            found.push(("ox.soap_server", error.to_string()));
        }
    }
    found.into_iter()
}

/// What is wrong or odd in the files of the school authorities. Those that work go on beside one that does not,
/// so each is an error of its own.
fn kelvin(config: &Config) -> Vec<(bool, String, String)> {
    let loaded = match conf::load(&Layout::new(&config.kelvin)) {
        Ok(loaded) => loaded,
        Err(problem) => return vec![(true, "kelvin".into(), problem.to_string())],
    };
    let problems = loaded.problems().map(|problem| (true, problem.to_string()));
    let warnings = loaded.warnings.iter().map(|warning| (false, warning.clone()));
    let clients = loaded.usable().filter(|authority| authority.active).filter_map(|authority| {
        let error = idspool_kelvin::client(&config.kelvin, authority).err()?;
        Some((true, format!("school authority '{}': {error}", authority.name)))
    });
    let lines = problems.chain(warnings).chain(clients);
    lines.map(|(is_fatal, line)| (is_fatal, "kelvin".to_owned(), line)).collect()
}

/// Why nothing could be written to a queue's folder, or to where it would be made.
fn unusable(folder: &Path) -> Option<String> {
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    if !existing.is_dir() {
        return Some(format!("{} is not a folder", existing.display()));
    }
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    tempfile_in(existing)
        .err()
        .map(|error| format!("nothing can be written to {}: {error}", existing.display()))
}

/// Writing is the only test that counts: mode bits say nothing of read-only mounts and full disks.
fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".idspool-check-{}", std::process::id()));
    std::fs::write(&probe, b"x")?;
    std::fs::remove_file(&probe)
}

/// Lists all keys.
pub(crate) fn keys(as_json: bool, out: &mut dyn Write) -> Result<Exit> {
    if as_json {
        let list: Vec<_> = KEYS
            .iter()
            .map(|key| {
                json!({ "key": format!("{}.{}", key.section, key.name), "variable": key.variable, "help": key.help })
            })
            .collect();
        writeln!(out, "{}", json!({ "keys": list }))?;
        return Ok(Exit::Done);
    }
    for key in KEYS {
        let name = format!("{}.{}", key.section, key.name);
        writeln!(out, "{name:<40} {:<38} {}", key.variable, key.help)?;
    }
    Ok(Exit::Done)
}
