//! `idspool explain`: in words, why a queue stands and what to do, and what an item would change.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use idspool_service::{Config, Exit};
use serde_json::{Value, json};

use crate::spools;
use crate::watcher::Watcher;

mod case;
mod difference;
mod fault;
mod item;
mod kelvin_table;
mod shared_table;
mod table;

use fault::Standing;
use item::Item;

/// Arguments of the command.
#[derive(Debug, Args)]
pub struct Arguments {
    /// File name or path of an item, waiting or removed; by default those at which queues stand.
    pub item: Option<String>,
    /// Look only in this queue: listener, ox, kelvin or kelvin/AUTHORITY.
    #[arg(long)]
    pub queue: Option<String>,
}

/// The faults at which queues stand, explained, for machines.
pub(crate) fn faults(config: &Config) -> Result<Value> {
    let watcher = Watcher::of(config)?;
    let fault = watcher.as_ref().and_then(Watcher::fault);
    let mut list: Vec<Value> = fault.map(|fault| fault.to_json()).into_iter().collect();
    for queue in spools::all(config) {
        list.extend(Standing::of(config, &queue)?.map(|standing| standing.to_json()));
    }
    Ok(list.into())
}

/// Carries it out. The exit status is 1 when there is a fault to explain.
pub(crate) fn print(
    config: &Config,
    arguments: &Arguments,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit> {
    let queues = spools::selected(config, arguments.queue.as_deref())?;
    if let Some(name) = &arguments.item {
        let item = Item::find(&queues, name)?;
        let standing = Standing::of(config, &item.queue)?;
        let standing = standing.filter(|standing| standing.is_at(&item.path));
        if as_json {
            let fault = standing.as_ref().map(Standing::to_json);
            writeln!(out, "{}", json!({ "item": item.to_json(), "fault": fault }))?;
        } else {
            item.print(out)?;
            if let Some(standing) = &standing {
                writeln!(out)?;
                standing.print(out)?;
            }
        }
        return Ok(if standing.is_some() { Exit::Stopped } else { Exit::Done });
    }
    let mut standings = Vec::new();
    for queue in &queues {
        standings.extend(Standing::of(config, queue)?);
    }
    // It belongs to no queue.
    let watcher = if arguments.queue.is_none() { Watcher::of(config)? } else { None };
    let fault = watcher.as_ref().and_then(Watcher::fault);
    let is_well = fault.is_none() && standings.is_empty();
    if as_json {
        let watcher = fault.map(|fault| fault.to_json());
        let list: Vec<_> =
            watcher.into_iter().chain(standings.iter().map(Standing::to_json)).collect();
        writeln!(out, "{}", json!({ "faults": list }))?;
    } else if is_well {
        writeln!(out, "nothing stands")?;
    } else {
        let is_first = fault.is_none();
        if let Some(fault) = fault {
            fault.print(out)?;
        }
        for (index, standing) in standings.iter().enumerate() {
            if index > 0 || !is_first {
                writeln!(out)?;
            }
            standing.print(out)?;
        }
    }
    Ok(if is_well { Exit::Done } else { Exit::Stopped })
}
