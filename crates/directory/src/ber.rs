//! The few BER forms that control values consist of (X.690 with the restrictions of RFC 4511 5.1).
//!
//! The protocol library has readers of its own for these values, which panic on what they do not
//! expect. This one answers [`NotBer`].

/// The bytes do not have the expected form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotBer;

/// Universal, primitive.
pub(crate) const BOOLEAN: u8 = 0x01;
/// Universal, primitive.
pub(crate) const INTEGER: u8 = 0x02;
/// Bytes.
pub(crate) const OCTET_STRING: u8 = 0x04;
/// Universal, primitive.
pub(crate) const ENUMERATED: u8 = 0x0a;
/// Universal, constructed.
pub(crate) const SEQUENCE: u8 = 0x30;
/// Universal, constructed.
pub(crate) const SET: u8 = 0x31;

/// What is left of a value. Copies nothing, and recurses into nothing by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever it is: tag and content.
    pub(crate) fn any(&mut self) -> Result<(u8, &'a [u8]), NotBer> {
        let (&tag, rest) = self.rest.split_first().ok_or(NotBer)?;
        // No value that is read here has a tag number above 30.
        if tag & 0x1f == 0x1f {
            return Err(NotBer);
        }
        let (&first, mut rest) = rest.split_first().ok_or(NotBer)?;
        let length = if first & 0x80 == 0 {
            usize::from(first)
        } else {
            let count = usize::from(first & 0x7f);
            // LDAP allows the definite form only; four bytes are more than any value has.
            if count == 0 || count > 4 {
                return Err(NotBer);
            }
            let (bytes, after) = rest.split_at_checked(count).ok_or(NotBer)?;
            rest = after;
            bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte))
        };
        let (content, rest) = rest.split_at_checked(length).ok_or(NotBer)?;
        self.rest = rest;
        Ok((tag, content))
    }

    /// The next element, which has this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<&'a [u8], NotBer> {
        match self.any()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(NotBer),
        }
    }

    /// The next element if it has this tag; otherwise nothing is taken.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, NotBer> {
        if self.rest.first() == Some(&tag) { self.expect(tag).map(Some) } else { Ok(None) }
    }

    /// The elements of a constructed one that must be all there is.
    pub(crate) fn only(bytes: &'a [u8], tag: u8) -> Result<Self, NotBer> {
        let mut reader = Self::new(bytes);
        let content = reader.expect(tag)?;
        if reader.is_empty() { Ok(Self::new(content)) } else { Err(NotBer) }
    }
}

/// A number that is not negative and fits.
pub(crate) fn unsigned(content: &[u8]) -> Result<u32, NotBer> {
    match content {
        [] => Err(NotBer),
        [first, ..] if first & 0x80 != 0 => Err(NotBer),
        _ => content.iter().try_fold(0_u32, |number, &byte| {
            Ok(number.checked_mul(256).ok_or(NotBer)? | u32::from(byte))
        }),
    }
}

/// RFC 4511 5.1: TRUE is 0xff. Other bytes than zero are taken for it, as BER has them.
pub(crate) fn boolean(content: &[u8]) -> Result<bool, NotBer> {
    match content {
        [byte] => Ok(*byte != 0),
        _ => Err(NotBer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_in_short_and_long_form() {
        let long = [&[OCTET_STRING, 0x81, 0x80][..], &[7; 128], &[BOOLEAN, 1, 0xff]].concat();
        let mut reader = Reader::new(&long);
        assert_eq!(reader.expect(OCTET_STRING).unwrap(), [7; 128]);
        assert_eq!(reader.optional(OCTET_STRING), Ok(None));
        assert_eq!(boolean(reader.optional(BOOLEAN).unwrap().unwrap()), Ok(true));
        assert!(reader.is_empty());
        assert_eq!(unsigned(&[0, 0xff]), Ok(255));
        assert_eq!(unsigned(&[0, 0xff, 0xff, 0xff, 0xff]), Ok(u32::MAX));
    }

    #[test]
    fn anything_else_is_an_error() {
        for bytes in [
            &[][..],
            &[SEQUENCE],
            &[SEQUENCE, 1],
            &[SEQUENCE, 0x80, 0, 0],
            &[SEQUENCE, 0x85, 0, 0, 0, 0, 0],
            &[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x1f, 0x81, 0x01, 0],
            &[SEQUENCE, 0, 0],
        ] {
            assert!(Reader::only(bytes, SEQUENCE).is_err(), "{bytes:x?}");
        }
        assert!(unsigned(&[]).is_err() && unsigned(&[0x80]).is_err() && unsigned(&[1; 5]).is_err());
        assert!(boolean(&[]).is_err() && boolean(&[0, 0]).is_err());
    }
}
