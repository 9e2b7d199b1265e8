//! Stand-in OX App Suite: the administration services over SOAP, a state dump and a page to look at.
//!
//! | path | what |
//! |---|---|
//! | `POST /webservices/<Service>` | SOAP 1.1 call |
//! | `GET /webservices/<Service>?wsdl` | interface description |
//! | `GET /` | page that shows contexts, users, groups, rights and the latest calls |
//! | `GET /state[?context=ID]` | everything as JSON; passwords as their length only |
//! | `GET /calls[?since=N]` | list of calls in order |
//! | `GET /calls/count` | counters per operation |
//! | `POST /reset` | back to the state of the start |
//! | `POST /fail` | more failures on purpose, one `OPERATION:N[:KIND]` per line |
//!
//! What is not imitated: databases, file stores, access combinations by name, capabilities and the
//! operations that move data between stores. Their operations answer `RemoteException`.

mod answer;
mod calls;
mod engine;
mod fault;
mod lexical;
mod options;
mod reader;
mod request;
mod schema;
mod server;
mod service;
mod site;
mod value;
mod view;
pub mod world;
mod wsdl;

pub use calls::{Call, Count};
pub use options::{ContextSpec, Failure, FailureKind, Options};
pub use server::{Server, serve};

pub use crate::http::Tls;

/// Why the stand-in server cannot start or take a setting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address, the TLS files or the system.
    #[error(transparent)]
    Start(#[from] crate::StartError),
    /// A failure on purpose names an operation that no service has.
    #[error("no service has an operation {0}; use OPERATION or SERVICE.OPERATION as in the WSDL")]
    UnknownOperation(String),
    /// An embedded interface description is not understood: a mistake in this program.
    #[error("read the interface description of {service}: {what}")]
    Wsdl {
        /// The service.
        service: &'static str,
        /// What is not understood.
        what: String,
    },
}
