//! Data objects (`Context`, `User`, `Group`, …): a table of fields in schema order, and one compact
//! container for all of them.
//!
//! A field that is not set is not sent, and OX leaves it as it is. A field set to the empty text is
//! sent empty, which clears it.

use std::fmt;

use crate::envelope;
use crate::error::ValueProblem;
use crate::value::Value;

/// The type of a field on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// `xs:string`
    Text,
    /// `xs:boolean`
    Bool,
    /// `xs:int`
    Int,
    /// `xs:long`
    Long,
    /// `xs:date`, `YYYY-MM-DD`; the zone that OX adds in answers is taken off.
    Date,
    /// `xs:base64Binary`
    Bytes,
    /// `xs:string`, repeated
    List,
    /// `xs:int`, repeated
    Ids,
    /// An object within the object. Skipped in answers and cannot be sent.
    Nested,
}

/// One row of a field table.
#[derive(Debug)]
pub struct FieldSpec {
    /// Element name.
    pub name: &'static str,
    /// Type on the wire.
    pub kind: FieldKind,
    /// Only the object's own service knows the field; the same type of other services refuses it.
    pub own_service_only: bool,
}

impl FieldSpec {
    /// Its value is never shown, and not taken from answers.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self.name, "password" | "transportPassword")
    }
}

/// The field enum of a data object. Implemented by the `fields!` macro only.
pub trait Field: Copy + Ord + fmt::Debug + 'static {
    /// Name of the object's type in the schema.
    const TYPE: &'static str;
    /// The service that knows all its fields.
    const OWN_SERVICE: &'static str;
    /// All fields in schema order.
    const ALL: &'static [Self];
    /// The rows that belong to `ALL`.
    const SPECS: &'static [FieldSpec];

    /// The field's row.
    fn spec(self) -> &'static FieldSpec;
    /// Place in schema order, from 0.
    fn index(self) -> usize;
}

/// Makes the field enum of one data object from its table.
macro_rules! fields {
    (
        $(#[$doc:meta])*
        $vis:vis enum $name:ident of $type:literal in $service:literal {
            $($variant:ident = $element:literal: $kind:ident $($only:ident)?,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        $vis enum $name {
            $(#[doc = concat!("`", $element, "`")] $variant,)*
        }

        impl $name {
            /// Element name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $element,)* }
            }

            /// Type on the wire.
            #[must_use]
            pub fn kind(self) -> $crate::object::FieldKind {
                $crate::object::Field::spec(self).kind
            }
        }

        impl $crate::object::Field for $name {
            const TYPE: &'static str = $type;
            const OWN_SERVICE: &'static str = $service;
            const ALL: &'static [Self] = &[$(Self::$variant,)*];
            const SPECS: &'static [$crate::object::FieldSpec] = &[$(
                $crate::object::FieldSpec {
                    name: $element,
                    kind: $crate::object::FieldKind::$kind,
                    own_service_only: fields!(@only $($only)?),
                },
            )*];

            fn spec(self) -> &'static $crate::object::FieldSpec {
                match self {
                    $(Self::$variant => const {
                        &$crate::object::FieldSpec {
                            name: $element,
                            kind: $crate::object::FieldKind::$kind,
                            own_service_only: fields!(@only $($only)?),
                        }
                    },)*
                }
            }

            fn index(self) -> usize {
                self as usize
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::object::UnknownField;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($element => Ok(Self::$variant),)*
                    _ => Err($crate::object::UnknownField::new($type, text)),
                }
            }
        }
    };
    (@only) => { false };
    (@only own_service_only) => { true };
}
pub(crate) use fields;

/// A name that is no field of the object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{kind} has no field {name:?}; names are those of the OX SOAP interface, with their letter case"
)]
pub struct UnknownField {
    kind: &'static str,
    name: String,
}

impl UnknownField {
    pub(crate) fn new(kind: &'static str, name: &str) -> Self {
        Self { kind, name: name.chars().take(80).collect() }
    }
}

/// A data object: the fields that are set, in schema order.
#[derive(Clone, PartialEq, Eq)]
pub struct DataObject<F> {
    /// Sorted by field, each field once.
    fields: Vec<(F, Value)>,
}

impl<F: Field> DataObject<F> {
    /// An object without any field.
    #[must_use]
    pub const fn new() -> Self {
        Self { fields: Vec::new() }
    }

    /// Sets a field, in place of what it was.
    pub fn set(&mut self, field: F, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        match self.place(field) {
            Ok(at) => {
                if let Some(slot) = self.fields.get_mut(at) {
                    slot.1 = value;
                }
            }
            Err(at) => self.fields.insert(at, (field, value)),
        }
        self
    }

    /// Sets a field of an object under construction.
    #[must_use]
    pub fn with(mut self, field: F, value: impl Into<Value>) -> Self {
        self.set(field, value);
        self
    }

    /// Takes a field out, so that it is not sent.
    pub fn unset(&mut self, field: F) -> Option<Value> {
        self.place(field).ok().map(|at| self.fields.remove(at).1)
    }

    /// The value of a field; `None` when it is not set (absent or nil in an answer).
    #[must_use]
    pub fn get(&self, field: F) -> Option<&Value> {
        self.place(field).ok().and_then(|at| self.fields.get(at)).map(|(_, value)| value)
    }

    /// The text of a field; `None` when it is not set or no text.
    #[must_use]
    pub fn text(&self, field: F) -> Option<&str> {
        self.get(field)?.as_text()
    }

    /// The texts of a repeated field; empty when it is not set.
    #[must_use]
    pub fn list(&self, field: F) -> &[String] {
        match self.get(field) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    /// The number of a field; `None` when it is not set or no number.
    #[must_use]
    pub fn number(&self, field: F) -> Option<i64> {
        match self.get(field)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The flag of a field; `None` when it is not set or no flag.
    #[must_use]
    pub fn flag(&self, field: F) -> Option<bool> {
        match self.get(field)? {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The fields that are set, in schema order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (F, &Value)> {
        self.fields.iter().map(|(field, value)| (*field, value))
    }

    /// How many fields are set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether no field is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The first field with a value that cannot be sent, and why. A call with it would be refused before
    /// anything is sent.
    #[must_use]
    pub fn unsendable(&self) -> Option<(F, ValueProblem)> {
        self.iter()
            .find_map(|(field, value)| Some((field, envelope::problem_of(field.spec(), value)?)))
    }

    fn place(&self, field: F) -> Result<usize, usize> {
        // Objects are nearly always filled and read in schema order.
        match self.fields.last() {
            Some((last, _)) if *last < field => Err(self.fields.len()),
            _ => self.fields.binary_search_by(|(known, _)| known.cmp(&field)),
        }
    }

    /// The id field, when it fits on the wire.
    pub(crate) fn id_number(&self, field: F) -> Option<i32> {
        self.number(field).and_then(|id| i32::try_from(id).ok())
    }

    /// Adds one element of a repeated field.
    pub(crate) fn push(&mut self, field: F, item: Value) {
        let Ok(at) = self.place(field) else {
            let list = match item {
                Value::Text(text) => Value::List(vec![text]),
                Value::Number(id) => Value::Ids(i32::try_from(id).into_iter().collect()),
                other => other,
            };
            self.set(field, list);
            return;
        };
        match (self.fields.get_mut(at).map(|(_, value)| value), item) {
            (Some(Value::List(list)), Value::Text(text)) => list.push(text),
            (Some(Value::Ids(ids)), Value::Number(id)) => ids.extend(i32::try_from(id)),
            _ => {}
        }
    }
}

impl<F: Field> Default for DataObject<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Field> fmt::Debug for DataObject<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct(F::TYPE);
        for (field, value) in self.iter() {
            let spec = field.spec();
            if spec.is_secret() {
                shown.field(spec.name, &format_args!("***"));
            } else {
                shown.field(spec.name, value);
            }
        }
        shown.finish()
    }
}
