//! A small HTTP/1.1 server: one thread per connection, keep-alive, everything bounded.

mod connection;
mod message;
mod route;
pub(crate) mod tls;

pub(crate) use connection::serve_connection;
pub(crate) use route::Site;
