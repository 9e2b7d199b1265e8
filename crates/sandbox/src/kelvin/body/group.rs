//! The body of a class or workgroup.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Fields, Mode, Sent};
use crate::kelvin::check;
use crate::kelvin::options::{PropertyOwner, UdmProperty};
use crate::kelvin::refusal::Refusal;
use crate::kelvin::world::GroupKind;

/// A class or workgroup as it was sent; references are still URLs.
#[derive(Debug)]
pub(in crate::kelvin) struct GroupBody {
    pub(in crate::kelvin) name: Option<String>,
    /// Absent in PATCH, where it is ignored.
    pub(in crate::kelvin) school: Option<String>,
    pub(in crate::kelvin) description: Sent<String>,
    pub(in crate::kelvin) users: Sent<Vec<String>>,
    pub(in crate::kelvin) more_roles: Option<BTreeSet<String>>,
    pub(in crate::kelvin) properties: BTreeMap<String, Value>,
    pub(in crate::kelvin) email: Sent<String>,
    pub(in crate::kelvin) email_senders_users: Option<Vec<String>>,
    pub(in crate::kelvin) email_senders_groups: Option<Vec<String>>,
}

impl GroupBody {
    pub(in crate::kelvin) fn read(
        object: &Map<String, Value>,
        mode: Mode,
        kind: GroupKind,
        configured: &[UdmProperty],
    ) -> Result<Self, Refusal> {
        let mut fields = Fields::new(object);
        let is_whole = mode != Mode::Patch;
        if is_whole {
            fields.require("name");
        }
        let name = fields.text("name", false).value();
        if let Some(name) = &name
            && !check::is_group_name(name)
        {
            let msg = format!("The name '{name}' has characters that it may not have.");
            fields.wrong(&["name"], msg, "value_error");
        }
        let more_roles = fields.more_roles();
        let owner = match kind {
            GroupKind::Class => PropertyOwner::SchoolClass,
            GroupKind::Workgroup => PropertyOwner::Workgroup,
        };
        // As for users; what PATCH of a class does with null was not observed.
        let properties = fields.properties(owner, configured, is_whole);
        let school = if is_whole {
            fields.require("school");
            fields.url("school", false).value()
        } else {
            None
        };
        let description = fields.text("description", true);
        let users = fields.urls("users", true);
        fields.boolean("create_share");
        let is_workgroup = kind == GroupKind::Workgroup;
        let email = if is_workgroup { fields.text("email", true) } else { Sent::Absent };
        let mut senders = |name| {
            if is_workgroup { fields.texts(name, false).value() } else { None }
        };
        let email_senders_users = senders("allowed_email_senders_users");
        let email_senders_groups = senders("allowed_email_senders_groups");
        fields.finish(Self {
            name,
            school,
            description,
            users,
            more_roles,
            properties,
            email,
            email_senders_users,
            email_senders_groups,
        })
    }
}
