//! The configuration that holds at the moment, for those that work while it changes.

use std::sync::{Arc, PoisonError, RwLock};

use super::Loaded;

/// What the files said when they could last be used. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Current(Arc<RwLock<Arc<Loaded>>>);

impl Current {
    /// What holds now; the same as long as the result is kept.
    pub fn get(&self) -> Arc<Loaded> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on `loaded` holds.
    pub fn set(&self, loaded: Arc<Loaded>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = loaded;
    }
}
