//! The listener module for Univention Corporate Server: every call becomes the right item, none is lost, and the
//! listener is left as it was. The hook and the spool are real; what stands in is the listener itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod listening;
