//! The check of the files beside the queue: credentials, mapping, profiles, certificates.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use idspool_ox_soap::{Client, ContextId};
use idspool_provisioner::findings::Findings;
use idspool_service::Ox;

use super::snapshots::Used;
use super::{CERTIFICATES, CREDENTIALS, LARGEST, MAPPING, PROFILES, Source, topic};
use crate::credentials::{self, CredentialsFile};
use crate::mapping::{self, MappingFile};
use crate::profile::ProfileFile;

/// Files and folders of the connector that idspool has no use for.
const NOT_READ: [&str; 3] = ["listener/old.db", "listener/meta.db", "resources"];

/// The content of a file, or why it cannot be had.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    // A named pipe would hold us for ever, a device may have no end.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("{}: not a regular file", path.display()));
    }
    let file = fs::File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if length > LARGEST {
        return Err(format!("{}: larger than {LARGEST} bytes", path.display()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
    file.take(LARGEST).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Whether something else than a file is there.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

/// Where the credentials of a source are: where the configuration says, if it is about this folder.
fn credentials_of(source: &Path, config: &Ox) -> PathBuf {
    let is_configured = is_same(source, &config.data_dir);
    if is_configured { config.credentials_file() } else { source.join(CREDENTIALS) }
}

/// Whether two paths lead to one folder.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// Looks at all of them.
pub(super) fn check(source: &Source, config: &Ox, used: &Used, found: &mut Findings) {
    let data = &source.data;
    check_credentials(&credentials_of(data, config), config, used, found);
    check_mapping(data, found);
    check_profiles(data, used, found);
    let certificates = data.join(CERTIFICATES);
    if certificates.is_dir() {
        let built =
            Client::builder("https://localhost").ca_certificates(Some(certificates)).build();
        if let Err(error) = built {
            found.add(&topic::CERTIFICATES, error.to_string());
        }
    }
    for name in NOT_READ {
        if data.join(name).exists() {
            found.add(&topic::NOT_READ, name);
        }
    }
    if data.join("listener/meta.db").exists() {
        found.add(&topic::ERROR_STATE, "listener/meta.db");
    }
}

fn check_credentials(path: &Path, config: &Ox, used: &Used, found: &mut Findings) {
    let mut migrated: Vec<ContextId> = Vec::new();
    for name in path.parent().map(credentials::secret_files).unwrap_or_default() {
        match credentials::context_of_secret_file(&name) {
            Some(id) => {
                migrated.push(id);
                found.add(&topic::SECRET_FILES, name);
            }
            None => found.add(&topic::SECRET_FILES_ODD, name),
        }
    }
    if is_special(path) {
        return found.add(&topic::UNREADABLE, path.display().to_string());
    }
    let file = CredentialsFile::new(path.to_owned());
    // What cannot be used is told once, not once for each context.
    let mut problem = None;
    for (context, objects) in &used.contexts {
        match file.context(*context) {
            Ok(Some(_)) => {}
            Ok(None) if migrated.contains(context) => {}
            Ok(None) => found.add(
                &topic::CREDENTIALS_CONTEXT,
                format!("context {context} with {objects} objects"),
            ),
            Err(error) => problem = Some(error),
        }
    }
    match file.master() {
        Ok(Some(_)) => {}
        Ok(None) => {
            if !matches!(config.master_password(), Ok(Some(_))) {
                found.add(&topic::CREDENTIALS_MASTER, path.display().to_string());
            }
        }
        Err(error) => problem = Some(error),
    }
    if let Some(problem) = problem {
        found.add(&topic::CREDENTIALS, problem.to_string());
    }
}

fn check_mapping(data: &Path, found: &mut Findings) {
    let path = data.join(MAPPING);
    if !path.exists() {
        return;
    }
    let bytes = match read(&path) {
        Ok(bytes) => bytes,
        Err(problem) => return found.add(&topic::UNREADABLE, problem),
    };
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes) {
        return found.add(&topic::MAPPING_NOT_JSON, format!("{MAPPING}: {error}"));
    }
    let current: Result<_, mapping::MappingError> = MappingFile::new(path).current();
    if let Err(error) = current {
        found.add(&topic::MAPPING_INVALID, error.to_string());
    }
}

fn check_profiles(data: &Path, used: &Used, found: &mut Findings) {
    let path = data.join(PROFILES);
    if is_special(&path) {
        return found.add(&topic::UNREADABLE, path.display().to_string());
    }
    let profiles = match ProfileFile::new(path).current() {
        Ok(profiles) => profiles,
        Err(error) => return found.add(&topic::UNREADABLE, error.to_string()),
    };
    let with_users = |name: &str| match used.profiles.get(name) {
        Some(users) => format!("'{name}' with {users} users"),
        None => format!("'{name}'"),
    };
    let in_file = profiles.names().filter(|name| profiles.get(name).is_some_and(|f| f.is_empty()));
    let in_file: Vec<&str> = in_file.collect();
    for name in in_file {
        found.add(&topic::EMPTY_PROFILE, with_users(name));
    }
    for name in used.profiles.keys().filter(|name| profiles.get(name).is_none()) {
        // The connector loses an empty profile at the next write of the file.
        let is_lost = used.empty_profiles.contains(name);
        let topic = if is_lost { &topic::EMPTY_PROFILE } else { &topic::PROFILE_UNKNOWN };
        found.add(topic, with_users(name));
    }
}
