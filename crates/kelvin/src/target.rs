//! What a server has: its schools and roles, remembered for a while (id-connector 3.1).

use std::sync::Arc;

use crate::kelvin::Kelvin;

/// A server, and what is remembered of it.
#[derive(Debug)]
pub struct Target {
    kelvin: Arc<dyn Kelvin>,
}

impl Target {
    /// Nothing is remembered yet.
    pub fn new(kelvin: Arc<dyn Kelvin>) -> Self {
        Self { kelvin }
    }

    /// The server itself.
    pub fn kelvin(&self) -> &dyn Kelvin {
        &*self.kelvin
    }
}
