//! What is told of an item and of all items, and its form as JSON.
//!
//! The members of these objects are an interface: more may come, none goes away.

use std::collections::BTreeMap;

use idspool_provisioner::{Fault, Step};
use idspool_spool::{FaultClass, ItemName};
use idspool_udm::ItemHead;
use serde_json::{Value, json};

use super::journal::{Change, Request};
use super::stage::Foreseen;

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
        } else if self.foreseen.requests.is_empty() {
            "no_requests"
        } else {
            "requests"
        }
    }

    pub(crate) fn to_json(&self, authority: &str) -> Value {
        let fault = self.fault().map(|fault| {
            json!({"class": class(fault.class), "message": fault.message, "remedy": fault.remedy})
        });
        json!({
            "school_authority": authority,
            "name": self.step.name.as_str(),
            "is_copy": self.step.is_copy,
            "object": self.step.head.as_ref().map(head),
            "outcome": self.outcome(),
            "requests": self.foreseen.requests.iter().map(request).collect::<Vec<_>>(),
            "follows": self.step.follows.iter().map(head).collect::<Vec<_>>(),
            "warnings": self.foreseen.warnings,
            "fault": fault,
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

/// What would become of the items of one authority.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) with_requests: usize,
    pub(crate) without_requests: usize,
    pub(crate) faulty: usize,
    pub(crate) warnings: usize,
    /// Items behind the first faulty one.
    pub(crate) behind: usize,
    /// Number of requests by operation.
    pub(crate) requests: BTreeMap<&'static str, usize>,
    /// More items wait than were looked at.
    pub(crate) is_limited: bool,
    pub(crate) is_offline: bool,
    stands_at: Option<ItemName>,
}

impl Summary {
    pub(crate) fn new(is_offline: bool) -> Self {
        Self { is_offline, ..Self::default() }
    }

    pub(crate) fn add(&mut self, report: &Report) {
        self.behind += usize::from(report.waits_behind.is_some());
        match report.outcome() {
            "fault" => self.faulty += 1,
            "requests" => self.with_requests += 1,
            _ => self.without_requests += 1,
        }
        self.warnings += report.foreseen.warnings.len();
        for request in &report.foreseen.requests {
            *self.requests.entry(request.operation).or_default() += 1;
        }
        if report.fault().is_some() && self.stands_at.is_none() {
            self.stands_at = Some(report.step.name.clone());
        }
    }

    pub(crate) fn items(&self) -> usize {
        self.with_requests + self.without_requests + self.faulty
    }

    /// The first faulty item.
    pub(crate) fn stands_at(&self) -> Option<&ItemName> {
        self.stands_at.as_ref()
    }

    pub(crate) fn to_json(&self, authority: &str) -> Value {
        json!({"summary": {
            "school_authority": authority,
            "items": self.items(),
            "with_requests": self.with_requests,
            "without_requests": self.without_requests,
            "faulty": self.faulty,
            "warnings": self.warnings,
            "requests": self.requests,
            "stands_at": self.stands_at.as_ref().map(ItemName::as_str),
            "behind": self.behind,
            "limited": self.is_limited,
            "offline": self.is_offline,
        }})
    }
}
