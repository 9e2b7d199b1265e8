//! `UserModuleAccess`: what a user may use.

use std::fmt;

use crate::object::UnknownField;

macro_rules! flags {
    ($($variant:ident = $element:literal $($deprecated:ident)?,)*) => {
        /// One right of [`ModuleAccess`], in schema order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum AccessFlag {
            $(#[doc = concat!("`", $element, "`")] $variant,)*
        }

        impl AccessFlag {
            /// All 26, in schema order.
            pub const ALL: [Self; 26] = [$(Self::$variant,)*];

            /// Element name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $element,)* }
            }
        }
    };
}

flags! {
    Olox20 = "OLOX20",
    Usm = "USM",
    ActiveSync = "activeSync",
    Calendar = "calendar",
    CollectEmailAddresses = "collectEmailAddresses",
    Contacts = "contacts",
    DelegateTask = "delegateTask",
    DeniedPortal = "deniedPortal",
    EditGroup = "editGroup",
    EditPassword = "editPassword",
    EditPublicFolders = "editPublicFolders",
    EditResource = "editResource",
    GlobalAddressBookDisabled = "globalAddressBookDisabled",
    Ical = "ical",
    Infostore = "infostore",
    MultipleMailAccounts = "multipleMailAccounts",
    PublicFolderEditable = "publicFolderEditable",
    Publication = "publication",
    ReadCreateSharedFolders = "readCreateSharedFolders",
    Subscription = "subscription",
    Syncml = "syncml",
    Tasks = "tasks",
    Vcard = "vcard",
    Webdav = "webdav",
    WebdavXml = "webdavXml",
    Webmail = "webmail",
}

impl AccessFlag {
    /// The 23 rights that an access profile decides. The other three are deprecated (`OLOX20`,
    /// `publication`) or a right of context administrators (`publicFolderEditable`) and never sent.
    pub fn named() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|flag| {
            !matches!(flag, Self::Olox20 | Self::Publication | Self::PublicFolderEditable)
        })
    }

    /// Finds a flag by its name in any letter case (`globaladdressbookdisabled`).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.as_str().eq_ignore_ascii_case(name))
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for AccessFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for AccessFlag {
    type Err = UnknownField;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|flag| flag.as_str() == text)
            .ok_or_else(|| UnknownField::new("UserModuleAccess", text))
    }
}

/// The rights of a user. A flag that is not set is not sent, **and OX then takes its default, which
/// is true for most**: build what is sent with [`ModuleAccess::named`].
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ModuleAccess {
    known: u32,
    granted: u32,
}

impl ModuleAccess {
    /// No flag set at all.
    #[must_use]
    pub const fn new() -> Self {
        Self { known: 0, granted: 0 }
    }

    /// All 23 named flags set: true for those given, false for the rest.
    pub fn named(granted: impl IntoIterator<Item = AccessFlag>) -> Self {
        let mut access = Self::new();
        for flag in AccessFlag::named() {
            access.set(flag, false);
        }
        for flag in granted {
            access.set(flag, true);
        }
        access
    }

    /// Sets one flag.
    pub fn set(&mut self, flag: AccessFlag, granted: bool) -> &mut Self {
        self.known |= flag.bit();
        if granted {
            self.granted |= flag.bit();
        } else {
            self.granted &= !flag.bit();
        }
        self
    }

    /// One flag; `None` when it is not set.
    #[must_use]
    pub const fn get(self, flag: AccessFlag) -> Option<bool> {
        if self.known & flag.bit() == 0 { None } else { Some(self.granted & flag.bit() != 0) }
    }

    /// The flags that are set, in schema order.
    pub fn iter(self) -> impl Iterator<Item = (AccessFlag, bool)> {
        AccessFlag::ALL.into_iter().filter_map(move |flag| Some((flag, self.get(flag)?)))
    }
}

impl fmt::Debug for ModuleAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(flag, granted)| (flag.as_str(), granted))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_sets_all_23() {
        let access = ModuleAccess::named([AccessFlag::Webmail, AccessFlag::Usm]);
        assert_eq!(access.iter().count(), 23);
        assert_eq!(access.iter().filter(|(_, granted)| *granted).count(), 2);
        assert_eq!(access.get(AccessFlag::Webmail), Some(true));
        assert_eq!(access.get(AccessFlag::Calendar), Some(false));
        assert_eq!(access.get(AccessFlag::Olox20), None);
    }

    #[test]
    fn names_are_found_in_any_letter_case() {
        for flag in AccessFlag::ALL {
            assert_eq!(AccessFlag::from_name(&flag.as_str().to_ascii_lowercase()), Some(flag));
            assert_eq!(flag.as_str().parse(), Ok(flag));
        }
        assert_eq!(AccessFlag::from_name("forum"), None);
        assert!("webMail".parse::<AccessFlag>().is_err());
    }
}
