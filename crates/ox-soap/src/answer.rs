//! Reads the answer to an operation: `<operation>Response` with its `return` elements, or a fault.
//!
//! Prefixes mean nothing; elements are told by namespace and local name. What is not known is
//! skipped, so that a newer server may send more.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::access::{AccessFlag, ModuleAccess};
use crate::fault::Fault;
use crate::id::OxUserId;
use crate::object::{DataObject, Field, FieldKind};
use crate::service::Operation;
use crate::user::UserName;
use crate::value::Value;
use crate::xml::{Namespace, Source, Xml, XmlError};

/// A SOAP answer.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// The `return` elements; none for a void operation or an empty list.
    Return(Vec<T>),
    Fault(Box<Fault>),
}

/// What a `return` element holds.
pub(crate) trait FromReturn: Sized {
    /// Reads the element that the reader stands in, and leaves it.
    fn from_return<R: Source>(xml: &mut Xml<R>) -> Result<Self, XmlError>;
}

/// Reads a whole answer.
pub(crate) fn read<T: FromReturn, R: Source>(
    source: R,
    operation: &Operation,
) -> Result<Answer<T>, XmlError> {
    let mut xml = Xml::new(source);
    let Some(root) = xml.next_child()? else {
        return Err(XmlError::Malformed("no XML element in it".into()));
    };
    if xml.name() != b"Envelope" || root.namespace != Namespace::Soap {
        let reason = format!("begins with <{}> instead of a SOAP 1.1 envelope", xml.shown_name());
        return Err(XmlError::Malformed(reason));
    }
    let mut answer = None;
    while let Some(part) = xml.next_child()? {
        if part.namespace == Namespace::Soap && xml.name() == b"Body" && answer.is_none() {
            answer = Some(read_body(&mut xml, operation)?);
        } else {
            xml.skip()?;
        }
    }
    answer.ok_or_else(|| XmlError::Unexpected("an envelope without body".into()))
}

fn read_body<T: FromReturn, R: Source>(
    xml: &mut Xml<R>,
    operation: &Operation,
) -> Result<Answer<T>, XmlError> {
    let mut answer = None;
    while let Some(element) = xml.next_child()? {
        if element.namespace == Namespace::Soap && xml.name() == b"Fault" {
            answer = Some(Answer::Fault(Box::new(read_fault(xml)?)));
        } else if element.namespace == Namespace::Service
            && xml.name().strip_suffix(b"Response") == Some(operation.name.as_bytes())
        {
            answer = Some(Answer::Return(read_returns(xml)?));
        } else {
            let found = xml.shown_name();
            return Err(XmlError::Unexpected(format!(
                "expected {}Response, found {found}",
                operation.name
            )));
        }
    }
    // Void operations answer an empty body.
    Ok(answer.unwrap_or(Answer::Return(Vec::new())))
}

fn read_returns<T: FromReturn, R: Source>(xml: &mut Xml<R>) -> Result<Vec<T>, XmlError> {
    let mut returns = Vec::new();
    while let Some(element) = xml.next_child()? {
        let is_return = element.namespace == Namespace::Service && xml.name() == b"return";
        if is_return && !element.is_nil {
            xml.keep(size_of::<T>())?;
            returns.push(T::from_return(xml)?);
        } else {
            xml.skip()?;
        }
    }
    Ok(returns)
}

/// The children of `soap:Fault` have no namespace in SOAP 1.1; servers that give them one are
/// understood.
fn read_fault<R: Source>(xml: &mut Xml<R>) -> Result<Fault, XmlError> {
    let (mut code, mut string, mut detail) = (String::new(), String::new(), None);
    while xml.next_child()?.is_some() {
        match xml.name() {
            b"faultcode" => xml.text()?.clone_into(&mut code),
            b"faultstring" => xml.text()?.clone_into(&mut string),
            b"detail" => detail = read_detail(xml)?,
            _ => xml.skip()?,
        }
    }
    Ok(Fault::new(&code, &string, detail.as_deref()))
}

/// The name of the exception: the first element of `detail` that is called one. (A server with
/// stack traces switched on puts more beside it.)
fn read_detail<R: Source>(xml: &mut Xml<R>) -> Result<Option<String>, XmlError> {
    let mut name = None;
    while xml.next_child()?.is_some() {
        if name.is_none() && xml.name().ends_with(b"Exception") {
            name = Some(xml.shown_name());
        }
        xml.skip()?;
    }
    Ok(name)
}

/// The answer of a void operation: whatever is in it does not matter.
#[derive(Debug)]
pub(crate) struct Void;

impl FromReturn for Void {
    fn from_return<R: Source>(xml: &mut Xml<R>) -> Result<Self, XmlError> {
        xml.skip()?;
        Ok(Self)
    }
}

impl FromReturn for bool {
    fn from_return<R: Source>(xml: &mut Xml<R>) -> Result<Self, XmlError> {
        parse_bool(xml.text()?).ok_or_else(|| unexpected("return", "true or false"))
    }
}

/// The id of a data object, and nothing else of it.
#[derive(Debug)]
pub(crate) struct IdOnly(pub(crate) i32);

impl FromReturn for IdOnly {
    fn from_return<R: Source>(xml: &mut Xml<R>) -> Result<Self, XmlError> {
        let mut id = None;
        while let Some(element) = xml.next_child()? {
            if element.namespace == Namespace::Data && xml.name() == b"id" && !element.is_nil {
                id = Some(xml.number("id")?);
            } else {
                xml.skip()?;
            }
        }
        id.map(Self).ok_or_else(|| unexpected("id", "a number"))
    }
}

impl FromReturn for UserName {
    fn from_return<R: Source>(xml: &mut Xml<R>) -> Result<Self, XmlError> {
        let (mut id, mut name) = (None, None);
        while let Some(element) = xml.next_child()? {
            let is_field = element.namespace == Namespace::Data && !element.is_nil;
            match xml.name() {
                b"id" if is_field => id = Some(OxUserId::new(xml.number("id")?)),
                b"name" if is_field => name = Some(kept_text(xml)?),
                _ => xml.skip()?,
            }
        }
        match (id, name) {
            (Some(id), Some(name)) => Ok(Self { id, name }),
            _ => Err(XmlError::Unexpected("a user without id or name".into())),
        }
    }
}

impl FromReturn for String {
    fn from_return<R: Source>(xml: &mut Xml<R>) -> Result<Self, XmlError> {
        kept_text(xml)
    }
}

/// The text of the element it stands in, which it leaves.
pub(crate) fn kept_text<R: Source>(xml: &mut Xml<R>) -> Result<String, XmlError> {
    let text = xml.text()?.to_owned();
    xml.keep(text.len())?;
    Ok(text)
}

impl FromReturn for ModuleAccess {
    fn from_return<R: Source>(xml: &mut Xml<R>) -> Result<Self, XmlError> {
        let mut access = Self::new();
        while let Some(element) = xml.next_child()? {
            let flag = AccessFlag::ALL.into_iter().find(|f| f.as_str().as_bytes() == xml.name());
            match flag {
                Some(flag) if element.namespace == Namespace::Data && !element.is_nil => {
                    let granted = parse_bool(xml.text()?)
                        .ok_or_else(|| unexpected(flag.as_str(), "true or false"))?;
                    access.set(flag, granted);
                }
                _ => xml.skip()?,
            }
        }
        Ok(access)
    }
}

impl<R: Source> Xml<R> {
    /// The number that the element it stands in holds; leaves it.
    pub(crate) fn number(&mut self, name: &str) -> Result<i32, XmlError> {
        self.text()?.trim().parse().map_err(|_| unexpected(name, "a number"))
    }

    /// The flag that the element it stands in holds; leaves it.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, XmlError> {
        parse_bool(self.text()?).ok_or_else(|| unexpected(name, "true or false"))
    }
}

impl<F: Field> FromReturn for DataObject<F> {
    fn from_return<R: Source>(xml: &mut Xml<R>) -> Result<Self, XmlError> {
        let mut object = Self::new();
        let mut expected = 0;
        while let Some(element) = xml.next_child()? {
            let place = match element.namespace {
                Namespace::Data if !element.is_nil => find::<F>(xml.name(), expected),
                _ => None,
            };
            let field = place.and_then(|place| Some((*F::ALL.get(place)?, F::SPECS.get(place)?)));
            let Some((field, spec)) = field else {
                xml.skip()?;
                continue;
            };
            expected = field.index();
            if spec.kind == FieldKind::Nested || spec.is_secret() {
                xml.skip()?;
                continue;
            }
            if let Some(value) = parse(spec.kind, xml.text()?, spec.name)? {
                xml.keep(kept_bytes::<F>(&value, spec.kind))?;
                match spec.kind {
                    FieldKind::List | FieldKind::Ids => object.push(field, value),
                    _ => {
                        object.set(field, value);
                    }
                }
            }
        }
        Ok(object)
    }
}

/// What a value takes up in an object, without the spare room of its containers.
fn kept_bytes<F>(value: &Value, kind: FieldKind) -> usize {
    match (value, kind) {
        (Value::Text(text), FieldKind::List) => size_of::<String>() + text.len(),
        (_, FieldKind::Ids) => size_of::<i32>(),
        (Value::Text(text), _) => size_of::<(F, Value)>() + text.len(),
        (Value::Bytes(bytes), _) => size_of::<(F, Value)>() + bytes.len(),
        _ => size_of::<(F, Value)>(),
    }
}

/// The place of a field, looked for first where schema order has it.
fn find<F: Field>(name: &[u8], expected: usize) -> Option<usize> {
    let is_it = |spec: &crate::object::FieldSpec| spec.name.as_bytes() == name;
    let ahead = F::SPECS.get(expected..)?.iter().position(is_it).map(|ahead| expected + ahead);
    ahead.or_else(|| F::SPECS.get(..expected)?.iter().position(is_it))
}

/// The value of a field; `None` when it is no value (an empty number).
fn parse(kind: FieldKind, text: &str, name: &str) -> Result<Option<Value>, XmlError> {
    let is_empty = text.trim().is_empty();
    Ok(Some(match kind {
        FieldKind::Text | FieldKind::List => Value::Text(text.to_owned()),
        FieldKind::Bool | FieldKind::Int | FieldKind::Long | FieldKind::Ids if is_empty => {
            return Ok(None);
        }
        FieldKind::Bool => {
            Value::Bool(parse_bool(text).ok_or_else(|| unexpected(name, "true or false"))?)
        }
        FieldKind::Int | FieldKind::Ids => {
            let number: Result<i32, _> = text.trim().parse();
            Value::Number(number.map_err(|_| unexpected(name, "a number"))?.into())
        }
        FieldKind::Long => {
            Value::Number(text.trim().parse().map_err(|_| unexpected(name, "a number"))?)
        }
        FieldKind::Date => Value::Text(without_zone(text.trim()).to_owned()),
        FieldKind::Bytes => {
            let compact: String = text.split_ascii_whitespace().collect();
            Value::Bytes(BASE64.decode(compact).map_err(|_| unexpected(name, "base64"))?)
        }
        FieldKind::Nested => return Ok(None),
    }))
}

fn parse_bool(text: &str) -> Option<bool> {
    match text.trim() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// `2016-04-18Z` and `2016-04-18+02:00` without the zone; any other text as it is.
fn without_zone(date: &str) -> &str {
    match (date.get(..10), date.get(10..)) {
        (Some(day), Some(zone)) if zone == "Z" || zone.starts_with(['+', '-']) => day,
        _ => date,
    }
}

fn unexpected(name: &str, expected: &str) -> XmlError {
    XmlError::Unexpected(format!("{name} is not {expected}"))
}
