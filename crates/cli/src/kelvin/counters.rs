//! `idspool kelvin counters`: what routing did not hand on.

use std::io::Write;

use anyhow::Result;
use idspool_kelvin::Layout;
use idspool_kelvin::routing::Reason;
use idspool_kelvin::routing::state::RoutingState;
use idspool_service::{Config, Exit};
use serde_json::{Map, Value, json};

/// Prints how often each thing has happened.
pub(crate) fn print(config: &Config, as_json: bool, out: &mut dyn Write) -> Result<Exit> {
    let state = RoutingState::existing(&Layout::new(&config.kelvin).routing_state())?;
    let counted = match &state {
        Some(state) => state.counters()?,
        None => Vec::new(),
    };
    if as_json {
        let count = |reason: Reason| counted.iter().find(|(name, _)| *name == reason);
        let all = Reason::ALL.into_iter().map(|reason| {
            (reason.as_str().to_owned(), Value::from(count(reason).map_or(0, |(_, count)| *count)))
        });
        writeln!(out, "{}", json!({ "counters": all.collect::<Map<_, _>>() }))?;
        return Ok(Exit::Done);
    }
    if counted.is_empty() {
        writeln!(out, "everything was handed to a school authority")?;
    }
    for (reason, count) in counted {
        writeln!(out, "{count:>10}  {:<24} {}", reason.as_str(), reason.meaning())?;
    }
    Ok(Exit::Done)
}
