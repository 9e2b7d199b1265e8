//! The access rights of a user, from its profile (ox-provisioning 5.2, "set rights").

use idspool_ox_soap::{AccessFlag, ModuleAccess};
use tracing::warn;

use crate::profile::Profiles;
use crate::props::Props;

/// What is to be done with the rights of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rights {
    /// The profile is unknown: they stay as they are.
    Untouched,
    /// They are set.
    Set {
        /// Name of the profile, for the log.
        profile: String,
        access: ModuleAccess,
        /// The granted rights as a text, for comparison with what was last delivered.
        note: String,
    },
}

impl Rights {
    /// The rights that the user's `oxAccess` asks for.
    pub(crate) fn of(props: Props<'_>, profiles: &Profiles) -> Self {
        let profile = props.text("oxAccess").unwrap_or_default();
        // No profile at all means no rights at all.
        if profile.is_empty() {
            return Self::set(profile, Vec::new());
        }
        let Some(flags) = profiles.get(profile.trim()) else {
            warn!("Cannot find access profile '{profile}'. Leaving access rights untouched!");
            return Self::Untouched;
        };
        let granted = AccessFlag::named()
            .filter(|flag| flags.iter().any(|name| flag.as_str().eq_ignore_ascii_case(name)))
            .collect();
        Self::set(profile, granted)
    }

    fn set(profile: &str, granted: Vec<AccessFlag>) -> Self {
        let names: Vec<&str> = granted.iter().map(|flag| flag.as_str()).collect();
        Self::Set {
            profile: profile.to_owned(),
            note: names.join(","),
            access: ModuleAccess::named(granted),
        }
    }

    /// The text to compare; `None` when the rights stay untouched.
    pub(crate) fn note(&self) -> Option<&str> {
        match self {
            Self::Untouched => None,
            Self::Set { note, .. } => Some(note),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;

    fn rights(access: Value) -> Rights {
        let profiles =
            Profiles::parse("none=\nwebmail=webmail,contacts,unknownflag\nodd=webdavxml,usm\n");
        let mut object = Map::new();
        object.insert("oxAccess".into(), access);
        Rights::of(Props(&object), &profiles)
    }

    fn granted(access: Value) -> Vec<&'static str> {
        let Rights::Set { access, .. } = rights(access) else { return vec!["untouched"] };
        assert_eq!(access.iter().count(), 23, "every flag is sent: absent ones would become true");
        access.iter().filter(|(_, granted)| *granted).map(|(flag, _)| flag.as_str()).collect()
    }

    #[test]
    fn s5_2_set_rights() {
        assert_eq!(granted(json!("webmail")), ["contacts", "webmail"]);
        assert_eq!(granted(json!("odd")), ["USM", "webdavXml"]);
        assert_eq!(granted(json!("none")), [""; 0], "FLAW: an empty profile takes all rights");
        assert_eq!(granted(json!("")), [""; 0]);
        assert_eq!(granted(json!(null)), [""; 0]);
        assert_eq!(granted(json!("nosuch")), ["untouched"]);
    }

    #[test]
    fn equal_rights_have_equal_notes() {
        assert_eq!(rights(json!("none")).note(), Some(""));
        assert_eq!(rights(json!("webmail")).note(), Some("contacts,webmail"));
        assert_eq!(rights(json!("nosuch")).note(), None);
    }
}
