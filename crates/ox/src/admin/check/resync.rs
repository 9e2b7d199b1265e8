//! Putting what differs into a queue again, so that all sides end up equal.
//!
//! | what differs | what is enqueued |
//! |---|---|
//! | the directory from the snapshot | a listener item: the converter reads the directory's present state |
//! | only OX from the snapshot | a copy of the snapshot, marked so that OX is called in any case |
//!
//! A user's copy has no id of OX, and neither has the snapshot any more: it is looked up again by name.
//! The id stays where the user can only be found by it, because OX has it under another name.

use std::path::PathBuf;

use idspool_spool::{Spool, durable};
use idspool_udm::{EntryUuid, ListenerItem, Module};

use super::CheckSync;
use super::error::Error;
use super::finding::{Kind, Report};
use crate::props::OX_DB_ID;
use crate::stamp::Stamp;

/// What became of an object that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resynced {
    /// It was put into a queue again, with this file.
    Enqueued(PathBuf),
    /// It was not, for this reason.
    Refused(String),
}

/// Snapshots are as personal as the directory.
const MODE: u32 = 0o600;

impl CheckSync {
    /// Puts an object into a queue again, by what differs.
    ///
    /// # Errors
    /// A queue cannot be written, or the snapshot not be changed. Doing it again does no harm.
    pub fn resync(&mut self, report: &Report) -> Result<Resynced, Error> {
        let is = |kind| report.findings.iter().any(|finding| finding.kind == kind);
        if is(Kind::InOtherContext) {
            return refuse("the user is in another context: move or remove it there first");
        }
        if is(Kind::OnlyInOx) || report.id.is_empty() {
            return refuse("neither the directory nor a snapshot knows it");
        }
        self.waiting.look_again()?;
        if self.waiting.has(&report.id) {
            return refuse("something of it waits already");
        }
        if report.remedy().read_directory {
            if is_id_in_doubt(report) && !self.forget_id(&report.id)? {
                return refuse("it was provisioned a moment ago: check it again");
            }
            self.enqueue_listener_item(report)
        } else if report.remedy().send_again {
            self.enqueue_copy(report)
        } else {
            refuse("nothing differs that provisioning could mend")
        }
    }

    fn enqueue_listener_item(&self, report: &Report) -> Result<Resynced, Error> {
        let Ok(entry_uuid) = report.id.parse::<EntryUuid>() else {
            return refuse("its id is no entryUUID");
        };
        let item = ListenerItem {
            entry_uuid,
            dn: report.name.clone(),
            object_type: report.module.clone(),
            command: "modify".to_owned(),
            resync: true,
        };
        let spool = Spool::create(&self.listener)?;
        let name = spool.enqueue(&item.to_bytes())?;
        Ok(Resynced::Enqueued(spool.path_of(&name)))
    }

    fn enqueue_copy(&self, report: &Report) -> Result<Resynced, Error> {
        let before = Stamp::of(&self.checker.objects.path_of(&report.id)?);
        let Some(mut item) = self.checker.objects.snapshot(&report.id)? else {
            return refuse("its snapshot is gone");
        };
        let mut stamp = before;
        if item.module() == Some(Module::User) && !is_found_by_id_alone(report) {
            if !self.forget_id(&report.id)? {
                return refuse("it was provisioned a moment ago: check it again");
            }
            if let Some(object) = &mut item.object {
                object.remove(OX_DB_ID);
            }
            stamp = Stamp::of(&self.checker.objects.path_of(&report.id)?);
        }
        item.resync = true;
        let spool = Spool::create(&self.queue)?;
        let name = spool.enqueue(&item.to_queue_bytes())?;
        // A state that was delivered since this one was read is newer: the copy must not come after it.
        if Stamp::of(&self.checker.objects.path_of(&report.id)?) != stamp
            && spool.path_of(&name).exists()
        {
            spool.remove(&name)?;
            return refuse("it was provisioned a moment ago: check it again");
        }
        Ok(Resynced::Enqueued(spool.path_of(&name)))
    }

    /// Takes the id of OX out of a user's snapshot. `false`: somebody else changed the snapshot.
    ///
    /// A running `idspool-ox` replaces a snapshot only while it delivers an item of that object, and none
    /// waits.
    fn forget_id(&self, id: &str) -> Result<bool, Error> {
        let path = self.checker.objects.path_of(id)?;
        let before = Stamp::of(&path);
        let Some(mut item) = self.checker.objects.snapshot(id)? else { return Ok(true) };
        let removed = item.object.as_mut().and_then(|object| object.remove(OX_DB_ID));
        if removed.is_none() {
            return Ok(true);
        }
        let bytes = item.to_snapshot_bytes();
        if Stamp::of(&path) != before {
            return Ok(false);
        }
        durable::replace(&path, &bytes, MODE)?;
        Ok(true)
    }
}

fn refuse(reason: &str) -> Result<Resynced, Error> {
    Ok(Resynced::Refused(reason.to_owned()))
}

/// Whether the id in the snapshot is not that of the user in OX.
fn is_id_in_doubt(report: &Report) -> bool {
    report.findings.iter().any(|finding| {
        finding.kind == Kind::NotInOx
            || finding.row.as_ref().is_some_and(|row| row.property == OX_DB_ID)
    })
}

/// Whether OX has the user under another name than the one that was written.
fn is_found_by_id_alone(report: &Report) -> bool {
    let has_other_name = report
        .findings
        .iter()
        .any(|finding| finding.row.as_ref().is_some_and(|row| row.ox_field == Some("name")));
    has_other_name && !is_id_in_doubt(report)
}
