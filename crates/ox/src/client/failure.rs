//! What became of a call, in the words of the rules.

use idspool_ox_soap::{Error, FaultKind};
use idspool_spool::FaultClass;

use crate::ox::{OxError, Refusal};

pub(super) fn stopping() -> OxError {
    OxError {
        refusal: None,
        class: FaultClass::Transient,
        message: "a stop was requested".to_owned(),
        remedy: None,
    }
}

impl From<Error> for OxError {
    fn from(error: Error) -> Self {
        let refusal = error.fault_kind().map(|kind| match kind {
            FaultKind::NoSuchUser => Refusal::NoSuchUser,
            FaultKind::NoSuchGroup => Refusal::NoSuchGroup,
            FaultKind::NoSuchResource => Refusal::NoSuchResource,
            FaultKind::InvalidData => Refusal::InvalidData,
            FaultKind::UserExists => Refusal::UserExists,
            kind if kind.is_not_found() => Refusal::NotFound,
            _ => Refusal::Other,
        });
        // A value that cannot be sent never reached OX either.
        let refusal = refusal.or(matches!(error, Error::Value { .. }).then_some(Refusal::Other));
        let class = match error.fault_class() {
            idspool_ox_soap::FaultClass::Transient => FaultClass::Transient,
            idspool_ox_soap::FaultClass::Permanent => FaultClass::Permanent,
            idspool_ox_soap::FaultClass::Ours => FaultClass::Ours,
        };
        Self { refusal, class, message: error.problem(), remedy: Some(error.remedy()) }
    }
}

/// `None` for what does not exist.
pub(super) fn existing<T>(result: Result<T, Error>) -> Result<Option<T>, OxError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// OX has the service of deputy permissions from release 8 on, and how its answers look is not
/// established: a server that does not know it, and an answer that is not understood, are refusals. Only
/// a server that is not there or busy is asked again.
pub(super) fn deputy_error(error: Error) -> OxError {
    let is_answer = match &error {
        Error::Status { status, .. } => !matches!(status, 408 | 429 | 502..=504),
        Error::Malformed { .. } | Error::TooLarge { .. } | Error::Unexpected { .. } => true,
        _ => false,
    };
    let error = OxError::from(error);
    OxError { refusal: error.refusal.or(is_answer.then_some(Refusal::Other)), ..error }
}

#[cfg(test)]
mod tests {
    use idspool_ox_soap::{Client, ContextId, Credentials, OxUserId};

    use super::super::{SoapOx, StopTime};
    use super::*;
    use crate::ox::{Ox as _, Scope};

    /// The first error of a deputy call to a server that answers this.
    fn deputy_call(answer: &'static str) -> OxError {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            use std::io::{Read as _, Write as _};
            let (mut connection, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut part = [0; 4096];
            while !request.trim_ascii_end().ends_with(b"Envelope>") {
                let length = connection.read(&mut part).unwrap();
                assert!(length > 0, "the request ends early");
                request.extend_from_slice(&part[..length]);
            }
            connection.write_all(answer.as_bytes()).unwrap();
        });
        let ox = SoapOx::new(Client::builder(&url).build().unwrap(), StopTime::default());
        let admin = Credentials::new("oxadmin", "p");
        let scope = Scope { context: ContextId::new(10), admin: &admin };
        let error = ox.revoke_deputies(scope, OxUserId::new(3)).unwrap_err();
        server.join().unwrap();
        error
    }

    #[test]
    fn s5_4_a_server_without_deputy_permissions_refuses_them() {
        let end = "Content-Length: 2\r\nConnection: close\r\n\r\nno";
        for (status, expected) in [
            ("404 Not Found", Some(Refusal::Other)),
            ("500 Oops", Some(Refusal::Other)),
            ("200 OK", Some(Refusal::Other)),
            ("502 Bad Gateway", None),
            ("503 Busy", None),
        ] {
            let answer = format!("HTTP/1.1 {status}\r\n{end}");
            assert_eq!(deputy_call(answer.leak()).refusal, expected, "{status}");
        }
        // Nobody is there.
        let admin = Credentials::new("oxadmin", "p");
        let scope = Scope { context: ContextId::new(10), admin: &admin };
        let nobody = Client::builder("http://127.0.0.1:1").build().unwrap();
        let ox = SoapOx::new(nobody, StopTime::default());
        let error = ox.revoke_deputies(scope, OxUserId::new(3)).unwrap_err();
        assert_eq!(error.refusal, None);
    }
}
