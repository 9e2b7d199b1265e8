//! Reading all files at once.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Authority, AuthorityName, Problem, SchoolMapping, Stamp, json, read};
use crate::Layout;

/// What the files say.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// All authorities, in the order of their names. One that cannot be used names its file and what is wrong.
    pub authorities: Vec<Result<Arc<Authority>, Problem>>,
    /// Which school belongs to which authority; empty without a file.
    pub mapping: Arc<SchoolMapping>,
    /// What is odd, yet can be lived with: a line each, without secrets.
    pub warnings: Vec<String>,
    /// Whether the files are still those that were read.
    pub stamp: Stamp,
}

impl Loaded {
    /// The authorities that can be served.
    pub fn usable(&self) -> impl Iterator<Item = &Arc<Authority>> {
        self.authorities.iter().filter_map(|authority| authority.as_ref().ok())
    }

    /// The authorities that cannot.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.authorities.iter().filter_map(|authority| authority.as_ref().err())
    }

    /// An authority that can be served, by its name.
    pub fn authority(&self, name: &AuthorityName) -> Option<&Arc<Authority>> {
        self.usable().find(|authority| authority.name == *name)
    }

    /// The names of all authorities, whether they can be served or not.
    pub fn names(&self) -> impl Iterator<Item = &AuthorityName> {
        self.authorities.iter().filter_map(|authority| match authority {
            Ok(authority) => Some(&authority.name),
            Err(problem) => problem.authority.as_ref(),
        })
    }
}

/// Reads all files. Without any there is no authority and no mapping.
///
/// # Errors
/// What concerns all authorities: the mapping cannot be used, or the folder of the authorities not be read. Taking
/// that for "there are none" would leave changes behind.
pub fn load(layout: &Layout) -> Result<Loaded, Problem> {
    let mut loaded = Loaded { stamp: Stamp::begin(), ..Loaded::default() };
    let folder = layout.authorities();
    loaded.stamp.note(&folder);
    for (name, path) in list(&folder, &mut loaded.warnings)? {
        loaded.stamp.note(&path);
        let problem =
            |reason| Problem { authority: Some(name.clone()), path: path.clone(), reason };
        let read = match json::read_object(&path) {
            // Removed since the folder was listed.
            Ok(None) => continue,
            Ok(Some(document)) => read::authority(&name, &document, &layout.conf),
            Err(reason) => Err(reason),
        };
        loaded.warnings.extend(open_access(&path));
        loaded.authorities.push(match read {
            Ok((authority, warnings)) => {
                let warn = |text| format!("school authority '{name}': {text} ({})", path.display());
                loaded.warnings.extend(warnings.into_iter().map(warn));
                note_certificates(&authority, &mut loaded.stamp);
                Ok(Arc::new(authority))
            }
            Err(reason) => Err(problem(reason)),
        });
    }
    let shared = shared_servers(&loaded);
    loaded.warnings.extend(shared);
    read_mapping(&layout.school_mapping(), &mut loaded)?;
    Ok(loaded)
}

/// Authorities that have one server. Each has a queue of its own, and no order holds between them.
fn shared_servers(loaded: &Loaded) -> Vec<String> {
    let mut by_server: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for authority in loaded.usable() {
        by_server.entry(authority.server()).or_default().push(format!("'{}'", authority.name));
    }
    let shared = by_server.into_iter().filter(|(_, names)| names.len() > 1);
    let line = |(server, names): (String, Vec<String>)| {
        format!(
            "the school authorities {} have one server, {server}: users who go from one to the other, or belong to \
             both, can get lost there; give all its schools to one school authority",
            names.join(", ")
        )
    };
    shared.map(line).collect()
}

fn read_mapping(path: &Path, loaded: &mut Loaded) -> Result<(), Problem> {
    loaded.stamp.note(path);
    let problem = |reason| Problem { authority: None, path: path.to_owned(), reason };
    let Some(document) = json::read_object(path).map_err(problem)? else { return Ok(()) };
    let (mapping, mut warnings) = SchoolMapping::read(&document).map_err(problem)?;
    for (school, name) in mapping.iter() {
        if !loaded.names().any(|known| known == name) {
            warnings.push(format!(
                "school '{school}' belongs to '{name}', which is no school authority"
            ));
        }
    }
    let place = |text| format!("{text} ({})", path.display());
    loaded.warnings.extend(warnings.into_iter().map(place));
    loaded.mapping = Arc::new(mapping);
    Ok(())
}

/// The files of a server's certificates may be renewed like any other setting.
fn note_certificates(authority: &Authority, stamp: &mut Stamp) {
    let context = &authority.ssl_context;
    let client = context.client.iter().flat_map(|client| [&client.certificate, &client.key]);
    context.ca_file.iter().chain(client).for_each(|path| stamp.note(path));
}

fn list(
    folder: &Path,
    warnings: &mut Vec<String>,
) -> Result<Vec<(AuthorityName, PathBuf)>, Problem> {
    let problem = |error: std::io::Error| Problem {
        authority: None,
        path: folder.to_owned(),
        reason: format!("it cannot be read: {error}"),
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(problem(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(problem)?.path();
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        // Locks and drafts, of ours and of editors.
        if file_name.starts_with('.') {
            continue;
        }
        let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json"));
        match name.map(str::parse::<AuthorityName>) {
            Some(Ok(name)) => files.push((name, path)),
            Some(Err(error)) => {
                warnings.push(format!("{}: {error}; the file is not read", path.display()));
            }
            None => {
                warnings.push(format!("{}: no *.json file, it is not read", path.display()));
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn open_access(path: &Path) -> Option<String> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        format!("{} holds a password and has mode {mode:04o}: chmod 600 it", path.display())
    })
}

#[cfg(test)]
mod tests;
