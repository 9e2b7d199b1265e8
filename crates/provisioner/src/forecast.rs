//! What a dry run tells: of each item of a [`Rehearsal`](crate::Rehearsal), and of all of them.
//!
//! The members of the JSON objects are an interface: more may come, none goes away.

#[cfg(test)]
mod tests;
pub mod text;

use std::collections::BTreeMap;

use idspool_spool::{FaultClass, ItemName};
use idspool_udm::ItemHead;
use serde_json::{Map, Value, json};

use crate::recipient::Fault;
use crate::rehearsal::Step;

/// What a recipient foresees of one item.
pub trait Foreseen {
    /// What it sends, in the singular: `call`, `request`.
    const NOUN: &'static str;

    /// The operation of each thing that would be sent, in order.
    fn operations(&self) -> Vec<&'static str>;

    /// What people should know of it.
    fn warnings(&self) -> &[String];

    /// One more warning.
    fn warn(&mut self, warning: String);
}

/// What would become of one item.
#[derive(Debug)]
pub struct Report<F> {
    /// The item, and what the loop would do with it.
    pub step: Step,
    /// What the recipient would do.
    pub foreseen: F,
    /// The faulty item before it, at which the queue would stand.
    pub waits_behind: Option<ItemName>,
}

impl<F: Foreseen> Report<F> {
    /// `stands_at` is the first faulty item before it.
    pub fn new(step: Step, mut foreseen: F, stands_at: Option<&ItemName>) -> Self {
        if let Some(first) = &step.overtaken {
            foreseen.warn(format!(
                "{first} is of the same object, goes before this item and was left out: what it \
                 changes is not foreseen here"
            ));
        }
        Self { step, foreseen, waits_behind: stands_at.cloned() }
    }

    /// Why the queue would stand at it.
    pub fn fault(&self) -> Option<&Fault> {
        self.step.result.as_ref().err()
    }

    /// The fault as JSON.
    pub fn fault_to_json(&self) -> Option<Value> {
        self.fault().map(|fault| {
            json!({"class": class(fault.class), "message": fault.message, "remedy": fault.remedy})
        })
    }

    /// Whether it neither is faulty nor makes the recipient send anything.
    fn is_nothing(&self) -> bool {
        self.fault().is_none() && self.foreseen.operations().is_empty()
    }

    fn outcome(&self) -> String {
        let noun = F::NOUN;
        match self.fault() {
            Some(_) => "fault".to_owned(),
            None if self.is_nothing() => format!("no_{noun}s"),
            None => format!("{noun}s"),
        }
    }

    /// The members that are the same for every recipient, and its `own` ones.
    pub fn to_json<const N: usize>(&self, own: [(&str, Value); N]) -> Value {
        let mut members = members([
            ("name", json!(self.step.name.as_str())),
            ("is_copy", json!(self.step.is_copy)),
            ("object", json!(self.step.head.as_ref().map(head))),
            ("outcome", json!(self.outcome())),
            ("follows", self.step.follows.iter().map(head).collect()),
            ("warnings", json!(self.foreseen.warnings())),
            ("waits_behind", json!(self.waits_behind.as_ref().map(ItemName::as_str))),
        ]);
        members.extend(self::members(own));
        Value::Object(members)
    }
}

fn members<const N: usize>(list: [(&str, Value); N]) -> Map<String, Value> {
    list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn class(class: FaultClass) -> &'static str {
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

/// What would become of all items of one queue.
#[derive(Debug)]
pub struct Summary {
    noun: &'static str,
    sending: usize,
    not_sending: usize,
    faulty: usize,
    warnings: usize,
    /// Items behind the first faulty one.
    behind: usize,
    /// How often each operation would be sent.
    operations: BTreeMap<&'static str, usize>,
    stands_at: Option<ItemName>,
    /// More items wait than were looked at.
    pub is_limited: bool,
    /// The recipient's server was not asked.
    pub is_offline: bool,
}

impl Summary {
    /// No item yet.
    #[must_use]
    pub fn new<F: Foreseen>(is_offline: bool) -> Self {
        Self {
            noun: F::NOUN,
            sending: 0,
            not_sending: 0,
            faulty: 0,
            warnings: 0,
            behind: 0,
            operations: BTreeMap::new(),
            stands_at: None,
            is_limited: false,
            is_offline,
        }
    }

    /// One item more.
    pub fn add<F: Foreseen>(&mut self, report: &Report<F>) {
        self.behind += usize::from(report.waits_behind.is_some());
        if report.fault().is_some() {
            self.faulty += 1;
            self.stands_at.get_or_insert_with(|| report.step.name.clone());
        } else if report.is_nothing() {
            self.not_sending += 1;
        } else {
            self.sending += 1;
        }
        self.warnings += report.foreseen.warnings().len();
        for operation in report.foreseen.operations() {
            *self.operations.entry(operation).or_default() += 1;
        }
    }

    /// How many were added.
    #[must_use]
    pub fn items(&self) -> usize {
        self.sending + self.not_sending + self.faulty
    }

    /// The first faulty item.
    #[must_use]
    pub fn stands_at(&self) -> Option<&ItemName> {
        self.stands_at.as_ref()
    }

    /// The members that are the same for every recipient, and its `own` ones.
    #[must_use]
    pub fn to_json<const N: usize>(&self, own: [(&str, Value); N]) -> Value {
        let noun = self.noun;
        let mut members = members([
            ("items", json!(self.items())),
            (&format!("with_{noun}s"), json!(self.sending)),
            (&format!("without_{noun}s"), json!(self.not_sending)),
            ("faulty", json!(self.faulty)),
            ("warnings", json!(self.warnings)),
            (&format!("{noun}s"), json!(self.operations)),
            ("stands_at", json!(self.stands_at.as_ref().map(ItemName::as_str))),
            ("behind", json!(self.behind)),
            ("limited", json!(self.is_limited)),
            ("offline", json!(self.is_offline)),
        ]);
        members.extend(self::members(own));
        json!({ "summary": members })
    }
}
