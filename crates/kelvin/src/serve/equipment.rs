//! What an authority's thread works with.

use std::sync::Arc;

use idspool_provisioner::Fault;
use idspool_service::{Config, ConfigError};

use super::stop::Stop;
use super::stopping::Stopping;
use crate::client::{client, fault};
use crate::conf::{Authority, SchoolMapping};
use crate::site::{Settings, Site};
use crate::source::LdapSchoolUsers;
use crate::target::Target;

/// Makes what an authority's thread works with; a seam for tests.
pub(crate) trait Equip: Send + Sync {
    /// The site of an authority, whose requests end when `stop` is asked for.
    ///
    /// # Errors
    /// Something in its configuration cannot be used, such as a certificate.
    fn site(
        &self,
        authority: &Arc<Authority>,
        schools: &Arc<SchoolMapping>,
        stop: &Stop,
    ) -> Result<Site, Fault>;
}

/// The real equipment.
pub(crate) struct Equipment {
    config: Config,
    directory: idspool_directory::Settings,
}

impl Equipment {
    /// # Errors
    /// The password for our own directory is missing.
    pub(crate) fn new(config: Config) -> Result<Self, ConfigError> {
        let directory = idspool_directory::Settings::of_config(&config.directory)?;
        Ok(Self { config, directory })
    }
}

impl Equip for Equipment {
    fn site(
        &self,
        authority: &Arc<Authority>,
        schools: &Arc<SchoolMapping>,
        stop: &Stop,
    ) -> Result<Site, Fault> {
        let client = client(&self.config.kelvin, authority).map_err(|error| fault(&error))?;
        let broken_off = client.clone();
        stop.breaks(move || broken_off.shutdown());
        let kelvin = Arc::new(Stopping::new(client, stop.clone()));
        let source = LdapSchoolUsers::new(self.directory.clone()).map_err(|error| {
            Fault::permanent(error.to_string()).with_remedy("correct [directory] and start anew")
        })?;
        let source = Arc::new(source);
        let asked = Arc::clone(&source);
        stop.breaks(move || asked.interrupt());
        let settings = Settings::new(&self.config.kelvin);
        let target = Target::new(kelvin);
        Ok(Site::new(Arc::clone(authority), Arc::clone(schools), settings, target, source))
    }
}
