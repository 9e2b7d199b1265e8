//! One reported change, checked.

use idspool_udm::dn::Dn;
use idspool_udm::{EntryUuid, ListenerItem, Module};

/// What can have happened to an entry.
pub const COMMANDS: [&str; 3] = ["add", "modify", "delete"];

/// A reported change that cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The DN cannot be parsed, or is empty.
    #[error(
        "dn {dn:?} is no distinguished name ({problem}); give the DN of the entry, or the last known one"
    )]
    Dn {
        /// As given.
        dn: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The entryUUID is no UUID.
    #[error("entry_uuid is not usable: {problem}; give the entryUUID of the entry")]
    EntryUuid {
        /// What is wrong with it.
        problem: String,
    },
    /// No such UDM module.
    #[error("object_type {given:?} is unknown; give one of {known}", known = known_types())]
    ObjectType {
        /// As given.
        given: String,
    },
    /// No such command.
    #[error("command {given:?} is unknown; give one of {known}", known = COMMANDS.join(", "))]
    Command {
        /// As given.
        given: String,
    },
}

fn known_types() -> String {
    Module::ALL.map(Module::as_str).join(", ")
}

/// Checks what was reported about one entry.
///
/// # Errors
/// The first part of it that cannot be right.
pub fn change(
    entry_uuid: &str,
    dn: &str,
    object_type: &str,
    command: &str,
    resync: bool,
) -> Result<ListenerItem, Refused> {
    let entry_uuid: EntryUuid = entry_uuid
        .parse()
        .map_err(|error: idspool_udm::Error| Refused::EntryUuid { problem: error.to_string() })?;
    let no_dn = |problem: String| Refused::Dn { dn: dn.chars().take(200).collect(), problem };
    if dn.trim().is_empty() {
        return Err(no_dn("it is empty".to_owned()));
    }
    Dn::parse(dn).map_err(|error| no_dn(error.to_string()))?;
    let module: Module = object_type
        .parse()
        .map_err(|_| Refused::ObjectType { given: object_type.chars().take(100).collect() })?;
    if !COMMANDS.contains(&command) {
        return Err(Refused::Command { given: command.chars().take(100).collect() });
    }
    Ok(ListenerItem {
        entry_uuid,
        dn: dn.to_owned(),
        object_type: module.as_str().to_owned(),
        command: command.to_owned(),
        resync,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0f3c9c6a-0000-103f-8000-000000000001";

    #[test]
    fn every_type_and_command_is_accepted() {
        for module in Module::ALL {
            for command in COMMANDS {
                let item = change(UUID, "cn=a,dc=b", module.as_str(), command, false).unwrap();
                assert_eq!((item.module(), item.command.as_str()), (Some(module), command));
            }
        }
    }

    #[test]
    fn what_cannot_be_right_is_refused_with_the_key_and_the_remedy() {
        for (uuid, dn, object_type, command, key) in [
            ("0f3c9c6a", "cn=a", "users/user", "add", "entry_uuid"),
            ("", "cn=a", "users/user", "add", "entry_uuid"),
            (UUID, "", "users/user", "add", "dn"),
            (UUID, "  ", "users/user", "add", "dn"),
            (UUID, "no DN", "users/user", "add", "dn"),
            (UUID, "cn=a,", "users/user", "add", "dn"),
            (UUID, "cn=a", "users/users", "add", "object_type"),
            (UUID, "cn=a", "", "add", "object_type"),
            (UUID, "cn=a", "users/user", "m", "command"),
            (UUID, "cn=a", "users/user", "", "command"),
        ] {
            let error = change(uuid, dn, object_type, command, false).unwrap_err().to_string();
            assert!(error.starts_with(key) && error.contains("give"), "{error}");
        }
    }
}
