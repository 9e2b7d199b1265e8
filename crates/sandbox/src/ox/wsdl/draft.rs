//! A WSDL document as it was read, before its names are resolved.

use std::collections::HashMap;

use crate::ox::schema::{ComplexType, Field, Interface, Kind, Operation, Output, prefix};

const XSD: &str = "http://www.w3.org/2001/XMLSchema";

/// A qualified name; namespace first.
pub(super) type Name = (String, String);

/// A type as written: its own fields, and the base it extends.
pub(super) struct Draft {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) base: Option<Name>,
    pub(super) fields: Vec<DraftField>,
}

pub(super) struct DraftField {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) kind: DraftKind,
    pub(super) is_list: bool,
    pub(super) is_required: bool,
    pub(super) is_nillable: bool,
}

pub(super) enum DraftKind {
    Named(Name),
    /// Index of an anonymous type.
    Anonymous(usize),
}

#[derive(Default)]
pub(super) struct Draftboard {
    pub(super) namespaces: Vec<String>,
    pub(super) types: Vec<Draft>,
    /// Global elements and the draft of their anonymous type.
    pub(super) elements: HashMap<String, usize>,
    /// Message name to the element of its one part.
    pub(super) messages: HashMap<String, Option<String>>,
    pub(super) operations: Vec<DraftOperation>,
}

#[derive(Default)]
pub(super) struct DraftOperation {
    pub(super) name: String,
    pub(super) input: String,
    pub(super) output: String,
    /// Message names.
    pub(super) faults: Vec<String>,
}

impl Draftboard {
    /// Resolves all names.
    pub(super) fn finish(
        self,
        name: &'static str,
        wsdl: &'static str,
    ) -> Result<Interface, String> {
        let types = self
            .types
            .iter()
            .map(|draft| {
                let fields = self.fields(draft, 0)?;
                Ok(ComplexType::new(self.namespace(&draft.namespace)?, draft.name.clone(), fields))
            })
            .collect::<Result<Vec<_>, String>>()?;
        let mut faults = HashMap::new();
        let mut operations = Vec::new();
        for draft in &self.operations {
            let input = self.element(&draft.input)?.ok_or("request without an element")?;
            if input.0 != draft.name {
                return Err(format!("element {} of operation {}", input.0, draft.name));
            }
            let mut names = Vec::new();
            for message in &draft.faults {
                let (element, index) = self.element(message)?.ok_or("fault without an element")?;
                // The element in `detail` holds one element of the exception's own type.
                let inner = types.get(index).and_then(|wrapper| wrapper.fields.first());
                let Some(Kind::Complex(inner)) = inner.map(|field| field.kind) else {
                    return Err(format!("fault element {element} holds no exception"));
                };
                faults.insert(element.clone(), inner);
                names.push(element);
            }
            operations.push(Operation {
                name: draft.name.clone(),
                input: input.1,
                output: self
                    .element(&draft.output)?
                    .map(|(name, content)| Output { name, content }),
                faults: names,
            });
        }
        let mut declarations = String::new();
        for (index, uri) in self.namespaces.iter().enumerate() {
            if index == 0 {
                declarations.push_str(&format!(" xmlns=\"{uri}\""));
            } else {
                declarations.push_str(&format!(" xmlns:ns{}=\"{uri}\"", index + 1));
            }
        }
        Ok(Interface {
            name,
            wsdl,
            namespaces: self.namespaces,
            declarations,
            types,
            operations,
            faults,
        })
    }

    fn namespace(&self, uri: &str) -> Result<usize, String> {
        self.namespaces
            .iter()
            .position(|known| known == uri)
            .ok_or_else(|| format!("unknown namespace {uri}"))
    }

    /// Element and type of a message; `None` when the message has no part (empty Body).
    fn element(&self, message: &str) -> Result<Option<(String, usize)>, String> {
        let element =
            self.messages.get(message).ok_or_else(|| format!("unknown message {message}"))?;
        let Some(element) = element else {
            return Ok(None);
        };
        let index =
            self.elements.get(element).ok_or_else(|| format!("unknown element {element}"))?;
        Ok(Some((element.clone(), *index)))
    }

    fn type_index(&self, (namespace, name): &Name) -> Result<usize, String> {
        self.types
            .iter()
            .position(|draft| draft.name == *name && draft.namespace == *namespace)
            .ok_or_else(|| format!("unknown type {name}"))
    }

    /// Fields of a type, those of its base first.
    fn fields(&self, draft: &Draft, depth: usize) -> Result<Vec<Field>, String> {
        if depth > 8 {
            return Err(format!("type {} extends itself", draft.name));
        }
        let mut fields = match &draft.base {
            Some(base) => {
                let base = self.types.get(self.type_index(base)?).ok_or("no base")?;
                self.fields(base, depth + 1)?
            }
            None => Vec::new(),
        };
        for field in &draft.fields {
            let namespace = match &field.namespace {
                Some(uri) => Some(self.namespace(uri)?),
                None => None,
            };
            let qualified = format!("{}{}", prefix(namespace), field.name);
            fields.push(Field {
                name: field.name.as_str().into(),
                namespace,
                kind: self.kind(&field.kind)?,
                is_list: field.is_list,
                is_required: field.is_required,
                is_nillable: field.is_nillable,
                open: format!("<{qualified}"),
                close: format!("</{qualified}>"),
            });
        }
        Ok(fields)
    }

    fn kind(&self, kind: &DraftKind) -> Result<Kind, String> {
        let name = match kind {
            DraftKind::Anonymous(index) => return Ok(Kind::Complex(*index)),
            DraftKind::Named(name) => name,
        };
        if name.0 != XSD {
            return Ok(Kind::Complex(self.type_index(name)?));
        }
        Ok(match name.1.as_str() {
            "anyType" => Kind::Any,
            "base64Binary" => Kind::Base64,
            "boolean" => Kind::Boolean,
            "date" => Kind::Date,
            "int" => Kind::Int,
            "long" => Kind::Long,
            "string" => Kind::String,
            other => return Err(format!("unknown simple type {other}")),
        })
    }
}
