//! Typed blocking client of the UCS@school Kelvin REST API: tokens, kept connections, faults with a class;
//! nothing of UDM.
//!
//! ```no_run
//! use idspool_kelvin_client::{Client, Credentials, Identity};
//!
//! let client = Client::builder(
//!     "https://kelvin.example.org/ucsschool/kelvin/v1/",
//!     Credentials::new("connector", "secret"),
//! )
//! .build()?;
//! let anna = Identity { record_uid: "4711".into(), source_uid: "LAND".into() };
//! for user in client.users(&anna)? {
//!     client.delete_user(&user.name)?;
//! }
//! # Ok::<(), idspool_kelvin_client::Error>(())
//! ```
//!
//! What is a URL on the wire is a plain name here: schools, roles, users and members are given and
//! returned as names, and the client makes URLs of them (kelvin-api 3).

mod address;
mod client;
mod credentials;
mod elements;
mod error;
mod message;
mod object;
mod reference;
mod refusal;
mod request_id;
mod segment;
mod time;
mod token;

pub use client::{ApiVersion, Client, ClientBuilder};
pub use credentials::Credentials;
pub use error::{Call, Error, FaultClass, Obstacle, Refusal, RefusalKind};
pub use idspool_http::{Secret, TlsProblem};
pub use object::{Attributes, Class, Identity, User};
