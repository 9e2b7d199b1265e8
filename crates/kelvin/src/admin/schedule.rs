//! Enqueueing what the directory has, to be provisioned again (id-connector 7.1 to 7.3).
//!
//! What is found goes into the listener's spool as part of a re-provisioning, so that servers are called even if
//! nothing seems to have changed.

use idspool_directory::{Directory, Error, Settings};
use idspool_service::{Config, ConfigError};
use idspool_spool::Spool;
use idspool_udm::school::SCHOOL_USER_CLASSES;
use idspool_udm::{Entry, ListenerItem, Module};

/// Entries per page, which become durable together.
const PAGE: u16 = 500;
/// Roles of the users of a school that are scheduled with it.
const USER_ROLES: [&str; 4] = ["teacher", "student", "staff", "legal_guardian"];
/// Roles of its groups.
const GROUP_ROLES: [&str; 2] = ["school_class", "workgroup"];

/// Why nothing can be scheduled. What was enqueued until then stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// Nobody would take what is scheduled.
    #[error(
        "kelvin.enabled is false, so that nothing is handed to school authorities: set it to true, and restart \
         idspool-converter"
    )]
    Disabled,
    /// A name that is not unique.
    #[error(
        "the directory has {count} entries for '{name}', such as {}: names must be unique; correct the directory",
        dns.join("; ")
    )]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// How many there are.
        count: usize,
        /// Some of them.
        dns: Vec<String>,
    },
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The directory cannot be asked.
    #[error(transparent)]
    Directory(#[from] Error),
    /// Nothing can be enqueued.
    #[error("failed to {0}")]
    Spool(#[from] idspool_spool::Error),
}

impl ScheduleError {
    /// Whether settings have to be changed before a repetition can help.
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Disabled | Self::Config(_) => true,
            Self::Directory(error) => error.is_configuration(),
            Self::Ambiguous { .. } | Self::Spool(_) => false,
        }
    }
}

/// How many objects were enqueued.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scheduled {
    /// Users.
    pub users: u64,
    /// Groups.
    pub groups: u64,
}

/// Finds school objects and enqueues them.
#[derive(Debug)]
pub struct Scheduler {
    directory: Directory,
    spool: Spool,
}

impl Scheduler {
    /// Nothing is sent to the directory yet.
    ///
    /// # Errors
    /// The configuration or the listener's spool cannot be used.
    pub fn new(config: &Config) -> Result<Self, ScheduleError> {
        if !config.kelvin.enabled {
            return Err(ScheduleError::Disabled);
        }
        let directory = Directory::new(Settings::of_config(&config.directory)?)?;
        Ok(Self { directory, spool: Spool::create(&config.listener.spool)? })
    }

    /// Enqueues the school user of that login name; returns the DN. `None`: there is none.
    ///
    /// # Errors
    /// The directory or the spool cannot be used, or there are several.
    pub fn user(&mut self, name: &str) -> Result<Option<String>, ScheduleError> {
        let classes = SCHOOL_USER_CLASSES.map(|class| format!("(objectClass={class})")).concat();
        let found = self.single("uid", name, &format!("(|{classes})"))?;
        let Some(entry) = found else {
            tracing::error!("No school user with username '{name}' could be found.");
            return Ok(None);
        };
        tracing::info!("Adding user to in-queue: '{}'.", entry.dn);
        self.enqueue(&[entry], Module::User)
    }

    /// Enqueues the school group of that name, such as `School1-1a`; returns the DN. `None`: there is none.
    ///
    /// # Errors
    /// As for [`Scheduler::user`].
    pub fn group(&mut self, name: &str) -> Result<Option<String>, ScheduleError> {
        let Some(entry) = self.single("cn", name, "(objectClass=ucsschoolGroup)")? else {
            tracing::error!("No school group with groupname '{name}' could be found.");
            return Ok(None);
        };
        tracing::info!("Adding group to in-queue: '{}'.", entry.dn);
        self.enqueue(&[entry], Module::Group)
    }

    /// Enqueues all users of a school, then its groups: classes need their members at the server.
    ///
    /// # Errors
    /// The directory or the spool cannot be used.
    pub fn school(&mut self, school: &str) -> Result<Scheduled, ScheduleError> {
        tracing::info!("Adding school to in-queue: {school}");
        let value = escaped(school);
        let roles = |roles: &[&str]| -> String {
            roles.iter().map(|role| format!("(ucsschoolRole={role}:school:{value})")).collect()
        };
        let users = format!("(&(ucsschoolSchool={value})(|{}))", roles(&USER_ROLES));
        let groups = format!("(&(cn={value}-*)(|{}))", roles(&GROUP_ROLES));
        let scheduled = Scheduled {
            users: self.all(&users, Module::User)?,
            groups: self.all(&groups, Module::Group)?,
        };
        tracing::info!("Done.");
        Ok(scheduled)
    }

    fn single(
        &mut self,
        attribute: &str,
        name: &str,
        restriction: &str,
    ) -> Result<Option<Entry>, ScheduleError> {
        let mut found =
            self.directory.entries_having(attribute, &[name], restriction, &["entryUUID"])?;
        if found.len() > 1 {
            let dns = found.iter().take(3).map(|entry| entry.dn.clone()).collect();
            return Err(ScheduleError::Ambiguous {
                name: name.to_owned(),
                count: found.len(),
                dns,
            });
        }
        Ok(found.pop())
    }

    fn all(&mut self, filter: &str, module: Module) -> Result<u64, ScheduleError> {
        let (mut count, mut place) = (0, None);
        loop {
            let (entries, next) =
                self.directory.entries_page(filter, &["entryUUID"], PAGE, place)?;
            count += entries.len() as u64;
            self.enqueue(&entries, module)?;
            if next.is_none() {
                return Ok(count);
            }
            place = next;
        }
    }

    /// The DN of the last one.
    fn enqueue(&self, entries: &[Entry], module: Module) -> Result<Option<String>, ScheduleError> {
        let item = |entry: &Entry| {
            let item = ListenerItem {
                entry_uuid: entry.first_text("entryUUID")?.parse().ok()?,
                dn: entry.dn.clone(),
                object_type: module.as_str().to_owned(),
                command: "modify".to_owned(),
                resync: true,
            };
            Some(item.to_bytes())
        };
        let items: Vec<_> = entries.iter().filter_map(item).collect();
        self.spool.enqueue_group(&items)?;
        Ok(entries.last().map(|entry| entry.dn.clone()))
    }
}

/// A value as it has to stand in a filter (RFC 4515).
fn escaped(value: &str) -> String {
    value.chars().fold(String::with_capacity(value.len()), |mut text, character| {
        match character {
            '*' | '(' | ')' | '\\' | '\0' => {
                text.push_str(&format!("\\{:02x}", u32::from(character)));
            }
            _ => text.push(character),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_change_the_filter() {
        assert_eq!(escaped("a*)(b\\ü"), "a\\2a\\29\\28b\\5cü");
    }
}
