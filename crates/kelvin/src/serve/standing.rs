//! Which configuration holds: what the files say, and what they said before where they cannot be used now.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{error, info, warn};

use crate::Layout;
use crate::conf::{Authority, AuthorityName, Loaded, Problem, SchoolMapping};

/// The configuration that holds, and what was said about it.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    loaded: Arc<Loaded>,
    /// The files could not be read the last time.
    is_doubtful: bool,
    /// Lines that were said and still hold; each is said once.
    said: BTreeSet<String>,
}

/// What the thread of an authority is to do. Another job means another thread.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Job {
    /// Deliver to its server.
    Serve {
        authority: Arc<Authority>,
        /// Those that belong to it.
        schools: BTreeSet<String>,
        /// How its certificates looked: they may be renewed under the same names.
        certificates: Vec<(PathBuf, Option<Look>)>,
    },
    /// Stand, because its file could not be used from the beginning.
    Stand(Problem),
}

/// Inode, size and time of a file.
type Look = (u64, u64, i64, i64);

impl Standing {
    /// What holds now. An authority that cannot be used is in it as it last could.
    pub(crate) fn loaded(&self) -> &Arc<Loaded> {
        &self.loaded
    }

    /// Whether the files are those that hold. If they could not be read, that cannot be known without reading them.
    pub(crate) fn is_current(&self) -> bool {
        !self.is_doubtful && self.loaded.stamp.is_current()
    }

    /// Whether the files could not be read the last time.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.is_doubtful
    }

    pub(crate) fn schools(&self) -> &Arc<SchoolMapping> {
        &self.loaded.mapping
    }

    /// Takes over what the files say, and tells in the log what is new.
    pub(crate) fn take_over(&mut self, read: Result<Loaded, Problem>, layout: &Layout) {
        let mut said = BTreeSet::new();
        self.is_doubtful = read.is_err();
        let mut loaded = match read {
            Ok(loaded) => loaded,
            Err(problem) => {
                // Nothing of it counts: with half a mapping users would be taken for gone.
                said.insert(format!("{problem}; what held before goes on"));
                self.say(said, |line| error!("{line}"));
                return;
            }
        };
        if loaded.mapping.iter().next().is_none()
            && self.loaded.mapping.iter().next().is_some()
            && !layout.school_mapping().exists()
        {
            said.insert(format!(
                "{} is gone; the mapping that held before goes on. To have none, write \
                 {{\"mapping\": {{}}}} into it",
                layout.school_mapping().display()
            ));
            loaded.mapping = Arc::clone(&self.loaded.mapping);
        }
        for entry in &mut loaded.authorities {
            let Err(problem) = entry else { continue };
            let before = problem.authority.as_ref().and_then(|name| self.loaded.authority(name));
            said.insert(match before {
                Some(_) => format!("{problem}; what held before goes on"),
                None => problem.to_string(),
            });
            if let Some(before) = before {
                *entry = Ok(Arc::clone(before));
            }
        }
        let warnings: BTreeSet<String> =
            loaded.warnings.iter().cloned().chain(abandoned(layout, &loaded)).collect();
        warnings.difference(&self.said).for_each(|line| warn!("{line}"));
        said.extend(warnings.iter().cloned());
        self.say(said, |line| {
            if !warnings.contains(line) {
                error!("{line}")
            }
        });
        self.tell_changes(&loaded);
        self.loaded = Arc::new(loaded);
    }

    /// Says the lines that were not said the last time.
    fn say(&mut self, lines: BTreeSet<String>, log: impl Fn(&String)) {
        lines.difference(&self.said).for_each(log);
        self.said = lines;
    }

    fn tell_changes(&self, loaded: &Loaded) {
        for authority in loaded.usable() {
            if self.loaded.authority(&authority.name) != Some(authority) {
                let activity = if authority.active { "active" } else { "deactivated" };
                info!(
                    "Loaded school authority configuration: '{}' ({activity}, {}, {}).",
                    authority.name,
                    authority.plugin.name(),
                    authority.url
                );
            }
        }
        for name in self.loaded.names().filter(|name| !loaded.names().any(|other| other == *name)) {
            info!("The configuration of school authority '{name}' was removed.");
        }
        let is_first = self.loaded.authorities.is_empty() && !loaded.authorities.is_empty();
        if is_first || self.loaded.mapping != loaded.mapping {
            info!(
                "Loaded school to school authority mapping: {} schools.",
                loaded.mapping.iter().count()
            );
        }
    }

    /// What is to be done for each authority that is not idle.
    pub(crate) fn jobs(&self) -> BTreeMap<AuthorityName, Job> {
        let mut jobs = BTreeMap::new();
        for entry in &self.loaded.authorities {
            match entry {
                Ok(authority) if authority.active => {
                    let schools = self.loaded.mapping.schools_of(&authority.name);
                    let job = Job::Serve {
                        authority: Arc::clone(authority),
                        schools: schools.into_iter().map(str::to_owned).collect(),
                        certificates: certificates(authority),
                    };
                    jobs.insert(authority.name.clone(), job);
                }
                Ok(_) => {}
                Err(problem) => {
                    if let Some(name) = &problem.authority {
                        jobs.insert(name.clone(), Job::Stand(problem.clone()));
                    }
                }
            }
        }
        jobs
    }
}

fn certificates(authority: &Authority) -> Vec<(PathBuf, Option<Look>)> {
    let context = &authority.ssl_context;
    let own = context.client.iter().flat_map(|own| [&own.certificate, &own.key]);
    let paths = context.ca_file.iter().chain(own);
    paths.map(|path| (path.clone(), look(path))).collect()
}

fn look(path: &Path) -> Option<Look> {
    let data = fs::metadata(path).ok()?;
    Some((data.ino(), data.len(), data.mtime(), data.mtime_nsec()))
}

/// The line about queues that belong to no authority, as the ID Connector has it (id-connector 1.4).
fn abandoned(layout: &Layout, loaded: &Loaded) -> Option<String> {
    let entries = fs::read_dir(layout.out_queues()).ok()?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok().filter(|entry| entry.path().is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| {
            !name.starts_with('.') && !loaded.names().any(|known| known.as_str() == name)
        })
        .collect();
    names.sort_unstable();
    let list: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    (!list.is_empty())
        .then(|| format!("Found abandoned out queue directories: [{}]", list.join(", ")))
}
