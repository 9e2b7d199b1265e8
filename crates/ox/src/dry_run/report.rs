//! What is told of an item and of all items, and its form as JSON.
//!
//! The members of these objects are an interface: more may come, none goes away.

use std::collections::BTreeMap;

use idspool_provisioner::{Fault, Step};
use idspool_service::Exit;
use idspool_spool::{FaultClass, ItemName};
use idspool_udm::ItemHead;
use serde_json::{Value, json};

use super::journal::{Call, Change};
use super::stage::{FileChange, Foreseen};

/// What would become of one item.
pub(crate) struct Report {
    pub(crate) step: Step,
    pub(crate) foreseen: Foreseen,
    /// The faulty item before it, at which the queue would stand.
    pub(crate) waits_behind: Option<ItemName>,
}

impl Report {
    pub(crate) fn new(step: Step, mut foreseen: Foreseen, stands_at: Option<&ItemName>) -> Self {
        if let Some(first) = &step.overtaken {
            foreseen.warnings.push(format!(
                "{first} is of the same object, goes before this item and was left out: what it \
                 changes is not foreseen here"
            ));
        }
        Self { step, foreseen, waits_behind: stands_at.cloned() }
    }

    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.step.result.as_ref().err()
    }

    pub(crate) fn outcome(&self) -> &'static str {
        if self.step.result.is_err() {
            "fault"
        } else if self.foreseen.calls.is_empty() {
            "no_calls"
        } else {
            "calls"
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let Foreseen { calls, files, warnings } = &self.foreseen;
        let faults: Vec<Value> = self
            .fault()
            .into_iter()
            .map(|fault| {
                json!({
                    "class": class(fault.class), "message": fault.message, "remedy": fault.remedy,
                })
            })
            .collect();
        json!({
            "name": self.step.name.as_str(),
            "is_copy": self.step.is_copy,
            "object": self.step.head.as_ref().map(head),
            "outcome": self.outcome(),
            "calls": calls.iter().map(call).collect::<Vec<_>>(),
            "files": files.iter().map(file).collect::<Vec<_>>(),
            "follows": self.step.follows.iter().map(head).collect::<Vec<_>>(),
            "warnings": warnings,
            "faults": faults,
            "waits_behind": self.waits_behind.as_ref().map(ItemName::as_str),
        })
    }
}

pub(crate) fn class(class: FaultClass) -> &'static str {
    match class {
        FaultClass::Ours => "ours",
        FaultClass::Permanent => "permanent",
        FaultClass::Transient => "transient",
    }
}

fn head(head: &ItemHead) -> Value {
    json!({
        "id": head.id, "type": head.udm_object_type, "dn": head.dn, "deleted": head.deleted,
    })
}

fn call(call: &Call) -> Value {
    json!({
        "operation": call.operation,
        "context": call.context,
        "object": call.object,
        "id": call.id,
        "changes": call.changes.iter().map(change).collect::<Vec<_>>(),
    })
}

fn change(change: &Change) -> Value {
    match change {
        Change::Value { field, old, new } => json!({"field": field, "old": old, "new": new}),
        Change::List { field, added, removed } => {
            json!({"field": field, "added": added, "removed": removed})
        }
        Change::Ids { field, added, removed } => {
            json!({"field": field, "added": added, "removed": removed})
        }
    }
}

fn file(change: &FileChange) -> Value {
    let FileChange { file, entry, old, new } = change;
    json!({"file": file, "entry": entry, "old": old, "new": new})
}

/// What would become of all items.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) with_calls: usize,
    pub(crate) without_calls: usize,
    pub(crate) faulty: usize,
    pub(crate) warnings: usize,
    /// Items behind the first faulty one.
    pub(crate) behind: usize,
    /// Number of calls by operation.
    pub(crate) calls: BTreeMap<&'static str, usize>,
    pub(crate) is_limited: bool,
    pub(crate) is_offline: bool,
    stands_at: Option<ItemName>,
}

impl Summary {
    pub(crate) fn add(&mut self, report: &Report) {
        self.behind += usize::from(report.waits_behind.is_some());
        match report.outcome() {
            "fault" => self.faulty += 1,
            "calls" => self.with_calls += 1,
            _ => self.without_calls += 1,
        }
        self.warnings += report.foreseen.warnings.len();
        for call in &report.foreseen.calls {
            *self.calls.entry(call.operation).or_default() += 1;
        }
        if report.fault().is_some() && self.stands_at.is_none() {
            self.stands_at = Some(report.step.name.clone());
        }
    }

    pub(crate) fn items(&self) -> usize {
        self.with_calls + self.without_calls + self.faulty
    }

    /// The first faulty item.
    pub(crate) fn stands_at(&self) -> Option<&ItemName> {
        self.stands_at.as_ref()
    }

    /// More items wait than were looked at.
    pub(crate) fn limit(&mut self) {
        self.is_limited = true;
    }

    pub(crate) fn set_offline(&mut self, is_offline: bool) {
        self.is_offline = is_offline;
    }

    pub(crate) fn exit(&self) -> Exit {
        if self.faulty > 0 { Exit::Stopped } else { Exit::Done }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({"summary": {
            "items": self.items(),
            "with_calls": self.with_calls,
            "without_calls": self.without_calls,
            "faulty": self.faulty,
            "warnings": self.warnings,
            "calls": self.calls,
            "stands_at": self.stands_at.as_ref().map(ItemName::as_str),
            "behind": self.behind,
            "limited": self.is_limited,
            "offline": self.is_offline,
        }})
    }
}
