//! From an authority's file to an [`Authority`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use idspool_service::Secret;
use serde_json::{Map, Value};

use super::authority::{
    AttributeMapping, Authority, ClientCertificate, Mappings, Plugin, ROLES, SslContext,
};
use super::violation::{boolean, violations};
use super::{AuthorityName, url};

/// Reads the content of the file of authority `name`, and tells what is odd in it. Relative paths in it begin at
/// `folder`.
///
/// # Errors
/// Why the authority cannot be served, without secrets.
pub(crate) fn authority(
    name: &AuthorityName,
    document: &Map<String, Value>,
    folder: &Path,
) -> Result<(Authority, Vec<String>), String> {
    let violations = violations(document);
    if !violations.is_empty() {
        let texts: Vec<_> = violations.iter().map(ToString::to_string).collect();
        return Err(texts.join("; "));
    }
    let mut warnings = Vec::new();
    check_name(name, document)?;
    let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default();
    let url = text("url").to_owned();
    let parsed = url::parse(&url)
        .map_err(|problem| format!("Bad Kelvin URL in school authority '{name}': {problem}"))?;
    if parsed.is_plain {
        warnings.push("url: passwords travel in clear text: use https://".into());
    }
    let plugin = plugin(document)?;
    let place = format!("plugin_configs.{}", plugin.name());
    let config = document
        .get("plugin_configs")
        .and_then(|configs| configs.get(plugin.name()))
        .and_then(Value::as_object)
        .ok_or_else(|| format!("{place} is missing: it says how to reach the server"))?;
    let required = |key: &str| match config.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::String(_)) | None => Err(format!(
            "Missing '{key}' in Kelvin plugin configuration of school authority '{name}'"
        )),
        Some(_) => Err(format!("{place}.{key} must be a text")),
    };
    let (username, password) = (required("username")?, Secret::new(required("password")?));
    let sync_password_hashes = optional_boolean(config, &place, "sync_password_hashes")?;
    let mut reader = Reader { place, folder, warnings };
    let mappings = reader.mappings(config.get("mapping"))?;
    let ssl_context = reader.ssl_context(config.get("ssl_context"))?;
    let ignored_roles = reader.ignored_roles(config.get("school_classes_ignore_roles"), plugin)?;
    let authority = Authority {
        name: name.clone(),
        active: document.get("active").and_then(boolean).unwrap_or(false),
        url,
        plugin,
        username,
        password,
        mappings,
        sync_password_hashes: sync_password_hashes.unwrap_or(false),
        ssl_context,
        ignored_roles,
    };
    Ok((authority, reader.warnings))
}

fn check_name(name: &AuthorityName, document: &Map<String, Value>) -> Result<(), String> {
    let written = document.get("name").and_then(Value::as_str).unwrap_or_default();
    if written == name.as_str() {
        return Ok(());
    }
    let written: String = written.chars().take(80).collect();
    Err(format!(
        "its \"name\" is '{}', but file and queue are those of '{name}': correct one of them",
        idspool_service::one_line(&written)
    ))
}

fn plugin(document: &Map<String, Value>) -> Result<Plugin, String> {
    const KNOWN: &str = "expected [\"kelvin\"] or [\"kelvin-partial-group-sync\"]";
    let names = document.get("plugins").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let names: BTreeSet<&str> = names.iter().filter_map(Value::as_str).collect();
    let unknown: Vec<String> = names
        .iter()
        .filter(|name| Plugin::of(name).is_none())
        .map(|name| idspool_service::one_line(&name.chars().take(80).collect::<String>()))
        .collect();
    if !unknown.is_empty() {
        return Err(format!("plugins: there is no plugin '{}': {KNOWN}", unknown.join("', '")));
    }
    let mut plugins = names.into_iter().filter_map(Plugin::of);
    match (plugins.next(), plugins.next()) {
        (Some(plugin), None) => Ok(plugin),
        (None, _) => Err(format!("plugins: none is named: {KNOWN}")),
        (Some(_), Some(_)) => Err(format!("plugins: they exclude each other: {KNOWN}")),
    }
}

fn optional_boolean(
    config: &Map<String, Value>,
    place: &str,
    key: &str,
) -> Result<Option<bool>, String> {
    match config.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            boolean(value).map(Some).ok_or_else(|| format!("{place}.{key} must be true or false"))
        }
    }
}

struct Reader<'a> {
    /// Where in the file the plugin's configuration is.
    place: String,
    folder: &'a Path,
    warnings: Vec<String>,
}

impl Reader<'_> {
    fn mappings(&mut self, mapping: Option<&Value>) -> Result<Mappings, String> {
        let place = format!("{}.mapping", self.place);
        let mapping = match mapping {
            Some(Value::Object(mapping)) => mapping,
            None | Some(Value::Null) => {
                return Err(format!("{place} is missing: without it nothing can be sent"));
            }
            Some(_) => return Err(format!("{place} must be an object")),
        };
        let mut mappings = Mappings::default();
        for (key, value) in mapping {
            let role = key.strip_prefix("users_").filter(|role| ROLES.contains(role));
            if role.is_none() && !["users", "school_classes"].contains(&key.as_str()) {
                self.warn(&place, key, "is no mapping that is ever used");
                continue;
            }
            let one = attributes(value, &format!("{place}.{key}"))?;
            if one.is_empty() {
                self.warn(&place, key, "is empty and counts as absent");
            } else if let Some(role) = role {
                mappings.users_by_role.insert(role.to_owned(), one);
            } else if key == "users" {
                mappings.users = Some(one);
            } else {
                mappings.school_classes = Some(one);
            }
        }
        if mappings.users.is_none() && mappings.users_by_role.is_empty() {
            return Err(format!("{place}.users is missing: without it no user can be sent"));
        }
        Ok(mappings)
    }

    fn ssl_context(&mut self, context: Option<&Value>) -> Result<SslContext, String> {
        let place = format!("{}.ssl_context", self.place);
        let context = match context {
            Some(Value::Object(context)) => context,
            None | Some(Value::Null) => return Ok(SslContext::default()),
            Some(_) => return Err(format!("{place} must be an object")),
        };
        let known =
            ["check_hostname", "verify_mode", "ca_file", "client_certificate", "client_key"];
        for key in context.keys().filter(|key| !known.contains(&key.as_str())) {
            self.warn(&place, key, "is no setting that idspool has");
        }
        let check_hostname = optional_boolean(context, &place, "check_hostname")?.unwrap_or(true);
        let verify = match context.get("verify_mode") {
            None | Some(Value::Null) => true,
            Some(mode) => match mode.as_u64() {
                Some(0) => false,
                Some(1 | 2) => true,
                _ => {
                    return Err(format!("{place}.verify_mode must be 0 (none), 1 or 2 (required)"));
                }
            },
        };
        if !verify {
            self.warn(&place, "verify_mode", "lets anybody pass for the server");
        } else if !check_hostname {
            self.warn(
                &place,
                "check_hostname",
                "lets every server of a trusted CA pass for this one",
            );
        }
        let file = |key: &str| match context.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(path)) if !path.is_empty() => Ok(Some(self.folder.join(path))),
            Some(_) => Err(format!("{place}.{key} must be the path of a PEM file")),
        };
        let ca_file = file("ca_file")?;
        let client = client(file("client_certificate")?, file("client_key")?)
            .ok_or_else(|| format!("{place}: client_certificate and client_key belong together"))?;
        Ok(SslContext { check_hostname, verify, ca_file, client })
    }

    fn ignored_roles(
        &mut self,
        roles: Option<&Value>,
        plugin: Plugin,
    ) -> Result<BTreeSet<String>, String> {
        const KEY: &str = "school_classes_ignore_roles";
        let place = format!("{}.{KEY}", self.place);
        let wrong = || format!("{place} must be a list of roles: {}", ROLES.join(", "));
        let roles = match roles {
            Some(Value::Array(roles)) => roles,
            None | Some(Value::Null) => return Ok(BTreeSet::new()),
            Some(_) => return Err(wrong()),
        };
        if plugin == Plugin::Kelvin {
            let place = self.place.clone();
            self.warn(&place, KEY, "counts for kelvin-partial-group-sync only");
            return Ok(BTreeSet::new());
        }
        let role = |role: &Value| {
            role.as_str().filter(|role| ROLES.contains(role)).map(str::to_owned).ok_or_else(wrong)
        };
        roles.iter().map(role).collect()
    }

    fn warn(&mut self, place: &str, key: &str, what: &str) {
        let key: String = key.chars().take(80).collect();
        self.warnings.push(format!("{place}.{} {what}", idspool_service::one_line(&key)));
    }
}

/// Both or none.
fn client(certificate: Option<PathBuf>, key: Option<PathBuf>) -> Option<Option<ClientCertificate>> {
    match (certificate, key) {
        (None, None) => Some(None),
        (Some(certificate), Some(key)) => Some(Some(ClientCertificate { certificate, key })),
        _ => None,
    }
}

fn attributes(value: &Value, place: &str) -> Result<AttributeMapping, String> {
    let pairs = value.as_object().ok_or_else(|| format!("{place} must be an object"))?;
    let mut mapping = BTreeMap::new();
    for (source, target) in pairs {
        match target {
            Value::String(target) if !target.is_empty() && !source.is_empty() => {
                mapping.insert(source.clone(), target.clone());
            }
            _ => {
                let source: String = source.chars().take(80).collect();
                return Err(format!(
                    "{place}: the target of '{}' must be the name of an attribute",
                    idspool_service::one_line(&source)
                ));
            }
        }
    }
    Ok(mapping)
}
