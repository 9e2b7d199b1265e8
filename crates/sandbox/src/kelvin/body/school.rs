//! The body of a new school.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Fields;
use crate::kelvin::check;
use crate::kelvin::options::{PropertyOwner, UdmProperty};
use crate::kelvin::refusal::Refusal;

/// Longest name of a school whose servers are named after it.
const MAX_NAME: usize = 11;

/// A school as it was sent.
#[derive(Debug)]
pub(in crate::kelvin) struct SchoolBody {
    pub(in crate::kelvin) name: String,
    pub(in crate::kelvin) display_name: Option<String>,
    pub(in crate::kelvin) educational_servers: Vec<String>,
    pub(in crate::kelvin) administrative_servers: Vec<String>,
    pub(in crate::kelvin) class_share_file_server: Option<String>,
    pub(in crate::kelvin) home_share_file_server: Option<String>,
    pub(in crate::kelvin) properties: BTreeMap<String, Value>,
}

impl SchoolBody {
    pub(in crate::kelvin) fn read(
        object: &Map<String, Value>,
        configured: &[UdmProperty],
    ) -> Result<Self, Refusal> {
        let mut fields = Fields::new(object);
        fields.require("name");
        let name = fields.text("name", false).value().unwrap_or_default();
        let properties = fields.properties(PropertyOwner::School, configured, true);
        let display_name = fields.text("display_name", true).value();
        let mut servers = |name| {
            let servers = fields.texts(name, false).value().unwrap_or_default();
            if servers.len() > 1 {
                let msg = "ensure this value has at most 1 items";
                fields.wrong(&[name], msg, "value_error.list.max_items");
            }
            servers
        };
        let educational_servers = servers("educational_servers");
        let administrative_servers = servers("administrative_servers");
        let class_share_file_server = fields.text("class_share_file_server", true).value();
        let home_share_file_server = fields.text("home_share_file_server", true).value();
        if object.get("name").is_some_and(Value::is_string) && !check::is_school_name(&name) {
            let msg = format!("The school name '{name}' has characters that it may not have.");
            fields.wrong(&["name"], msg, "value_error");
        } else if name.chars().count() > MAX_NAME && educational_servers.is_empty() {
            let msg = format!("The school name '{name}' is too long to name servers after it.");
            fields.wrong(&["name"], msg, "value_error");
        }
        fields.finish(Self {
            name,
            display_name,
            educational_servers,
            administrative_servers,
            class_share_file_server,
            home_share_file_server,
            properties,
        })
    }
}
