//! Whether bytes have the form of LDAP messages, looked at as they come and without keeping them.
//!
//! The protocol library descends into whatever is nested, which overflows the stack, and waits for
//! the rest of an element that is longer than what it is part of, while it takes in all that comes.

/// Longest message. An item of the spool may have as much.
const MAX_MESSAGE: u64 = 64 * 1024 * 1024;

/// Elements within elements. An entry has five levels, a control three.
const MAX_DEPTH: usize = 16;

/// Elements of one message. A group of a million members has as many, twice if `memberUid` names them,
/// too. Decoded, an element takes about a hundred bytes.
const MAX_ELEMENTS: u32 = 1 << 21;

const SEQUENCE: u8 = 0x30;
const CONSTRUCTED: u8 = 0x20;
const LONG_TAG: u8 = 0x1f;

const NOT_LDAP: &str = crate::error::NOT_LDAP;

/// The messages of one direction of a connection.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    /// Bytes that are left of each element that has begun.
    open: Vec<u64>,
    next: Next,
    elements: u32,
    /// Bytes of the message that has begun; 0 between messages.
    size: u64,
}

#[derive(Debug, Default, Clone, Copy)]
enum Next {
    #[default]
    Tag,
    /// The first byte of the length.
    Length { tag: u8 },
    /// The others.
    LongLength { tag: u8, left: u8, size: u8, length: u64 },
    /// This much of a value.
    Value(u64),
}

impl Framing {
    /// Takes in what has come. `whole` is told the size of each message that is complete by that.
    ///
    /// # Errors
    /// What is wrong with it. Nothing after that can be understood.
    pub(crate) fn take(
        &mut self,
        mut bytes: &[u8],
        mut whole: impl FnMut(u64),
    ) -> Result<(), &'static str> {
        loop {
            if let Next::Value(left) = self.next {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                bytes = bytes.get(here..).unwrap_or_default();
                let left = left.saturating_sub(here as u64);
                self.next = if left == 0 { Next::Tag } else { Next::Value(left) };
            }
            if self.size > 0 && self.is_between_messages() {
                whole(std::mem::take(&mut self.size));
            }
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(()) };
            bytes = rest;
            self.header(byte)?;
        }
    }

    /// Whether what has come ends with a message.
    pub(crate) fn is_between_messages(&self) -> bool {
        self.open.is_empty() && matches!(self.next, Next::Tag)
    }

    fn header(&mut self, byte: u8) -> Result<(), &'static str> {
        match self.next {
            Next::Tag => {
                let is_right = if self.open.is_empty() {
                    self.elements = 0;
                    byte == SEQUENCE
                } else {
                    byte & LONG_TAG != LONG_TAG
                };
                if !is_right {
                    return Err(NOT_LDAP);
                }
                self.next = Next::Length { tag: byte };
            }
            Next::Length { tag } if byte & 0x80 == 0 => {
                return self.begin(tag, 2, u64::from(byte));
            }
            Next::Length { tag } => {
                let size = byte & 0x7f;
                // LDAP knows the definite form only.
                if size == 0 || size > 8 {
                    return Err(NOT_LDAP);
                }
                self.next = Next::LongLength { tag, left: size, size, length: 0 };
            }
            Next::LongLength { tag, left, size, length } => {
                let length = length << 8 | u64::from(byte);
                if left == 1 {
                    return self.begin(tag, 2 + u64::from(size), length);
                }
                self.next = Next::LongLength { tag, left: left - 1, size, length };
            }
            // Taken above.
            Next::Value(_) => {}
        }
        Ok(())
    }

    /// The header of an element is complete.
    fn begin(&mut self, tag: u8, header: u64, length: u64) -> Result<(), &'static str> {
        if length > MAX_MESSAGE {
            return Err("a message or a part of it is larger than 64 MiB");
        }
        match self.open.last_mut() {
            Some(around) => *around = around.checked_sub(header + length).ok_or(NOT_LDAP)?,
            None => self.size = header + length,
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err("a message has more than two million parts");
        }
        if tag & CONSTRUCTED == 0 {
            self.next = Next::Value(length);
        } else {
            if self.open.len() >= MAX_DEPTH {
                return Err("a message has parts in parts without end");
            }
            self.open.push(length);
            self.next = Next::Tag;
        }
        while self.open.last() == Some(&0) {
            self.open.pop();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, content].concat()
    }

    fn nested(depth: usize) -> Vec<u8> {
        (0..depth).fold(Vec::new(), |inside, _| element(SEQUENCE, &inside))
    }

    fn check(bytes: &[u8], piece: usize) -> Result<Framing, &'static str> {
        sizes(bytes, piece).map(|(framing, _)| framing)
    }

    /// The sizes of whole messages, too.
    fn sizes(bytes: &[u8], piece: usize) -> Result<(Framing, Vec<u64>), &'static str> {
        let (mut framing, mut sizes) = (Framing::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            framing.take(piece, |size| sizes.push(size))?;
        }
        Ok((framing, sizes))
    }

    #[test]
    fn messages_pass_in_pieces_of_any_size() {
        let operation = [element(4, b"uid=anna"), element(4, &[0x30; 300]), nested(3)].concat();
        let message = element(SEQUENCE, &[element(2, &[1]), element(0x64, &operation)].concat());
        for piece in 1..=2 * message.len() {
            let (framing, sizes) = sizes(&message.repeat(2), piece).unwrap();
            assert!(framing.is_between_messages(), "{framing:?}");
            assert_eq!(sizes, [message.len() as u64; 2]);
        }
    }

    #[test]
    fn only_what_is_complete_is_told() {
        let message = element(SEQUENCE, &element(4, &[7; 100]));
        let (begun, rest) = message.split_at(50);
        let mut told = Vec::new();
        let mut framing = Framing::default();
        for bytes in [begun, rest, &[SEQUENCE, 0], begun] {
            let before = told.len();
            framing.take(bytes, |size| told.push(size)).unwrap();
            assert_eq!(told.len() - before, usize::from(bytes != begun));
        }
        assert_eq!(told, [message.len() as u64, 2]);
    }

    #[test]
    fn depth_and_number_of_elements_are_limited() {
        check(&nested(MAX_DEPTH), 7).unwrap();
        assert!(check(&nested(MAX_DEPTH + 1), 7).unwrap_err().contains("without end"));
        let mut framing = Framing::default();
        framing.take(&[SEQUENCE, 0x84, 0x03, 0xff, 0xff, 0xfe], |_| ()).unwrap();
        let error = std::iter::repeat_with(|| framing.take(&[5, 0].repeat(1 << 16), |_| ()))
            .take(40)
            .find_map(Result::err);
        assert!(error.unwrap().contains("two million"));
    }

    #[test]
    fn what_does_not_fit_is_no_message() {
        for bytes in [
            &[0x02, 1, 1][..],
            &[SEQUENCE, 0x80],
            &[SEQUENCE, 0xff],
            &[SEQUENCE, 3, 4, 2],
            &[SEQUENCE, 1, 4, 0],
            &[SEQUENCE, 4, 0x1f, 1],
            &[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[SEQUENCE, 6, SEQUENCE, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(check(bytes, 1).is_err(), "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn the_pieces_make_no_difference(bytes in proptest::collection::vec(any::<u8>(), 0..200), piece in 1_usize..20) {
            let bytes = [&[SEQUENCE, 0x81, 0x90][..], &bytes].concat();
            let whole = check(&bytes, bytes.len()).map(|framing| format!("{framing:?}"));
            let pieces = check(&bytes, piece).map(|framing| format!("{framing:?}"));
            prop_assert_eq!(whole, pieces);
        }
    }
}
