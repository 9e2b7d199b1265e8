//! What all rules share: settings, files, the server, and what was begun but not finished.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use idspool_ox_soap::{ContextId, Credentials};
use idspool_provisioner::{Copies, Fault};
use idspool_udm::ConvertedItem;

use crate::account::Interrupted;
use crate::credentials::CredentialsFile;
use crate::halt::{Halt, Skip};
use crate::mapping::{self, MappingFile};
use crate::ox::Ox;
use crate::profile::{self, ProfileFile};
use crate::settings::Settings;
use crate::unfinished::{self, Notes};
use crate::unsettled::Unsettled;

/// The shared part.
pub(crate) struct Core {
    pub(crate) settings: Settings,
    pub(crate) credentials: Arc<CredentialsFile>,
    pub(crate) profiles: Arc<ProfileFile>,
    pub(crate) mapping: MappingFile,
    pub(crate) notes: Notes,
    pub(crate) ox: Box<dyn Ox>,
    /// Items that were put into the queue again.
    pub(crate) copies: Copies,
    unsettled: Unsettled,
    /// Functional accounts with a delivery that broke off, by entry UUID.
    pub(crate) interrupted_accounts: Mutex<HashMap<String, Interrupted>>,
}

impl Core {
    pub(crate) fn new(settings: Settings, ox: Box<dyn Ox>) -> Result<Self, Fault> {
        let credentials = CredentialsFile::new(settings.credentials_file.clone());
        let profiles = ProfileFile::new(settings.data_dir.join(profile::FILE));
        let folder = settings.data_dir.join(unfinished::FOLDER);
        let begun = (Notes::open(folder.clone())?, Unsettled::open(folder)?);
        Ok(Self::over(settings, Arc::new(credentials), Arc::new(profiles), begun, ox))
    }

    /// The same for a dry run: nothing is written, and what would be counts in this process.
    pub(crate) fn rehearsing(
        settings: Settings,
        credentials: Arc<CredentialsFile>,
        ox: Box<dyn Ox>,
    ) -> Result<Self, Fault> {
        let profiles = ProfileFile::rehearsing(settings.data_dir.join(profile::FILE));
        let folder = settings.data_dir.join(unfinished::FOLDER);
        let begun = (Notes::rehearsing(folder.clone())?, Unsettled::rehearsing(folder)?);
        Ok(Self::over(settings, credentials, Arc::new(profiles), begun, ox))
    }

    fn over(
        settings: Settings,
        credentials: Arc<CredentialsFile>,
        profiles: Arc<ProfileFile>,
        (notes, unsettled): (Notes, Unsettled),
        ox: Box<dyn Ox>,
    ) -> Self {
        Self {
            credentials,
            profiles,
            mapping: MappingFile::new(settings.data_dir.join(mapping::FILE)),
            notes,
            ox,
            copies: Copies::default(),
            unsettled,
            interrupted_accounts: Mutex::default(),
            settings,
        }
    }

    /// What is done with the credentials once at start.
    pub(crate) fn prepare_credentials(&self) -> Result<(), Fault> {
        let settings = &self.settings;
        self.credentials
            .prepare(&settings.master_admin, settings.master_password.as_ref(), |context| {
                settings.admin_name(context)
            })
            .map_err(|error| crate::recipient::fault_of(error.into()))
    }

    /// The administrator of a context.
    ///
    /// # Errors
    /// A skip when the file has no entry: such contexts are none of our business.
    pub(crate) fn admin(&self, context: ContextId) -> Result<Credentials, Halt> {
        let credentials = self.credentials.context(context)?;
        Ok(credentials.ok_or(Skip::NoCredentials(context))?)
    }

    /// The master administrator.
    ///
    /// # Errors
    /// The file has no entry. A fault, also while a user is moved: taking it for "nothing to do"
    /// would lose the move.
    pub(crate) fn master(&self) -> Result<Credentials, Halt> {
        let credentials = self.credentials.master()?;
        credentials.ok_or_else(|| {
            Halt::Fault(
                Fault::transient(format!(
                    "credentials file {} has no entry 'master'",
                    self.credentials.path().display()
                ))
                .with_remedy(
                    "set OX_MASTER_PASSWORD and start again, or add the entry to the file; the queue goes on by itself",
                ),
            )
        })
    }

    /// A change of the object begins.
    pub(crate) fn begin(&self, id: &str) {
        self.unsettled.begin(id);
    }

    /// The delivery of the object has ended with a fault.
    pub(crate) fn break_off(&self, id: &str) {
        let known = crate::lock(&self.interrupted_accounts).get(id).and_then(Interrupted::to_text);
        self.unsettled.keep(id, &known.unwrap_or_default());
    }

    /// What is known of OX after a delivery that broke off; `None` when none did.
    pub(crate) fn known_of_unsettled(&self, id: &str) -> Option<String> {
        self.unsettled.known(id)
    }

    /// All changes of the object are done.
    pub(crate) fn finish(&self, id: &str) {
        self.unsettled.finish(id);
    }

    /// Whether OX may have something else of the object than what was noted.
    pub(crate) fn is_unsettled(&self, id: &str) -> bool {
        self.unsettled.contains(id)
    }
}

/// How log lines name an object (ox-provisioning 3.7).
pub(crate) struct ObjectName<'a>(pub(crate) &'a ConvertedItem);

impl fmt::Display for ObjectName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object('{}', '{}')", self.0.udm_object_type, self.0.dn)
    }
}
