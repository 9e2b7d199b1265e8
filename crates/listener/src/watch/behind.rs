//! Whether the server has all that we know already.
//!
//! slapd refuses a cookie that is newer than the server only as far as its own changes go. Where several servers
//! take changes it goes on from one although it lacks changes of another server that we know: what it does not
//! have yet would look deleted, or as it was before.

use idspool_directory::SyncSearch;

use super::cookie::{self, Lacking};
use super::error::WatchError;
use super::work::Work;

impl Work {
    /// Nothing may be compared with a server that is behind the cookies with which we are to go on.
    ///
    /// # Errors
    /// [`WatchError::Behind`], or the server does not answer.
    pub(super) fn check_state(&mut self, searches: &[SyncSearch]) -> Result<(), WatchError> {
        let cookies: Vec<&[u8]> =
            searches.iter().filter_map(|search| search.cookie.as_deref()).collect();
        if cookies.is_empty() {
            return Ok(());
        }
        // A server that shows no state at all has to judge for itself.
        let state = self.lookup.sync_state()?.unwrap_or_default();
        if state.is_empty() {
            return Ok(());
        }
        let lacking = cookies.into_iter().find_map(|cookie| cookie::missing(cookie, &state));
        lacking.map_or(Ok(()), |Lacking { server, is_absent }| {
            let url = self.settings.directory.url.clone();
            Err(WatchError::Behind { url, server, is_absent })
        })
    }

    /// Whether everything may be compared with a server that is behind, once it has been that for too long. What
    /// a server lacks that is still being filled would look deleted.
    ///
    /// # Errors
    /// The server does not answer.
    pub(super) fn may_compare(&mut self, error: &WatchError) -> Result<bool, WatchError> {
        match error {
            WatchError::Behind { is_absent: true, .. } => Ok(false),
            _ => Ok(self.lookup.has_sync_state()?),
        }
    }
}
