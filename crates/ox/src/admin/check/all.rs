//! All objects: a stream of pages from the directory, then the snapshots that it does not have, then what
//! is only in OX.
//!
//! Kept in memory is a number for each object, and the ids of those that differ.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use idspool_ox_soap::{ContextId, OxUserId};
use idspool_provisioner::Objects;
use idspool_udm::{ConvertedItem, Module};
use serde::Serialize;

use super::error::Error;
use super::finding::{Finding, Kind, Report};
use super::pair::Pair;
use super::resync::Resynced;
use super::{CheckSync, Source};
use crate::recipient::OxRecipient;

/// What is told meanwhile.
#[derive(Debug)]
pub enum Event {
    /// So many of about so many objects were looked at.
    Progress(u64, u64),
    /// One object is not as it should be; with what was done about it.
    Report(Box<Report>, Option<Resynced>),
}

/// What came out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Objects that were compared.
    pub compared: u64,
    /// Objects that differ.
    pub inconsistent: u64,
    /// Objects of which something waits.
    pub waiting: u64,
    /// Objects in contexts without credentials: they were not compared with OX.
    pub not_compared_with_ox: u64,
    /// Objects that were put into a queue again.
    pub requeued: u64,
    /// Findings of each kind.
    pub findings: BTreeMap<Kind, u64>,
}

/// Contexts before users, users before what lists them.
const ORDER: [Module; 6] = [
    Module::Context,
    Module::AccessProfile,
    Module::User,
    Module::Group,
    Module::FunctionalAccount,
    Module::Resource,
];
/// Objects compared together. With photos of 100 kB each they take some 50 MiB.
const TOGETHER: usize = 100;

type Tell<'t> = &'t mut dyn FnMut(Event) -> Result<(), Error>;

/// What the first look leaves behind.
#[derive(Default)]
struct FirstLook {
    hasher: RandomState,
    /// Hashes of the ids of objects that were looked at.
    seen: HashSet<u64>,
    suspects: BTreeMap<Module, Vec<String>>,
    done: u64,
    expected: u64,
}

/// An object in OX that belongs to no snapshot.
enum Stray {
    User(ContextId, OxUserId),
    Group(ContextId, String),
    Resource(ContextId, String),
}

impl CheckSync {
    /// Compares all objects. With `resync`, what differs is put into a queue again; deletions are not:
    /// a wrong filter or a missing right in the directory would look like many of them.
    ///
    /// # Errors
    /// One of the three sides cannot be asked, or `tell` fails.
    pub fn all(
        &mut self,
        source: &mut dyn Source,
        resync: bool,
        tell: Tell<'_>,
    ) -> Result<Summary, Error> {
        let expected = self.checker.objects.count()?;
        let mut first =
            FirstLook { expected: expected.try_into().unwrap_or(u64::MAX), ..FirstLook::default() };
        self.know_users()?;
        for module in ORDER {
            self.look_at_directory(module, source, &mut first, tell)?;
            self.look_at_the_rest(module, source, &mut first, tell)?;
        }
        let strays = self.strays()?;
        let mut summary = Summary { compared: first.done, ..Summary::default() };
        summary.not_compared_with_ox = self.checker.outside;
        // The second look: with everything as it is now. A resync of users can take their ids out of their
        // snapshots, so whatever lists them by id comes before.
        self.checker.remote.forget();
        self.checker.objects = Objects::view(&self.queue, OxRecipient::INDEXING)?;
        let users_last = ORDER.into_iter().filter(|module| *module != Module::User);
        for module in users_last.chain([Module::User]) {
            let ids = first.suspects.remove(&module).unwrap_or_default();
            for ids in ids.chunks(TOGETHER) {
                let reports = self.look_twice(module, ids, source)?;
                self.conclude(reports, resync, &mut summary, tell)?;
            }
        }
        let mut reports = self.look_twice_at_strays(strays, &first)?;
        reports.extend(self.checker.remote.troubles().into_iter().map(|(context, trouble)| {
            let mut report = Report::new("", Module::Context.as_str(), &format!("context {context}"));
            let found = Finding::of(Kind::Unusable).within(context).noting(format!(
                "not compared with OX: {trouble}; if the context is gone from OX, remove its entry from the \
                 credentials file"
            ));
            report.findings.push(found);
            report
        }));
        self.conclude(reports, false, &mut summary, tell)?;
        Ok(summary)
    }

    /// Users in OX that a snapshot has the id of.
    fn know_users(&mut self) -> Result<(), Error> {
        let known = &mut self.checker.known_users;
        self.checker.objects.each(|object| {
            let context = object.facts.scope.and_then(|scope| ContextId::try_from(scope).ok());
            let id = object.facts.remote_id.and_then(|id| OxUserId::try_from(id).ok());
            if object.module == Module::User.as_str() {
                known.extend(context.zip(id));
            }
            Ok(())
        })
    }

    fn look_at_directory(
        &mut self,
        module: Module,
        source: &mut dyn Source,
        first: &mut FirstLook,
        tell: Tell<'_>,
    ) -> Result<(), Error> {
        source.each(module, &mut |items| {
            let mut pairs = Vec::with_capacity(items.len());
            for item in items {
                let snapshot = match self.checker.snapshot(&item.id)? {
                    Ok(snapshot) => snapshot.filter(|found| found.module() == Some(module)),
                    // Told at the second look.
                    Err(_) => {
                        first.suspect(module, item.id);
                        continue;
                    }
                };
                pairs.extend(Pair::new(module, snapshot, Some(item)));
            }
            self.look(module, &pairs, first, tell)
        })
    }

    /// Snapshots of a kind that the directory did not have.
    fn look_at_the_rest(
        &mut self,
        module: Module,
        source: &mut dyn Source,
        first: &mut FirstLook,
        tell: Tell<'_>,
    ) -> Result<(), Error> {
        let mut rest = Vec::new();
        self.checker.objects.each(|object| {
            if object.module == module.as_str() && !first.has_seen(&object.id) {
                rest.push(object.id);
            }
            Ok::<(), Error>(())
        })?;
        for ids in rest.chunks(TOGETHER) {
            let pairs = self.pairs(module, ids, source)?.0;
            self.look(module, &pairs, first, tell)?;
        }
        Ok(())
    }

    fn look(
        &mut self,
        module: Module,
        pairs: &[Pair],
        first: &mut FirstLook,
        tell: Tell<'_>,
    ) -> Result<(), Error> {
        let reports = self.checker.compare(module, pairs)?;
        for report in reports {
            first.done += 1;
            first.seen.insert(first.hasher.hash_one(&report.id));
            if report.is_inconsistent() {
                first.suspect(module, report.id);
            }
        }
        tell(Event::Progress(first.done, first.expected.max(first.done)))
    }

    /// Objects as snapshots and directory have them now, and those whose snapshot is damaged.
    fn pairs(
        &self,
        module: Module,
        ids: &[String],
        source: &mut dyn Source,
    ) -> Result<(Vec<Pair>, Vec<Report>), Error> {
        let mut found: HashMap<String, ConvertedItem> = source
            .by_ids(ids)?
            .into_iter()
            .filter(|item| item.module() == Some(module))
            .map(|item| (item.id.to_lowercase(), item))
            .collect();
        let (mut pairs, mut damaged) = (Vec::with_capacity(ids.len()), Vec::new());
        for id in ids {
            let directory = found.remove(&id.to_lowercase());
            match self.checker.snapshot(id)? {
                Ok(snapshot) => {
                    let snapshot = snapshot.filter(|item| item.module() == Some(module));
                    pairs.extend(Pair::new(module, snapshot, directory));
                }
                Err(finding) => {
                    let dn = directory.map(|item| item.dn).unwrap_or_default();
                    let mut report = Report::new(id, module.as_str(), &dn);
                    report.findings.push(finding);
                    damaged.push(report);
                }
            }
        }
        Ok((pairs, damaged))
    }

    fn look_twice(
        &mut self,
        module: Module,
        ids: &[String],
        source: &mut dyn Source,
    ) -> Result<Vec<Report>, Error> {
        let (pairs, damaged) = self.pairs(module, ids, source)?;
        let mut reports = self.checker.compare(module, &pairs)?;
        reports.retain(Report::is_inconsistent);
        reports.extend(damaged);
        if !reports.is_empty() {
            // After the comparison, so that it tells what came while we looked.
            self.waiting.look_again()?;
        }
        let settle = |report: Report| {
            if self.waiting.has(&report.id) { report.into_waiting() } else { report }
        };
        Ok(reports.into_iter().map(settle).collect())
    }

    fn strays(&mut self) -> Result<Vec<Stray>, Error> {
        let mut strays = Vec::new();
        let checker = &mut self.checker;
        for context in checker.remote.contexts()? {
            for id in checker.remote.user_ids(context)? {
                if !checker.known_users.contains(&(context, *id)) {
                    strays.push(Stray::User(context, *id));
                }
            }
            for name in checker.remote.groups(context)?.keys() {
                if !checker.known_groups.contains(name) {
                    strays.push(Stray::Group(context, name.clone()));
                }
            }
            for name in checker.remote.resources(context)?.keys() {
                if !checker.known_resources.contains(&(context, name.clone())) {
                    strays.push(Stray::Resource(context, name.clone()));
                }
            }
        }
        Ok(strays)
    }

    /// Those that are still there, and still belong to no snapshot.
    fn look_twice_at_strays(
        &mut self,
        strays: Vec<Stray>,
        first: &FirstLook,
    ) -> Result<Vec<Report>, Error> {
        if strays.is_empty() {
            return Ok(Vec::new());
        }
        self.know_users()?;
        let mut new = Vec::new();
        self.checker.objects.each(|object| {
            if !first.has_seen(&object.id) {
                new.push(object.id);
            }
            Ok::<(), Error>(())
        })?;
        for id in new {
            self.checker.note_snapshot(&id)?;
        }
        let mut reports = Vec::new();
        let mut users: BTreeMap<ContextId, Vec<OxUserId>> = BTreeMap::new();
        let checker = &mut self.checker;
        for stray in strays {
            match stray {
                Stray::User(context, id) => {
                    let is_there = checker.remote.user_ids(context)?.binary_search(&id).is_ok();
                    if is_there && !checker.known_users.contains(&(context, id)) {
                        users.entry(context).or_default().push(id);
                    }
                }
                Stray::Group(context, name) => {
                    if !checker.known_groups.contains(&name)
                        && let Some(group) = checker.remote.groups(context)?.get(&name)
                    {
                        let name = group.name().unwrap_or(&name).to_owned();
                        reports.push(stray_report(Module::Group, &name, context));
                    }
                }
                Stray::Resource(context, name) => {
                    if !checker.known_resources.contains(&(context, name.clone()))
                        && let Some(found) = checker.remote.resources(context)?.get(&name)
                    {
                        let name = found.name().unwrap_or(&name).to_owned();
                        reports.push(stray_report(Module::Resource, &name, context));
                    }
                }
            }
        }
        for (context, ids) in users {
            for user in checker.remote.names(context, &ids)? {
                let report = stray_report(Module::User, &user.name, user.context);
                reports.push(report.noting(format!("id {}", user.id)));
            }
        }
        Ok(reports)
    }

    /// Puts what differs into a queue again, if that is wanted, and tells.
    fn conclude(
        &mut self,
        mut reports: Vec<Report>,
        resync: bool,
        summary: &mut Summary,
        tell: Tell<'_>,
    ) -> Result<(), Error> {
        reports.retain(|report| !report.findings.is_empty());
        let (wanted, others): (Vec<Report>, Vec<Report>) =
            reports.into_iter().partition(|report| {
                resync && report.is_inconsistent() && !report.is(Kind::NotInDirectory)
            });
        let done = self.enqueue_again(&wanted)?;
        let refused = others.into_iter().map(|report| {
            let done = (resync && report.is(Kind::NotInDirectory)).then(|| {
                Resynced::Refused("a deletion: --resync with --dn puts it into the queue".into())
            });
            (report, done)
        });
        let all = wanted.into_iter().zip(done.into_iter().map(Some)).chain(refused);
        for (report, done) in all {
            for finding in &report.findings {
                *summary.findings.entry(finding.kind).or_default() += 1;
            }
            summary.inconsistent += u64::from(report.is_inconsistent());
            summary.waiting += u64::from(!report.is_inconsistent());
            summary.requeued += u64::from(matches!(done, Some(Resynced::Enqueued(_))));
            tell(Event::Report(Box::new(report), done))?;
        }
        Ok(())
    }
}

impl FirstLook {
    fn has_seen(&self, id: &str) -> bool {
        self.seen.contains(&self.hasher.hash_one(id))
    }

    fn suspect(&mut self, module: Module, id: String) {
        self.seen.insert(self.hasher.hash_one(&id));
        self.suspects.entry(module).or_default().push(id);
    }
}

fn stray_report(module: Module, name: &str, context: ContextId) -> Report {
    let mut report = Report::new("", module.as_str(), name);
    report.findings.push(Finding::of(Kind::OnlyInOx).within(context));
    report
}
