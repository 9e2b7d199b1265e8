//! Directory properties: the directory checks their types (kelvin-api 3).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::kelvin::options::{Options, PropertyKind, PropertyOwner};
use crate::kelvin::refusal::{Item, Refusal};

/// Which request the directory refuses.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Create,
    Modify,
}

impl Step {
    pub(super) fn error(self) -> &'static str {
        match self {
            Self::Create => "UdmError:CreateError",
            Self::Modify => "UdmError:ModifyError",
        }
    }
}

/// Sets what was sent. What was left out stays; null and empty lists clear.
pub(super) fn apply(
    stored: &mut BTreeMap<String, Value>,
    sent: BTreeMap<String, Value>,
    owner: PropertyOwner,
    options: &Options,
    step: Step,
) -> Result<(), Refusal> {
    let configured =
        |name: &str| options.properties.iter().find(|one| one.owner == owner && one.name == name);
    let wrong: Vec<Item> = sent
        .iter()
        .filter_map(|(name, value)| {
            let kind = configured(name)?.kind;
            let expected = expected(kind, value)?;
            let msg =
                format!("The property {name} has an invalid value: Value must be {expected}.");
            Some(Item::new(vec![name.as_str().into()], msg, step.error()))
        })
        .collect();
    if !wrong.is_empty() {
        return Err(Refusal::invalid(&wrong));
    }
    for (name, value) in sent {
        let is_empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if is_empty {
            stored.remove(&name);
        } else {
            stored.insert(name, value);
        }
    }
    Ok(())
}

/// What a value should have been; `None` when it is.
fn expected(kind: PropertyKind, value: &Value) -> Option<&'static str> {
    let is_right = match kind {
        PropertyKind::Text => value.is_string() || value.is_null(),
        PropertyKind::Bool => value.is_boolean() || value.is_null(),
        PropertyKind::Int => value.is_i64() || value.is_null(),
        PropertyKind::Multi => {
            value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
        }
    };
    let expected = match kind {
        PropertyKind::Text => "of type string",
        PropertyKind::Bool => "of type boolean",
        PropertyKind::Int => "of type integer",
        PropertyKind::Multi => "a list of strings",
    };
    (!is_right).then_some(expected)
}
