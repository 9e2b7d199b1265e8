//! The files of the administrator: one per school authority, and which school belongs to which (id-connector 5).
//!
//! [`load`] reads all of them. An authority whose file cannot be used is a [`Problem`] among the others; whoever
//! serves it keeps what it knew of it. [`Loaded::stamp`] tells whether a file has changed since.

mod authority;
mod json;
mod load;
mod name;
mod problem;
mod read;
mod schools;
mod stamp;
mod url;
mod violation;

pub use authority::{
    AttributeMapping, Authority, ClientCertificate, Mappings, Plugin, ROLES, SslContext,
};
pub use json::{parse_object, read_object};
pub use load::{Loaded, load};
pub use name::{AuthorityName, BadName};
pub use problem::Problem;
pub use schools::SchoolMapping;
pub use stamp::Stamp;
pub use violation::{MASK, Violation, masked, violations};

pub(crate) use read::authority as read_authority;
