//! The user object as it is sent to OX (ox-provisioning 5.3.2).

use idspool_ox_soap::{User, UserField};
use idspool_provisioner::Fault;

use crate::halt::Halt;
use crate::mapping::{Converter, Mapping};
use crate::props::Props;
use crate::settings::Settings;

/// Never used by OX, which does not authenticate users itself here, but mandatory at creation.
const PASSWORD: &str = "dummy";

/// A user object without id and sender address, and what the sender address depends on.
#[derive(Debug, Clone)]
pub(crate) struct Filled {
    pub(crate) user: User,
    /// The primary mail address; empty when there is none.
    pub(crate) primary: String,
    /// Primary address and aliases.
    pub(crate) addresses: Vec<String>,
}

impl Filled {
    /// Fills a user object from the new state: everything but id, sender address, and the values that
    /// only a new user gets.
    pub(crate) fn new(
        props: Props<'_>,
        name: &str,
        settings: &Settings,
        mapping: &Mapping,
    ) -> Result<Self, Halt> {
        let mut user = User::new();
        let converter = Converter { imap: &settings.imap_server, smtp: &settings.smtp_server };
        let mapped = mapping.fill(props, converter, &mut user)?;
        user.set(UserField::Contextadmin, false)
            .set(UserField::Name, name)
            .set(UserField::Password, PASSWORD)
            .set(UserField::GuiSpamFilterEnabled, true)
            .set(UserField::PasswordExpired, false)
            .set(UserField::Mailenabled, is_mail_enabled(props));
        let primary = mapped.email1;
        let mut addresses = Vec::with_capacity(1 + mapped.aliases.len());
        if !primary.is_empty() {
            addresses.push(primary.clone());
        }
        addresses.extend(mapped.aliases);
        let login = settings.imap_login.render(&primary, |property| props.0.get(property))?;
        user.set(UserField::PrimaryEmail, primary.as_str())
            .set(UserField::ImapLogin, login)
            .set(UserField::Aliases, addresses.clone());
        Ok(Self { user, primary, addresses })
    }

    /// Makes it a new user: language and time zone, the primary address as sender.
    ///
    /// # Errors
    /// A mandatory field is empty.
    pub(crate) fn into_new(mut self, settings: &Settings) -> Result<User, Fault> {
        self.check_mandatory()?;
        self.user
            .set(UserField::Language, settings.language.as_str())
            .set(UserField::Timezone, settings.timezone.as_str())
            .set(UserField::DefaultSenderAddress, self.primary);
        self.user.unset(UserField::Id);
        Ok(self.user)
    }

    fn check_mandatory(&self) -> Result<(), Fault> {
        const MANDATORY: [(&str, UserField); 7] = [
            ("name", UserField::Name),
            ("display_name", UserField::DisplayName),
            ("password", UserField::Password),
            ("given_name", UserField::GivenName),
            ("sur_name", UserField::SurName),
            ("primary_email", UserField::PrimaryEmail),
            ("email1", UserField::Email1),
        ];
        let missing: Vec<&str> = MANDATORY
            .into_iter()
            .filter(|(_, field)| self.user.text(*field).is_none_or(str::is_empty))
            .map(|(name, _)| name)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Fault::permanent(format!("Mandatory attributes: {}.", missing.join(", "))).with_remedy(
            "give the user a value for them in the directory; OX creates no user without",
        ))
    }

    /// The sender address to send, given the one that OX has.
    ///
    /// The user's own choice stays, unless it was the former primary address, which follows the new
    /// one, or is none of the user's addresses any more, which OX refuses.
    pub(crate) fn sender(&self, current: Option<&str>, former_primary: &str) -> String {
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let Some(current) = current else { return self.primary.clone() };
        let is_address = self.addresses.iter().any(|address| same(address, current));
        let follows = same(current, former_primary) && !same(former_primary, &self.primary);
        if is_address && !follows { current.to_owned() } else { self.primary.clone() }
    }
}

/// Mail is off for users without any rights profile, and for the profile `none`.
fn is_mail_enabled(props: Props<'_>) -> bool {
    props.text("oxAccess").is_some_and(|profile| profile != "none")
}

#[cfg(test)]
mod tests {
    use idspool_service::Ox;
    use serde_json::{Value, json};

    use super::*;

    fn fill(object: Value) -> Filled {
        let settings = Settings::new(&Ox::default()).unwrap();
        let object = object.as_object().unwrap().clone();
        Filled::new(Props(&object), "anna", &settings, &Mapping::built_in()).unwrap()
    }

    fn full() -> Value {
        json!({
            "oxDisplayName": "Anna M", "firstname": "Anna", "lastname": "M",
            "mailPrimaryAddress": "anna@example.org", "oxAccess": "premium",
            "mailAlternativeAddress": ["b@example.org", "a@example.org"],
        })
    }

    #[test]
    fn s5_3_2_fixed_fields() {
        let user = fill(full()).user;
        assert_eq!(user.flag(UserField::Contextadmin), Some(false));
        assert_eq!(user.flag(UserField::GuiSpamFilterEnabled), Some(true));
        assert_eq!(user.flag(UserField::PasswordExpired), Some(false));
        assert_eq!(user.flag(UserField::Mailenabled), Some(true));
        assert_eq!(user.text(UserField::Password), Some("dummy"));
        assert_eq!(user.text(UserField::Name), Some("anna"));
        assert_eq!(user.text(UserField::PrimaryEmail), Some("anna@example.org"));
        assert_eq!(user.text(UserField::ImapLogin), Some("anna@example.org"));
        assert_eq!(
            user.list(UserField::Aliases),
            ["anna@example.org", "b@example.org", "a@example.org"]
        );
    }

    #[test]
    fn s5_3_2_language_and_time_zone_are_for_new_users_only() {
        let filled = fill(full());
        for field in [UserField::Language, UserField::Timezone, UserField::DefaultSenderAddress] {
            assert_eq!(filled.user.get(field), None);
        }
        let user = filled.into_new(&Settings::new(&Ox::default()).unwrap()).unwrap();
        assert_eq!(user.text(UserField::Language), Some("de_DE"));
        assert_eq!(user.text(UserField::Timezone), Some("Europe/Berlin"));
        assert_eq!(user.text(UserField::DefaultSenderAddress), Some("anna@example.org"));
    }

    #[test]
    fn s5_3_2_mailenabled_follows_the_profile() {
        for (access, expected) in [
            (json!("premium"), true),
            (json!("none"), false),
            (json!(""), false),
            (json!(null), false),
        ] {
            let user = fill(json!({"oxAccess": access})).user;
            assert_eq!(user.flag(UserField::Mailenabled), Some(expected), "{access}");
        }
    }

    #[test]
    fn s4_3_mandatory_fields_of_a_new_user() {
        let settings = Settings::new(&Ox::default()).unwrap();
        let fault = fill(json!({"firstname": "Anna"})).into_new(&settings).unwrap_err();
        assert_eq!(
            fault.message,
            "Mandatory attributes: display_name, sur_name, primary_email, email1."
        );
    }

    #[test]
    fn s5_3_2_sender_address() {
        let filled = fill(full());
        let sender = |current, former| filled.sender(current, former);
        let primary = "anna@example.org";
        assert_eq!(sender(None, primary), primary);
        assert_eq!(sender(Some(""), primary), primary);
        assert_eq!(sender(Some("b@example.org"), primary), "b@example.org", "the user's choice");
        assert_eq!(sender(Some("B@Example.org"), primary), "B@Example.org", "OX ignores the case");
        assert_eq!(sender(Some("gone@example.org"), primary), primary, "no longer an address");
        // 2.2.13: the former primary address became an alias, and was the sender.
        assert_eq!(sender(Some("b@example.org"), "b@example.org"), primary);
        assert_eq!(sender(Some(primary), primary), primary);
    }

    #[test]
    fn s5_3_2_without_primary_address_empty_texts_are_sent() {
        let user = fill(json!({})).user;
        assert_eq!(user.text(UserField::PrimaryEmail), Some(""));
        assert_eq!(user.text(UserField::ImapLogin), Some(""));
        assert_eq!(user.list(UserField::Aliases), [""; 0]);
    }
}
