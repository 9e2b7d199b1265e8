//! Stand-in servers for trying out and testing idspool without the real recipients.
//!
//! The stand-ins are as strict as the servers they replace, or stricter: what they accept, the real
//! ones accept. They share no code with idspool's clients, so that a mistake about the protocol
//! shows up as a fault instead of cancelling itself out.
//!
//! [`kelvin`] is the REST API of UCS@school Kelvin, [`ox`] is the OX App Suite administration interface (SOAP). Start one inside a test:
//!
//! ```
//! use idspool_sandbox::ox::{ContextSpec, Options, serve};
//!
//! let mut options = Options::default();
//! options.contexts.push(ContextSpec::new(10));
//! let server = serve(options)?;
//! println!("post to {}/webservices/OXUserService", server.url());
//! assert!(server.inspect(|world| world.context(10).is_some()));
//! server.stop();
//! # Ok::<(), idspool_sandbox::ox::Error>(())
//! ```

mod http;
pub mod kelvin;
pub mod ox;
mod view;

pub use http::StartError;
