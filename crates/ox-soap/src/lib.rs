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
//! shared by clones and threads, and keeps its connections. The crate knows nothing of LDAP and UDM.
//!
//! # What a caller can rely on
//!
//! - A call that writes is sent once. A call that only reads is sent again, once, when the
//!   connection broke before its answer was complete.
//! - Every call ends: after the time for connecting or for the call, or at the limit for answers.
//! - A value that XML or its field cannot carry is refused by name, and nothing is sent.
//! - No redirect is followed and no proxy of the environment is used: a request carries an
//!   administrator's password.
//! - Over `https` a server is trusted for a certificate of a known CA, or for one that a file of the
//!   administrator holds byte for byte. Its names, its dates and its key count in both cases.
//! - Passwords are in no message, no `Debug` form, and not taken from answers.
//!
//! # Whose fault it is
//!
//! [`Error::fault_class`] answers it; [`Error::problem`] and [`Error::remedy`] say it in words.
//!
//! | class | errors |
//! |---|---|
//! | transient | no connection, broken connection, time limits, TLS, an answer that is no SOAP, HTTP status without a fault; faults `DatabaseUpdate`, `InvalidCredentials`, `NoSuchContext`, `Remote`, `Storage`, and those of no type |
//! | permanent | a value that cannot be sent, an answer over the limit, HTTP 413, the configuration; faults `InvalidData`, `NoSuchUser`, `NoSuchGroup`, `NoSuchResource`, `ContextExists`, `UserExists`, and those of a type we do not know |
//! | ours | an answer that is SOAP but not the one to the call; fault `soap:Client`: OX cannot read the request |
//!
//! Refused credentials are transient because OX checks them before it looks for the context: it gives
//! the same answer for a context that does not exist (yet), and both are put right beside the item.

mod access;
mod account;
mod address;
mod answer;
mod client;
mod context;
mod credentials;
mod deputy;
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
mod resource;
mod service;
mod transport;
mod user;
mod value;
mod workspace;
mod xml;

pub use access::{AccessFlag, ModuleAccess};
pub use account::{Account, AccountDataOnCreate, AccountDataOnCreateField, AccountField};
pub use client::{CallInfo, CallOutcome, Client, ClientBuilder};
pub use context::{Context, ContextField};
pub use credentials::Credentials;
pub use deputy::{DeputyModule, DeputyPermission, GrantedDeputy, ModulePermission};
pub use error::{CallSite, Error, FaultClass, ValueProblem};
pub use fault::{Fault, FaultKind};
pub use group::{Group, GroupField};
pub use id::{ContextId, IdError, OxGroupId, OxResourceId, OxUserId};
pub use idspool_http::{Secret, TlsProblem};
pub use object::{DataObject, Field, FieldKind, FieldSpec, UnknownField};
pub use resource::{Resource, ResourceField};
pub use service::context::ContextService;
pub use service::deputy::DeputyService;
pub use service::group::GroupService;
pub use service::resource::ResourceService;
pub use service::secondary_account::{SecondaryAccountService, Whom};
pub use service::user::UserService;
pub use service::user_copy::UserCopyService;
pub use service::{GroupKey, ResourceKey, UserKey};
pub use user::UserName;
pub use user::{User, UserField};
pub use value::Value;
