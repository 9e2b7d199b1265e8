//! A bounded walk through the XML of an answer: elements by namespace and local name, their text,
//! nothing more.
//!
//! Answers come from outside and are not trusted. Document type declarations are refused, so there
//! are no entities to expand; depth and namespace declarations are bounded, so memory and time grow
//! with the size of the answer only, which the transport bounds.

use std::io::{self, BufRead};
use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::errors::{IllFormedError, SyntaxError};
use quick_xml::events::{BytesStart, Event};

use crate::envelope::{DATA, SOAP};
use crate::service::{ADMIN, COPY};

/// Deeper than any answer: the fields of nested maps stand at level 9.
const DEPTH_LIMIT: usize = 32;
/// More than any element of an answer has; it bounds the search for a prefix.
const ATTRIBUTE_LIMIT: usize = 32;

const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// More text than any field has.
const TEXT_LIMIT: usize = 64 << 20;

/// What an answer is read from.
pub(crate) trait Source: BufRead {
    /// A new piece of the document begins: a tag, a text.
    fn begin_piece(&mut self) {}

    /// So many bytes of what was read are kept from now on.
    fn keep(&mut self, _bytes: usize) -> io::Result<()> {
        Ok(())
    }
}

impl Source for &[u8] {}

/// The namespaces that mean something in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Namespace {
    /// Operations and parameters, of whichever service.
    Service,
    Data,
    None,
    Other,
    SchemaInstance,
    Soap,
}

/// Why an answer cannot be read.
#[derive(Debug)]
pub(crate) enum XmlError {
    /// The source failed.
    Io(Arc<io::Error>),
    /// No XML, or XML that SOAP forbids.
    Malformed(String),
    /// It ends too early.
    Truncated,
    /// SOAP, but not what was asked for.
    Unexpected(String),
}

/// The element that was just opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element {
    pub(crate) namespace: Namespace,
    /// `xsi:nil` is true.
    pub(crate) is_nil: bool,
}

/// A reader that stands inside an element.
pub(crate) struct Xml<R: Source> {
    reader: Reader<R>,
    event: Vec<u8>,
    depth: usize,
    scopes: Scopes,
    name: Vec<u8>,
    text: String,
}

enum Step {
    Start(Element),
    End,
    Text,
    Eof,
}

impl<R: Source> Xml<R> {
    pub(crate) fn new(source: R) -> Self {
        let mut reader = Reader::from_reader(source);
        reader.config_mut().expand_empty_elements = true;
        Self {
            reader,
            event: Vec::new(),
            depth: 0,
            scopes: Scopes::default(),
            name: Vec::new(),
            text: String::new(),
        }
    }

    /// Local name of the element that was opened last.
    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    /// The same for a message.
    pub(crate) fn shown_name(&self) -> String {
        idspool_http::one_line(&String::from_utf8_lossy(&self.name), 80)
    }

    /// Goes to the next element inside the one it stands in and opens it; `None` when that one
    /// ends. What was opened has to be left by `skip`, `text` or `next_child` until `None`.
    pub(crate) fn next_child(&mut self) -> Result<Option<Element>, XmlError> {
        loop {
            match self.step(false)? {
                Step::Start(element) => return Ok(Some(element)),
                Step::End => return Ok(None),
                Step::Text => {}
                Step::Eof if self.depth == 0 => return Ok(None),
                Step::Eof => return Err(XmlError::Truncated),
            }
        }
    }

    /// Leaves the element it stands in.
    pub(crate) fn skip(&mut self) -> Result<(), XmlError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            if matches!(self.step(false)?, Step::Eof) {
                return Err(XmlError::Truncated);
            }
        }
        Ok(())
    }

    /// The text of the element it stands in, which it leaves. Elements inside are left out.
    pub(crate) fn text(&mut self) -> Result<&str, XmlError> {
        let outside = self.depth.saturating_sub(1);
        self.text.clear();
        while self.depth > outside {
            let is_own = self.depth == outside + 1;
            if matches!(self.step(is_own)?, Step::Eof) {
                return Err(XmlError::Truncated);
            }
            if self.text.len() > TEXT_LIMIT {
                return Err(XmlError::Malformed(format!("a text of more than {TEXT_LIMIT} bytes")));
            }
        }
        Ok(&self.text)
    }

    /// Tells the source that so many bytes are kept of what was read.
    pub(crate) fn keep(&mut self, bytes: usize) -> Result<(), XmlError> {
        self.reader.get_mut().keep(bytes).map_err(|error| XmlError::Io(Arc::new(error)))
    }

    /// Takes one event; appends to `text` when it is text and wanted.
    fn step(&mut self, wants_text: bool) -> Result<Step, XmlError> {
        self.event.clear();
        self.reader.get_mut().begin_piece();
        let event = self.reader.read_event_into(&mut self.event).map_err(XmlError::from)?;
        match event {
            Event::Start(start) => {
                self.depth += 1;
                if self.depth > DEPTH_LIMIT {
                    let reason = format!("elements more than {DEPTH_LIMIT} deep");
                    return Err(XmlError::Malformed(reason));
                }
                let is_nil = self.scopes.enter(&start, self.depth)?;
                let (prefix, name) = split(start.name().0);
                self.name.clear();
                self.name.extend_from_slice(name);
                let namespace = self.scopes.resolve(prefix);
                return Ok(Step::Start(Element { namespace, is_nil }));
            }
            Event::End(_) => {
                self.scopes.leave(self.depth);
                self.depth = self.depth.saturating_sub(1);
                return Ok(Step::End);
            }
            Event::Eof => return Ok(Step::Eof),
            Event::DocType(_) => {
                return Err(XmlError::Malformed("a document type declaration".into()));
            }
            Event::Text(text) if wants_text => {
                self.text.push_str(&text.xml10_content().map_err(|_| not_utf8())?);
            }
            Event::CData(text) if wants_text => {
                self.text.push_str(&text.xml10_content().map_err(|_| not_utf8())?);
            }
            Event::GeneralRef(reference) if wants_text => {
                let character = match &*reference {
                    b"amp" => '&',
                    b"lt" => '<',
                    b"gt" => '>',
                    b"quot" => '"',
                    b"apos" => '\'',
                    _ => reference
                        .resolve_char_ref()
                        .ok()
                        .flatten()
                        .ok_or_else(|| XmlError::Malformed("an unknown entity".into()))?,
                };
                self.text.push(character);
            }
            Event::Text(_)
            | Event::CData(_)
            | Event::GeneralRef(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            // `expand_empty_elements` makes a start and an end of it.
            | Event::Empty(_) => {}
        }
        Ok(Step::Text)
    }
}

fn not_utf8() -> XmlError {
    XmlError::Malformed("bytes that are not UTF-8".into())
}

/// The prefixes declared at the place in the document. An answer declares the same few again and
/// again, on every nil field, so the attributes of an element are gone through only once and a
/// namespace is compared only where it is declared.
#[derive(Default)]
struct Scopes {
    /// Depth of the element, end of the prefix in `prefixes`, namespace.
    declared: Vec<(usize, usize, Namespace)>,
    /// The prefixes, one after the other; empty for the default namespace.
    prefixes: Vec<u8>,
}

impl Scopes {
    /// Takes the declarations of an element; tells whether it is nil.
    fn enter(&mut self, start: &BytesStart<'_>, depth: usize) -> Result<bool, XmlError> {
        let mut nil_prefix = None;
        for (count, attribute) in start.attributes().with_checks(false).enumerate() {
            if count >= ATTRIBUTE_LIMIT {
                let reason = format!("an element with more than {ATTRIBUTE_LIMIT} attributes");
                return Err(XmlError::Malformed(reason));
            }
            let attribute = attribute.map_err(|error| XmlError::Malformed(error.to_string()))?;
            match split(attribute.key.0) {
                (b"", b"xmlns") => self.declare(depth, b"", &attribute.value),
                (b"xmlns", prefix) => self.declare(depth, prefix, &attribute.value),
                (prefix, b"nil") if matches!(&*attribute.value, b"true" | b"1") => {
                    nil_prefix = Some(prefix);
                }
                _ => {}
            }
        }
        // A declaration may stand behind its first use. An attribute without prefix is in no
        // namespace.
        Ok(nil_prefix.is_some_and(|prefix| {
            !prefix.is_empty() && self.resolve(prefix) == Namespace::SchemaInstance
        }))
    }

    fn declare(&mut self, depth: usize, prefix: &[u8], namespace: &[u8]) {
        let namespace = match namespace {
            b"" => Namespace::None,
            known if known == DATA.as_bytes() => Namespace::Data,
            known if known == ADMIN.as_bytes() => Namespace::Service,
            known if known == SCHEMA_INSTANCE.as_bytes() => Namespace::SchemaInstance,
            known if known == SOAP.as_bytes() => Namespace::Soap,
            known if known == COPY.as_bytes() => Namespace::Service,
            _ => Namespace::Other,
        };
        self.prefixes.extend_from_slice(prefix);
        self.declared.push((depth, self.prefixes.len(), namespace));
    }

    fn leave(&mut self, depth: usize) {
        while self.declared.last().is_some_and(|(declared, ..)| *declared >= depth) {
            self.declared.pop();
            self.prefixes.truncate(self.declared.last().map_or(0, |(_, end, _)| *end));
        }
    }

    fn resolve(&self, prefix: &[u8]) -> Namespace {
        for (place, (_, end, namespace)) in self.declared.iter().enumerate().rev() {
            let before = place.checked_sub(1).and_then(|before| self.declared.get(before));
            let begin = before.map_or(0, |(_, end, _)| *end);
            if self.prefixes.get(begin..*end) == Some(prefix) {
                return *namespace;
            }
        }
        if prefix.is_empty() { Namespace::None } else { Namespace::Other }
    }
}

/// Prefix and local name.
fn split(name: &[u8]) -> (&[u8], &[u8]) {
    match name.iter().position(|byte| *byte == b':') {
        Some(colon) => (name.get(..colon).unwrap_or(b""), name.get(colon + 1..).unwrap_or(b"")),
        None => (b"", name),
    }
}

impl From<quick_xml::Error> for XmlError {
    fn from(error: quick_xml::Error) -> Self {
        match error {
            quick_xml::Error::Io(error) => Self::Io(error),
            quick_xml::Error::Syntax(SyntaxError::InvalidBangMarkup) => {
                Self::Malformed(error.to_string())
            }
            quick_xml::Error::Syntax(_)
            | quick_xml::Error::IllFormed(
                IllFormedError::MissingEndTag(_) | IllFormedError::UnclosedReference,
            ) => Self::Truncated,
            other => Self::Malformed(idspool_http::one_line(&other.to_string(), 200)),
        }
    }
}
