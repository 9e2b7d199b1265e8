//! Reads a request envelope and holds it against the interface, element by element.
//!
//! Stricter than the real server, which binds by local name and in any order: here namespaces,
//! order, types and attributes must be those of the schema. The document is read as a stream; the
//! only tree built is that of the arguments, whose depth and breadth the schema limits.

use std::borrow::Cow;

use quick_xml::events::BytesStart;

use super::lexical;
use super::reader::{Reader, Rejection, Space, Token, client, is_blank, local_text};
use super::schema::{ComplexType, Field, Interface, Kind, Operation};
use super::value::{Object, Value};

/// Far above what any header needs.
const MAX_HEADER_DEPTH: usize = 32;

/// A request that fits the interface.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) operation: &'a Operation,
    pub(crate) arguments: Object<'a>,
}

/// Reads the envelope of one request.
pub(crate) fn parse<'a>(
    interface: &'a Interface,
    body: &'a [u8],
) -> Result<Request<'a>, Rejection> {
    Reader::new(interface, body)?.envelope()
}

impl<'a> Reader<'a> {
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
}
