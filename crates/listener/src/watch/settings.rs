//! What the configuration says about watching.

use std::path::PathBuf;
use std::time::Duration;

use idspool_directory::Settings;
use idspool_service::{Config, ConfigError};
use idspool_udm::Module;
use idspool_udm::dn::Dn;

use super::error::WatchError;

/// Bytes that the operating system takes from the server ahead of us.
const RECEIVE_BUFFER: usize = 256 << 10;

/// How long a server may be behind what we know before everything is compared anew.
const PATIENCE: Duration = Duration::from_secs(60);

/// The settings of a watcher.
#[derive(Debug, Clone)]
pub struct WatchSettings {
    /// The listener's spool; the index is in it, too.
    pub spool: PathBuf,
    /// The connection.
    pub directory: Settings,
    /// DNs below which entries are followed, none below another one.
    pub bases: Vec<String>,
    /// Which entries are followed.
    pub filter: String,
    /// Types that lead to items.
    pub wanted: Vec<Module>,
    /// How long a server may be behind what we know (a replica that lags, a backup that was restored)
    /// before everything is compared anew.
    pub patience: Duration,
}

impl WatchSettings {
    /// Reads them from the configuration.
    ///
    /// # Errors
    /// Something in it cannot be right.
    pub fn new(config: &Config) -> Result<Self, WatchError> {
        Ok(Self {
            spool: config.listener.spool.clone(),
            directory: connection(&config.directory)?,
            bases: bases(&config.listener.bases, &config.directory.base_dn)?,
            filter: config.listener.filter.clone(),
            wanted: wanted(config)?,
            patience: PATIENCE,
        })
    }
}

/// How to reach the server.
fn connection(config: &idspool_service::Directory) -> Result<Settings, ConfigError> {
    let mut settings = Settings::of_config(config)?;
    settings.receive_buffer = Some(RECEIVE_BUFFER);
    Ok(settings)
}

/// The types that lead to items: those that are named, else those that an enabled consumer wants.
fn wanted(config: &Config) -> Result<Vec<Module>, WatchError> {
    let named = config.listener.object_types.split(',').map(str::trim);
    let named: Vec<&str> = named.filter(|name| !name.is_empty()).collect();
    if named.is_empty() {
        let is_wanted = |module: &Module| {
            (config.ox.enabled && module.is_for_ox())
                || (config.kelvin.enabled && module.is_for_kelvin())
        };
        return Ok(Module::ALL.into_iter().filter(is_wanted).collect());
    }
    let parse = |name: &str| {
        name.parse().map_err(|_| WatchError::Setting {
            key: "listener.object_types",
            value: name.to_owned(),
            problem: format!("give some of {}", Module::ALL.map(Module::as_str).join(", ")),
        })
    };
    named.into_iter().map(parse).collect()
}

fn bases(listed: &str, base_dn: &str) -> Result<Vec<String>, WatchError> {
    const KEY: &str = "listener.bases";
    WatchError::no_dn("directory.base_dn", base_dn)?;
    let wrong = |value: &str, problem: String| WatchError::Setting {
        key: KEY,
        value: value.to_owned(),
        problem,
    };
    let listed = split(listed);
    if listed.is_empty() {
        return Ok(vec![base_dn.to_owned()]);
    }
    let parse = |text: &str| {
        Dn::parse(text).map_err(|error| {
            wrong(text, format!("it is no distinguished name ({error}); separate several by ';'"))
        })
    };
    let whole = parse(base_dn)?;
    let mut known: Vec<Dn> = Vec::new();
    for text in &listed {
        let dn = parse(text)?;
        if dn.normalized() != whole.normalized() && !dn.is_below(&whole) {
            return Err(wrong(
                text,
                format!(
                    "it is not below directory.base_dn '{base_dn}', where the converter looks entries up"
                ),
            ));
        }
        for other in &known {
            let is_same = dn.normalized() == other.normalized();
            if is_same || dn.is_below(other) || other.is_below(&dn) {
                let problem = format!("it overlaps with '{other}'; name the upper one alone");
                return Err(wrong(text, problem));
            }
        }
        known.push(dn);
    }
    Ok(listed)
}

/// Splits at semicolons, which a DN has only escaped.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_escaped = false;
    for character in text.chars() {
        if character == ';' && !is_escaped {
            parts.push(String::new());
            continue;
        }
        is_escaped = character == '\\' && !is_escaped;
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    let trimmed = parts.iter().map(|part| part.trim().to_owned());
    trimmed.filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        let base = "[directory]\nbase_dn = 'dc=x'\n";
        Config::parse(&format!("{base}{text}"), None, |_| None).unwrap()
    }

    #[test]
    fn the_base_of_the_directory_is_followed_unless_others_are_named() {
        let settings = WatchSettings::new(&config("")).unwrap();
        assert_eq!(
            (settings.bases.as_slice(), settings.filter.as_str()),
            (&["dc=x".to_owned()][..], "(objectClass=*)")
        );
        let settings =
            WatchSettings::new(&config("[listener]\nbases = 'ou=a\\;b,dc=x; ou=c,dc=x'")).unwrap();
        assert_eq!(settings.bases, ["ou=a\\;b,dc=x", "ou=c,dc=x"]);
    }

    #[test]
    fn bases_that_cannot_work_are_refused_with_the_reason() {
        for (bases, reason) in [
            ("ou=a,dc=y", "not below directory.base_dn"),
            ("nonsense", "no distinguished name"),
            ("ou=a,dc=x;ou=b,ou=a,dc=x", "overlaps"),
            ("ou=b,ou=a,dc=x;OU=A,dc=x", "overlaps"),
            ("ou=a,dc=x;OU=A,DC=X", "overlaps"),
        ] {
            let config = config(&format!("[listener]\nbases = '{bases}'"));
            let error = WatchSettings::new(&config).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            assert_eq!(error.exit(), idspool_service::Exit::Usage);
        }
    }

    #[test]
    fn the_types_of_the_enabled_consumers_are_wanted() {
        let ox = WatchSettings::new(&config("")).unwrap().wanted;
        assert!(ox.contains(&Module::Resource) && !ox.contains(&Module::Ou));
        let both = WatchSettings::new(&config("[kelvin]\nenabled = true")).unwrap().wanted;
        assert_eq!(both.len(), Module::ALL.len());
        let named = config("[listener]\nobject_types = 'groups/group, users/user'");
        assert_eq!(WatchSettings::new(&named).unwrap().wanted, [Module::Group, Module::User]);
        let error = WatchSettings::new(&config("[listener]\nobject_types = 'users/users'"));
        assert!(error.unwrap_err().to_string().contains("users/users"));
    }
}
