//! The configuration as routing uses it, which may be replaced while it works.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::conf::{AuthorityName, Loaded, SchoolMapping};

/// What the administrator's files say now. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Current(Arc<Mutex<Arc<Loaded>>>);

impl Current {
    /// Begins with this.
    pub fn new(loaded: Arc<Loaded>) -> Self {
        Self(Arc::new(Mutex::new(loaded)))
    }

    /// Takes effect for what is begun from now on.
    pub fn replace(&self, loaded: Arc<Loaded>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = loaded;
    }

    /// The configuration of this moment.
    pub fn get(&self) -> Arc<Loaded> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What routing needs to know of the configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct Routes {
    /// The authorities that have a file, whether it can be used or not.
    pub(super) authorities: BTreeMap<AuthorityName, Service>,
    pub(super) mapping: Arc<SchoolMapping>,
}

/// What routing needs to know of an authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) is_active: bool,
    pub(super) hashes: Hashes,
}

/// Whether copies for an authority carry password hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hashes {
    Never,
    /// It is not known whether they are wanted, because the authority's file cannot be used.
    IfThere,
    Wanted,
}

impl Routes {
    pub(super) fn of(loaded: &Loaded) -> Self {
        let unusable = Service { is_active: false, hashes: Hashes::IfThere };
        let mut authorities: BTreeMap<AuthorityName, Service> =
            loaded.names().map(|name| (name.clone(), unusable)).collect();
        for authority in loaded.usable() {
            let hashes =
                if authority.sync_password_hashes { Hashes::Wanted } else { Hashes::Never };
            let service = Service { is_active: authority.active, hashes };
            authorities.insert(authority.name.clone(), service);
        }
        Self { authorities, mapping: Arc::clone(&loaded.mapping) }
    }

    /// What is missing before anything can be routed. Without a mapping everybody would seem to have left.
    pub(super) fn lacks(&self) -> Option<&'static str> {
        if self.authorities.is_empty() {
            Some("No school authority is configured")
        } else if self.mapping.is_empty() {
            Some("No school belongs to a school authority (schools_authorities_mapping.json)")
        } else {
            None
        }
    }

    pub(super) fn is_configured(&self, authority: &AuthorityName) -> bool {
        self.authorities.contains_key(authority)
    }
}
