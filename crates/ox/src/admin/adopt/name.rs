//! Whether the names in OX are those of the configured identifier.
//!
//! The identifier is a setting that is not in the data directory. When it is forgotten, every user
//! would be renamed at its next change. The snapshots tell: they hold the name last written.

use std::collections::BTreeSet;

use idspool_provisioner::findings::Findings;
use serde_json::{Map, Value};

use super::topic;
use crate::settings::Identifier;

/// What is known of one of the two identifiers.
#[derive(Debug)]
pub(super) struct Names<'a> {
    setting: &'static str,
    kind: &'static str,
    identifier: &'a Identifier,
    seen: u64,
    other: u64,
    /// Properties that hold the written name in every snapshot so far.
    fitting: Option<BTreeSet<String>>,
}

/// The identifier for the object's id.
const ENTRY_UUID: &str = "entryUUID";

impl<'a> Names<'a> {
    pub(super) fn new(
        setting: &'static str,
        kind: &'static str,
        identifier: &'a Identifier,
    ) -> Self {
        Self { setting, kind, identifier, seen: 0, other: 0, fitting: None }
    }

    /// An object whose name in OX is `written`.
    pub(super) fn see(&mut self, id: &str, object: &Map<String, Value>, written: &str) {
        let holds = |property: &str| match property {
            ENTRY_UUID => id == written,
            _ => object.get(property).and_then(Value::as_str) == Some(written),
        };
        self.seen += 1;
        let is_configured = match self.identifier {
            Identifier::EntryUuid => holds(ENTRY_UUID),
            Identifier::Property(property) => holds(property),
        };
        self.other += u64::from(!is_configured);
        match &mut self.fitting {
            Some(fitting) => fitting.retain(|property| holds(property)),
            None => {
                let own = object.keys().filter(|key| !key.starts_with("oxDb")).cloned();
                let all = own.chain([ENTRY_UUID.to_owned()]);
                self.fitting = Some(all.filter(|property| holds(property)).collect());
            }
        }
    }

    pub(super) fn report(self, found: &mut Findings) {
        if self.other == 0 {
            return;
        }
        let fitting: Vec<String> = self.fitting.unwrap_or_default().into_iter().collect();
        let hint = if fitting.is_empty() {
            "no property fits all of them".to_owned()
        } else {
            format!("{}={} fits all of them", self.setting, fitting.join(" or "))
        };
        let example = format!("{} of {} {}: {hint}", self.other, self.seen, self.kind);
        found.add_many(&topic::IDENTIFIER, self.other, example);
    }
}
