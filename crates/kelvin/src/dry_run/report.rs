//! What is told of an item, beside what every recipient tells, as JSON.
//!
//! The members of these objects are an interface: more may come, none goes away.

use idspool_provisioner::forecast;
use serde_json::{Value, json};

use super::journal::{Change, Request};
use super::stage::Foreseen;

/// What would become of one item.
pub(crate) type Report = forecast::Report<Foreseen>;

impl forecast::Foreseen for Foreseen {
    const NOUN: &'static str = "request";

    fn operations(&self) -> Vec<&'static str> {
        self.requests.iter().map(|request| request.operation).collect()
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }
}

/// One item.
pub(crate) fn item(report: &Report, authority: &str) -> Value {
    report.to_json([
        ("school_authority", json!(authority)),
        ("requests", report.foreseen.requests.iter().map(request).collect()),
        ("fault", json!(report.fault_to_json())),
    ])
}

fn request(request: &Request) -> Value {
    json!({
        "operation": request.operation,
        "object": request.object,
        "changes": request.changes.iter().map(change).collect::<Vec<_>>(),
    })
}

fn change(change: &Change) -> Value {
    match change {
        Change::Value { field, old, new } => json!({"field": field, "old": old, "new": new}),
        Change::List { field, added, removed } => {
            json!({"field": field, "added": added, "removed": removed})
        }
        Change::Secret { field } => json!({"field": field, "secret": true}),
    }
}
