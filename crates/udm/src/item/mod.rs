//! The items that travel as files.

mod converted;
mod head;
mod listener;
mod reader;
mod snapshot;

pub use converted::ConvertedItem;
pub use head::ItemHead;
pub use listener::ListenerItem;
