//! An entry laid out for mapping.

use std::cell::OnceCell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDate;
use serde_json::Value;

use crate::dn::{self, Dn};
use crate::{Encoding, Entry, Module, value};

use super::attribute::Attribute;
use super::certificate::Certificate;
use super::table::{Kind, Plain};
use super::{Mapper, Related, date};

/// What the rules of single properties see: the values by attribute number, and what else they may
/// depend on.
pub(super) struct View<'a> {
    pub(super) module: Module,
    pub(super) entry: &'a Entry,
    pub(super) related: &'a Related,
    mapper: &'a Mapper,
    slots: [&'a [Vec<u8>]; Attribute::COUNT],
    /// Eighteen properties come from one certificate, which is parsed once, if at all.
    pub(super) certificate: OnceCell<Option<Certificate>>,
}

impl<'a> View<'a> {
    pub(super) fn new(
        mapper: &'a Mapper,
        module: Module,
        entry: &'a Entry,
        related: &'a Related,
    ) -> Self {
        let mut slots: [&'a [Vec<u8>]; Attribute::COUNT] = [&[]; Attribute::COUNT];
        for found in entry.attributes() {
            let known = Attribute::of(&found.name);
            if let Some(slot) = known.and_then(|attribute| slots.get_mut(attribute.index())) {
                *slot = &found.values;
            }
        }
        Self { module, entry, related, mapper, slots, certificate: OnceCell::new() }
    }

    pub(super) fn is_typed(&self) -> bool {
        self.mapper.encoding == Encoding::Typed
    }

    pub(super) fn today(&self) -> NaiveDate {
        self.mapper.today
    }

    pub(super) fn country_from_state(&self) -> bool {
        self.mapper.country_from_state
    }

    pub(super) fn with_password(&self) -> bool {
        self.mapper.with_password
    }

    /// One property; `None`: the object does not have it.
    pub(super) fn make(&self, kind: Kind) -> Option<Value> {
        let (attribute, plain) = match kind {
            Kind::Plain(attribute, plain) => (attribute, plain),
            Kind::Derived(make) => return make(self),
            Kind::WriteOnly => return None,
        };
        if plain == Plain::Name {
            return self.name(attribute);
        }
        // Most attributes of most entries are absent.
        let first = self.values(attribute).first()?;
        match plain {
            Plain::Base64 => return Some(Value::from(STANDARD.encode(first))),
            Plain::List => return Some(list(self.texts(attribute))),
            _ => {}
        }
        let text = self.text(attribute)?;
        Some(match plain {
            Plain::Day => date::of_generalised(text).map_or_else(|| Value::from(text), Value::from),
            Plain::Integer => integer_or_text(text),
            Plain::LowerText => Value::from(text.to_lowercase()),
            Plain::Number => self.integer(text),
            Plain::OkOrNot if self.is_typed() => Value::Bool(text == value::OK),
            Plain::TrueOrFalse if self.is_typed() => Value::Bool(text == value::TRUE),
            _ => Value::from(text),
        })
    }

    /// The naming property. Of several values the one in the RDN counts: the server delivers them in
    /// the order they were added, so after a rename the first one may be the old name.
    fn name(&self, attribute: Attribute) -> Option<Value> {
        let mut texts = self.texts(attribute);
        let first = texts.next();
        if let (Some(only), None) = (first, texts.next()) {
            return Some(Value::from(only));
        }
        let naming = match self.module {
            Module::User => "uid",
            Module::Ou => "ou",
            _ => "cn",
        };
        let dn = Dn::parse(&self.entry.dn).ok();
        let in_rdn = dn.as_ref().and_then(|dn| dn.rdn()?.value(naming));
        match in_rdn {
            // In the spelling of the attribute, should the DN have another one.
            Some(value) => {
                let same = self.texts(attribute).find(|text| dn::same_value(text, &value));
                Some(Value::from(same.unwrap_or(&value)))
            }
            None => first.map(Value::from),
        }
    }

    /// The values as delivered.
    pub(super) fn values(&self, attribute: Attribute) -> &'a [Vec<u8>] {
        self.slots.get(attribute.index()).copied().unwrap_or_default()
    }

    /// The values that are UTF-8; one bad value does not spoil the object.
    pub(super) fn texts(&self, attribute: Attribute) -> impl Iterator<Item = &'a str> + use<'a> {
        self.values(attribute).iter().filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The first value that is UTF-8.
    pub(super) fn text(&self, attribute: Attribute) -> Option<&'a str> {
        self.texts(attribute).next()
    }

    /// The first value as an integer.
    pub(super) fn number(&self, attribute: Attribute) -> Option<i64> {
        self.text(attribute)?.trim().parse().ok()
    }

    /// A yes/no value in the encoding wanted, for properties that are `"1"` or `"0"`.
    pub(super) fn flag(&self, set: bool) -> Value {
        if self.is_typed() { Value::Bool(set) } else { Value::from(if set { "1" } else { "0" }) }
    }

    /// An integer in the encoding wanted. What is none although it should be is passed on as it is,
    /// and the recipient's rules decide.
    pub(super) fn integer(&self, text: &str) -> Value {
        if self.is_typed() { integer_or_text(text) } else { Value::from(text) }
    }
}

/// An integer whatever the encoding, or the text when it is none.
pub(super) fn integer_or_text(text: &str) -> Value {
    text.trim().parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
}

/// A list of texts.
pub(super) fn list<'t>(texts: impl Iterator<Item = &'t str>) -> Value {
    Value::Array(texts.map(Value::from).collect())
}
