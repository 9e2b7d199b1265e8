//! SOAP faults: what OX answers when it refuses a call.
//!
//! The kind stands in the name of the element in `detail`. The text is free; it decides only where
//! a fault has no such element, and only in [`kind_of_text`].

use std::fmt;

use idspool_http::one_line;

use crate::error::FaultClass;

/// A fault that OX answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind of fault it is.
    pub kind: FaultKind,
    /// The server's text, without the exception id that ends it.
    pub text: String,
    /// The number under which the server's log tells more, e.g. `-225208343-74`.
    pub exception_id: Option<String>,
    /// `soap:Server` or `soap:Client`, without the prefix.
    pub code: String,
}

/// The kinds of fault, by the name of the exception in `detail`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// `ContextExistsException`
    ContextExists,
    /// `DatabaseUpdateException`: the context's database schema is being updated.
    DatabaseUpdate,
    /// `InvalidCredentialsException`. OX checks credentials before existence, so most calls into a
    /// context that does not exist answer this too.
    InvalidCredentials,
    /// `InvalidDataException`: the data of the call is refused.
    InvalidData,
    /// `NoSuchContextException`
    NoSuchContext,
    /// `NoSuchGroupException`
    NoSuchGroup,
    /// `NoSuchObjectException`, or a text that begins with `No such ` and names nothing known.
    NoSuchObject,
    /// `NoSuchResourceException`
    NoSuchResource,
    /// `NoSuchUserException`
    NoSuchUser,
    /// Another exception, by its name without `Exception`.
    Other(String),
    /// `RemoteException`: anything unexpected inside the server.
    Remote,
    /// `soap:Client`: the server could not read the request (unknown element, value of a wrong
    /// type).
    Request,
    /// `StorageException`: trouble with the database or another back end.
    Storage,
    /// `soap:Server` without a typed detail and with a text that says nothing known.
    Untyped,
    /// `UserExistsException` (`copyUser` only)
    UserExists,
}

impl FaultKind {
    /// The kind for the local name of the element in `detail`.
    pub(crate) fn of_detail(name: &str) -> Self {
        match name.strip_suffix("Exception").unwrap_or(name) {
            "ContextExists" => Self::ContextExists,
            "DatabaseUpdate" => Self::DatabaseUpdate,
            "InvalidCredentials" => Self::InvalidCredentials,
            "InvalidData" => Self::InvalidData,
            "NoSuchContext" => Self::NoSuchContext,
            "NoSuchGroup" => Self::NoSuchGroup,
            "NoSuchObject" => Self::NoSuchObject,
            "NoSuchResource" => Self::NoSuchResource,
            "NoSuchUser" => Self::NoSuchUser,
            "Remote" => Self::Remote,
            "Storage" => Self::Storage,
            "UserExists" => Self::UserExists,
            other => Self::Other(other.chars().take(80).collect()),
        }
    }

    /// Whether the fault says that what the call is about does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::NoSuchContext
                | Self::NoSuchGroup
                | Self::NoSuchObject
                | Self::NoSuchResource
                | Self::NoSuchUser
        )
    }

    /// What to do about it.
    ///
    /// The question is whose fault it is. What the server or its settings cause hits every item
    /// alike and is transient: the queue waits at the item. That includes refused credentials (OX
    /// answers them for an unknown context as well; both are put right in OX or in `contexts.json`,
    /// not in the item) and faults of the server that have no type. What the item's data cause is
    /// permanent. A request that OX cannot read is a bug of ours.
    #[must_use]
    pub fn fault_class(&self) -> FaultClass {
        match self {
            Self::DatabaseUpdate
            | Self::InvalidCredentials
            | Self::NoSuchContext
            | Self::Remote
            | Self::Storage
            | Self::Untyped => FaultClass::Transient,
            Self::ContextExists
            | Self::InvalidData
            | Self::NoSuchGroup
            | Self::NoSuchObject
            | Self::NoSuchResource
            | Self::NoSuchUser
            | Self::Other(_)
            | Self::UserExists => FaultClass::Permanent,
            Self::Request => FaultClass::Ours,
        }
    }

    /// The name of the kind, as in the exception's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::ContextExists => "ContextExists",
            Self::DatabaseUpdate => "DatabaseUpdate",
            Self::InvalidCredentials => "InvalidCredentials",
            Self::InvalidData => "InvalidData",
            Self::NoSuchContext => "NoSuchContext",
            Self::NoSuchGroup => "NoSuchGroup",
            Self::NoSuchObject => "NoSuchObject",
            Self::NoSuchResource => "NoSuchResource",
            Self::NoSuchUser => "NoSuchUser",
            Self::Other(name) => name,
            Self::Remote => "Remote",
            Self::Request => "Client",
            Self::Storage => "Storage",
            Self::Untyped => "Server",
            Self::UserExists => "UserExists",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Fault {
    /// Longest text of a server that is kept.
    const TEXT_LIMIT: usize = 2_000;

    /// Puts a fault together from the parts of a `soap:Fault` element.
    pub(crate) fn new(code: &str, string: &str, detail: Option<&str>) -> Self {
        let (text, exception_id) = split_exception_id(string.trim());
        let code = code.trim().rsplit(':').next().unwrap_or_default();
        let kind = match (detail, code) {
            (Some(name), _) => FaultKind::of_detail(name),
            (None, "Server") => kind_of_text(text),
            (None, _) => match kind_of_text(text) {
                FaultKind::Untyped => FaultKind::Request,
                kind => kind,
            },
        };
        Self {
            kind,
            text: one_line(text, Self::TEXT_LIMIT),
            exception_id: exception_id.map(|id| one_line(id, 80)),
            code: one_line(code, 80),
        }
    }
}

/// Takes `; exceptionId <number>-<counter>` off the end of a server's text.
fn split_exception_id(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once("; exceptionId ") {
        Some((text, id)) if id.bytes().all(|b| b.is_ascii_digit() || b == b'-') => (text, Some(id)),
        _ => (text, None),
    }
}

/// The kind of a fault that has no typed detail, by how its text begins. The only place that looks
/// at texts.
fn kind_of_text(text: &str) -> FaultKind {
    // Operations that resolve a name first put the class names of the exceptions in front, the
    // innermost last.
    let mut kind = None;
    let mut rest = text;
    while let Some(after) = rest.strip_prefix("com.openexchange.admin.rmi.exceptions.") {
        let (class, after) = after.split_once(':').unwrap_or((after, ""));
        match FaultKind::of_detail(class.trim()) {
            // Only the cause inside says which object is missing.
            FaultKind::NoSuchObject if kind.is_some() => {}
            known => kind = Some(known),
        }
        rest = after.trim_start();
    }
    if let Some(kind) = kind {
        return kind;
    }
    let begins = |prefix: &str| text.starts_with(prefix);
    let is_about = |subject: &str, claim: &str| {
        text.strip_prefix(subject)
            .and_then(|rest| rest.strip_prefix(' '))
            .is_some_and(|rest| rest.split_once(claim).is_some_and(|(name, _)| !name.contains(' ')))
    };
    if begins("No such user") {
        FaultKind::NoSuchUser
    } else if begins("No such group") {
        FaultKind::NoSuchGroup
    } else if begins("No such resource") {
        FaultKind::NoSuchResource
    } else if begins("No such access combination name") {
        FaultKind::InvalidData
    } else if begins("No such ") {
        FaultKind::NoSuchObject
    } else if begins("Context does not exist")
        || is_about("Context", " does not exist")
        || is_about("The context", " does not exist")
    {
        FaultKind::NoSuchContext
    } else if is_about("Context", " already exists") {
        FaultKind::ContextExists
    } else if begins("Authentication failed") || begins("Permission denied") {
        FaultKind::InvalidCredentials
    } else if begins("The displayname is already used")
        || begins("Mandatory fields not set")
        || is_about("User", " already exists in this context")
        || is_about("Group", " already exists in this context")
        || is_about("Resource", " already exists in this context")
    {
        FaultKind::InvalidData
    } else {
        FaultKind::Untyped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_texts() {
        use FaultKind::*;
        let table = [
            ("No such user anna in context 10", NoSuchUser),
            ("No such user(s) 3,4 in context 10", NoSuchUser),
            ("No such user", NoSuchUser),
            ("No such group vertrieb", NoSuchGroup),
            ("No such resource raum1", NoSuchResource),
            ("No such thing", NoSuchObject),
            ("No such access combination name \"x\"", InvalidData),
            ("Context 10 does not exist", NoSuchContext),
            ("The context 10 does not exist!", NoSuchContext),
            ("Context does not exist", NoSuchContext),
            ("Context of the user does not exist", Untyped),
            ("Context 10 already exists!", ContextExists),
            ("Context name already exists!", ContextExists),
            ("Authentication failed", InvalidCredentials),
            ("Authentication failed for user oxadmin", InvalidCredentials),
            ("The displayname is already used", InvalidData),
            ("User anna already exists in this context", InvalidData),
            ("Mandatory fields not set: [a, b]", InvalidData),
            (
                "com.openexchange.admin.rmi.exceptions.NoSuchObjectException: \
                 com.openexchange.admin.rmi.exceptions.NoSuchUserException: No such user anna in context 10",
                NoSuchUser,
            ),
            ("com.openexchange.admin.rmi.exceptions.NoSuchObjectException", NoSuchObject),
            ("com.openexchange.admin.rmi.exceptions.StorageException: no pool", Storage),
            ("java.lang.NullPointerException", Untyped),
            ("", Untyped),
        ];
        for (text, kind) in table {
            assert_eq!(kind_of_text(text), kind, "{text:?}");
        }
    }

    #[test]
    fn the_exception_id_is_split_off() {
        let fault = Fault::new(
            "soap:Server",
            "The displayname is already used; exceptionId -225208343-74",
            Some("InvalidDataException"),
        );
        assert_eq!(fault.kind, FaultKind::InvalidData);
        assert_eq!(fault.text, "The displayname is already used");
        assert_eq!(fault.exception_id.as_deref(), Some("-225208343-74"));
        assert_eq!(fault.code, "Server");
        let fault = Fault::new("soap:Server", "a; exceptionId of mine", None);
        assert_eq!((fault.text.as_str(), fault.exception_id), ("a; exceptionId of mine", None));
    }

    #[test]
    fn the_detail_decides_not_the_text() {
        let fault = Fault::new("soap:Server", "No such user", Some("StorageException"));
        assert_eq!(fault.kind, FaultKind::Storage);
        assert!(!fault.kind.is_not_found());
        let fault = Fault::new("soap:Server", "x", Some("OXContextException"));
        assert_eq!(fault.kind, FaultKind::Other("OXContext".into()));
        assert_eq!(fault.kind.fault_class(), FaultClass::Permanent);
    }

    #[test]
    fn without_detail_the_text_decides() {
        let text = "No such user anna in context 10; exceptionId 1-2";
        let fault = Fault::new("soap:Server", text, None);
        assert_eq!(fault.kind, FaultKind::NoSuchUser);
        assert!(fault.kind.is_not_found());
        assert_eq!(Fault::new("soap:Server", "oops", None).kind, FaultKind::Untyped);
    }

    #[test]
    fn a_request_that_cannot_be_read_is_our_fault() {
        let text =
            "Unexpected element \"x\" (URI=...). Please remove that element from SOAP request.";
        let fault = Fault::new("soap:Client", text, None);
        assert_eq!(fault.kind, FaultKind::Request);
        assert_eq!(fault.kind.fault_class(), FaultClass::Ours);
    }

    #[test]
    fn texts_are_bounded_and_of_one_line() {
        let fault = Fault::new("soap:Server", &format!("a\nb\u{7}{}", "x".repeat(9_000)), None);
        assert!(fault.text.starts_with("a b x"));
        assert_eq!(fault.text.chars().count(), Fault::TEXT_LIMIT + 1);
    }
}
