//! The bodies of requests: types and rules of single fields (kelvin-api 3, 4). All problems of a body
//! are found at once.

mod group;
mod school;
mod user;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

pub(super) use group::GroupBody;
pub(super) use school::SchoolBody;
pub(super) use user::UserBody;

use super::check;
use super::options::{PropertyOwner, UdmProperty};
use super::refusal::{Item, Refusal, quoted};
use crate::http::Request;

/// How a body is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Post,
    Put,
    Patch,
}

/// A field of a body.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Sent<T> {
    #[default]
    Absent,
    Null,
    Value(T),
}

impl<T> Sent<T> {
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    pub(super) fn as_value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// Names by school.
pub(super) type Names = BTreeMap<String, Vec<String>>;

/// Reads the JSON of a request. A body without a type is JSON, too.
pub(super) fn parse(request: &Request) -> Result<Map<String, Value>, Refusal> {
    let media_type =
        request.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = media_type.is_empty()
        || media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    let not_an_object = || {
        let item = Item::new(body(&[]), "value is not a valid dict", "type_error.dict");
        Refusal::invalid(&[item])
    };
    if request.body.is_empty() {
        return Err(Refusal::invalid(&[missing(body(&[]))]));
    }
    if !is_json {
        return Err(not_an_object());
    }
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(not_an_object()),
        Err(error) => {
            // The reader's message names neither the text nor a value.
            let item = Item::new(
                vec!["body".into(), error.column().into()],
                error.to_string(),
                "value_error.jsondecode",
            );
            Err(Refusal::invalid(&[item]))
        }
    }
}

fn body(path: &[&str]) -> Vec<Value> {
    std::iter::once("body").chain(path.iter().copied()).map(Value::from).collect()
}

fn missing(loc: Vec<Value>) -> Item {
    Item::new(loc, "field required", "value_error.missing")
}

/// Reads fields and collects what is wrong with them.
struct Fields<'a> {
    object: &'a Map<String, Value>,
    items: Vec<Item>,
}

impl<'a> Fields<'a> {
    fn new(object: &'a Map<String, Value>) -> Self {
        Self { object, items: Vec::new() }
    }

    fn wrong(&mut self, path: &[&str], msg: impl Into<String>, kind: &'static str) {
        self.items.push(Item::new(body(path), msg, kind));
    }

    fn finish<T>(self, read: T) -> Result<T, Refusal> {
        if self.items.is_empty() { Ok(read) } else { Err(Refusal::invalid(&self.items)) }
    }

    /// The field, with `null` refused unless it is allowed.
    fn field(&mut self, name: &str, may_be_null: bool) -> Sent<&'a Value> {
        match self.object.get(name) {
            None => Sent::Absent,
            Some(Value::Null) if may_be_null => Sent::Null,
            Some(Value::Null) => {
                self.wrong(&[name], "none is not an allowed value", "type_error.none.not_allowed");
                Sent::Null
            }
            Some(value) => Sent::Value(value),
        }
    }

    fn require(&mut self, name: &str) {
        if !self.object.contains_key(name) {
            self.items.push(missing(body(&[name])));
        }
    }

    fn text(&mut self, name: &str, may_be_null: bool) -> Sent<String> {
        match self.field(name, may_be_null) {
            Sent::Absent => Sent::Absent,
            Sent::Null => Sent::Null,
            Sent::Value(Value::String(text)) => Sent::Value(text.clone()),
            Sent::Value(_) => {
                self.wrong(&[name], "str type expected", "type_error.str");
                Sent::Null
            }
        }
    }

    fn boolean(&mut self, name: &str) -> Sent<bool> {
        let value = match self.field(name, false) {
            Sent::Absent => return Sent::Absent,
            Sent::Null => return Sent::Null,
            Sent::Value(value) => boolean(value),
        };
        value.map_or_else(
            || {
                self.wrong(&[name], "value could not be parsed to a boolean", "type_error.bool");
                Sent::Null
            },
            Sent::Value,
        )
    }

    /// An integer inside of an object.
    fn integer(&mut self, path: &[&str], value: &Value) -> i64 {
        value.as_i64().unwrap_or_else(|| {
            self.wrong(path, "value is not a valid integer", "type_error.integer");
            0
        })
    }

    fn texts(&mut self, name: &str, may_be_null: bool) -> Sent<Vec<String>> {
        match self.field(name, may_be_null) {
            Sent::Absent => Sent::Absent,
            Sent::Null => Sent::Null,
            Sent::Value(value) => Sent::Value(self.text_list(&[name], value)),
        }
    }

    fn text_list(&mut self, path: &[&str], value: &Value) -> Vec<String> {
        let Some(list) = value.as_array() else {
            self.wrong(path, "value is not a valid list", "type_error.list");
            return Vec::new();
        };
        let mut texts = Vec::with_capacity(list.len());
        for (at, value) in list.iter().enumerate() {
            if let Some(text) = value.as_str() {
                texts.push(text.to_owned());
                continue;
            }
            let mut loc = body(path);
            loc.push(at.into());
            self.items.push(if value.is_null() {
                Item::new(loc, "none is not an allowed value", "type_error.none.not_allowed")
            } else {
                Item::new(loc, "str type expected", "type_error.str")
            });
        }
        texts
    }

    fn url(&mut self, name: &str, may_be_null: bool) -> Sent<String> {
        let text = self.text(name, may_be_null);
        if let Sent::Value(url) = &text
            && let Err(item) = check::url(url, || body(&[name]))
        {
            self.items.push(item);
            return Sent::Null;
        }
        text
    }

    fn urls(&mut self, name: &str, may_be_null: bool) -> Sent<Vec<String>> {
        let texts = self.texts(name, may_be_null);
        for (at, url) in texts.as_value().into_iter().flatten().enumerate() {
            let loc = || {
                let mut loc = body(&[name]);
                loc.push(at.into());
                loc
            };
            if let Err(item) = check::url(url, loc) {
                self.items.push(item);
            }
        }
        texts
    }

    fn date(&mut self, name: &str) -> Sent<String> {
        let text = self.text(name, true);
        if let Sent::Value(date) = &text
            && check::year(date).is_none()
        {
            let msg = "Incorrect date format, should be YYYY-MM-DD.";
            self.wrong(&[name], msg, "value_error");
            return Sent::Null;
        }
        text
    }

    /// Lists of names by school.
    fn names(&mut self, name: &str) -> Sent<Names> {
        let object = match self.field(name, false) {
            Sent::Absent => return Sent::Absent,
            Sent::Null => return Sent::Null,
            Sent::Value(value) => value.as_object(),
        };
        let Some(object) = object else {
            self.wrong(&[name], "value is not a valid dict", "type_error.dict");
            return Sent::Null;
        };
        let names = object
            .iter()
            .map(|(school, list)| (school.clone(), self.text_list(&[name, school], list)))
            .collect();
        Sent::Value(names)
    }

    /// Entries of which those about schools are the server's own business.
    fn more_roles(&mut self) -> Option<BTreeSet<String>> {
        let name = "ucsschool_roles";
        let entries = self.texts(name, false).value()?;
        let parts = |entry: &str| entry.split(':').map(str::to_owned).collect::<Vec<_>>();
        if entries.iter().any(|entry| {
            let parts = parts(entry);
            parts.len() != 3 || parts.iter().any(String::is_empty)
        }) {
            let msg = "Each entry must have the form role:context_type:context.";
            self.wrong(&[name], msg, "value_error");
            return None;
        }
        let is_about_school =
            |entry: &String| parts(entry).get(1).is_some_and(|context| context == "school");
        Some(entries.into_iter().filter(|entry| !is_about_school(entry)).collect())
    }

    /// Directory properties, by name only: their values are the directory's business.
    fn properties(
        &mut self,
        owner: PropertyOwner,
        configured: &[UdmProperty],
        may_be_null: bool,
    ) -> BTreeMap<String, Value> {
        let name = "udm_properties";
        let Sent::Value(value) = self.field(name, may_be_null) else {
            return BTreeMap::new();
        };
        let Some(object) = value.as_object() else {
            self.wrong(&[name], "value is not a valid dict", "type_error.dict");
            return BTreeMap::new();
        };
        let is_known = |key: &str| {
            configured.iter().any(|property| property.owner == owner && property.name == key)
        };
        let unknown: Vec<String> =
            object.keys().filter(|key| !is_known(key)).map(|key| quoted(key)).collect();
        if !unknown.is_empty() {
            let msg = format!(
                "UDM properties that were not configured for resource '{}' and are thus not allowed: {{{}}}",
                owner.as_str(),
                unknown.join(", ")
            );
            self.wrong(&[name], msg, "value_error.unknownudmproperty");
        }
        object.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// A boolean as the server takes it.
pub(super) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
            "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
