//! `idspool kelvin clean-trash`: as `listener_trash_cleaner` (id-connector 7.4).

use std::fs;
use std::io::{ErrorKind, Write};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use clap::Args;
use idspool_kelvin::Layout;
use idspool_service::{Config, Exit};
use serde_json::json;

/// Arguments of the sub-command.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Remove files that are older than so many days.
    #[arg(
        long,
        value_name = "DAYS",
        env = "IDSPOOL_KELVIN_TRASH_DELETE_OFFSET",
        default_value_t = 30
    )]
    days: u32,
    /// 1: remove files; anything else: do nothing.
    #[arg(
        long,
        value_name = "STATE",
        env = "IDSPOOL_KELVIN_TRASH_DELETE_STATE",
        default_value = "1"
    )]
    state: String,
}

/// Removes old files from the in queue's trash. idspool puts none there; an ID Connector did.
pub(crate) fn clean(
    config: &Config,
    arguments: &Arguments,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let folder = Layout::new(&config.kelvin).in_queue().join("trash");
    let offset = Duration::from_secs(u64::from(arguments.days) * 86_400);
    let mut removed = 0_u64;
    let entries = match fs::read_dir(&folder) {
        _ if arguments.state.trim() != "1" => None,
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        other => Some(other.with_context(|| format!("failed to read {}", folder.display()))?),
    };
    let now = SystemTime::now();
    for entry in entries.into_iter().flatten() {
        let path = entry.with_context(|| format!("failed to read {}", folder.display()))?.path();
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        let age = metadata.modified().ok().and_then(|modified| now.duration_since(modified).ok());
        if metadata.is_file() && age.is_some_and(|age| age >= offset) {
            fs::remove_file(&path)
                .with_context(|| format!("failed to remove {}", path.display()))?;
            removed += 1;
        }
    }
    if as_json {
        writeln!(out, "{}", json!({ "removed": removed }))?;
    }
    Ok(Exit::Done)
}
