//! What an administrator does to the data directory beside provisioning; the operator's command is a
//! thin layer over it.
//!
//! | module | job |
//! |---|---|
//! | [`mapping`] | change `AttributeMapping.json` (ox-provisioning 8) |
//! | [`cache`] | fill and empty the cache of internal ids, rebuild the index (ox-provisioning 9.1–9.3) |
//! | [`check`] | compare directory, snapshots and OX (ox-provisioning 9.4) |
//! | [`adopt`] | take over the data directory of an OX Connector |

pub mod adopt;
pub mod cache;
pub mod check;
pub mod mapping;
mod progress;

pub use progress::{Progress, Silent};
