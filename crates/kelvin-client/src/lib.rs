//! Typed client of the UCS@school Kelvin REST API: tokens, kept connections, faults with a class;
//! nothing of UDM.
//!
//! What is a URL on the wire is a plain name here: schools, roles, users and members are given and
//! returned as names, and the client makes URLs of them (kelvin-api 3).

mod error;
mod object;

pub use error::{Call, Error, FaultClass, Refusal, RefusalKind};
pub use object::{Attributes, Class, Identity, User};
