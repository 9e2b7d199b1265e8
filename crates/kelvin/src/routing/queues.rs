//! What the out queues say of an object: whether an authority still has it.

use idspool_spool::ItemName;

use crate::Layout;
use crate::conf::AuthorityName;

/// Looks into out queues.
pub(super) trait Queues {
    /// Whether the item still waits in an out queue.
    fn waits(&self, authority: &AuthorityName, item: &ItemName) -> bool;

    /// Whether an object was delivered to an authority and is still there, as far as we know.
    fn has_snapshot(&self, authority: &AuthorityName, id: &str) -> bool;
}

/// The out queues on disk.
impl Queues for Layout {
    fn waits(&self, authority: &AuthorityName, item: &ItemName) -> bool {
        self.out_queue(authority).join(item.as_str()).exists()
    }

    fn has_snapshot(&self, authority: &AuthorityName, id: &str) -> bool {
        let snapshot = self.out_queue(authority).join("old").join(format!("{id}.json"));
        match snapshot.try_exists() {
            Ok(exists) => exists,
            // What cannot be looked at may be there: telling an authority once more is harmless.
            Err(error) => error.kind() != std::io::ErrorKind::NotADirectory,
        }
    }
}
