//! From the in queue to the out queues (id-connector 1).
//!
//! Each item goes to the authorities of the object's schools, and to those that have the object and shall not
//! have it any longer. A round of items is written to all out queues, then what is known of their objects, then
//! the items leave the in queue; each step is durable before the next. A crash repeats a round, and rounds are
//! cut so that a repeated one takes no server back to a state that could be in the way of what followed.
//!
//! | module | job |
//! |---|---|
//! | `router` | the loop: a round after the other; stop at what is in the way, and go on when it is gone |
//! | `round` | taking items, and where a round ends |
//! | `accept` | which items are for school authorities at all |
//! | `plan` | who gets a copy, and what is known afterwards |
//! | `fan_out` | writing a round; what has been done of it is not done again |
//! | `hashes` | password hashes that did not come with the item |
//! | `current` | the configuration, which may change at any time |
//! | [`state`] | what is known of each object, and who was told of it |
//! | `reason` | why an item goes to nobody; what is counted |

mod accept;
mod current;
mod fan_out;
mod hashes;
mod obstacle;
mod plan;
mod queues;
mod reason;
mod round;
mod router;
pub mod state;

pub use current::Current;
pub use hashes::{HashSource, LdapHashes};
pub use reason::Reason;
pub use router::{Router, RouterError, Stop};
