//! Putting what differs into a queue again, so that all sides end up equal.
//!
//! | what differs | what is enqueued |
//! |---|---|
//! | the directory from the snapshot | a listener item: the converter reads the directory's present state |
//! | only OX from the snapshot | a copy of the snapshot, marked so that OX is called in any case |
//! | the id of a user, or it is not in OX | such a copy without the id, before the listener item if there is one |
//!
//! A user's copy has no id of OX: it is looked up again by name. The id stays where the user can only be
//! found by it, because OX has it under another name.
//!
//! The id goes away in one step with the copy. While nobody works with the queue, its lock is held and the
//! id is taken out of the snapshot as well, as the OX Connector's script does. A running `idspool-ox`
//! may be replacing the snapshot at that very moment; so then the snapshot is left alone, and the copy
//! says with `"oxDbId": null` that the id is in doubt, which `idspool-ox` heeds.
//!
//! A copy carries an older state than whatever of the object is delivered meanwhile, or waits before it.
//! Such copies are taken back.

use std::path::PathBuf;

use idspool_spool::{Consumer, Replacements, Spool};
use idspool_udm::{ConvertedItem, EntryUuid, ListenerItem, Module};
use serde_json::{Map, Value};

use super::CheckSync;
use super::error::Error;
use super::finding::{Kind, Report};
use crate::props::{OX_DB_GROUPNAME, OX_DB_ID, OX_DB_USERNAME};
use crate::stamp::Stamp;

/// What became of an object that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resynced {
    /// It was put into a queue again, with this file.
    Enqueued(PathBuf),
    /// It was not, for this reason.
    Refused(String),
}

/// What is to be enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    /// A copy of the snapshot.
    copy: bool,
    /// Without the id of OX.
    forget_id: bool,
    /// A listener item.
    listener: bool,
}

/// A copy of a snapshot on its way into the queue.
struct Copy {
    /// Which report it is for.
    at: usize,
    item: ConvertedItem,
    /// The snapshot when it was read.
    stamp: Stamp,
    forget_id: bool,
}

/// Snapshots are as personal as the directory.
const MODE: u32 = 0o600;
/// The name under which the lock is held.
const PROGRAM: &str = "idspool ox check-sync";
const JUST_NOW: &str = "it was provisioned a moment ago: check it again";

impl CheckSync {
    /// Puts objects into a queue again, by what differs. The answers are in the order of the reports.
    ///
    /// # Errors
    /// A queue cannot be written, or a snapshot not be changed. Doing it again does no harm.
    pub fn resync(&mut self, reports: &[Report]) -> Result<Vec<Resynced>, Error> {
        self.waiting.look_again()?;
        self.enqueue_again(reports)
    }

    /// The same by what waited when this was looked at last.
    pub(super) fn enqueue_again(&mut self, reports: &[Report]) -> Result<Vec<Resynced>, Error> {
        let mut answers = Vec::with_capacity(reports.len());
        let (mut copies, mut listed) = (Vec::new(), Vec::new());
        for (at, report) in reports.iter().enumerate() {
            let plan = if self.waiting.has(&report.id) {
                Err("something of it waits already")
            } else {
                plan(report)
            };
            let refused = match plan {
                Err(reason) => Some(reason),
                Ok(plan) => {
                    let copied = !plan.copy || self.read_copy(at, plan, report, &mut copies)?;
                    let is_uuid = report.id.parse::<EntryUuid>().is_ok();
                    if plan.listener && is_uuid {
                        listed.push(at);
                    }
                    match (copied, plan.listener, is_uuid) {
                        (_, true, false) => Some("its id is no entryUUID"),
                        (false, false, _) => Some("its snapshot is gone"),
                        _ => None,
                    }
                }
            };
            answers.push(Resynced::Refused(refused.unwrap_or(JUST_NOW).to_owned()));
        }
        for (at, path) in self.enqueue_copies(copies)? {
            set(&mut answers, at, path);
        }
        for (at, path) in self.enqueue_listener_items(reports, listed)? {
            set(&mut answers, at, path);
        }
        Ok(answers)
    }

    /// `false`: there is no snapshot.
    fn read_copy(
        &self,
        at: usize,
        plan: Plan,
        report: &Report,
        copies: &mut Vec<Copy>,
    ) -> Result<bool, Error> {
        let stamp = self.stamp(&report.id)?;
        let Ok(Some(mut item)) = self.checker.snapshot(&report.id)? else { return Ok(false) };
        let forget_id = plan.forget_id && item.module() == Some(Module::User);
        item.resync = true;
        copies.push(Copy { at, item, stamp, forget_id });
        Ok(true)
    }

    /// Which reports have their copies in the queue, and where.
    fn enqueue_copies(&mut self, mut copies: Vec<Copy>) -> Result<Vec<(usize, PathBuf)>, Error> {
        if copies.is_empty() {
            return Ok(Vec::new());
        }
        let spool = Spool::create(&self.queue)?;
        let lock = lock(&spool)?;
        if lock.is_some() {
            self.forget_ids(&mut copies)?;
        } else {
            for copy in copies.iter_mut().filter(|copy| copy.forget_id) {
                if let Some(object) = &mut copy.item.object {
                    object.insert(OX_DB_ID.to_owned(), Value::Null);
                }
            }
        }
        let contents: Vec<Vec<u8>> = copies.iter().map(|copy| copy.item.to_queue_bytes()).collect();
        let names = spool.enqueue_group(&contents)?;
        drop(lock);
        self.waiting.look_again()?;
        let mut kept = Vec::with_capacity(copies.len());
        for (copy, name) in copies.iter().zip(names) {
            // One that cannot be taken back any more is done, or about to be.
            if !self.is_outdated(copy)? || !spool.remove(&name)? {
                kept.push((copy.at, spool.path_of(&name)));
            }
        }
        Ok(kept)
    }

    /// Whether something newer of the object came in the meantime.
    fn is_outdated(&self, copy: &Copy) -> Result<bool, Error> {
        let id = &copy.item.id;
        if self.waiting.count(id) > 1 {
            return Ok(true);
        }
        if self.stamp(id)? == copy.stamp {
            return Ok(false);
        }
        // Delivered since it was read; it may have been by this very copy.
        let now = self.checker.snapshot(id)?.ok().flatten();
        Ok(now.is_none_or(|now| state_of(&now) != state_of(&copy.item)))
    }

    /// Takes the ids of OX out of copies and snapshots. Nobody else works with the snapshots.
    fn forget_ids(&self, copies: &mut [Copy]) -> Result<(), Error> {
        let mut snapshots = Replacements::new(self.queue.join("old"));
        for copy in copies.iter_mut().filter(|copy| copy.forget_id) {
            let Some(object) = &mut copy.item.object else { continue };
            if object.remove(OX_DB_ID).is_some() {
                let name = format!("{}.json", copy.item.id);
                snapshots.add(&name, &copy.item.to_snapshot_bytes(), MODE)?;
            }
        }
        snapshots.commit()?;
        for copy in copies.iter_mut().filter(|copy| copy.forget_id) {
            copy.stamp = self.stamp(&copy.item.id)?;
        }
        Ok(())
    }

    fn enqueue_listener_items(
        &self,
        reports: &[Report],
        listed: Vec<usize>,
    ) -> Result<Vec<(usize, PathBuf)>, Error> {
        let items: Vec<(usize, Vec<u8>)> = listed
            .into_iter()
            .filter_map(|at| Some((at, listener_item(reports.get(at)?)?.to_bytes())))
            .collect();
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let spool = Spool::create(&self.listener)?;
        let contents: Vec<&[u8]> = items.iter().map(|(_, content)| content.as_slice()).collect();
        let names = spool.enqueue_group(&contents)?;
        let paths = names.iter().map(|name| spool.path_of(name));
        Ok(items.iter().map(|(at, _)| *at).zip(paths).collect())
    }

    fn stamp(&self, id: &str) -> Result<Stamp, Error> {
        Ok(Stamp::of(&self.checker.objects.path_of(id)?))
    }
}

/// What to enqueue for an object, or why nothing.
fn plan(report: &Report) -> Result<Plan, &'static str> {
    if report.is(Kind::InOtherContext) {
        return Err("the user is in another context: move or remove it there first");
    }
    if report.is(Kind::OnlyInOx) || report.id.is_empty() {
        return Err("neither the directory nor a snapshot knows it");
    }
    let remedy = report.remedy();
    let has = |test: &dyn Fn(&super::Row) -> bool| {
        report.findings.iter().filter_map(|finding| finding.row.as_ref()).any(test)
    };
    let is_id_in_doubt = report.is(Kind::NotInOx) || has(&|row| row.property == OX_DB_ID);
    // Under another name than the one that was written, it can only be found by its id.
    let is_found_by_id_alone = !is_id_in_doubt && has(&|row| row.ox_field == Some("name"));
    match (remedy.read_directory, remedy.send_again) {
        (true, _) => Ok(Plan { copy: is_id_in_doubt, forget_id: is_id_in_doubt, listener: true }),
        (false, true) => Ok(Plan { copy: true, forget_id: !is_found_by_id_alone, listener: false }),
        (false, false) => Err("nothing differs that provisioning could mend"),
    }
}

fn listener_item(report: &Report) -> Option<ListenerItem> {
    Some(ListenerItem {
        entry_uuid: report.id.parse().ok()?,
        dn: report.name.clone(),
        object_type: report.module.clone(),
        command: "modify".to_owned(),
        resync: true,
    })
}

/// What the directory said of an object, without what provisioning notes.
fn state_of(item: &ConvertedItem) -> Option<Map<String, Value>> {
    let mut object = item.object.clone()?;
    for noted in [OX_DB_ID, OX_DB_USERNAME, OX_DB_GROUPNAME] {
        object.remove(noted);
    }
    Some(object)
}

/// Keeps `idspool-ox` from starting for a moment; `None` when it runs.
fn lock(spool: &Spool) -> Result<Option<Consumer>, Error> {
    match spool.consumer(PROGRAM) {
        Ok(consumer) => Ok(Some(consumer)),
        Err(idspool_spool::Error::Locked { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn set(answers: &mut [Resynced], at: usize, path: PathBuf) {
    if let Some(answer) = answers.get_mut(at) {
        *answer = Resynced::Enqueued(path);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Mode;
    use super::super::finding::{Finding, Sides};
    use super::super::shown::{Same, Shown};
    use super::super::tests::{ANNA, Stage, user};
    use super::*;
    use crate::fake::Fake;

    #[test]
    fn a_copy_that_became_outdated_is_taken_back() {
        let stage = Stage::new(Fake::new().with_context(10));
        let anna = user(ANNA, "anna", json!({}));
        stage.snapshot(&anna);
        let mut check = stage.check(Mode::Single);
        let copy = |check: &CheckSync, item: &ConvertedItem| Copy {
            at: 0,
            item: item.clone(),
            stamp: check.stamp(ANNA).unwrap(),
            forget_id: false,
        };
        // A newer state was delivered after the copy was read.
        let outdated = copy(&check, &anna);
        stage.snapshot(&user(ANNA, "anna", json!({"title": "Dr."})));
        assert_eq!(check.enqueue_copies(vec![outdated]).unwrap(), []);
        assert_eq!(stage.queued().0.len(), 0);
        // The same state was: by the copy itself, it may be.
        let same = copy(&check, &anna);
        stage.snapshot(&user(ANNA, "anna", json!({"oxDbId": 4})));
        assert_eq!(check.enqueue_copies(vec![same]).unwrap().len(), 1);
        assert_eq!(stage.queued().0.len(), 1);
        // Another item waits already.
        let second = copy(&check, &anna);
        assert_eq!(check.enqueue_copies(vec![second]).unwrap(), []);
        assert_eq!(stage.queued().0.len(), 1, "the one that was there stays");
    }

    #[test]
    fn an_id_in_doubt_is_removed_with_the_copy_or_told_by_it() {
        let anna = user(ANNA, "anna", json!({}));
        for is_running in [false, true] {
            let stage = Stage::new(Fake::new().with_context(10));
            stage.snapshot(&anna);
            let mut check = stage.check(Mode::Single);
            let spool = Spool::create(stage.config.ox.queue()).unwrap();
            let running = is_running.then(|| spool.consumer("idspool-ox").unwrap());
            let stamp = check.stamp(ANNA).unwrap();
            let copy = Copy { at: 0, item: anna.clone(), stamp, forget_id: true };
            assert_eq!(check.enqueue_copies(vec![copy]).unwrap().len(), 1);
            drop(running);
            let text = std::fs::read(stage.snapshot_path(ANNA)).unwrap();
            let snapshot = ConvertedItem::parse(&text).unwrap().object.unwrap();
            let queued = &stage.queued().0[0]["object"];
            if is_running {
                assert_eq!(snapshot["oxDbId"], json!(3), "it is not ours to change");
                assert_eq!(queued.get("oxDbId"), Some(&Value::Null));
            } else {
                assert_eq!((snapshot.get("oxDbId"), queued.get("oxDbId")), (None, None));
            }
        }
    }

    fn report(findings: Vec<Finding>) -> Report {
        Report { findings, ..Report::new("u", "users/user", "uid=u") }
    }

    fn row(property: &str, field: &'static str, snapshot: &str, ox: &str, dir: Shown) -> Finding {
        let sides = Sides { snapshot: Shown::text(snapshot), ox: Shown::text(ox), directory: dir };
        Finding::difference(property, Some(field), sides, Same::Exactly).unwrap()
    }

    #[test]
    fn what_is_enqueued_follows_from_what_differs() {
        let in_ox = || row("phone", "telephone_business1", "1", "2", Shown::text("1"));
        let in_directory = || row("phone", "telephone_business1", "1", "1", Shown::text("2"));
        let id = || row(OX_DB_ID, "id", "1", "2", Shown::NotCompared);
        let name = || row("username", "name", "a", "b", Shown::text("a"));
        let all = |copy, forget_id, listener| Ok(Plan { copy, forget_id, listener });
        for (findings, expected) in [
            (vec![in_ox()], all(true, true, false)),
            (vec![in_directory()], all(false, false, true)),
            (vec![in_ox(), in_directory()], all(false, false, true)),
            (vec![id()], all(true, true, false)),
            (vec![id(), in_directory()], all(true, true, true)),
            (vec![name()], all(true, false, false)),
            (vec![name(), id()], all(true, true, false)),
            (vec![Finding::of(Kind::NotInOx)], all(true, true, false)),
            (vec![Finding::of(Kind::NeverProvisioned)], all(false, false, true)),
            (vec![Finding::of(Kind::NotInDirectory)], all(false, false, true)),
        ] {
            assert_eq!(plan(&report(findings.clone())), expected, "{findings:?}");
        }
        for kind in [Kind::InOtherContext, Kind::OnlyInOx] {
            assert!(plan(&report(vec![Finding::of(kind), in_ox()])).is_err(), "{kind:?}");
        }
        assert!(plan(&report(vec![Finding::of(Kind::Waiting)])).is_err());
    }
}
