//! What a request says: the arguments of a call, typed as the interface states.

use std::borrow::Cow;

use super::schema::ComplexType;

/// An element of a complex type, with the fields that were sent.
#[derive(Clone, Debug)]
pub(crate) struct Object<'a> {
    pub(crate) content: &'a ComplexType,
    /// Index into the type's fields, in document order (which is schema order).
    pub(crate) fields: Vec<(usize, Value<'a>)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Boolean(bool),
    Integer(i64),
    Nil,
    Object(Object<'a>),
    /// Also dates (without zone) and base64 (without white space).
    Text(Cow<'a, str>),
}

impl<'a> Object<'a> {
    /// The last value of a field; nil counts as absent, as the server treats it.
    pub(crate) fn value(&self, name: &str) -> Option<&Value<'a>> {
        self.value_at(self.content.position(name)?)
    }

    /// The same by position in the type.
    pub(crate) fn value_at(&self, wanted: usize) -> Option<&Value<'a>> {
        self.fields
            .iter()
            .rev()
            .find(|(index, _)| *index == wanted)
            .map(|(_, value)| value)
            .filter(|value| !matches!(value, Value::Nil))
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// An `xs:int`; its range was checked when it was read.
    pub(crate) fn int(&self, name: &str) -> Option<i32> {
        self.integer(name).and_then(|number| i32::try_from(number).ok())
    }

    pub(crate) fn boolean(&self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn object(&self, name: &str) -> Option<&Object<'a>> {
        match self.value(name)? {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Every value of a list but nil ones.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &Value<'a>> {
        let wanted = self.content.position(name);
        self.fields
            .iter()
            .filter(move |(index, value)| Some(*index) == wanted && !matches!(value, Value::Nil))
            .map(|(_, value)| value)
    }

    pub(crate) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.list(name).filter_map(|value| match value {
            Value::Text(text) => Some(&**text),
            _ => None,
        })
    }

    pub(crate) fn ints(&self, name: &str) -> impl Iterator<Item = i32> {
        self.list(name).filter_map(|value| match value {
            Value::Integer(number) => i32::try_from(*number).ok(),
            _ => None,
        })
    }

    pub(crate) fn objects(&self, name: &str) -> impl Iterator<Item = &Object<'a>> {
        self.list(name).filter_map(|value| match value {
            Value::Object(object) => Some(object),
            _ => None,
        })
    }
}
