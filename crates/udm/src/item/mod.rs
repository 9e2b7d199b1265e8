//! The items that travel as files.

mod converted;
mod head;
mod listener;
mod reader;
mod school;
mod snapshot;

pub use converted::ConvertedItem;
pub use head::ItemHead;
pub use listener::ListenerItem;
pub use school::{OldData, UserPasswords};
