//! Free TCP ports for servers that a test stops and starts again.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, bail};

/// Below the kernel's range for outgoing connections (32768 and up), so that nothing takes the port while the test's
/// server is down for a moment.
const RANGE: std::ops::Range<u32> = 12_000..32_000;

/// A port of 127.0.0.1 that nobody listens on.
///
/// Each process starts at another place of the range, so that test processes that run side by side rarely meet; who
/// starts a server still has to try another port when the chosen one is taken in between.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let width = RANGE.end - RANGE.start;
    let first = std::process::id().wrapping_mul(97);
    for _ in 0..width {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let Ok(port) = u16::try_from(RANGE.start + first.wrapping_add(step) % width) else {
            continue;
        };
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port between {} and {}", RANGE.start, RANGE.end)
}
