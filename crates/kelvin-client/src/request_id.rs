//! `X-Request-ID`: under which the server's log has a request.

use std::fmt;

/// A random UUID (version 4); any other value the server replaces silently (kelvin-api 1).
#[derive(Clone, Copy)]
pub(crate) struct RequestId([u8; 16]);

impl RequestId {
    /// `None`: the system has no random numbers at the moment. The server then makes one.
    pub(crate) fn new() -> Option<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok()?;
        Some(Self::of(bytes))
    }

    fn of(mut bytes: [u8; 16]) -> Self {
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
        *version = *version & 0x0f | 0x40;
        *variant = *variant & 0x3f | 0x80;
        Self(bytes)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u128::from_be_bytes(self.0);
        let (first, second) = (number >> 96, number >> 80 & 0xffff);
        let (third, fourth) = (number >> 64 & 0xffff, number >> 48 & 0xffff);
        let last = number & 0xffff_ffff_ffff;
        write!(f, "{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-{last:012x}")
    }
}

#[cfg(test)]
mod tests {
    use super::RequestId;

    #[test]
    fn it_has_the_form_of_a_random_uuid() {
        let bytes = *b"\x00\x11\x22\x33\x44\x55\xf6\x77\xc8\x99\xaa\xbb\xcc\xdd\xee\xff";
        assert_eq!(RequestId::of(bytes).to_string(), "00112233-4455-4677-8899-aabbccddeeff");
        assert_ne!(RequestId::new().unwrap().to_string(), RequestId::new().unwrap().to_string());
    }
}
