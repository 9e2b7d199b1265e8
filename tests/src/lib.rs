//! What the project's tests need to run against real processes: a private slapd, the OpenLDAP command line tools,
//! and a way to start, watch, signal and reap idspool's own programs.
//!
//! Nothing here knows the other crates: the programs are reached the way an administrator reaches them. Every process
//! started here is killed and reaped when its handle is dropped, also when the test fails.
//!
//! A missing slapd is an error, never a skipped test.

#![allow(
    clippy::indexing_slicing,
    reason = "JSON answers are indexed by name, which gives null for what is not there"
)]

mod certificate;
mod daemon;
mod installation;
mod kelvin_installation;
mod kelvin_sandbox;
mod ldap_cli;
mod population;
mod port;
mod sandbox;
mod school;
mod slapd;
mod slapd_pair;
mod usage;

pub use crate::certificate::Certificates;
pub use crate::daemon::{Daemon, Ended, program};
pub use crate::installation::Installation;
pub use crate::kelvin_sandbox::KelvinSandbox;
pub use crate::ldap_cli::LdapCli;
pub use crate::population::Population;
pub use crate::port::free_port;
pub use crate::sandbox::Sandbox;
pub use crate::school::{SchoolKind, SchoolUser, class_dn, class_ldif, school_ldif};
pub use crate::slapd::{
    ADMIN_DN, ADMIN_PASSWORD, BASE_DN, Loading, READER_DN, READER_PASSWORD, SessionLog, Slapd,
    SlapdBuilder, Syncprov,
};

pub use crate::usage::{Usage, follow, peak_memory};

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A file of `tests/data`.
pub fn data_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

/// Asks `ready` again and again, with short pauses, until it answers something or `deadline` has passed.
///
/// For what announces itself in no other way, such as a server that begins to listen. Where there is an event to wait
/// for (a log line, the end of a process), wait for that instead.
pub fn poll<T>(deadline: Duration, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + deadline;
    loop {
        if let Some(answer) = ready() {
            return Some(answer);
        }
        if Instant::now() >= until {
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
