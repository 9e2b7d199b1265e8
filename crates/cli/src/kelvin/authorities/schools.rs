//! Which school belongs to which authority.

use std::io::Write;

use anyhow::Result;
use idspool_kelvin::admin::authorities::Authorities;
use idspool_kelvin::conf::AuthorityName;
use idspool_service::Exit;
use serde_json::json;

use super::{answer, warn};
use crate::format;

/// Prints all pairs.
pub(super) fn print(authorities: &Authorities, as_json: bool, out: &mut dyn Write) -> Result<Exit> {
    let mapping = authorities.mapping()?;
    if as_json {
        writeln!(out, "{}", json!({ "mapping": mapping }))?;
        return Ok(Exit::Done);
    }
    if mapping.is_empty() {
        writeln!(out, "no school belongs to a school authority")?;
    }
    for (school, name) in mapping {
        writeln!(out, "{:<24} {}", format::line(&school), format::line(&name))?;
    }
    Ok(Exit::Done)
}

/// Gives a school to an authority, or to none.
pub(super) fn map(
    authorities: &Authorities,
    school: &str,
    authority: Option<&AuthorityName>,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let before = authorities.map(school, authority)?;
    let now = authority.map(AuthorityName::as_str);
    let line = match (&before, now) {
        (Some(before), Some(now)) if before == now => {
            format!("school '{school}' belongs to '{now}' already")
        }
        (Some(before), Some(now)) => {
            format!("school '{school}' belongs to '{now}' now, no longer to '{before}'")
        }
        (None, Some(now)) => format!("school '{school}' belongs to '{now}' now"),
        (Some(before), None) => format!("school '{school}' no longer belongs to '{before}'"),
        (None, None) => format!("school '{school}' belongs to no school authority"),
    };
    let is_changed = before.as_deref() != now;
    let json = json!({"done": "mapped", "school": school, "authority": now, "before": before});
    answer(out, as_json, &json, &line)?;
    if let Some(name) = authority.filter(|name| !authorities.layout().authority(name).exists()) {
        warn([&format!("there is no school authority '{name}' yet")]);
    } else if is_changed && !as_json {
        writeln!(
            out,
            "users and classes follow with their next change, or all at once with: idspool kelvin schedule school {}",
            format::line(school)
        )?;
    }
    Ok(Exit::Done)
}
