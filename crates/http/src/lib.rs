//! HTTP for the clients of recipients: which servers are trusted, connections that are kept, limits of
//! time and size, and what it means when a call fails on its way.
//!
//! | module | job |
//! |---|---|
//! | `address` | the address of a server, checked |
//! | `resolver` | its addresses, remembered for a while |
//! | `tls` | which servers are trusted |
//! | `transport` | requests, and the beginning of their answers |
//! | `reply` | the bodies of answers, within limits |
//! | `failure` | why there is no answer |

mod address;
mod failure;
mod line;
mod reply;
mod resolver;
mod secret;
mod tls;
mod transport;

pub use address::{AddressError, BaseUrl};
pub use failure::TransportError;
pub use line::one_line;
pub use reply::{Reply, Stream};
pub use secret::Secret;
pub use tls::{CertificateError, Check, ClientFiles, Tls, TlsOptions, TlsProblem};
pub use transport::{Http, Limits};
