//! Writes answers in schema order, in the style of the real server: the service's namespace as the
//! default one, `nsN` for the others, `xsi:nil` declared anew on every absent nillable field.

use super::schema::{ComplexType, Field, Interface, Kind, Output};
use crate::view::push_escaped;

/// End of an absent nillable field, after `<prefix:name`.
pub(crate) const NIL: &str =
    " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>";

const HEAD: &str =
    "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>";
const TAIL: &str = "</soap:Body></soap:Envelope>";
const EMPTY: &str = "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body/></soap:Envelope>";

/// The answer to one call, written as it comes about.
pub(crate) struct Answer<'a> {
    interface: &'a Interface,
    output: Option<&'a Output>,
    out: String,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(interface: &'a Interface, output: Option<&'a Output>) -> Self {
        let mut out = String::new();
        if let Some(output) = output {
            out.reserve(512);
            out.push_str(HEAD);
            out.push('<');
            out.push_str(&output.name);
            out.push_str(&interface.declarations);
            out.push('>');
        }
        Self { interface, output, out }
    }

    /// The finished envelope.
    pub(crate) fn finish(mut self) -> String {
        let Some(output) = self.output else {
            return EMPTY.to_owned();
        };
        self.out.push_str("</");
        self.out.push_str(&output.name);
        self.out.push('>');
        self.out.push_str(TAIL);
        self.out
    }

    /// The field `return` of the answer element.
    fn result(&self) -> Option<&'a Field> {
        self.interface.complex_type(self.output?.content)?.fields.first()
    }

    /// `return` of a simple type.
    pub(crate) fn value(&mut self, text: &str) {
        if let Some(field) = self.result() {
            FieldWriter { out: &mut self.out, field }.text(text);
        }
    }

    /// One `return` of a complex type. `write` is asked for each field in schema order.
    pub(crate) fn object(&mut self, write: impl FnMut(usize, &mut FieldWriter<'_>)) {
        if let Some(field) = self.result() {
            write_object(self.interface, &mut self.out, field, write);
        }
    }
}

fn write_object(
    interface: &Interface,
    out: &mut String,
    element: &Field,
    mut write: impl FnMut(usize, &mut FieldWriter<'_>),
) {
    let Kind::Complex(index) = element.kind else {
        return;
    };
    let Some(content) = interface.complex_type(index) else {
        return;
    };
    out.push_str(&element.open);
    out.push('>');
    write_fields(content, out, &mut write);
    out.push_str(&element.close);
}

fn write_fields(
    content: &ComplexType,
    out: &mut String,
    write: &mut impl FnMut(usize, &mut FieldWriter<'_>),
) {
    for (index, field) in content.fields.iter().enumerate() {
        let before = out.len();
        write(index, &mut FieldWriter { out, field });
        if out.len() == before && field.is_nillable && !field.is_list {
            out.push_str(&field.open);
            out.push_str(NIL);
        }
    }
}

/// Writes one field; what is not written is nil or absent, as the schema allows.
pub(crate) struct FieldWriter<'a> {
    out: &'a mut String,
    field: &'a Field,
}

impl FieldWriter<'_> {
    pub(crate) fn name(&self) -> &str {
        &self.field.name
    }

    /// A date gets the zone that the real server's binding adds.
    pub(crate) fn text(&mut self, text: &str) {
        self.out.push_str(&self.field.open);
        if text.is_empty() {
            self.out.push_str("/>");
            return;
        }
        self.out.push('>');
        push_escaped(self.out, text);
        if self.field.kind == Kind::Date {
            self.out.push('Z');
        }
        self.out.push_str(&self.field.close);
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.text(if value { "true" } else { "false" });
    }

    pub(crate) fn integer(&mut self, number: impl Into<i64>) {
        let mut digits = [0_u8; 20];
        self.text(decimal(number.into(), &mut digits));
    }

    pub(crate) fn object(
        &mut self,
        interface: &Interface,
        write: impl FnMut(usize, &mut FieldWriter<'_>),
    ) {
        write_object(interface, self.out, self.field, write);
    }
}

/// Decimal form without an allocation; a list of members has one number per user.
fn decimal(number: i64, digits: &mut [u8; 20]) -> &str {
    let mut rest = number.unsigned_abs();
    let mut start = digits.len();
    for (index, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        start = index;
        if rest == 0 {
            break;
        }
    }
    if number < 0 && start > 0 {
        start -= 1;
        if let Some(sign) = digits.get_mut(start) {
            *sign = b'-';
        }
    }
    std::str::from_utf8(digits.get(start..).unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_library_does() {
        for number in [0, 1, -1, 9, 10, 100_000, i64::MAX, i64::MIN, i64::from(i32::MIN)] {
            assert_eq!(decimal(number, &mut [0; 20]), number.to_string());
        }
    }
}
