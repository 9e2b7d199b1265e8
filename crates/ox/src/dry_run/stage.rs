//! The real rules over an OX that is only played: for each item, what would come of it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use idspool_ox_soap::ContextId;
use idspool_provisioner::{Delivery, Fault, Key, Notices, Outcome, Recipient};
use idspool_udm::{ConvertedItem, ItemHead, Module, dn};
use serde_json::{Map, Value};
use tracing::dispatcher::{Dispatch, with_default};

use super::journal::{Call, Change};
use super::overlay::{Overlay, Subject};
use crate::core::Core;
use crate::credentials::CredentialsFile;
use crate::deputy::deputies;
use crate::group;
use crate::mapping::{self, MappingFile};
use crate::ox::Ox;
use crate::profile::{self, ProfileFile};
use crate::props::{OX_DB_GROUPNAME, Props};
use crate::recipient::OxRecipient;

use crate::settings::Settings;

/// What would come of one item.
#[derive(Debug, Default)]
pub(crate) struct Foreseen {
    pub(crate) calls: Vec<Call>,
    pub(crate) files: Vec<FileChange>,
    pub(crate) warnings: Vec<String>,
}

/// An entry of a file in the data directory that would change. No secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileChange {
    pub(crate) file: String,
    pub(crate) entry: String,
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
}

/// A recipient that changes nothing.
pub(crate) struct Stage {
    recipient: OxRecipient,
    overlay: Arc<Overlay>,
    credentials: Arc<CredentialsFile>,
    profiles: Arc<ProfileFile>,
    notices: Notices,
    foreseen: Mutex<Foreseen>,
}

impl Stage {
    /// Without `server`, what is noted counts as what OX has.
    ///
    /// # Errors
    /// Files in the data directory cannot be used.
    pub(crate) fn new(settings: Settings, server: Option<Box<dyn Ox>>) -> Result<Self, Fault> {
        let credentials = Arc::new(CredentialsFile::rehearsing(settings.credentials_file.clone()));
        let overlay = Arc::new(Overlay::new(
            server,
            Arc::clone(&credentials),
            settings.clone(),
            MappingFile::new(settings.data_dir.join(mapping::FILE)),
        ));
        let ox = Box::new(Arc::clone(&overlay));
        let core = Core::rehearsing(settings, Arc::clone(&credentials), ox)?;
        core.prepare_credentials()?;
        Ok(Self {
            profiles: Arc::clone(&core.profiles),
            recipient: OxRecipient::of(core),
            overlay,
            credentials,
            notices: Notices::default(),
            foreseen: Mutex::default(),
        })
    }

    /// Whether what is noted has to stand for what OX has.
    pub(crate) fn is_offline(&self) -> bool {
        self.overlay.is_offline()
    }

    /// What would come of the item that was last delivered.
    pub(crate) fn take(&self) -> Foreseen {
        std::mem::take(&mut crate::lock(&self.foreseen))
    }

    fn subject(&self, delivery: &Delivery<'_>) -> Subject {
        let group = delivery.previous.filter(|state| state.module() == Some(Module::Group));
        let group = group.filter(|_| self.overlay.is_offline());
        let members = group.map(|group| noted_members(delivery, group)).unwrap_or_default();
        Subject { previous: delivery.previous.cloned(), facts: delivery.facts.cloned(), members }
    }

    /// Names for the internal ids in the calls, as far as somebody knows them.
    fn name_users(&self, calls: &mut [Call], delivery: &Delivery<'_>) {
        let mut named: Option<HashMap<(i32, i32), String>> = None;
        for call in calls {
            let context = call.context;
            let mut name = |id: &i32| {
                if let Some(name) = self.overlay.name_of(ContextId::new(context), *id) {
                    return name;
                }
                let named = named.get_or_insert_with(|| {
                    let states = std::iter::once(delivery.item).chain(delivery.previous);
                    let users = states.flat_map(|state| users_of(delivery, state));
                    users.map(|(context, id, name)| ((context, id), name)).collect()
                });
                named.get(&(context, *id)).cloned().unwrap_or_else(|| format!("#{id}"))
            };
            for change in &mut call.changes {
                if let Change::Ids { field, added, removed } = change {
                    *change = Change::List {
                        field,
                        added: added.iter().map(&mut name).collect(),
                        removed: removed.iter().map(&mut name).collect(),
                    };
                }
            }
        }
    }

    fn entries(&self) -> Option<Arc<Map<String, Value>>> {
        self.credentials.entries().ok()
    }

    /// The entries of contexts that come, go, or get another login or password.
    fn changed_entries(
        &self,
        before: Option<&Arc<Map<String, Value>>>,
        files: &mut Vec<FileChange>,
    ) {
        let (Some(before), Some(after)) = (before, self.entries()) else { return };
        if Arc::ptr_eq(before, &after) {
            return;
        }
        let login = |entries: &Map<String, Value>, key: &str| {
            let entry = entries.get(key)?;
            Some(entry.get("adminuser").and_then(Value::as_str).unwrap_or_default().to_owned())
        };
        let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys.into_iter().filter(|&key| before.get(key) != after.get(key)) {
            files.push(FileChange {
                file: file_name(self.credentials.path()),
                entry: key.clone(),
                old: login(before, key),
                new: login(&after, key),
            });
        }
    }

    fn changed_profiles(&self, before: &HashMap<String, String>, files: &mut Vec<FileChange>) {
        for (name, old) in before {
            let new = self.flags(name);
            let old = Some(old).filter(|old| *old != ABSENT).cloned();
            if old != new {
                files.push(FileChange {
                    file: profile::FILE.to_owned(),
                    entry: name.clone(),
                    old,
                    new,
                });
            }
        }
    }

    /// The flags of the profiles that the item is about, as they are now.
    fn profiles_of(&self, delivery: &Delivery<'_>) -> HashMap<String, String> {
        if delivery.item.module() != Some(Module::AccessProfile) {
            return HashMap::new();
        }
        let states = std::iter::once(delivery.item).chain(delivery.previous);
        let names = states.filter_map(|state| Props(state.object.as_ref()?).text("name"));
        names
            .map(|name| (name.trim().to_owned(), self.flags(name).unwrap_or(ABSENT.to_owned())))
            .collect()
    }

    fn flags(&self, name: &str) -> Option<String> {
        // That the file is missing is said by the rules themselves.
        let profiles = with_default(&Dispatch::none(), || self.profiles.current().ok())?;
        let flags = profiles.get(name.trim())?;
        Some(flags.iter().map(String::as_str).collect::<Vec<_>>().join(","))
    }
}

/// What no list of flags looks like.
const ABSENT: &str = "\0";

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The members of a group by context, where it is in OX according to its last delivery.
fn noted_members(delivery: &Delivery<'_>, group: &ConvertedItem) -> HashMap<i32, Vec<i32>> {
    let mut members: HashMap<i32, Vec<i32>> = HashMap::new();
    for (context, id, _) in users_of(delivery, group) {
        members.entry(context).or_default().push(id);
    }
    let digest = delivery.facts.and_then(|facts| facts.digest.as_deref());
    match digest.and_then(group::noted_contexts) {
        Some(contexts) => {
            let contexts = contexts.into_iter().map(ContextId::value);
            contexts.map(|id| (id, members.remove(&id).unwrap_or_default())).collect()
        }
        // Delivered by an older program, which notes the name; or never.
        None if group.property(OX_DB_GROUPNAME).is_some() => members,
        None => HashMap::new(),
    }
}

/// The users that a state lists: context, internal id, and the name by their DN.
fn users_of(
    delivery: &Delivery<'_>,
    state: &ConvertedItem,
) -> impl Iterator<Item = (i32, i32, String)> {
    let props = state.object.as_ref().map(Props);
    let mut dns: Vec<String> = Vec::new();
    if let Some(props) = props {
        dns.extend(props.texts("users").map(str::to_owned));
        if state.module() == Some(Module::User) {
            dns.extend(deputies(props).map(str::to_owned));
        }
    }
    dns.into_iter().filter_map(|dn| {
        let known = delivery.objects.by_dn(&dn).ok().flatten()?;
        let context = i32::try_from(known.facts.scope?).ok()?;
        let id = i32::try_from(known.facts.remote_id?).ok()?;
        Some((context, id, dn::first_value(&dn).unwrap_or(dn)))
    })
}

impl Recipient for Stage {
    fn rank(&self, head: &ItemHead) -> Option<u8> {
        self.recipient.rank(head)
    }

    fn keys(&self, item: &ConvertedItem, previous: Option<&ConvertedItem>) -> Vec<Key> {
        self.recipient.keys(item, previous)
    }

    fn is_copy(&self, item: &ConvertedItem, path: &Path) -> bool {
        self.recipient.is_copy(item, path)
    }

    fn deliver(&self, delivery: &Delivery<'_>) -> Result<Outcome, Fault> {
        let (entries, profiles) = (self.entries(), self.profiles_of(delivery));
        self.overlay.begin(self.subject(delivery));
        let (outcome, mut warnings) = self.notices.of(|| self.recipient.deliver(delivery));
        let (mut calls, remarks) = self.overlay.take();
        warnings.extend(remarks);
        self.name_users(&mut calls, delivery);
        let mut files = Vec::new();
        self.changed_entries(entries.as_ref(), &mut files);
        self.changed_profiles(&profiles, &mut files);
        *crate::lock(&self.foreseen) = Foreseen { calls, files, warnings };
        outcome
    }
}
