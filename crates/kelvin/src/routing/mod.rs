//! From the in queue to the out queues (id-connector 1).
//!
//! | module | job |
//! |---|---|
//! | [`state`] | what is known of each object, and who was told of it |
//! | `reason` | why an item goes to nobody; what is counted |

mod reason;
pub mod state;

pub use reason::Reason;
