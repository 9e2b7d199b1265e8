//! One authority: its configuration, its server, and the directory behind it. What the rules share.

use std::sync::Arc;

use idspool_provisioner::Copies;
use idspool_udm::school::Containers;

use crate::conf::{Authority, SchoolMapping};
use crate::source::SchoolUsers;
use crate::target::Target;

/// Settings that hold for all authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Source UID of users that have none (id-connector 3.3).
    pub source_uid: String,
    /// Where classes lie in our directory.
    pub containers: Containers,
}

impl Settings {
    /// Those of a configuration.
    pub fn new(config: &idspool_service::Kelvin) -> Self {
        let containers = Containers {
            students: config.pupils_container.clone(),
            classes: config.class_container.clone(),
        };
        Self { source_uid: config.source_uid.clone(), containers }
    }
}

/// One authority at work. Made anew when its configuration changes.
#[derive(Debug)]
pub struct Site {
    /// Its file.
    pub authority: Arc<Authority>,
    /// Which school belongs to which authority.
    pub schools: Arc<SchoolMapping>,
    /// What holds for all.
    pub settings: Settings,
    /// Its server.
    pub target: Target,
    /// The school users of our own directory.
    pub source: Arc<dyn SchoolUsers>,
    /// Classes that were queued again.
    pub(crate) copies: Copies,
}

impl Site {
    /// An authority whose queue has no copies of this process yet.
    pub fn new(
        authority: Arc<Authority>,
        schools: Arc<SchoolMapping>,
        settings: Settings,
        target: Target,
        source: Arc<dyn SchoolUsers>,
    ) -> Self {
        Self { authority, schools, settings, target, source, copies: Copies::default() }
    }
}
