//! Stand-in UCS@school Kelvin server: the REST API, a state dump and a page to look at.
//!
//! | path | what |
//! |---|---|
//! | `/ucsschool/kelvin/token`, `/ucsschool/kelvin/v1/…`, `/v2/…` | the API |
//! | `GET /` | page that shows schools, users, classes, workgroups and the latest requests |
//! | `GET /state` | everything as JSON; hashes as they were sent, passwords as their length only |
//! | `GET /calls[?since=N]` | list of requests in order, with their bodies; passwords and hashes left out |
//! | `GET /calls/count` | counters per method and resource |
//! | `POST /reset` | back to the state of the start |
//! | `POST /revoke` | all tokens become invalid |
//! | `POST /fail` | more failures on purpose, one `METHOD PATH-PATTERN:N[:KIND[:SECONDS]]` per line |
//! | `POST /remove-school` | schools that go away, one name per line; what is in them stays |
//!
//! It keeps every rule of the API that is known, mistakes and traps included. What the directory
//! behind a real server would do is imitated as far as its answers are known. Names are not made from
//! templates, and there are no exam users.
//!
//! ```
//! use idspool_sandbox::kelvin::{Options, serve};
//!
//! let options = Options { schools: vec!["DEMOSCHOOL".to_owned()], ..Options::default() };
//! let server = serve(options)?;
//! println!("get a token at {}/ucsschool/kelvin/token", server.url());
//! assert!(server.inspect(|world| world.school("demoschool").is_some()));
//! # Ok::<(), idspool_sandbox::kelvin::Error>(())
//! ```

mod access;
mod answer;
mod body;
mod calls;
mod check;
mod engine;
mod failure;
mod memory;
mod options;
mod reference;
mod refusal;
mod request_id;
mod route;
mod server;
mod service;
mod site;
mod token;
mod view;
pub mod world;

pub use calls::{Call, Count};
pub use failure::{Failure, FailureKind};
pub use options::{Account, Options, PropertyKind, PropertyOwner, Right, UdmProperty};
pub use server::{Server, serve};

pub use crate::http::Tls;

/// Why the stand-in server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system has no random numbers for the key of the tokens.
    #[error("make a key for tokens: the system gives no random numbers")]
    Random,
    /// A school cannot have this name.
    #[error("\"{0}\" cannot be the name of a school; use letters, digits, - and _")]
    School(String),
    /// The address, the TLS files or the system.
    #[error(transparent)]
    Start(#[from] crate::StartError),
}
