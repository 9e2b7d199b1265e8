//! Checks that go beyond the form of single values, for `idspool config check`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::{fmt, fs};

use crate::{Config, logging};

/// Something in the configuration that will not work, or should not be left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Key in the form `section.name`.
    pub key: &'static str,
    /// What is wrong and how to mend it.
    pub message: String,
    /// Whether the programs cannot work like this (otherwise it is a warning).
    pub is_fatal: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_fatal { "error" } else { "warning" };
        write!(f, "{kind}: {}: {}", self.key, self.message)
    }
}

impl Config {
    /// What is wrong with this configuration, as far as it shows without a connection.
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Found(Vec::new());
        found.directory(self);
        found.ox(self);
        found.0
    }
}

struct Found(Vec<Problem>);

impl Found {
    fn fatal(&mut self, key: &'static str, message: impl Into<String>) {
        self.0.push(Problem { key, message: message.into(), is_fatal: true });
    }

    fn warning(&mut self, key: &'static str, message: impl Into<String>) {
        self.0.push(Problem { key, message: message.into(), is_fatal: false });
    }

    fn directory(&mut self, config: &Config) {
        let directory = &config.directory;
        let scheme = directory.url.split_once("://").map(|(scheme, _)| scheme);
        match scheme {
            Some("ldap") if !directory.start_tls && !is_local(&directory.url) => self.warning(
                "directory.start_tls",
                "passwords and personal data travel unencrypted: set start_tls = true or use ldaps://",
            ),
            Some("ldap") => {}
            Some("ldaps") if directory.start_tls => self.fatal(
                "directory.start_tls",
                "an ldaps:// connection is TLS already: remove start_tls or write ldap://",
            ),
            Some("ldaps") => {}
            _ => self.fatal(
                "directory.url",
                format!("'{}' is not of the form ldap://HOST[:PORT] or ldaps://HOST[:PORT]", directory.url),
            ),
        }
        if directory.timeout == 0 {
            self.fatal("directory.timeout", "must be at least 1 second");
        }
        if directory.batch_size == 0 {
            self.fatal("directory.batch_size", "must be at least 1");
        }
        if config.converter.group_size == 0 {
            self.fatal("converter.group_size", "must be at least 1");
        }
        self.level("converter.log_level", &config.converter.log_level);
        self.level("listener.log_level", &config.listener.log_level);
        if let Err(error) = directory.bind_password() {
            self.fatal("directory.bind_password_file", error.to_string());
        }
        if let Some(path) = &directory.bind_password_file {
            self.secret_mode("directory.bind_password_file", path);
        }
        if let Some(path) = &directory.ca_certificates {
            self.folder("directory.ca_certificates", path);
        }
    }

    fn ox(&mut self, config: &Config) {
        let ox = &config.ox;
        if !ox.enabled {
            return;
        }
        for (key, url, schemes) in [
            ("ox.soap_server", &ox.soap_server, ["http", "https"]),
            ("ox.imap_server", &ox.imap_server, ["imap", "imaps"]),
            ("ox.smtp_server", &ox.smtp_server, ["smtp", "smtps"]),
        ] {
            let scheme = url.split_once("://").map(|(scheme, _)| scheme);
            if !scheme.is_some_and(|scheme| schemes.contains(&scheme)) {
                let [plain, tls] = schemes;
                self.fatal(key, format!("'{url}' must start with {plain}:// or {tls}://"));
            }
        }
        if ox.soap_server.starts_with("http://") && !is_local(&ox.soap_server) {
            self.warning(
                "ox.soap_server",
                "administrator passwords travel unencrypted: use https://",
            );
        }
        self.level("ox.log_level", &ox.log_level);
        if let Err(error) = ox.master_password() {
            self.fatal("ox.master_password_file", error.to_string());
        }
        if let Some(path) = &ox.master_password_file {
            self.secret_mode("ox.master_password_file", path);
        }
        for (key, path) in
            [("ox.ca_certificates", &ox.ca_certificates), ("ox.ca_bundle", &ox.ca_bundle)]
        {
            if let Some(path) = path.as_deref().filter(|path| !path.exists()) {
                self.fatal(key, format!("{} does not exist", path.display()));
            }
        }
        let credentials = ox.credentials_file();
        if credentials.exists() {
            self.secret_mode("ox.credentials_file", &credentials);
        } else {
            self.warning(
                "ox.credentials_file",
                format!(
                    "{} does not exist yet: it is made at the first start if a master password is \
                     set, else write it by hand",
                    credentials.display()
                ),
            );
        }
        for (key, value) in
            [("ox.connect_timeout", ox.connect_timeout), ("ox.call_timeout", ox.call_timeout)]
        {
            if value == 0 {
                self.fatal(key, "must be at least 1 second");
            }
        }
    }

    fn level(&mut self, key: &'static str, level: &str) {
        if !logging::LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            self.fatal(key, format!("'{level}' is none of {}", logging::LEVELS.join(", ")));
        }
    }

    fn folder(&mut self, key: &'static str, path: &Path) {
        if !path.is_dir() {
            self.fatal(key, format!("{} is not a folder", path.display()));
        }
    }

    fn secret_mode(&mut self, key: &'static str, path: &Path) {
        let Ok(metadata) = fs::metadata(path) else { return };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            self.warning(
                key,
                format!(
                    "{} has mode {mode:04o}, others can read it: chmod 600 {0}",
                    path.display()
                ),
            );
        }
    }
}

fn is_local(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
}
