//! The files of the administrator: one per school authority, and which school belongs to which (id-connector 5).

mod authority;
mod name;
mod schools;

pub use authority::{AttributeMapping, Authority, Mappings, Plugin, SslContext};
pub use name::{AuthorityName, BadName};
pub use schools::SchoolMapping;
