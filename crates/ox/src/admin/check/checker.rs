//! The comparison of objects of any kind.

use std::collections::{BTreeMap, HashMap, HashSet};

use idspool_ox_soap::{ContextId, OxUserId, User};
use idspool_provisioner::Objects;
use idspool_udm::{ConvertedItem, Module};
use serde_json::{Map, Value};

use super::error::Error;
use super::finding::{Finding, Kind, Report, Sides};
use super::pair::{Both, Pair};
use super::property;
use super::remote::Remote;
use super::shown::{Same, Shown};
use super::{account, group, plain, user};
use crate::halt::Halt;
use crate::mapping::MappingFile;
use crate::profile::ProfileFile;
use crate::props::Props;
use crate::rights::Rights;
use crate::settings::Settings;
use crate::user::Side;

/// Compares objects.
pub(crate) struct Checker {
    pub(crate) settings: Settings,
    pub(crate) mapping: MappingFile,
    pub(crate) profiles: ProfileFile,
    pub(crate) objects: Objects,
    pub(crate) remote: Remote,
    /// The context of a user whose snapshot has none.
    pub(crate) context: Option<ContextId>,
    /// Whether the rights of users are read, which costs a call for each.
    pub(crate) with_rights: bool,
    /// Users of OX that belong to a snapshot.
    pub(crate) known_users: HashSet<(ContextId, OxUserId)>,
    /// Names of groups in lower case that belong to a snapshot.
    pub(crate) known_groups: HashSet<String>,
    /// Names of resources in lower case, with their contexts, that belong to a snapshot.
    pub(crate) known_resources: HashSet<(ContextId, String)>,
    /// Objects in contexts without credentials: not compared with OX.
    pub(crate) outside: u64,
}

/// A user that is on in snapshot and directory.
struct UserWork<'p> {
    at: usize,
    both: Both<'p>,
    name: &'p str,
    cached: Option<OxUserId>,
}

impl Checker {
    /// What is found out about these objects of one kind, in their order.
    pub(crate) fn compare(&mut self, module: Module, pairs: &[Pair]) -> Result<Vec<Report>, Error> {
        let report = |pair: &Pair| Report::new(&pair.id, module.as_str(), &pair.dn);
        let mut reports: Vec<Report> = pairs.iter().map(report).collect();
        let mut users: BTreeMap<ContextId, Vec<UserWork<'_>>> = BTreeMap::new();
        for (at, (pair, report)) in pairs.iter().zip(&mut reports).enumerate() {
            let both = match (&pair.snapshot, &pair.directory) {
                (Some(snapshot), Some(directory)) => Both { id: &pair.id, snapshot, directory },
                (Some(snapshot), None) => {
                    self.note_known(module, &pair.id, snapshot);
                    if is_for_ox(module, snapshot) {
                        report.findings.push(Finding::of(Kind::NotInDirectory));
                    }
                    continue;
                }
                (None, Some(directory)) if is_for_ox(module, directory) => {
                    report.findings.push(Finding::of(Kind::NeverProvisioned));
                    continue;
                }
                (None, _) => continue,
            };
            self.note_known(module, &pair.id, both.snapshot);
            if let Some(flag) = flag_of(module) {
                let is_on = |side| Props(side).is_on(flag);
                if !is_on(both.snapshot) && !is_on(both.directory) {
                    continue;
                }
                if is_on(both.snapshot) != is_on(both.directory) {
                    report.findings.extend(compare_flag(module, flag, &both));
                    continue;
                }
            }
            report.findings = match module {
                Module::User => match self.sort_user(at, both)? {
                    Ok((context, work)) => {
                        users.entry(context).or_default().push(work);
                        continue;
                    }
                    Err(findings) => findings,
                },
                Module::Group => {
                    group::compare(&both, &self.settings, &self.objects, &mut self.remote)?
                }
                Module::FunctionalAccount => {
                    account::compare(&both, &self.settings, &self.objects, &mut self.remote)?
                }
                Module::Resource => plain::resource(&both, &mut self.remote)?,
                Module::Context => plain::context(&both, &self.remote)?,
                Module::AccessProfile => {
                    let profiles = self.profiles.current().map_err(Halt::from)?;
                    plain::access_profile(&both, &profiles)
                }
                Module::Ou => Vec::new(),
            };
        }
        for (context, works) in users {
            for (at, findings) in self.compare_users(context, &works)? {
                if let Some(report) = reports.get_mut(at) {
                    report.findings = findings;
                }
            }
        }
        for (pair, report) in pairs.iter().zip(&mut reports) {
            report.findings.extend(compare_dn(pair));
        }
        Ok(reports)
    }

    /// Remembers what in OX belongs to the snapshot of an object.
    pub(crate) fn note_snapshot(&mut self, id: &str) -> Result<(), Error> {
        if let Ok(Some(item)) = self.snapshot(id)?
            && let (Some(module), Some(object)) = (item.module(), &item.object)
        {
            self.note_known(module, id, object);
        }
        Ok(())
    }

    /// Remembers what in OX belongs to this snapshot.
    fn note_known(&mut self, module: Module, id: &str, snapshot: &Map<String, Value>) {
        let props = Props(snapshot);
        match module {
            Module::Group if props.is_on("isOxGroup") => {
                let name = group::written_name(props, id, &self.settings);
                self.known_groups.extend(name.ok().map(str::to_lowercase));
            }
            Module::Resource => {
                let (context, name) = (props.context().ok().flatten(), props.text("name"));
                let known = context.zip(name.map(str::to_lowercase));
                self.known_resources.extend(known);
            }
            Module::User => {
                let (context, user) = (props.context().ok().flatten(), props.ox_db_id());
                self.known_users.extend(context.zip(user.ok().flatten()));
            }
            _ => {}
        }
    }

    /// The context in which OX has to be asked for a user; or what there is to say without asking.
    fn sort_user<'p>(
        &mut self,
        at: usize,
        both: Both<'p>,
    ) -> Result<Result<(ContextId, UserWork<'p>), Vec<Finding>>, Error> {
        let identifier = &self.settings.user_identifier;
        let side = match Side::of_old(Props(both.snapshot), both.id, identifier) {
            Ok(side) => side,
            Err(problem) => return Ok(Err(vec![Finding::unusable("snapshot", problem)])),
        };
        let name = match side.name.required() {
            Ok(name) => name,
            Err(fault) => return Ok(Err(vec![Finding::unusable("snapshot", fault)])),
        };
        let mapping = self.mapping.current().map_err(Halt::from)?;
        let states = || user::compare_states(&both, &mapping);
        // Neither has one: provisioning leaves the user alone.
        let Some(context) = side.context.or(self.context) else { return Ok(Err(states())) };
        let Some(admin) = self.remote.admin(context)? else {
            let mut findings = states();
            findings.extend(self.unreachable(context));
            return Ok(Err(findings));
        };
        // The administrator of the context is never touched.
        if admin.login == name {
            return Ok(Err(Vec::new()));
        }
        Ok(Ok((context, UserWork { at, both, name, cached: side.cached })))
    }

    /// An object in a context that cannot be asked. Where all objects are compared, that is told once for
    /// the context.
    fn unreachable(&mut self, context: ContextId) -> Option<Finding> {
        self.outside += 1;
        let trouble = self.remote.trouble(context).filter(|_| self.remote.is_single())?;
        Some(Finding::of(Kind::Unusable).within(context).noting(trouble))
    }

    fn compare_users(
        &mut self,
        context: ContextId,
        works: &[UserWork<'_>],
    ) -> Result<Vec<(usize, Vec<Finding>)>, Error> {
        let ids: Vec<OxUserId> = works.iter().filter_map(|work| work.cached).collect();
        let found = self.remote.users(context, &ids)?;
        let by_id: HashMap<OxUserId, &User> =
            found.iter().filter_map(|user| Some((user.id()?, user))).collect();
        let mut all = Vec::with_capacity(works.len());
        for work in works {
            let cached = work.cached.and_then(|id| by_id.get(&id).copied());
            let named = match cached {
                Some(user) if user.name() == Some(work.name) => None,
                _ => self.remote.user_named(context, work.name)?,
            };
            // The name decides: an id can be that of another user by now.
            let findings = match named.as_ref().or(cached) {
                Some(user) => self.compare_user(context, work, user)?,
                None => vec![self.missing(context, work.name)?],
            };
            all.push((work.at, findings));
        }
        Ok(all)
    }

    fn compare_user(
        &mut self,
        context: ContextId,
        work: &UserWork<'_>,
        ox: &User,
    ) -> Result<Vec<Finding>, Error> {
        let Both { id, snapshot, directory } = work.both;
        self.known_users.extend(ox.id().map(|id| (context, id)));
        let mapping = self.mapping.current().map_err(Halt::from)?;
        let sides = user::UserSides { id, snapshot, ox, directory };
        let mut findings = user::compare(&sides, &self.settings, &mapping);
        let is_known =
            |found: &Finding| found.row.as_ref().is_some_and(|row| row.property == "oxAccess");
        if self.with_rights
            && !findings.iter().any(is_known)
            && let Some(id) = ox.id()
            && let Some(granted) = self.remote.rights(context, id)?
        {
            let profiles = self.profiles.current().map_err(Halt::from)?;
            let rights = |side| Rights::of(Props(side), &profiles);
            findings.extend(user::compare_rights(&rights(snapshot), granted, &rights(directory)));
        }
        Ok(findings)
    }

    fn missing(&self, context: ContextId, name: &str) -> Result<Finding, Error> {
        Ok(match self.remote.elsewhere(context, name)? {
            Some(contexts) if !contexts.is_empty() => {
                let contexts: Vec<String> = contexts.iter().map(ToString::to_string).collect();
                Finding::of(Kind::InOtherContext)
                    .within(context)
                    .noting(format!("found in context {}", contexts.join(", ")))
            }
            Some(_) => Finding::of(Kind::NotInOx).within(context),
            None => Finding::of(Kind::NotInOx)
                .within(context)
                .noting("there are too many contexts to look for it in all of them"),
        })
    }

    /// The snapshot of an object; one that is damaged is a finding.
    pub(crate) fn snapshot(
        &self,
        id: &str,
    ) -> Result<Result<Option<ConvertedItem>, Finding>, Error> {
        match self.objects.snapshot(id) {
            Ok(item) => Ok(Ok(item)),
            Err(
                damaged @ (idspool_provisioner::Error::Snapshot { .. }
                | idspool_provisioner::Error::BadId { .. }),
            ) => Ok(Err(Finding::of(Kind::Unusable).noting(damaged.to_string()))),
            Err(error) => Err(error.into()),
        }
    }
}

/// The flag that says whether OX is to have an object of this kind.
pub(crate) fn flag_of(module: Module) -> Option<&'static str> {
    match module {
        Module::User => Some("isOxUser"),
        Module::Group => Some("isOxGroup"),
        _ => None,
    }
}

pub(crate) fn is_for_ox(module: Module, object: &Map<String, Value>) -> bool {
    flag_of(module).is_none_or(|flag| Props(object).is_on(flag))
}

/// Others name an object by its DN, so a snapshot with a former one keeps it from being found.
fn compare_dn(pair: &Pair) -> Option<Finding> {
    let is_wanted = pair.directory.as_ref().is_some_and(|found| is_for_ox(pair.module, found));
    let former = pair.former_dn.as_deref().filter(|_| is_wanted)?;
    let sides = Sides {
        snapshot: Shown::text(former),
        ox: Shown::NotCompared,
        directory: Shown::text(pair.dn.as_str()),
    };
    Some(Finding::row("dn", None, sides, true))
}

/// OX is not asked: what becomes of the object there follows from the directory's flag.
fn compare_flag(module: Module, flag: &'static str, both: &Both<'_>) -> Option<Finding> {
    let sides = Sides {
        snapshot: property::shown(module, flag, both.snapshot.get(flag)),
        ox: Shown::NotCompared,
        directory: property::shown(module, flag, both.directory.get(flag)),
    };
    Finding::difference(flag, None, sides, Same::Exactly)
}
