//! Password hashes of users whose items came without them (id-connector 1.6).

use std::collections::HashMap;
use std::fmt;

use idspool_directory::{Directory, Error, Interrupt, Settings};
use idspool_udm::mapping::{PASSWORD_ATTRIBUTES, user_passwords};
use idspool_udm::{EntryUuid, UserPasswords};

/// Where password hashes are had.
pub trait HashSource: Send + fmt::Debug {
    /// The hashes of these users; who has not all of them, or is gone, is left out.
    ///
    /// # Errors
    /// They cannot be had at the moment; then nothing is known of any of them.
    fn hashes(&mut self, users: &[EntryUuid]) -> Result<HashMap<EntryUuid, UserPasswords>, Error>;

    /// Ends what is being asked, from another thread; `None`: it does not wait for anybody.
    fn interrupt(&self) -> Option<Interrupt> {
        None
    }
}

/// The LDAP server, over one connection that is made when it is needed, and anew when it is lost.
#[derive(Debug)]
pub struct LdapHashes {
    directory: Directory,
}

impl LdapHashes {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// The settings cannot be used.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        Ok(Self { directory: Directory::new(settings)? })
    }
}

impl HashSource for LdapHashes {
    fn hashes(&mut self, users: &[EntryUuid]) -> Result<HashMap<EntryUuid, UserPasswords>, Error> {
        let mut attributes = vec!["entryUUID"];
        attributes.extend(PASSWORD_ATTRIBUTES);
        let found = self.directory.entries_by_uuid(users, &attributes)?;
        Ok(found
            .into_iter()
            .filter_map(|(uuid, entry)| Some((uuid, user_passwords(&entry)?)))
            .collect())
    }

    fn interrupt(&self) -> Option<Interrupt> {
        Some(self.directory.interrupt())
    }
}
