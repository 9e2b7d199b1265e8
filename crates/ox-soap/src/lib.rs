//! Typed blocking client of the SOAP services by which OX App Suite is administered.
//!
//! ```no_run
//! use idspool_ox_soap::{Client, ContextId, Credentials, User, UserField, UserKey};
//!
//! let client = Client::builder("https://ox.example.org").build()?;
//! let admin = Credentials::new("oxadmin", "secret");
//! let users = client.users(ContextId::new(10), &admin);
//! if let Err(error) = users.get_data(UserKey::name("anna")) {
//!     assert!(error.is_not_found(), "{error}");
//! }
//! let mut anna = User::new();
//! anna.set(UserField::Name, "anna").set(UserField::Email2, "");
//! let id = users.create(&anna)?;
//! # Ok::<(), idspool_ox_soap::Error>(())
//! ```
//!
//! What is not set is not sent, and OX leaves it alone; the empty text clears a field. A client is
//! shared by clones and threads. Every error says by [`Error::fault_class`] whether the call is
//! worth repeating. The crate knows nothing of LDAP and UDM.

mod access;
mod address;
mod answer;
mod client;
mod context;
mod credentials;
mod envelope;
mod error;
mod fault;
mod group;
#[cfg(test)]
mod hostile;
mod id;
#[doc(hidden)]
pub mod measure;
mod message;
mod object;
mod service;
mod tls;
mod transport;
mod user;
mod value;
mod workspace;
mod xml;

pub use access::{AccessFlag, ModuleAccess};
pub use client::{CallInfo, CallOutcome, Client, ClientBuilder};
pub use context::{Context, ContextField};
pub use credentials::{Credentials, Secret};
pub use error::{CallSite, Error, FaultClass, TlsProblem, ValueProblem};
pub use fault::{Fault, FaultKind};
pub use group::{Group, GroupField};
pub use id::{ContextId, IdError, OxGroupId, OxUserId};
pub use object::{DataObject, Field, FieldKind, FieldSpec, UnknownField};
pub use service::context::ContextService;
pub use service::group::GroupService;
pub use service::user::UserService;
pub use service::user_copy::UserCopyService;
pub use service::{GroupKey, UserKey};
pub use user::{User, UserField};
pub use value::Value;
