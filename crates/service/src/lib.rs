//! What every idspool process shares with the others: the configuration file, the exit status, the
//! form of log lines, and the way a daemon is asked to stop.
//!
//! Nothing here knows a spool, a directory or a recipient.

mod config;
mod exit;
pub mod logging;
mod one_line;
mod secret;
pub mod shutdown;

pub use config::keys::{KEYS, Key, Kind};
pub use config::{
    Api, Config, ConfigError, Converter, Directory, GroupsFrom, Kelvin, Listener, Ox, Problem,
};
pub use exit::Exit;
pub use one_line::one_line;
pub use secret::Secret;
