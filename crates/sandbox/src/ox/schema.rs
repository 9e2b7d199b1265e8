//! The interface of one service as its WSDL states it: operations, types, element order.
//!
//! Everything the server accepts and answers is driven by this model; no operation or field name
//! of the wire format is decided anywhere else.

use std::collections::HashMap;

/// One service: what `<Service>?wsdl` says.
#[derive(Debug)]
pub(crate) struct Interface {
    /// Name of the service, last part of its path.
    pub(crate) name: &'static str,
    /// The document as it is served, but for the address.
    pub(crate) wsdl: &'static str,
    /// Namespaces; index 0 is the service's own.
    pub(crate) namespaces: Vec<String>,
    /// Declarations of all namespaces, as the wrapper element of an answer carries them.
    pub(crate) declarations: String,
    pub(crate) types: Vec<ComplexType>,
    pub(crate) operations: Vec<Operation>,
    /// Type of the element in `detail` by name of the fault.
    pub(crate) faults: HashMap<String, usize>,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: String,
    /// Type of the request element (same name as the operation).
    pub(crate) input: usize,
    /// Answer element; `None`: the operation answers an empty Body.
    pub(crate) output: Option<Output>,
    /// Names of the declared faults.
    pub(crate) faults: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) name: String,
    /// Type of the answer element; its one field is `return`.
    pub(crate) content: usize,
}

#[derive(Debug)]
pub(crate) struct ComplexType {
    pub(crate) namespace: usize,
    /// Empty for the anonymous type of an element.
    pub(crate) name: String,
    /// In schema order, those of the base type first.
    pub(crate) fields: Vec<Field>,
    by_name: HashMap<Box<str>, usize>,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: Box<str>,
    /// `None`: unqualified.
    pub(crate) namespace: Option<usize>,
    pub(crate) kind: Kind,
    pub(crate) is_list: bool,
    pub(crate) is_required: bool,
    pub(crate) is_nillable: bool,
    /// `<prefix:name`, without the closing bracket.
    pub(crate) open: String,
    /// `</prefix:name>`.
    pub(crate) close: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Any,
    Base64,
    Boolean,
    Complex(usize),
    Date,
    Int,
    Long,
    String,
}

impl Kind {
    /// Name of the XML Schema type; empty for a complex type.
    pub(crate) fn xsd_name(self) -> &'static str {
        match self {
            Self::Any => "anyType",
            Self::Base64 => "base64Binary",
            Self::Boolean => "boolean",
            Self::Complex(_) => "",
            Self::Date => "date",
            Self::Int => "int",
            Self::Long => "long",
            Self::String => "string",
        }
    }
}

impl Interface {
    pub(crate) fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    pub(crate) fn complex_type(&self, index: usize) -> Option<&ComplexType> {
        self.types.get(index)
    }

    /// The named type, looked for in every namespace.
    pub(crate) fn type_named(&self, name: &str) -> Option<&ComplexType> {
        self.types.iter().find(|candidate| candidate.name == name)
    }

    pub(crate) fn namespace_index(&self, uri: &[u8]) -> Option<usize> {
        self.namespaces.iter().position(|known| known.as_bytes() == uri)
    }
}

/// Prefix in answers: none for the service's own namespace, then `ns2`, `ns3` …, as the real
/// server's XML binding numbers them.
pub(crate) fn prefix(namespace: Option<usize>) -> String {
    match namespace {
        None | Some(0) => String::new(),
        Some(index) => format!("ns{}:", index + 1),
    }
}

impl ComplexType {
    pub(crate) fn new(namespace: usize, name: String, fields: Vec<Field>) -> Self {
        let by_name =
            fields.iter().enumerate().map(|(index, field)| (field.name.clone(), index)).collect();
        Self { namespace, name, fields, by_name }
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn field(&self, index: usize) -> Option<&Field> {
        self.fields.get(index)
    }
}
