//! The users of one context by name: what `--build-cache` fetches at the first user of a context.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use idspool_ox_soap::OxUserId;

use super::{CacheError, Line, Watcher};
use crate::ox::{Ox, OxError, Scope};

/// Name to id; some 60 bytes a user.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<Box<str>, OxUserId>);

impl Names {
    /// Fetches the users of a context, `chunk` of them with one call. What OX says no to is handed back.
    pub(super) fn load(
        ox: &dyn Ox,
        scope: Scope<'_>,
        chunk: NonZeroUsize,
        watcher: &mut dyn Watcher,
    ) -> Result<Result<Self, OxError>, CacheError> {
        watcher.line(&Line::Building(scope.context))?;
        let ids = match ox.user_ids(scope) {
            Ok(ids) => ids,
            Err(error) => return Ok(Err(error)),
        };
        watcher.line(&Line::Retrieved(ids.len()))?;
        let mut names = Self::default();
        let mut loaded = 0;
        for part in ids.chunks(chunk.get()) {
            if let Err(error) = names.add(ox, scope, part) {
                return Ok(Err(error));
            }
            loaded += part.len();
            watcher.line(&Line::Loaded(loaded))?;
        }
        watcher.line(&Line::Built)?;
        Ok(Ok(names))
    }

    pub(super) fn get(&self, name: &str) -> Option<OxUserId> {
        self.0.get(name).copied()
    }

    /// Fetches these users with one call, or with several when one of them is gone.
    pub(super) fn add(
        &mut self,
        ox: &dyn Ox,
        scope: Scope<'_>,
        ids: &[OxUserId],
    ) -> Result<(), OxError> {
        match ox.user_names(scope, ids) {
            Ok(names) => {
                self.0.extend(names.into_iter().map(|user| (user.name.into_boxed_str(), user.id)));
                Ok(())
            }
            // One of them was deleted since the list was made; the others are found without it.
            Err(error) if error.is_not_found() => {
                let (one, other) = ids.split_at(ids.len() / 2);
                if one.is_empty() {
                    return Ok(());
                }
                self.add(ox, scope, one)?;
                self.add(ox, scope, other)
            }
            Err(mut error) => {
                // Large pictures make large answers.
                if error.refusal.is_none() && ids.len() > 1 {
                    let hint = "fewer users at a time may help: --build-cache-size 100";
                    error.remedy = Some(
                        error.remedy.map_or(hint.to_owned(), |remedy| format!("{remedy}; {hint}")),
                    );
                }
                Err(error)
            }
        }
    }
}
