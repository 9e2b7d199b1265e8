//! What is told of an item, beside what every recipient tells, as JSON.
//!
//! The members of these objects are an interface: more may come, none goes away.

use idspool_provisioner::forecast;
use serde_json::{Value, json};

use super::journal::{Call, Change};
use super::stage::{FileChange, Foreseen};

/// What would become of one item.
pub(crate) type Report = forecast::Report<Foreseen>;

impl forecast::Foreseen for Foreseen {
    const NOUN: &'static str = "call";

    fn operations(&self) -> Vec<&'static str> {
        self.calls.iter().map(|call| call.operation).collect()
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }
}

/// One item.
pub(crate) fn item(report: &Report) -> Value {
    let Foreseen { calls, files, warnings: _ } = &report.foreseen;
    report.to_json([
        ("calls", calls.iter().map(call).collect()),
        ("files", files.iter().map(file).collect()),
        ("faults", report.fault_to_json().into_iter().collect()),
    ])
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
