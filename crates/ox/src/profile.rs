//! Access profiles: `ModuleAccessDefinitions.properties` (ox-provisioning 5.2).
//!
//! The file is a list of lines `name=flag,flag`, each followed by an empty line, behind two comment
//! lines. Nothing is escaped: a line is split at its *last* `=`, so names may hold almost anything.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use idspool_ox_soap::AccessFlag;
use idspool_spool::durable;
use tracing::warn;

use crate::small_file;
use crate::stamp::Cached;

/// Name of the file in the data directory.
pub(crate) const FILE: &str = "ModuleAccessDefinitions.properties";

const HEADER: &str = "# This file is written by idspool from the access profiles of the directory.\n\
                      # Changes by hand to a profile are lost when it changes there.\n\n";
/// The largest profile file that is read.
const LIMIT: u64 = 16 << 20;

/// The profile file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{action} access profiles {path}: {problem}", path = path.display())]
pub(crate) struct ProfileError {
    action: &'static str,
    path: PathBuf,
    problem: String,
}

/// All profiles, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Profiles(Vec<(String, BTreeSet<String>)>);

impl Profiles {
    /// Reads the text of a file. Lines that do not fit are ignored.
    pub(crate) fn parse(text: &str) -> Self {
        let mut profiles = Self::default();
        for line in text.lines() {
            let Some((name, flags)) = line.rsplit_once('=') else { continue };
            let name = name.trim();
            if name.is_empty() {
                continue;
            }
            let flags = flags.split(',').map(str::trim).filter(|flag| !flag.is_empty());
            profiles.set(name, flags.map(str::to_owned).collect());
        }
        profiles
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = HEADER.to_owned();
        for (name, flags) in &self.0 {
            text.push_str(name);
            text.push('=');
            for (index, flag) in flags.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(flag);
            }
            text.push_str("\n\n");
        }
        text
    }

    /// The flags of a profile; `None` when there is no such profile. An empty set is a valid profile.
    pub(crate) fn get(&self, name: &str) -> Option<&BTreeSet<String>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, flags)| flags)
    }

    /// The names of all profiles.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Replaces a profile in its place, or appends it.
    pub(crate) fn set(&mut self, name: &str, flags: BTreeSet<String>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = flags,
            None => self.0.push((name.to_owned(), flags)),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }
}

/// Names of all rights, as UDM and the file write them.
pub(crate) fn flag_names() -> impl Iterator<Item = String> {
    AccessFlag::named().map(|flag| flag.as_str().to_ascii_lowercase())
}

/// The profile file.
pub(crate) struct ProfileFile {
    path: PathBuf,
    current: Cached<Arc<Profiles>>,
    writing: Mutex<()>,
    /// Changes stay in memory.
    is_rehearsal: bool,
}

impl ProfileFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, current: Cached::new(), writing: Mutex::new(()), is_rehearsal: false }
    }

    /// The same file for a dry run: what is written counts in this process and stays in memory.
    pub(crate) fn rehearsing(path: PathBuf) -> Self {
        Self { is_rehearsal: true, ..Self::new(path) }
    }

    /// The profiles as the file says now; it is only read again when it changed. A missing file has
    /// no profiles.
    ///
    /// # Errors
    /// The file is there but cannot be read.
    pub(crate) fn current(&self) -> Result<Arc<Profiles>, ProfileError> {
        self.current.get(&self.path, || read(&self.path).map(Arc::new))
    }

    /// Changes the file: reads it, lets `change` work on it, writes it when something differs.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Profiles)) -> Result<(), ProfileError> {
        let _one_at_a_time = crate::lock(&self.writing);
        if self.is_rehearsal {
            let mut profiles = (*self.current()?).clone();
            change(&mut profiles);
            self.current.pin(Arc::new(profiles));
            return Ok(());
        }
        let before = read(&self.path)?;
        let mut profiles = before.clone();
        change(&mut profiles);
        if profiles != before || !self.path.exists() {
            let problem = |error: &dyn std::fmt::Display| ProfileError {
                action: "write",
                path: self.path.clone(),
                problem: error.to_string(),
            };
            // Not secret, and other programs may read it; but it decides rights, so only we write.
            durable::replace(&self.path, profiles.to_text().as_bytes(), 0o644)
                .map_err(|error| problem(&error))?;
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Profiles, ProfileError> {
    let problem = |problem: String| ProfileError { action: "read", path: path.to_owned(), problem };
    match small_file::read(path, LIMIT) {
        Ok(bytes) => Ok(Profiles::parse(&String::from_utf8_lossy(&bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            warn!("Could not read {}. Working with empty set...", path.display());
            Ok(Profiles::default())
        }
        // Users would silently keep their old rights: better to stop.
        Err(error) => Err(problem(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn flags(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn file() -> (tempfile::TempDir, ProfileFile) {
        let dir = tempfile::tempdir().unwrap();
        let file = ProfileFile::new(dir.path().join("ModuleAccessDefinitions.properties"));
        (dir, file)
    }

    #[test]
    fn s5_2_the_format_is_exact() {
        let (_dir, file) = file();
        file.update(|profiles| profiles.set("webmail", flags(&["webmail", "contacts", "own"])))
            .unwrap();
        file.update(|profiles| profiles.set("none", flags(&[]))).unwrap();
        let text = fs::read_to_string(&file.path).unwrap();
        let lines: Vec<_> = text.split('\n').collect();
        assert!(lines[0].starts_with('#') && lines[1].starts_with('#'));
        assert_eq!(lines[2..], ["", "webmail=contacts,own,webmail", "", "none=", "", ""]);
    }

    #[test]
    fn s5_2_flaw_an_empty_profile_is_a_profile() {
        let (_dir, file) = file();
        file.update(|profiles| profiles.set("none", flags(&[]))).unwrap();
        let again = ProfileFile::new(file.path.clone());
        assert_eq!(again.current().unwrap().get("none"), Some(&flags(&[])));
        again.update(|profiles| profiles.set("other", flags(&["tasks"]))).unwrap();
        assert_eq!(again.current().unwrap().get("none"), Some(&flags(&[])), "it survives a save");
    }

    #[test]
    fn s5_2_names_with_special_characters() {
        let text = "#comment without equals sign\n#name=tasks\n a=b =usm, tasks\n!$%&'*-./:?@[]^_`{|}~=ical\n=x\n";
        let profiles = Profiles::parse(text);
        assert_eq!(profiles.get("#name"), Some(&flags(&["tasks"])));
        assert_eq!(profiles.get("a=b"), Some(&flags(&["usm", "tasks"])));
        assert_eq!(profiles.get("!$%&'*-./:?@[]^_`{|}~"), Some(&flags(&["ical"])));
        assert_eq!(profiles.0.len(), 3);
    }

    #[test]
    fn s5_2_order_and_unknown_flags_are_kept() {
        let (_dir, file) = file();
        fs::write(&file.path, "b=own,tasks\n\na=usm\n\n").unwrap();
        file.update(|profiles| profiles.set("b", flags(&["x", "calendar"]))).unwrap();
        file.update(|profiles| profiles.set("c", flags(&["ical"]))).unwrap();
        let profiles = file.current().unwrap();
        let names: Vec<_> = profiles.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b", "a", "c"]);
        assert_eq!(profiles.get("a"), Some(&flags(&["usm"])));
        file.update(|profiles| profiles.remove("a")).unwrap();
        assert_eq!(file.current().unwrap().get("a"), None);
    }

    #[test]
    fn s5_2_a_changed_file_counts_at_once() {
        let (_dir, file) = file();
        assert_eq!(*file.current().unwrap(), Profiles::default());
        fs::write(&file.path, "a=usm\n").unwrap();
        assert!(file.current().unwrap().get("a").is_some());
    }

    #[test]
    fn s5_2_all_23_rights_have_a_name() {
        let names: BTreeSet<String> = flag_names().collect();
        assert_eq!(names.len(), 23);
        assert!(names.contains("globaladdressbookdisabled") && names.contains("webdavxml"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            profiles in proptest::collection::vec(
                ("[a-zA-Z0-9!#$%&'*./:?@^_`{|}~-][a-z =#]{0,8}[a-z#]", proptest::collection::btree_set("[a-z]{1,9}", 0..5)),
                0..6,
            )
        ) {
            let mut written = Profiles::default();
            for (name, flags) in profiles {
                written.set(&name, flags);
            }
            prop_assert_eq!(Profiles::parse(&written.to_text()), written);
        }
    }
}
