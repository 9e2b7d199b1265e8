//! Whether school authorities fit their servers.

use std::io::Write;

use anyhow::{Result, bail};
use idspool_kelvin::Layout;
use idspool_kelvin::admin::trial::{self, Check, Verdict};
use idspool_kelvin::conf::{self, AuthorityName};
use idspool_service::{Config, Exit, logging};
use serde_json::json;

use crate::format;

/// Checks these authorities, or all. The exit status is 1 when there is a problem.
pub(super) fn run(
    config: &Config,
    names: &[AuthorityName],
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    logging::init("ERROR")?;
    let loaded = conf::load(&Layout::new(&config.kelvin))?;
    let names: Vec<AuthorityName> =
        if names.is_empty() { loaded.names().cloned().collect() } else { names.to_vec() };
    if names.is_empty() {
        bail!("there are no school authorities to test");
    }
    let mut is_good = true;
    let mut answers = Vec::new();
    for name in &names {
        let checks = trial::authority(config, &loaded, name);
        let has_problem = checks.iter().any(|check| check.verdict == Verdict::Problem);
        is_good &= !has_problem;
        if as_json {
            answers.push(json!({"name": name.as_str(), "good": !has_problem, "checks": checks}));
        } else {
            print(name, &checks, out)?;
        }
    }
    if as_json {
        writeln!(out, "{}", json!({ "authorities": answers }))?;
    }
    Ok(if is_good { Exit::Done } else { Exit::Stopped })
}

fn print(name: &AuthorityName, checks: &[Check], out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{}", format::line(name.as_str()))?;
    for check in checks {
        let word = match check.verdict {
            Verdict::Good => "ok",
            Verdict::Note => "note",
            Verdict::Problem => "PROBLEM",
        };
        writeln!(out, "  {word:<8} {}", format::line(&check.message))?;
        if let Some(remedy) = &check.remedy {
            writeln!(out, "  {:<8} {}", "", format::line(&format!("what to do: {remedy}")))?;
        }
    }
    Ok(())
}
