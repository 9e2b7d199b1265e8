//! `idspool queue`: look at, remove and restore waiting items.

use std::io::Write;

use anyhow::Result;
use idspool_service::{Config, Exit};

use crate::arguments::QueueCommand;
use crate::spools;

mod aside;
mod list;
mod show;

pub(crate) use list::summary;
pub(crate) use show::is_hidden;

/// Carries out one of the sub-commands.
pub(crate) fn run(
    config: &Config,
    command: &QueueCommand,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    match command {
        QueueCommand::List { queue, limit, removed } => {
            let queues = spools::selected(config, queue.as_deref())?;
            list::print(&queues, limit.unwrap_or(usize::MAX), *removed, as_json, out)
        }
        QueueCommand::Show { item, queue } => {
            show::print(&spools::selected(config, queue.as_deref())?, item, as_json, out)
        }
        QueueCommand::Remove { items, queue } => {
            aside::remove(&spools::selected(config, queue.as_deref())?, items, as_json, out)
        }
        QueueCommand::Restore { items, queue } => {
            aside::restore(&spools::selected(config, queue.as_deref())?, items, as_json, out)
        }
    }
}
