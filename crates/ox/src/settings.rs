//! The settings of the provisioner, checked once at start (ox-provisioning 10).

use std::path::PathBuf;

use idspool_ox_soap::ContextId;
use idspool_service::{ConfigError, Ox, Secret};

use crate::mail_server::{BadServer, MailServer};
use crate::template::{AccountLogin, BadTemplate, ImapLogin};

/// What decides how objects are provisioned.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data directory.
    pub data_dir: PathBuf,
    /// `contexts.json`.
    pub credentials_file: PathBuf,
    /// Login of the master administrator.
    pub master_admin: String,
    /// Password of the master administrator, to be written to `contexts.json` at start.
    pub master_password: Option<Secret>,
    /// IMAP server of users without a mail home server.
    pub imap_server: MailServer,
    /// SMTP server of users without a mail home server.
    pub smtp_server: MailServer,
    /// Context whose administrator is named `oxadmin`.
    pub default_context: ContextId,
    /// Language of new users.
    pub language: String,
    /// Time zone of new users and context administrators.
    pub timezone: String,
    /// Mail domain of context administrators.
    pub domain: String,
    /// How the IMAP login of a user is built.
    pub imap_login: ImapLogin,
    /// How the login at a functional account is built.
    pub account_login: AccountLogin,
    /// What becomes the OX login name.
    pub user_identifier: Identifier,
    /// What becomes the OX group name.
    pub group_identifier: Identifier,
    /// Whether deputy permissions are provisioned.
    pub deputy_permissions: bool,
}

/// What becomes the name of an object in OX (`OX_USER_IDENTIFIER`, `OX_GROUP_IDENTIFIER`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// The object's `id`.
    EntryUuid,
    /// The value of a UDM property.
    Property(String),
}

impl Identifier {
    fn parse(setting: Option<&String>, default: &str) -> Self {
        match setting.map(|name| name.trim()).filter(|name| !name.is_empty()) {
            None => Self::Property(default.to_owned()),
            Some("entryUUID") => Self::EntryUuid,
            Some(name) => Self::Property(name.to_owned()),
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The number of the default context.
    #[error("DEFAULT_CONTEXT is {found}, expected the number of a context")]
    Context {
        /// What was configured.
        found: i64,
    },
    /// The master administrator's password file.
    #[error(transparent)]
    Password(#[from] ConfigError),
    /// A mail server.
    #[error("{variable}: {source}")]
    Server {
        /// The environment variable of the setting.
        variable: &'static str,
        /// What is wrong with it.
        source: BadServer,
    },
    /// A login template.
    #[error("OX_IMAP_LOGIN: {0}")]
    Template(#[from] BadTemplate),
}

impl Settings {
    /// Checks the `[ox]` part of the configuration. An empty value counts as absent.
    ///
    /// # Errors
    /// A setting has a form that cannot be used.
    pub fn new(config: &Ox) -> Result<Self, SettingsError> {
        let server = |variable, url: &str| {
            url.parse().map_err(|source| SettingsError::Server { variable, source })
        };
        let template = |setting: &Option<String>| setting.clone().unwrap_or_default();
        Ok(Self {
            data_dir: config.data_dir.clone(),
            credentials_file: config.credentials_file(),
            master_admin: config.master_admin.clone(),
            master_password: config.master_password()?,
            imap_server: server("OX_IMAP_SERVER", &config.imap_server)?,
            smtp_server: server("OX_SMTP_SERVER", &config.smtp_server)?,
            default_context: ContextId::try_from(config.default_context)
                .map_err(|_| SettingsError::Context { found: config.default_context })?,
            language: config.language.clone(),
            timezone: config.local_timezone.clone(),
            domain: config.domainname.clone(),
            imap_login: ImapLogin::parse(&template(&config.imap_login))?,
            account_login: AccountLogin::parse(&template(
                &config.functional_account_login_template,
            )),
            user_identifier: Identifier::parse(config.user_identifier.as_ref(), "username"),
            group_identifier: Identifier::parse(config.group_identifier.as_ref(), "name"),
            deputy_permissions: config.enable_deputy_permissions,
        })
    }

    /// Login of a context's administrator (ox-provisioning 7.3).
    #[must_use]
    pub fn admin_name(&self, context: ContextId) -> String {
        if context == self.default_context {
            "oxadmin".to_owned()
        } else {
            format!("oxadmin-context{context}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s10_1_the_defaults_are_usable() {
        let settings = Settings::new(&Ox::default()).unwrap();
        assert_eq!(settings.default_context, ContextId::new(10));
        assert_eq!(settings.imap_login, ImapLogin::default());
        assert_eq!(settings.user_identifier, Identifier::Property("username".into()));
        assert_eq!(settings.group_identifier, Identifier::Property("name".into()));
    }

    #[test]
    fn s10_1_an_empty_value_counts_as_absent() {
        let settings = Settings::new(&Ox {
            imap_login: Some(String::new()),
            functional_account_login_template: Some(String::new()),
            user_identifier: Some(" ".into()),
            group_identifier: Some(String::new()),
            ..Ox::default()
        })
        .unwrap();
        assert_eq!(settings.imap_login, ImapLogin::default());
        assert_eq!(settings.account_login, AccountLogin::default());
        assert_eq!(settings.user_identifier, Identifier::Property("username".into()));
        assert_eq!(settings.group_identifier, Identifier::Property("name".into()));
    }

    #[test]
    fn unusable_settings_are_named() {
        let bad = |ox: Ox| Settings::new(&ox).unwrap_err().to_string();
        assert!(
            bad(Ox { imap_server: "mail".into(), ..Ox::default() }).starts_with("OX_IMAP_SERVER")
        );
        assert!(bad(Ox { smtp_server: "x".into(), ..Ox::default() }).starts_with("OX_SMTP_SERVER"));
        assert!(bad(Ox { default_context: -1, ..Ox::default() }).contains("DEFAULT_CONTEXT is -1"));
        assert!(
            bad(Ox { imap_login: Some("{".into()), ..Ox::default() }).contains("OX_IMAP_LOGIN")
        );
    }

    #[test]
    fn s7_3_admin_names() {
        let settings = Settings::new(&Ox::default()).unwrap();
        assert_eq!(settings.admin_name(ContextId::new(10)), "oxadmin");
        assert_eq!(settings.admin_name(ContextId::new(11)), "oxadmin-context11");
    }
}
