//! The school users of our own directory, for `kelvin-partial-group-sync` (id-connector 4.4).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use idspool_directory::{Directory, Interrupt, Settings};
use idspool_udm::school::{Role, SCHOOL_USER_CLASSES};
use idspool_udm::{Entry, dn};

/// Our directory could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("look up school users in the directory: {reason}")]
pub struct SourceError {
    /// What went wrong, with the server.
    pub reason: String,
}

/// Looks school users up by their login names.
pub trait SchoolUsers: Send + Sync + fmt::Debug {
    /// The roles of those that are school users; who is none is left out. Names compare without letter case; the
    /// keys are the names as they were asked for.
    ///
    /// # Errors
    /// The directory cannot be asked.
    fn roles(&self, names: &[&str]) -> Result<HashMap<String, Vec<Role>>, SourceError>;
}

/// Asks an LDAP server, over one connection that is made when it is needed, and anew when it is lost. Each
/// operation is limited in time by the settings.
#[derive(Debug)]
pub struct LdapSchoolUsers {
    directory: Mutex<Directory>,
    interrupt: Interrupt,
    filter: String,
}

impl LdapSchoolUsers {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// The settings cannot be used.
    pub fn new(settings: Settings) -> Result<Self, idspool_directory::Error> {
        let directory = Directory::new(settings)?;
        let classes: String =
            SCHOOL_USER_CLASSES.map(|class| format!("(objectClass={class})")).concat();
        Ok(Self {
            interrupt: directory.interrupt(),
            directory: Mutex::new(directory),
            filter: format!("(|{classes})"),
        })
    }

    /// Ends what is being asked, and all that is asked later, from another thread.
    pub fn interrupt(&self) {
        self.interrupt.interrupt();
    }
}

impl SchoolUsers for LdapSchoolUsers {
    fn roles(&self, names: &[&str]) -> Result<HashMap<String, Vec<Role>>, SourceError> {
        const NAME: &str = "uid";
        const ROLE: &str = "ucsschoolRole";
        let asked: Vec<&str> = names.iter().copied().filter(|name| !name.is_empty()).collect();
        // A call that panicked left nothing half done: the connection is made anew when it is broken.
        let mut directory = self.directory.lock().unwrap_or_else(PoisonError::into_inner);
        let found = directory
            .entries_having(NAME, &asked, &self.filter, &[NAME, ROLE])
            .map_err(|error| SourceError { reason: error.to_string() })?;
        let roles =
            |entry: &Entry| -> Vec<Role> { entry.texts(ROLE).filter_map(Role::parse).collect() };
        let mut by_name: HashMap<String, Vec<Role>> = HashMap::with_capacity(found.len());
        for entry in &found {
            for name in entry.texts(NAME) {
                by_name.entry(dn::folded(name)).or_default().extend(roles(entry));
            }
        }
        Ok(asked
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), by_name.get(&dn::folded(name))?.clone())))
            .collect())
    }
}
