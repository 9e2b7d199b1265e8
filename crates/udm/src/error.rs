//! What can be wrong with input that describes an object.

/// Why bytes or text from outside are not the object they should be. Whoever wrote them is at
/// fault, and repeating the attempt does not help: a person has to correct or remove the input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not an `entryUUID`.
    #[error(
        "read the entryUUID {text:?}: expected 32 hexadecimal digits in the form \
         xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx; look it up with an LDAP search that asks for entryUUID"
    )]
    Uuid {
        /// What was found, shortened when very long.
        text: String,
    },
    /// The text is not a distinguished name (RFC 4514).
    #[error("read the DN {dn:?}: {reason} at byte {at}; correct the DN")]
    Dn {
        /// What was found, shortened when very long.
        dn: String,
        /// What is wrong.
        reason: &'static str,
        /// Where, in bytes from the beginning.
        at: usize,
    },
    /// The text names no module that idspool knows.
    #[error("read the object type {text:?}: not a module that idspool knows, such as users/user")]
    Module {
        /// What was found, shortened when very long.
        text: String,
    },
    /// The bytes are not JSON, or not to the end.
    #[error("read {what}: not valid JSON (line {}, column {}); correct the file or remove it", source.line(), source.column())]
    Syntax {
        /// What was being read: "listener item" or "converted item".
        what: &'static str,
        /// Where parsing stopped and why. Holds no content of the file.
        #[source]
        source: serde_json::Error,
    },
    /// The bytes are JSON, but not a JSON object.
    #[error("read {what}: expected a JSON object at the top; correct the file or remove it")]
    NoObject {
        /// What was being read.
        what: &'static str,
    },
    /// A key is missing.
    #[error("read {what}: the key {key:?} is missing; add it or remove the file")]
    Missing {
        /// What was being read.
        what: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A key stands there twice, so nobody can say which value was meant.
    #[error("read {what}: the key {key:?} occurs twice; leave one of them or remove the file")]
    Twice {
        /// What was being read.
        what: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A key has a value of the wrong kind.
    #[error(
        "read {what}: the key {key:?} must be {expected} (line {line}, column {column}); correct \
         it or remove the file"
    )]
    Kind {
        /// What was being read.
        what: &'static str,
        /// The key.
        key: &'static str,
        /// What it must be.
        expected: &'static str,
        /// Where it was noticed.
        line: usize,
        /// Where it was noticed.
        column: usize,
    },
    /// A key has a value of the right kind that cannot be used.
    #[error("read {what}: the key {key:?} is not usable: {reason}; correct it or remove the file")]
    Unusable {
        /// What was being read.
        what: &'static str,
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// At most 120 characters of text from outside, so that a message stays a message.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 120;
    match text.char_indices().nth(MOST) {
        None => text.to_owned(),
        Some((end, _)) => {
            let mut short = text.get(..end).unwrap_or_default().to_owned();
            short.push('…');
            short
        }
    }
}
