//! The configuration: one TOML file, each key of it overridable by an environment variable.
//!
//! Every key has a default that works for a local trial. An empty text behaves like an absent key
//! (ox-provisioning 10.1). Unknown keys are refused: a misspelt key must not be a silent default.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs, io};

use serde::Deserialize;
use toml::{Table, Value};

use crate::Secret;
use keys::{KEYS, Key, Kind};

pub(crate) mod keys;
mod problem;

pub use problem::Problem;

/// Where the file is looked for when neither `--config` nor `$IDSPOOL_CONFIG` names one.
const SEARCHED: [&str; 2] = ["idspool.toml", "/etc/idspool/idspool.toml"];

/// The whole configuration. Each binary uses the tables that concern it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The LDAP server.
    pub directory: Directory,
    /// The listener's spool.
    pub listener: Listener,
    /// The converter.
    pub converter: Converter,
    /// OX App Suite.
    pub ox: Ox,
    /// UCS@school Kelvin servers.
    pub kelvin: Kelvin,
    /// The management API.
    pub api: Api,
    /// The file this came from; `None`: defaults and environment only.
    #[serde(skip)]
    pub source: Option<PathBuf>,
}

/// `[directory]`: how to reach the LDAP server.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Directory {
    /// `ldap://` or `ldaps://` URL.
    pub url: String,
    /// DN below which objects are looked up.
    pub base_dn: String,
    /// DN to bind as; `None`: anonymous.
    pub bind_dn: Option<String>,
    /// File that holds the bind password.
    pub bind_password_file: Option<PathBuf>,
    /// Whether an `ldap://` connection is switched to TLS before the bind.
    pub start_tls: bool,
    /// Folder of `*.pem` files that are trusted beside the system's certificates.
    pub ca_certificates: Option<PathBuf>,
    /// Seconds that one LDAP operation may take.
    pub timeout: u64,
    /// Objects looked up with one search.
    pub batch_size: usize,
    /// Where the groups of a user come from (udm-ldap 3.2).
    pub groups_from: GroupsFrom,
    /// Whether `country` is stored in `st` (udm-ldap 3.10).
    pub country_from_state: bool,
}

/// Where the groups of a user come from (udm-ldap 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupsFrom {
    /// The operational attribute `memberOf`: no extra search, but as stale as the overlay leaves it.
    #[default]
    MemberOf,
    /// A search for groups whose `uniqueMember` is the user: always right.
    Search,
}

/// `[listener]`: the spool of what has changed.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listener {
    /// The folder of listener files.
    pub spool: PathBuf,
    /// DNs below which the watcher follows entries, separated by `;`; empty: `directory.base_dn`.
    pub bases: String,
    /// Which entries the watcher follows.
    pub filter: String,
    /// Types that lead to items, separated by commas; empty: those that an enabled consumer wants.
    pub object_types: String,
    /// One of [`crate::logging::LEVELS`].
    pub log_level: String,
}

/// `[converter]`: the work between the listener's spool and the consumers'.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Converter {
    /// Listener files handled in one round at most.
    pub group_size: usize,
    /// One of [`crate::logging::LEVELS`].
    pub log_level: String,
}

/// `[ox]`: OX App Suite. Meanings and defaults: ox-provisioning 10.1.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ox {
    /// Whether OX App Suite is provisioned at all.
    pub enabled: bool,
    /// The data directory.
    pub data_dir: PathBuf,
    /// Scheme, host and optional port of the OX server.
    pub soap_server: String,
    /// IMAP URL of users without a mail home server.
    pub imap_server: String,
    /// SMTP URL of users without a mail home server.
    pub smtp_server: String,
    /// Context whose administrator is named `oxadmin`.
    pub default_context: i64,
    /// Language of new users.
    pub language: String,
    /// Time zone of new users and context administrators.
    pub local_timezone: String,
    /// Login of the master administrator.
    pub master_admin: String,
    /// File with the master administrator's password.
    pub master_password_file: Option<PathBuf>,
    /// The master administrator's password, only ever from `OX_MASTER_PASSWORD`.
    #[serde(skip)]
    pub master_password: Option<Secret>,
    /// Template of the IMAP login; `None`: the primary mail address.
    pub imap_login: Option<String>,
    /// Template of the login at a functional account; `None`: `{{fa_entry_uuid}}{{username}}`.
    pub functional_account_login_template: Option<String>,
    /// UDM property that becomes the OX login name; `None`: `username`.
    pub user_identifier: Option<String>,
    /// UDM property that becomes the OX group name; `None`: `name`.
    pub group_identifier: Option<String>,
    /// One of [`crate::logging::LEVELS`].
    #[serde(alias = "connector_log_level")]
    pub log_level: String,
    /// Whether deputy permissions are provisioned.
    pub enable_deputy_permissions: bool,
    /// Credentials of the contexts; `None`: `secrets/contexts.json` in the data directory.
    pub credentials_file: Option<PathBuf>,
    /// Mail domain of context administrators.
    pub domainname: String,
    /// Folder of `*.pem` files; `None`: `conf/ca-certificates` in the data directory.
    pub ca_certificates: Option<PathBuf>,
    /// PEM bundle added to the system's certificates.
    #[serde(alias = "requests_ca_bundle")]
    pub ca_bundle: Option<PathBuf>,
    /// Seconds until a connection must stand.
    pub connect_timeout: u64,
    /// Seconds that one SOAP call may take.
    pub call_timeout: u64,
}

/// `[kelvin]`: UCS@school Kelvin servers.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kelvin {
    /// Whether the converter writes this spool.
    pub enabled: bool,
    /// The data directory.
    pub data_dir: PathBuf,
    /// Folder of the authorities' files; `None`: `conf/` in the data directory, or beside it.
    pub conf_dir: Option<PathBuf>,
    /// One of [`crate::logging::LEVELS`].
    pub log_level: String,
    /// Source UID of users that have none (id-connector 3.3).
    pub source_uid: String,
    /// Container of classes (id-connector 4.1).
    pub class_container: String,
    /// Container of students' groups, which holds that of classes.
    pub pupils_container: String,
    /// Whether the converter adds password hashes to users, for authorities that take them.
    pub password_hashes: bool,
    /// Folder of `*.pem` files; `None`: `conf/ca-certificates` in the data directory.
    pub ca_certificates: Option<PathBuf>,
    /// PEM bundle added to the system's certificates.
    pub ca_bundle: Option<PathBuf>,
    /// Seconds until a connection must stand.
    pub connect_timeout: u64,
    /// Seconds that one request may take (kelvin-api 1: not less than 30).
    pub call_timeout: u64,
}

/// `[api]`: the management API.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Api {
    /// Address to listen on.
    pub listen: String,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            url: "ldap://127.0.0.1:389".into(),
            base_dn: "dc=example,dc=org".into(),
            bind_dn: None,
            bind_password_file: None,
            start_tls: false,
            ca_certificates: None,
            timeout: 30,
            // An OR filter is tested against each candidate term by term, so slapd's cost per entry
            // grows with the batch, while the cost per request shrinks: flat around this size.
            batch_size: 64,
            groups_from: GroupsFrom::MemberOf,
            country_from_state: false,
        }
    }
}

impl Default for Listener {
    fn default() -> Self {
        Self {
            spool: "spool/listener".into(),
            bases: String::new(),
            // A renamed container is only told if it is among what is followed.
            filter: "(objectClass=*)".into(),
            object_types: String::new(),
            log_level: "INFO".into(),
        }
    }
}

impl Default for Converter {
    fn default() -> Self {
        Self { group_size: 512, log_level: "INFO".into() }
    }
}

impl Default for Ox {
    fn default() -> Self {
        Self {
            enabled: true,
            data_dir: "spool/ox".into(),
            soap_server: "http://127.0.0.1".into(),
            imap_server: "imap://localhost:143".into(),
            smtp_server: "smtp://localhost:587".into(),
            default_context: 10,
            language: "de_DE".into(),
            local_timezone: "Europe/Berlin".into(),
            master_admin: "oxadminmaster".into(),
            master_password_file: None,
            master_password: None,
            imap_login: None,
            functional_account_login_template: None,
            user_identifier: None,
            group_identifier: None,
            log_level: "INFO".into(),
            enable_deputy_permissions: false,
            credentials_file: None,
            domainname: "localhost.localdomain".into(),
            ca_certificates: None,
            ca_bundle: None,
            connect_timeout: 10,
            call_timeout: 120,
        }
    }
}

impl Default for Kelvin {
    fn default() -> Self {
        Self {
            enabled: false,
            data_dir: "spool/kelvin".into(),
            conf_dir: None,
            log_level: "INFO".into(),
            source_uid: "TESTID".into(),
            class_container: "klassen".into(),
            pupils_container: "schueler".into(),
            password_hashes: true,
            ca_certificates: None,
            ca_bundle: None,
            connect_timeout: 10,
            call_timeout: 60,
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8911".into() }
    }
}

impl Config {
    /// Reads the configuration: `path`, else `$IDSPOOL_CONFIG`, else `./idspool.toml`, else
    /// `/etc/idspool/idspool.toml`, else the defaults; then the environment on top.
    ///
    /// # Errors
    /// A named file is missing or unreadable, the file is not TOML, a key is unknown, a value has the
    /// wrong type (also one from the environment).
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let named = path.map(Path::to_path_buf).or_else(|| {
            env::var_os("IDSPOOL_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from)
        });
        let source = match named {
            Some(path) => Some(path),
            None => SEARCHED.iter().map(PathBuf::from).find(|path| path.exists()),
        };
        let text = match &source {
            Some(path) => fs::read_to_string(path)
                .map_err(|cause| ConfigError::Read { path: path.clone(), cause })?,
            None => String::new(),
        };
        Self::parse(&text, source, |name| env::var(name).ok())
    }

    /// Builds the configuration from the text of a file and a source of environment variables.
    ///
    /// # Errors
    /// As for [`Config::load`].
    pub fn parse(
        text: &str,
        source: Option<PathBuf>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let invalid = |cause: toml::de::Error| ConfigError::Invalid {
            place: match &source {
                Some(path) => path.display().to_string(),
                None => "environment".into(),
            },
            reason: reason(text, &cause),
        };
        // Once by itself, so that a wrong type or key is reported with its line in the file.
        toml::from_str::<Self>(text).map_err(invalid)?;
        let mut table: Table = text.parse().map_err(invalid)?;
        // Absolute, because paths end up in log lines and state files that others read elsewhere.
        let folder = source.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let folder = std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.to_owned());
        for key in KEYS {
            resolve(&mut table, key, &folder);
            if let Some(value) = variable(key.variable).filter(|value| !value.is_empty()) {
                overlay(&mut table, key, &value)?;
            }
        }
        let mut config: Self = table.try_into().map_err(invalid)?;
        config.ox.master_password = variable("OX_MASTER_PASSWORD")
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
            .map(Secret::new);
        config.source = source;
        Ok(config)
    }
}

/// What is wrong, and where, without the excerpt that the parser's own message has.
fn reason(text: &str, cause: &toml::de::Error) -> String {
    let Some(before) = cause.span().and_then(|span| text.get(..span.start)) else {
        // From the environment: there is no excerpt, and the key is on a line of its own.
        return cause.to_string().trim_end().replace('\n', " ");
    };
    let line = before.matches('\n').count() + 1;
    let key = before.rsplit('\n').next().and_then(|start| start.split_once('='));
    let key = key.map_or_else(String::new, |(key, _)| format!(", {}", key.trim()));
    format!("line {line}{key}: {}", cause.message().trim_end())
}

/// Paths with a default, which belongs to the folder of the file as a written one does.
const DEFAULT_PATHS: [(&str, &str, &str); 3] = [
    ("listener", "spool", "spool/listener"),
    ("ox", "data_dir", "spool/ox"),
    ("kelvin", "data_dir", "spool/kelvin"),
];

/// Removes an empty text, and makes a path of the file relative to its folder.
fn resolve(table: &mut Table, key: &Key, folder: &Path) {
    let section = table.entry(key.section).or_insert_with(|| Value::Table(Table::new()));
    let Some(section) = section.as_table_mut() else { return };
    for (_, name, path) in DEFAULT_PATHS
        .iter()
        .filter(|(section, name, _)| (*section, *name) == (key.section, key.name))
    {
        section.entry(*name).or_insert_with(|| Value::String((*path).into()));
    }
    let Some(text) = section.get(key.name).and_then(Value::as_str) else { return };
    if text.is_empty() {
        section.remove(key.name);
    } else if key.kind == Kind::Path {
        let path = folder.join(text).to_string_lossy().into_owned();
        section.insert(key.name.into(), Value::String(path));
    }
}

fn overlay(table: &mut Table, key: &Key, text: &str) -> Result<(), ConfigError> {
    let wrong = |expected| ConfigError::Variable {
        variable: key.variable,
        value: text.to_owned(),
        expected,
    };
    let value = match key.kind {
        Kind::Text => Value::String(text.into()),
        Kind::Path => {
            let path = std::path::absolute(text).map_err(|_| wrong("a path"))?;
            Value::String(path.to_string_lossy().into_owned())
        }
        Kind::Integer => Value::Integer(text.trim().parse().map_err(|_| wrong("a number"))?),
        Kind::Boolean => Value::Boolean(match text.trim().to_ascii_lowercase().as_str() {
            "true" => true,
            // Deputy permissions are on for `true` and off for every other text
            // (ox-provisioning 10.1).
            _ if key.variable == "OX_ENABLE_DEPUTY_PERMISSIONS" => false,
            "yes" | "on" | "1" => true,
            "false" | "no" | "off" | "0" => false,
            _ => return Err(wrong("true or false")),
        }),
    };
    let section = table.entry(key.section).or_insert_with(|| Value::Table(Table::new()));
    if let Some(section) = section.as_table_mut() {
        section.insert(key.name.into(), value);
    }
    Ok(())
}

impl Directory {
    /// The bind password, without the line break that editors leave at its end.
    ///
    /// # Errors
    /// The file cannot be read, or there is a bind DN without a password file.
    pub fn bind_password(&self) -> Result<Option<Secret>, ConfigError> {
        match (&self.bind_dn, &self.bind_password_file) {
            (None, _) => Ok(None),
            (Some(_), Some(path)) => read_secret(path).map(Some),
            (Some(bind_dn), None) => Err(ConfigError::NoPassword { bind_dn: bind_dn.clone() }),
        }
    }

    /// Time that one LDAP operation may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

impl Ox {
    /// The queue: `listener/` in the data directory (ox-provisioning 1).
    pub fn queue(&self) -> PathBuf {
        self.data_dir.join("listener")
    }

    /// The credentials of the contexts.
    pub fn credentials_file(&self) -> PathBuf {
        self.credentials_file.clone().unwrap_or_else(|| self.data_dir.join("secrets/contexts.json"))
    }

    /// Folder of extra CA certificates.
    pub fn ca_certificates(&self) -> PathBuf {
        self.ca_certificates.clone().unwrap_or_else(|| self.data_dir.join("conf/ca-certificates"))
    }

    /// The master administrator's password: `OX_MASTER_PASSWORD`, else the content of the file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn master_password(&self) -> Result<Option<Secret>, ConfigError> {
        match (&self.master_password, &self.master_password_file) {
            (Some(password), _) => Ok(Some(password.clone())),
            (None, Some(path)) => {
                read_secret(path).map(|secret| Some(secret).filter(|s| !s.is_empty()))
            }
            (None, None) => Ok(None),
        }
    }
}

impl Kelvin {
    /// Folder of extra CA certificates.
    pub fn ca_certificates(&self) -> PathBuf {
        self.ca_certificates.clone().unwrap_or_else(|| self.data_dir.join("conf/ca-certificates"))
    }

    /// The in queue: `listener/` in the data directory.
    pub fn queue(&self) -> PathBuf {
        self.data_dir.join("listener")
    }
}

fn read_secret(path: &Path) -> Result<Secret, ConfigError> {
    let failed = |cause| ConfigError::Read { path: path.to_owned(), cause };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(LONGEST_SECRET + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > LONGEST_SECRET {
        return Err(failed(io::Error::other("too long for a password: correct the path")));
    }
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

/// A file with more bytes holds no password; it may even be endless.
const LONGEST_SECRET: u64 = 64 << 10;

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("failed to read {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why. Part of the message, so not its source: it would be printed twice.
        cause: io::Error,
    },
    /// The file is not TOML, has an unknown key, or a value of the wrong type.
    #[error("invalid configuration in {place}: {reason}")]
    Invalid {
        /// The file, or `environment`.
        place: String,
        /// Key, line and reason; not the line itself, since somebody may have written a password there.
        reason: String,
    },
    /// An environment variable has the wrong form.
    #[error("environment variable {variable} is '{value}': expected {expected}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// Its content.
        value: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A bind DN without a password.
    #[error(
        "directory.bind_dn is '{bind_dn}' but there is no password: write it into a file of mode 0600 \
         and name that file in directory.bind_password_file"
    )]
    NoPassword {
        /// The bind DN.
        bind_dn: String,
    },
}

#[cfg(test)]
mod tests;
