//! One object by its DN.

use idspool_ox_soap::ContextId;
use idspool_udm::{ConvertedItem, Module};

use super::checker::flag_of;
use super::error::Error;
use super::finding::Report;
use super::pair::Pair;
use super::{CheckSync, Source};
use crate::props::Props;
use crate::user::Side;

/// What was found out about one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Single {
    /// Its module; `None`: nobody knows the object.
    pub module: Option<Module>,
    /// Whether the directory has it.
    pub is_in_directory: bool,
    /// Whether it was ever provisioned.
    pub has_snapshot: bool,
    /// Whether directory and snapshot agree that OX is not to have it.
    pub is_off: bool,
    /// Whether it is a user of whom nobody knows the context.
    pub lacks_context: bool,
    /// For a user that was never provisioned: whether OX has one of that name.
    pub is_in_ox: Option<bool>,
    /// Whether something of it waits in a queue.
    pub is_waiting: bool,
    /// What differs.
    pub report: Report,
}

impl CheckSync {
    /// Compares the object with this DN, in whatever spelling. `module` says what it is where nobody
    /// else does.
    ///
    /// # Errors
    /// One of the three sides cannot be asked.
    pub fn single(
        &mut self,
        source: &mut dyn Source,
        dn: &str,
        module: Option<Module>,
    ) -> Result<Single, Error> {
        let mut directory = source.by_dn(dn)?;
        // The directory's id wins: the object may have been renamed since its last delivery.
        let id = match &directory {
            Some(item) => Some(item.id.clone()),
            None => self.id_of(dn)?,
        };
        let mut report = Report::new(id.as_deref().unwrap_or_default(), "", dn);
        let snapshot = match &id {
            None => None,
            Some(id) => self.checker.snapshot(id)?.unwrap_or_else(|finding| {
                report.findings.push(finding);
                None
            }),
        };
        if directory.is_none() {
            // Renamed in the directory since.
            let ids: Vec<String> = id.iter().cloned().collect();
            directory = source.by_ids(&ids)?.pop();
        }
        let found = directory.as_ref().or(snapshot.as_ref()).and_then(ConvertedItem::module);
        let directory = directory.filter(|_| module.is_none_or(|module| found == Some(module)));
        let known = found.or(module);
        let mut single = Single {
            module: known,
            is_in_directory: directory.is_some(),
            has_snapshot: snapshot.is_some(),
            is_off: false,
            lacks_context: false,
            is_in_ox: None,
            is_waiting: id.as_deref().is_some_and(|id| self.waiting.has(id)),
            report,
        };
        let Some(module) = known else { return Ok(single) };
        single.report.module = module.as_str().to_owned();
        let Some(pair) = Pair::new(module, snapshot, directory) else { return Ok(single) };
        single.describe(&pair, self.checker.context);
        if !single.has_snapshot && single.report.findings.is_empty() {
            single.is_in_ox = self.look_for_new(&pair)?;
        }
        if let Some(report) = self.checker.compare(module, &[pair])?.pop() {
            single.report.findings.extend(report.findings);
        }
        Ok(single)
    }

    /// The object that had this DN when it was delivered last.
    fn id_of(&self, dn: &str) -> Result<Option<String>, Error> {
        match self.checker.objects.by_dn(dn) {
            Ok(known) => Ok(known.map(|known| known.id)),
            Err(idspool_provisioner::Error::SnapshotMissing { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether OX has a user of that name already.
    fn look_for_new(&self, pair: &Pair) -> Result<Option<bool>, Error> {
        let (Module::User, Some(object)) = (pair.module, &pair.directory) else { return Ok(None) };
        let identifier = &self.checker.settings.user_identifier;
        let Ok(side) = Side::of_new(Props(object), &pair.id, identifier) else { return Ok(None) };
        let (Some(context), Ok(name)) =
            (side.context.or(self.checker.context), side.name.required())
        else {
            return Ok(None);
        };
        if self.checker.remote.admin(context)?.is_none() {
            return Ok(None);
        }
        Ok(Some(self.checker.remote.user_named(context, name)?.is_some()))
    }
}

impl Single {
    fn describe(&mut self, pair: &Pair, given: Option<ContextId>) {
        let sides = || [&pair.snapshot, &pair.directory].into_iter().flatten();
        if let Some(flag) = flag_of(pair.module) {
            self.is_off = sides().all(|side| !Props(side).is_on(flag));
        }
        let has_context = |side| !matches!(Props(side).context(), Ok(None));
        self.lacks_context = pair.module == Module::User
            && !self.is_off
            && given.is_none()
            && !sides().any(has_context);
    }
}
