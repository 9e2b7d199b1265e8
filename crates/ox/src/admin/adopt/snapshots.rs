//! The check of `listener/old/`, file by file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use idspool_ox_soap::ContextId;
use idspool_provisioner::findings::Findings;
use idspool_udm::{ConvertedItem, Module, dn};
use serde_json::Value;

use super::clash::{Claims, Names as FileNames};
use super::name::Names;
use super::report::Counts;
use super::{AdoptError, Progress, SNAPSHOTS, topic};
use crate::Settings;
use crate::props::{OX_CONTEXT, OX_DB_GROUPNAME, OX_DB_USERNAME, Props};

/// More different names of profiles than any installation has; further ones are not compared.
const MOST_PROFILES: usize = 10_000;

/// What other checks need to know of the snapshots.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// Contexts of OX users, groups' members and resources, with the number of objects.
    pub(super) contexts: BTreeMap<ContextId, u64>,
    /// Access profiles that OX users name, with the number of users.
    pub(super) profiles: BTreeMap<String, u64>,
    /// Access profiles without any right, by their snapshots.
    pub(super) empty_profiles: BTreeSet<String>,
}

/// Reads every snapshot.
pub(super) fn check(
    data: &Path,
    settings: &Settings,
    counts: &mut Counts,
    found: &mut Findings,
    progress: &mut dyn Progress,
) -> Result<Used, AdoptError> {
    let folder = data.join(SNAPSHOTS);
    let mut check = Check {
        used: Used::default(),
        files: FileNames::default(),
        dns: Claims::default(),
        ids: Claims::default(),
        users: Names::new("OX_USER_IDENTIFIER", "users", &settings.user_identifier),
        groups: Names::new("OX_GROUP_IDENTIFIER", "groups", &settings.group_identifier),
        counts,
        found,
    };
    let mut is_empty = true;
    if folder.is_dir() {
        progress.begin("snapshots", count(&folder)?);
        for entry in list(&folder)? {
            let name = entry.map_err(AdoptError::file("list", &folder))?.file_name();
            let Some(name) = name.to_str() else { continue };
            if let Some(id) = name.strip_suffix(".json").filter(|id| !id.starts_with('.')) {
                is_empty = false;
                check.file(&folder.join(name), id);
                progress.step();
            } else if name.ends_with(".tmp") {
                check.found.add(&topic::TEMPORARY, name);
            }
        }
    }
    if is_empty {
        check.found.add(&topic::NO_SNAPSHOTS, folder.display().to_string());
    }
    Ok(check.finish())
}

/// Number of entries of a folder.
pub(super) fn count(folder: &Path) -> Result<u64, AdoptError> {
    Ok(list(folder)?.count() as u64)
}

pub(super) fn list(folder: &Path) -> Result<fs::ReadDir, AdoptError> {
    fs::read_dir(folder).map_err(AdoptError::file("list", folder))
}

struct Check<'a> {
    used: Used,
    files: FileNames,
    dns: Claims,
    ids: Claims,
    users: Names<'a>,
    groups: Names<'a>,
    counts: &'a mut Counts,
    found: &'a mut Findings,
}

impl Check<'_> {
    fn file(&mut self, path: &Path, id: &str) {
        let bytes = match super::files::read(path) {
            Ok(bytes) => bytes,
            Err(problem) => return self.found.add(&topic::UNREADABLE, problem),
        };
        let item = match ConvertedItem::parse(&bytes) {
            Ok(item) => item,
            Err(error) => {
                return self.found.add(&topic::SNAPSHOT_DAMAGED, format!("{id}.json: {error}"));
            }
        };
        if item.id != id {
            self.found.add(&topic::SNAPSHOT_NAME, format!("{id}.json holds {}", item.id));
            return;
        }
        let count = self.counts.types.entry(item.udm_object_type.clone()).or_default();
        count.snapshots += 1;
        let Some(object) = &item.object else {
            return self.found.add(&topic::SNAPSHOT_DELETED, format!("{id}.json: {}", item.dn));
        };
        let props = Props(object);
        let file = self.files.add(id);
        let key = dn::key(&item.dn);
        if !key.is_empty() {
            self.dns.add(&key, file);
        }
        if object.get(OX_CONTEXT).is_some_and(Value::is_string) {
            self.found.add(&topic::CONTEXT_TEXT, item.dn.clone());
        }
        let context = match props.context() {
            Ok(context) => context,
            Err(error) => {
                return self.found.add(&topic::CONTEXT_UNUSABLE, format!("{}: {error}", item.dn));
            }
        };
        match item.module() {
            Some(Module::User) => self.user(&item, props, context, file),
            Some(Module::Group) => self.group(&item, props),
            Some(Module::AccessProfile) => self.profile(&item, props),
            Some(Module::Resource) => {
                self.active(&item, false);
                if let Some(context) = context {
                    *self.used.contexts.entry(context).or_default() += 1;
                }
            }
            Some(Module::Context | Module::FunctionalAccount) => self.active(&item, false),
            Some(Module::Ou) | None => {
                let example = format!("{}: {}", item.udm_object_type, item.dn);
                self.found.add(&topic::UNHANDLED_TYPE, example);
            }
        }
    }

    fn active(&mut self, item: &ConvertedItem, has_id: bool) {
        if let Some(count) = self.counts.types.get_mut(&item.udm_object_type) {
            count.active += 1;
            count.with_id += u64::from(has_id);
        }
    }

    fn user(
        &mut self,
        item: &ConvertedItem,
        props: Props<'_>,
        context: Option<ContextId>,
        file: u32,
    ) {
        if !props.is_on("isOxUser") {
            return;
        }
        let id = match props.ox_db_id() {
            Ok(id) => id,
            Err(error) => {
                return self.found.add(&topic::CONTEXT_UNUSABLE, format!("{}: {error}", item.dn));
            }
        };
        self.active(item, id.is_some());
        let Some(context) = context else {
            return self.found.add(&topic::NO_CONTEXT, item.dn.clone());
        };
        *self.used.contexts.entry(context).or_default() += 1;
        match id {
            Some(id) => self.ids.add((i32::from(context), i32::from(id)), file),
            None => self.found.add(&topic::NO_ID, item.dn.clone()),
        }
        if let Some(profile) = props.text("oxAccess").map(str::trim) {
            let is_known = self.used.profiles.contains_key(profile);
            if is_known || self.used.profiles.len() < MOST_PROFILES {
                *self.used.profiles.entry(profile.to_owned()).or_default() += 1;
            }
        }
        if let Some(written) = props.text(OX_DB_USERNAME) {
            self.users.see(&item.id, props.0, written);
        }
    }

    fn group(&mut self, item: &ConvertedItem, props: Props<'_>) {
        if !props.is_on("isOxGroup") {
            return;
        }
        self.active(item, false);
        if let Some(written) = props.text(OX_DB_GROUPNAME) {
            self.groups.see(&item.id, props.0, written);
        }
    }

    fn profile(&mut self, item: &ConvertedItem, props: Props<'_>) {
        self.active(item, false);
        let mut flags = crate::profile::flag_names();
        if let Some(name) = props.text("name")
            && !flags.any(|flag| props.is_granted(&flag))
        {
            self.used.empty_profiles.insert(name.to_owned());
        }
    }

    fn finish(self) -> Used {
        for (claims, topic) in [(self.dns, &topic::DN_TWICE), (self.ids, &topic::ID_TWICE)] {
            for group in claims.shared() {
                let files: Vec<String> =
                    group.iter().map(|file| format!("{}.json", self.files.get(*file))).collect();
                self.found.add(topic, files.join(", "));
            }
        }
        self.users.report(self.found);
        self.groups.report(self.found);
        self.used
    }
}
