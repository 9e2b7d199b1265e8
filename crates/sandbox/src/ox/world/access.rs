//! Module access rights of a user: one bit per flag, in the order of the schema.

use std::collections::HashMap;

use crate::ox::schema::ComplexType;

/// Flags whose default is false; all others default to true.
const DEFAULT_FALSE: [&str; 3] =
    ["globalAddressBookDisabled", "publicFolderEditable", "deniedPortal"];

/// The flags of the schema's `UserModuleAccess`.
#[derive(Debug)]
pub(crate) struct AccessLayout {
    names: Vec<String>,
    positions: HashMap<String, usize>,
}

impl AccessLayout {
    pub(crate) fn new(content: Option<&ComplexType>) -> Self {
        let names: Vec<String> = content
            .map_or(&[][..], |content| &content.fields)
            .iter()
            .map(|field| field.name.to_string())
            .collect();
        let positions = names.iter().cloned().enumerate().map(|(i, name)| (name, i)).collect();
        Self { names, positions }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// What an absent flag means.
    pub(crate) fn defaults(&self) -> Access {
        self.collect(|name| !DEFAULT_FALSE.contains(&name))
    }

    pub(crate) fn collect(&self, is_set: impl Fn(&str) -> bool) -> Access {
        let mut bits = 0;
        for (index, name) in self.names().enumerate() {
            if is_set(name) {
                bits |= 1 << index;
            }
        }
        Access(bits)
    }

    pub(crate) fn is_set(&self, access: Access, name: &str) -> Option<bool> {
        let index = self.positions.get(name)?;
        Some(access.0 & (1 << index) != 0)
    }
}

/// The rights of one user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access(u32);
