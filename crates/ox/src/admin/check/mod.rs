//! What differs between directory, snapshots and OX (ox-provisioning 9.4).
//!
//! OX is compared with what the rules would send of the snapshot and of the directory's present state:
//! the same mapping, identifiers, templates and rights as in provisioning. So settings that are not the
//! default are right by themselves, and what the rules never send is never a difference.
//!
//! | module | job |
//! |---|---|
//! | `shown`, `finding`, `property` | values in the form in which they are compared, and what comes out |
//! | `user`, `group`, `account`, `plain`, `member` | the comparison of each kind of object |
//! | `remote` | what OX has, asked with few calls |
//! | `waiting` | objects of which something waits: they are on their way, and not different |
//! | `checker` | which sides an object has, and who compares them |
//! | `single`, `all` | one object by its DN; all objects, as a stream |
//! | `resync` | putting what differs into a queue again |
//!
//! Nothing is locked, and nothing but `resync` changes anything: a running `idspool-ox` is not disturbed.
//! What it does meanwhile could look like a difference, so all objects that seem to differ are looked at
//! a second time before they are told.

mod account;
mod all;
mod checker;
mod error;
mod finding;
mod group;
mod member;
mod pair;
mod plain;
mod property;
mod remote;
mod resync;
mod shown;
mod single;
#[cfg(test)]
mod tests;
mod user;
mod waiting;

use std::collections::HashSet;
use std::path::PathBuf;

use idspool_ox_soap::ContextId;
use idspool_provisioner::Objects;
use idspool_service::Config;
use idspool_spool::Spool;
use idspool_udm::{ConvertedItem, Module};

pub use all::{Event, Summary};
pub use error::Error;
pub use finding::{Finding, Kind, Remedy, Report, Row};
pub use remote::Mode;
pub use resync::Resynced;
pub use shown::Shown;
pub use single::Single;

use crate::client::{SoapOx, StopTime};
use crate::credentials::CredentialsFile;
use crate::mapping::{self, MappingFile};
use crate::ox::Ox;
use crate::profile::ProfileFile;
use crate::recipient::OxRecipient;
use crate::settings::Settings;
use checker::Checker;
use remote::Remote;
use waiting::Waiting;

/// Who knows the directory: its objects as the converter would hand them over.
pub trait Source {
    /// The object at a DN.
    ///
    /// # Errors
    /// The directory cannot be asked.
    fn by_dn(&mut self, dn: &str) -> Result<Option<ConvertedItem>, Error>;

    /// Those of the objects with these entryUUIDs that exist.
    ///
    /// # Errors
    /// The directory cannot be asked.
    fn by_ids(&mut self, ids: &[String]) -> Result<Vec<ConvertedItem>, Error>;

    /// Calls `visit` with all objects of a kind, some hundred at a time.
    ///
    /// # Errors
    /// The directory cannot be asked; or what `visit` answers.
    fn each(
        &mut self,
        module: Module,
        visit: &mut dyn FnMut(Vec<ConvertedItem>) -> Result<(), Error>,
    ) -> Result<(), Error>;
}

/// Compares directory, snapshots and OX.
pub struct CheckSync {
    checker: Checker,
    waiting: Waiting,
    queue: PathBuf,
    listener: PathBuf,
}

impl CheckSync {
    /// Prepares the comparison. Nobody is asked yet.
    ///
    /// `context` is that of a user whose snapshot has none.
    ///
    /// # Errors
    /// The configuration cannot be used, or the snapshots cannot be read.
    pub fn new(config: &Config, mode: Mode, context: Option<ContextId>) -> Result<Self, Error> {
        let client = crate::run::client(&config.ox)?;
        let ox = Box::new(SoapOx::new(client, StopTime::default()));
        Self::with_ox(config, mode, context, ox)
    }

    pub(crate) fn with_ox(
        config: &Config,
        mode: Mode,
        context: Option<ContextId>,
        ox: Box<dyn Ox>,
    ) -> Result<Self, Error> {
        let settings = Settings::new(&config.ox)?;
        let queue = config.ox.queue();
        let data = &settings.data_dir;
        let credentials = CredentialsFile::new(settings.credentials_file.clone());
        let checker = Checker {
            mapping: MappingFile::new(data.join(mapping::FILE)),
            profiles: ProfileFile::new(data.join("ModuleAccessDefinitions.properties")),
            objects: Objects::view(&queue, OxRecipient::INDEXING)?,
            remote: Remote::new(ox, credentials, mode),
            settings,
            context,
            with_rights: mode == Mode::Single,
            known_users: HashSet::new(),
            known_groups: HashSet::new(),
            known_resources: HashSet::new(),
            outside: 0,
        };
        let listener = config.listener.spool.clone();
        let waiting = Waiting::new(&queue, &listener)?;
        Ok(Self { checker, waiting, queue, listener })
    }

    /// Why what is found may not be the whole truth: faults and waiting items.
    ///
    /// # Errors
    /// The state of the queue cannot be read.
    pub fn warnings(&self) -> Result<Vec<String>, Error> {
        let mut warnings = Vec::new();
        if self.queue.try_exists().unwrap_or(true) {
            let state = Spool::open(&self.queue)?.state()?;
            if !state.is_healthy() {
                let message = state.message.unwrap_or_default();
                warnings.push(format!("The OX Connector is not properly working: {message}"));
            }
        }
        let (queued, listed) = self.waiting.counts;
        if queued + listed > 0 {
            warnings.push(format!(
                "The OX Connector queue is not empty. {queued} items wait in {}, {listed} in {}.",
                self.queue.display(),
                self.listener.display()
            ));
        }
        Ok(warnings)
    }
}
