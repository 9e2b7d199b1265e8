//! Reads XML as the schema sees it: elements with their namespace among those of the interface, text
//! with references resolved, and the few attributes that SOAP and XML Schema allow.
//!
//! Bounded in every direction: a document type is refused, so that no entity can grow; start tags
//! and the number of elements are limited.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{QName, ResolveResult};
use quick_xml::reader::NsReader;

use super::lexical;
use super::schema::{Interface, Kind};

const SOAP11: &[u8] = b"http://schemas.xmlsoap.org/soap/envelope/";
const SOAP12: &[u8] = b"http://www.w3.org/2003/05/soap-envelope";
const XSI: &[u8] = b"http://www.w3.org/2001/XMLSchema-instance";
const XSD: &[u8] = b"http://www.w3.org/2001/XMLSchema";
const XML: &[u8] = b"http://www.w3.org/XML/1998/namespace";

/// Elements of one request; a group of every user of the largest context stays below.
const MAX_ELEMENTS: usize = 2_000_000;
/// Attributes are compared with each other and namespaces looked up one by one: a start tag of
/// megabytes would take hours.
const MAX_START_TAG: usize = 8 * 1024;

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

pub(super) fn client(text: impl Into<String>) -> Rejection {
    Rejection::Client(text.into())
}

pub(super) enum Space {
    Interface(usize),
    None,
    Other(String),
    Soap11,
    Soap12,
}

pub(super) enum Token<'a> {
    End,
    Eof,
    Start(Space, BytesStart<'a>),
    Text(Cow<'a, str>),
}

/// What the attributes of an element say.
#[derive(Default)]
pub(super) struct Marks {
    pub(super) is_nil: bool,
}

pub(super) struct Reader<'a> {
    xml: NsReader<&'a [u8]>,
    pub(super) interface: &'a Interface,
    text: &'a str,
    elements: usize,
    /// Whether anything came before; an XML declaration must be first.
    has_content: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(interface: &'a Interface, body: &'a [u8]) -> Result<Self, Rejection> {
        let text = std::str::from_utf8(body)
            .map_err(|_| client("Error reading XMLStreamReader: Invalid UTF-8 in the request"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if let Some(c) = lexical::forbidden_char(text) {
            return Err(client(format!(
                "Error reading XMLStreamReader: Illegal character ((CTRL-CHAR, code {}))",
                u32::from(c)
            )));
        }
        let mut xml = NsReader::from_str(text);
        xml.config_mut().expand_empty_elements = true;
        Ok(Self { xml, interface, text, elements: 0, has_content: false })
    }

    pub(super) fn next(&mut self) -> Result<Token<'a>, Rejection> {
        loop {
            let is_first = !self.has_content;
            self.has_content = true;
            let interface = self.interface;
            let (resolved, event) = self.xml.read_resolved_event().map_err(|e| malformed(&e))?;
            match event {
                Event::Start(start) => {
                    if start.len() > MAX_START_TAG {
                        return Err(client("Error reading XMLStreamReader: start tag too long"));
                    }
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

    /// The next child element; `None` at the end tag of the parent.
    pub(super) fn next_element(&mut self) -> Result<Option<(Space, BytesStart<'a>)>, Rejection> {
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

    /// The text of an element without child elements, up to and with its end tag.
    pub(super) fn simple(&mut self) -> Result<Cow<'a, str>, Rejection> {
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
    pub(super) fn marks(
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
            let (resolved, local) = self.xml.resolve_attribute(attribute.key);
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
    pub(super) fn check_type(&self, value: &str, kind: Kind) -> Result<(), Rejection> {
        let (resolved, local) = self.xml.resolve(QName(value.trim().as_bytes()), false);
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

    pub(super) fn must_be_understood(&self, start: &BytesStart<'a>) -> Result<bool, Rejection> {
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| malformed(&error))?;
            let (resolved, local) = self.xml.resolve_attribute(attribute.key);
            if is_bound(&resolved, SOAP11) && local.as_ref() == b"mustUnderstand" {
                return Ok(&*attribute.value == b"1");
            }
        }
        Ok(false)
    }

    pub(super) fn uri<'s>(&'s self, space: &'s Space) -> &'s str {
        match space {
            Space::Interface(index) => self.interface.namespaces.get(*index).map_or("", |uri| uri),
            Space::None => "",
            Space::Other(uri) => uri,
            Space::Soap11 => "http://schemas.xmlsoap.org/soap/envelope/",
            Space::Soap12 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    pub(super) fn unexpected(&self, space: &Space, start: &BytesStart<'a>) -> Rejection {
        client(format!(
            "Unexpected element \"{}\" (URI=\"{}\"). Please remove that element from SOAP request.",
            local_text(start).unwrap_or_default(),
            self.uri(space)
        ))
    }

    pub(super) fn invalid_value(&self) -> Rejection {
        let end = usize::try_from(self.xml.buffer_position()).unwrap_or(usize::MAX);
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

pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

pub(super) fn local_text<'s>(start: &'s BytesStart<'_>) -> Option<&'s str> {
    std::str::from_utf8(start.local_name().into_inner()).ok()
}
