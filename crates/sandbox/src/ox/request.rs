//! Reads a request envelope and holds it against the interface, element by element.
//!
//! Stricter than the real server, which binds by local name and in any order: here namespaces,
//! order, types and attributes must be those of the schema. The document is read as a stream; the
//! only tree built is that of the arguments, whose depth and breadth the schema limits.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{QName, ResolveResult};
use quick_xml::reader::NsReader;

use super::lexical;
use super::schema::{ComplexType, Field, Interface, Kind, Operation};

const SOAP11: &[u8] = b"http://schemas.xmlsoap.org/soap/envelope/";
const SOAP12: &[u8] = b"http://www.w3.org/2003/05/soap-envelope";
const XSI: &[u8] = b"http://www.w3.org/2001/XMLSchema-instance";
const XSD: &[u8] = b"http://www.w3.org/2001/XMLSchema";
const XML: &[u8] = b"http://www.w3.org/XML/1998/namespace";

/// Far below what the schema allows nested, far above what it needs.
const MAX_HEADER_DEPTH: usize = 32;
/// Elements of one request; a group of every user of the largest context stays below.
const MAX_ELEMENTS: usize = 2_000_000;

/// A request that fits the interface.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) operation: &'a Operation,
    pub(crate) arguments: Object<'a>,
}

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
        let wanted = self.content.position(name)?;
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

/// Why a request cannot be taken; a fault without typed detail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// `soap:Client`
    Client(String),
    /// `soap:MustUnderstand`
    MustUnderstand(String),
    /// `soap:VersionMismatch`
    VersionMismatch(String),
}

impl Rejection {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Client(_) => "soap:Client",
            Self::MustUnderstand(_) => "soap:MustUnderstand",
            Self::VersionMismatch(_) => "soap:VersionMismatch",
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Client(text) | Self::MustUnderstand(text) | Self::VersionMismatch(text) => text,
        }
    }
}

fn client(text: impl Into<String>) -> Rejection {
    Rejection::Client(text.into())
}

/// Reads the envelope of one request.
pub(crate) fn parse<'a>(
    interface: &'a Interface,
    body: &'a [u8],
) -> Result<Request<'a>, Rejection> {
    let text = std::str::from_utf8(body)
        .map_err(|_| client("Error reading XMLStreamReader: Invalid UTF-8 in the request"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(c) = lexical::forbidden_char(text) {
        return Err(client(format!(
            "Error reading XMLStreamReader: Illegal character ((CTRL-CHAR, code {}))",
            u32::from(c)
        )));
    }
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut parser = Parser { reader, interface, text, elements: 0, has_content: false };
    parser.envelope()
}

enum Space {
    Interface(usize),
    None,
    Other(String),
    Soap11,
    Soap12,
}

enum Token<'a> {
    End,
    Eof,
    Start(Space, BytesStart<'a>),
    Text(Cow<'a, str>),
}

struct Parser<'a> {
    reader: NsReader<&'a [u8]>,
    interface: &'a Interface,
    text: &'a str,
    elements: usize,
    /// Whether anything came before; an XML declaration must be first.
    has_content: bool,
}

/// What the attributes of an element say.
#[derive(Default)]
struct Marks {
    is_nil: bool,
}

impl<'a> Parser<'a> {
    fn envelope(&mut self) -> Result<Request<'a>, Rejection> {
        match self.next_element()? {
            Some((Space::Soap11, start)) if start.local_name().as_ref() == b"Envelope" => {}
            Some((Space::Soap12, _)) => {
                return Err(Rejection::VersionMismatch(
                    "A SOAP 1.2 message is not valid when sent to a SOAP 1.1 only endpoint."
                        .to_owned(),
                ));
            }
            Some((space, start)) if start.local_name().as_ref() == b"Envelope" => {
                return Err(Rejection::VersionMismatch(format!(
                    "\"{}\", the namespace on the \"Envelope\" element, is not a valid SOAP version.",
                    self.uri(&space)
                )));
            }
            Some((space, start)) => return Err(self.unexpected(&space, &start)),
            None => return Err(client("Error reading XMLStreamReader: no element found")),
        }
        let mut next = self.next_element()?;
        if let Some((Space::Soap11, start)) = &next
            && start.local_name().as_ref() == b"Header"
        {
            self.header()?;
            next = self.next_element()?;
        }
        match next {
            Some((Space::Soap11, start)) if start.local_name().as_ref() == b"Body" => {}
            Some((space, start)) => return Err(self.unexpected(&space, &start)),
            None => return Err(client("the Envelope has no Body")),
        }
        let request = self.operation()?;
        if let Some((space, start)) = self.next_element()? {
            return Err(self.unexpected(&space, &start));
        }
        if let Some((space, start)) = self.next_element()? {
            return Err(self.unexpected(&space, &start));
        }
        loop {
            match self.next()? {
                Token::Eof => return Ok(request),
                Token::Text(text) if is_blank(&text) => {}
                _ => {
                    return Err(client(
                        "Error reading XMLStreamReader: content after the Envelope",
                    ));
                }
            }
        }
    }

    /// Skips header entries; one that must be understood is refused, as nothing is understood.
    fn header(&mut self) -> Result<(), Rejection> {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next()? {
                Token::End => depth -= 1,
                Token::Eof => return Err(client("Error reading XMLStreamReader: unexpected end")),
                Token::Start(_, start) => {
                    if depth == 1 && self.must_be_understood(&start)? {
                        return Err(Rejection::MustUnderstand(format!(
                            "MustUnderstand headers: [{}] are not understood.",
                            String::from_utf8_lossy(start.local_name().as_ref())
                        )));
                    }
                    depth += 1;
                    if depth > MAX_HEADER_DEPTH {
                        return Err(client("the Header is nested too deeply"));
                    }
                }
                Token::Text(_) => {}
            }
        }
        Ok(())
    }

    fn must_be_understood(&self, start: &BytesStart<'a>) -> Result<bool, Rejection> {
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| malformed(&error))?;
            let (resolved, local) = self.reader.resolve_attribute(attribute.key);
            if is_bound(&resolved, SOAP11) && local.as_ref() == b"mustUnderstand" {
                return Ok(&*attribute.value == b"1");
            }
        }
        Ok(false)
    }

    fn operation(&mut self) -> Result<Request<'a>, Rejection> {
        let Some((space, start)) = self.next_element()? else {
            return Err(client("the Body is empty: no operation was named"));
        };
        let interface = self.interface;
        let name = local_text(&start);
        let operation = match space {
            Space::Interface(0) => name.and_then(|name| interface.operation(name)),
            _ => None,
        };
        let Some(operation) = operation else {
            return Err(client(format!(
                "Message part {{{}}}{} was not recognized.  (Does it exist in service WSDL?)",
                self.uri(&space),
                name.unwrap_or_default()
            )));
        };
        let content = interface
            .complex_type(operation.input)
            .ok_or_else(|| client("the operation has no type"))?;
        self.marks(&start, Kind::Complex(operation.input), false)?;
        let arguments = self.object(content, 0)?;
        Ok(Request { operation, arguments })
    }

    /// The content of an element of a complex type, up to and with its end tag.
    fn object(&mut self, content: &'a ComplexType, depth: usize) -> Result<Object<'a>, Rejection> {
        // The types do not contain themselves; this is a second line of defence.
        if depth > 16 {
            return Err(client("the request is nested too deeply"));
        }
        let mut fields: Vec<(usize, Value<'a>)> = Vec::new();
        while let Some((space, start)) = self.next_element()? {
            let position = local_text(&start).and_then(|name| content.position(name));
            let found = position.and_then(|index| Some((index, content.field(index)?)));
            let Some((index, field)) = found else {
                return Err(self.unexpected(&space, &start));
            };
            let is_right_space = match (&space, field.namespace) {
                (Space::Interface(sent), Some(expected)) => *sent == expected,
                (Space::None, None) => true,
                _ => false,
            };
            if !is_right_space {
                return Err(self.unexpected(&space, &start));
            }
            if let Some((last, _)) = fields.last() {
                let is_repeated = *last == index && !field.is_list;
                if index < *last || is_repeated {
                    return Err(client(format!(
                        "Element \"{}\" {}. Please correct SOAP request.",
                        field.name,
                        if is_repeated {
                            "occurs more than once".to_owned()
                        } else {
                            let after = content.field(*last).map_or("", |field| &*field.name);
                            format!("is out of order, it belongs before \"{after}\"")
                        }
                    )));
                }
            }
            let value = self.field(field, &start, depth)?;
            fields.push((index, value));
        }
        let mut required = content.fields.iter().enumerate().filter(|(_, field)| field.is_required);
        if let Some((_, missing)) =
            required.find(|(index, _)| !fields.iter().any(|(sent, _)| sent == index))
        {
            return Err(client(format!("Element \"{}\" is missing.", missing.name)));
        }
        Ok(Object { content, fields })
    }

    fn field(
        &mut self,
        field: &'a Field,
        start: &BytesStart<'a>,
        depth: usize,
    ) -> Result<Value<'a>, Rejection> {
        let marks = self.marks(start, field.kind, field.is_nillable)?;
        if marks.is_nil {
            return match self.simple()? {
                text if text.is_empty() => Ok(Value::Nil),
                _ => Err(self.invalid_value()),
            };
        }
        let interface = self.interface;
        if let Kind::Complex(index) = field.kind {
            let content =
                interface.complex_type(index).ok_or_else(|| client("the field has no type"))?;
            return Ok(Value::Object(self.object(content, depth + 1)?));
        }
        let text = self.simple()?;
        let value = match field.kind {
            Kind::String => Some(Value::Text(text)),
            Kind::Boolean => lexical::boolean(&text).map(Value::Boolean),
            Kind::Long => lexical::long(&text).map(Value::Integer),
            Kind::Int => lexical::long(&text)
                .filter(|number| i32::try_from(*number).is_ok())
                .map(Value::Integer),
            Kind::Date => lexical::date(&text).map(|day| Value::Text(Cow::Owned(day.to_owned()))),
            Kind::Base64 => {
                lexical::base64(&text).map(|compact| Value::Text(Cow::Owned(compact.into_owned())))
            }
            Kind::Any | Kind::Complex(_) => None,
        };
        value.ok_or_else(|| self.invalid_value())
    }

    /// The text of an element without child elements, up to and with its end tag.
    fn simple(&mut self) -> Result<Cow<'a, str>, Rejection> {
        let mut whole: Cow<'a, str> = Cow::Borrowed("");
        loop {
            match self.next()? {
                Token::End => return Ok(whole),
                Token::Eof => return Err(client("Error reading XMLStreamReader: unexpected end")),
                Token::Start(space, start) => return Err(self.unexpected(&space, &start)),
                // The usual case is one piece of text, which is borrowed.
                Token::Text(text) if whole.is_empty() => whole = text,
                Token::Text(text) => whole.to_mut().push_str(&text),
            }
        }
    }

    /// Checks the attributes of an element inside the Body.
    fn marks(
        &self,
        start: &BytesStart<'a>,
        kind: Kind,
        is_nillable: bool,
    ) -> Result<Marks, Rejection> {
        let mut marks = Marks::default();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| malformed(&error))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let (resolved, local) = self.reader.resolve_attribute(attribute.key);
            let value = std::str::from_utf8(&attribute.value).unwrap_or_default();
            match local.as_ref() {
                b"nil" if is_bound(&resolved, XSI) => {
                    marks.is_nil = lexical::boolean(value).ok_or_else(|| self.invalid_value())?;
                    if marks.is_nil && !is_nillable {
                        return Err(self.invalid_value());
                    }
                }
                b"type" if is_bound(&resolved, XSI) => self.check_type(value, kind)?,
                b"schemaLocation" | b"noNamespaceSchemaLocation" if is_bound(&resolved, XSI) => {}
                _ if is_bound(&resolved, XML) => {}
                name => {
                    return Err(client(format!(
                        "Unexpected attribute \"{}\". Please remove that attribute from SOAP request.",
                        String::from_utf8_lossy(name)
                    )));
                }
            }
        }
        Ok(marks)
    }

    /// `xsi:type` may be there, but must name the type that the schema gives.
    fn check_type(&self, value: &str, kind: Kind) -> Result<(), Rejection> {
        let (resolved, local) = self.reader.resolve(QName(value.trim().as_bytes()), false);
        let is_right = match kind {
            Kind::Complex(index) => self.interface.complex_type(index).is_some_and(|content| {
                let namespace = self.interface.namespaces.get(content.namespace);
                namespace.is_some_and(|uri| is_bound(&resolved, uri.as_bytes()))
                    && local.as_ref() == content.name.as_bytes()
            }),
            simple => is_bound(&resolved, XSD) && local.as_ref() == simple.xsd_name().as_bytes(),
        };
        if is_right {
            Ok(())
        } else {
            Err(client(format!("Unexpected xsi:type \"{value}\". Please correct SOAP request.")))
        }
    }

    /// The next child element; `None` at the end tag of the parent.
    fn next_element(&mut self) -> Result<Option<(Space, BytesStart<'a>)>, Rejection> {
        loop {
            match self.next()? {
                Token::Start(space, start) => return Ok(Some((space, start))),
                Token::End => return Ok(None),
                Token::Eof => return Err(client("Error reading XMLStreamReader: unexpected end")),
                Token::Text(text) if is_blank(&text) => {}
                Token::Text(_) => {
                    return Err(client(
                        "Unexpected text between elements. Please correct SOAP request.",
                    ));
                }
            }
        }
    }

    fn next(&mut self) -> Result<Token<'a>, Rejection> {
        loop {
            let is_first = !self.has_content;
            self.has_content = true;
            let interface = self.interface;
            let (resolved, event) = self.reader.read_resolved_event().map_err(|e| malformed(&e))?;
            match event {
                Event::Start(start) => {
                    let space = match resolved {
                        ResolveResult::Unbound => Space::None,
                        ResolveResult::Unknown(prefix) => {
                            return Err(client(format!(
                                "Error reading XMLStreamReader: Undeclared namespace prefix \"{}\"",
                                String::from_utf8_lossy(&prefix)
                            )));
                        }
                        ResolveResult::Bound(uri) => {
                            match interface.namespace_index(uri.as_ref()) {
                                Some(index) => Space::Interface(index),
                                None if uri.as_ref() == SOAP11 => Space::Soap11,
                                None if uri.as_ref() == SOAP12 => Space::Soap12,
                                None => {
                                    Space::Other(String::from_utf8_lossy(uri.as_ref()).into_owned())
                                }
                            }
                        }
                    };
                    self.elements += 1;
                    if self.elements > MAX_ELEMENTS {
                        return Err(client("the request has too many elements"));
                    }
                    return Ok(Token::Start(space, start));
                }
                Event::End(_) => return Ok(Token::End),
                Event::Eof => return Ok(Token::Eof),
                Event::Text(text) => {
                    return text.xml10_content().map(Token::Text).map_err(|e| malformed(&e));
                }
                Event::CData(text) => {
                    return text.xml10_content().map(Token::Text).map_err(|e| malformed(&e));
                }
                Event::GeneralRef(reference) => {
                    let c = reference.resolve_char_ref().map_err(|e| malformed(&e))?;
                    let text = match c {
                        Some(c) => {
                            let text = String::from(c);
                            if lexical::forbidden_char(&text).is_some() {
                                return Err(client(format!(
                                    "Error reading XMLStreamReader: Illegal character entity: expansion character (code {})",
                                    u32::from(c)
                                )));
                            }
                            Cow::Owned(text)
                        }
                        None => Cow::Borrowed(match &*reference {
                            b"amp" => "&",
                            b"lt" => "<",
                            b"gt" => ">",
                            b"quot" => "\"",
                            b"apos" => "'",
                            other => {
                                return Err(client(format!(
                                    "Error reading XMLStreamReader: Undeclared general entity \"{}\"",
                                    String::from_utf8_lossy(other)
                                )));
                            }
                        }),
                    };
                    return Ok(Token::Text(text));
                }
                Event::Decl(declaration) => {
                    let encoding = declaration.encoding().transpose().map_err(|e| malformed(&e))?;
                    let is_utf8 = encoding.is_none_or(|name| name.eq_ignore_ascii_case(b"utf-8"));
                    if !is_first || !is_utf8 {
                        return Err(client(
                            "Error reading XMLStreamReader: misplaced declaration or encoding other than UTF-8",
                        ));
                    }
                }
                Event::DocType(_) => {
                    return Err(client("Error reading XMLStreamReader: DTD is not allowed"));
                }
                Event::Comment(_) | Event::PI(_) => {}
                Event::Empty(_) => {
                    return Err(client("Error reading XMLStreamReader: unexpected empty element"));
                }
            }
        }
    }

    fn uri<'s>(&'s self, space: &'s Space) -> &'s str {
        match space {
            Space::Interface(index) => self.interface.namespaces.get(*index).map_or("", |uri| uri),
            Space::None => "",
            Space::Other(uri) => uri,
            Space::Soap11 => "http://schemas.xmlsoap.org/soap/envelope/",
            Space::Soap12 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    fn unexpected(&self, space: &Space, start: &BytesStart<'a>) -> Rejection {
        client(format!(
            "Unexpected element \"{}\" (URI=\"{}\"). Please remove that element from SOAP request.",
            local_text(start).unwrap_or_default(),
            self.uri(space)
        ))
    }

    fn invalid_value(&self) -> Rejection {
        let end = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
        let before = self.text.as_bytes().get(..end).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        client(format!(
            "Invalid value in line {line} in row {column}. Please correct SOAP request."
        ))
    }
}

fn malformed(error: &dyn std::fmt::Display) -> Rejection {
    client(format!("Error reading XMLStreamReader: {error}"))
}

fn is_bound(resolved: &ResolveResult<'_>, uri: &[u8]) -> bool {
    matches!(resolved, ResolveResult::Bound(namespace) if namespace.as_ref() == uri)
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

fn local_text<'s>(start: &'s BytesStart<'_>) -> Option<&'s str> {
    std::str::from_utf8(start.local_name().into_inner()).ok()
}
