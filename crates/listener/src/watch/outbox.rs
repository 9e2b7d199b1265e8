//! Items that are not in the spool yet.
//!
//! An item is *immediate*, or *delayed*: it follows from a change that the server carries on in the
//! background, and shall be read only after that is done. An object has at most one of each kind (the
//! column `delayed`: 0 immediate, others as in [`Until`]): an item says that an object has changed, and
//! whoever takes it reads the present state.

use idspool_directory::RawUuid;
use idspool_udm::Module;
use rusqlite::{OptionalExtension as _, params};

use super::index::Index;
use super::kind::{self, Command};

/// How long the server may take to carry on with a change before it is looked at, in milliseconds.
/// refint was seen to need up to 26.
const SETTLING: i64 = 40;

/// After that long an item goes out whatever the server still says, in milliseconds: references may
/// stay as they are because nothing there rewrites them.
const PATIENCE: i64 = 10_000;

/// As long the server is looked at after that: refint takes one rename after the other, and rewrites a
/// group of 50,000 members in 0.15 s. When it is done at last the item goes out once more.
const ATTENTION: i64 = 600_000;

/// Shortest time between two such looks; they get rarer.
const LATER: i64 = 2_000;

/// Longest time between them.
const LATEST: i64 = 30_000;

/// A delay that ends later than this was written before the clock was set back. None is set that is
/// longer: it would be over at once, time and again.
const LONGEST_DELAY: i64 = 2 * LATEST;

/// Time until the next look at what is late by so much.
fn pause(late: i64) -> i64 {
    (late / 4).clamp(LATER, LATEST)
}

/// What a delayed item waits for, beside a short time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until<'a> {
    /// Nothing.
    Settled,
    /// The object itself names the new DN of another one, and not the old one.
    Names(Change<'a>),
    /// The old DN is not a member of anything any more, and the new one is. It is the object's own, or
    /// was another one's.
    IsMember(Change<'a>),
    /// The object itself names nothing below this old DN of a container. It goes out only if it turns
    /// out to name something else than we know.
    NamesNothingBelow(&'a str),
    /// Everything that the object itself names is known. It goes out only if it turns out to name
    /// something else than we know.
    NamesTheKnown,
}

/// A DN that has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change<'a> {
    pub(super) old: &'a str,
    /// `None`: there is none.
    pub(super) new: Option<&'a str>,
}

/// An item to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewItem<'a> {
    pub(super) uuid: RawUuid,
    /// What consumers know the object as.
    pub(super) module: Module,
    pub(super) command: Command,
    /// Only of a deletion: the last known one. Otherwise the index knows.
    pub(super) dn: Option<&'a str>,
    /// Where among the others, see [`kind::rank`].
    pub(super) rank: i64,
    /// Within a rank, in the order of these.
    pub(super) csn: &'a str,
}

/// An item whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DueItem {
    pub(super) seq: i64,
    pub(super) uuid: RawUuid,
    pub(super) module: i64,
    pub(super) command: i64,
    pub(super) dn: Option<String>,
}

/// An item whose object is to be looked at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DelayedItem {
    pub(super) seq: i64,
    pub(super) uuid: RawUuid,
    /// As long as this DN is named the server is not done.
    pub(super) old: Option<String>,
    /// Nor before this one is.
    pub(super) new: Option<String>,
    /// By anything, and not by this object.
    pub(super) by_any: bool,
    /// Nor as long as something below the old DN is named. It is an item only if that made a difference.
    pub(super) is_below: bool,
    /// Nor as long as it names what nobody knows, with the same exception.
    pub(super) is_unknown: bool,
    pub(super) until: i64,
    /// It has gone out for want of patience, and is looked at still.
    pub(super) is_out: bool,
}

impl Index {
    /// Adds an item, or joins it with the one that the object has already. That one's module stays:
    /// it is what consumers know the object as.
    pub(super) fn add_item(&self, item: NewItem<'_>) -> rusqlite::Result<()> {
        if item.command == Command::Delete {
            self.connection
                .prepare_cached("DELETE FROM outbox WHERE uuid = ?1 AND delayed > 0")?
                .execute([item.uuid.0])?;
        }
        self.connection
            .prepare_cached(
                "INSERT INTO outbox (uuid, delayed, rank, csn, module, command, dn, due, until)
                 VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, 0, 0)
                 ON CONFLICT (uuid, delayed) DO UPDATE SET
                     rank = excluded.rank, csn = excluded.csn, dn = excluded.dn,
                     command = CASE WHEN command = 0 AND excluded.command = 1 THEN 0
                                    ELSE excluded.command END",
            )?
            .execute(params![
                item.uuid.0,
                item.rank,
                item.csn,
                kind::number(Some(item.module)),
                item.command.number(),
                item.dn
            ])?;
        Ok(())
    }

    /// Adds an item for a change that the server is still at work on.
    pub(super) fn add_delayed(
        &self,
        uuid: RawUuid,
        module: Module,
        wait: Until<'_>,
        rank: i64,
        now: i64,
    ) -> rusqlite::Result<()> {
        let (delayed, change) = match wait {
            Until::Settled => (1, None),
            Until::Names(change) => (1, Some(change)),
            Until::IsMember(change) => (2, Some(change)),
            Until::NamesNothingBelow(old) => (3, Some(Change { old, new: None })),
            Until::NamesTheKnown => (4, None),
        };
        // It may name the unknown for ever.
        let patience = if wait == Until::NamesTheKnown { 0 } else { PATIENCE };
        self.connection
            .prepare_cached(
                "INSERT INTO outbox (uuid, delayed, rank, csn, module, command, due, until, old, new)
                 VALUES (?1, ?7, ?2, '', ?3, 1, ?4, ?5, ?6, ?8)
                 ON CONFLICT (uuid, delayed) DO UPDATE SET
                     due = excluded.due,
                     until = CASE WHEN excluded.old IS NULL AND due <= until + ?9
                                  THEN MAX(until, excluded.due) ELSE excluded.until END,
                     new = CASE WHEN excluded.old IS NULL THEN new ELSE excluded.new END,
                     old = COALESCE(excluded.old, old)",
            )?
            .execute(params![
                uuid.0,
                rank,
                kind::number(Some(module)),
                now + SETTLING,
                now + patience,
                change.map(|change| change.old),
                delayed,
                change.and_then(|change| change.new),
                SETTLING
            ])?;
        Ok(())
    }

    /// Whether the server is still at work on what names this DN.
    pub(super) fn is_awaited(&self, dn: &str) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM outbox WHERE old = ?1 AND delayed > 0)")?
            .query_row([dn], |row| row.get(0))
    }

    /// The next immediate items in the order in which they are to be handed over.
    pub(super) fn due_items(&self, most: usize) -> rusqlite::Result<Vec<DueItem>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, uuid, module, command, dn FROM outbox WHERE delayed = 0
             ORDER BY rank, csn, seq LIMIT ?1",
        )?;
        let rows = statement.query_map([most], |row| {
            Ok(DueItem {
                seq: row.get(0)?,
                uuid: RawUuid(row.get(1)?),
                module: row.get(2)?,
                command: row.get(3)?,
                dn: row.get(4)?,
            })
        })?;
        rows.collect()
    }

    /// Delayed items that are to be looked at now.
    pub(super) fn delayed_items(
        &self,
        now: i64,
        most: usize,
    ) -> rusqlite::Result<Vec<DelayedItem>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, uuid, old, new, until, delayed, due > until + ?4 FROM outbox
             WHERE delayed > 0 AND (due <= ?1 OR due > ?2) ORDER BY due, seq LIMIT ?3",
        )?;
        let rows =
            statement.query_map(params![now, now + LONGEST_DELAY, most, SETTLING], |row| {
                Ok(DelayedItem {
                    seq: row.get(0)?,
                    uuid: RawUuid(row.get(1)?),
                    old: row.get(2)?,
                    new: row.get(3)?,
                    until: row.get(4)?,
                    by_any: row.get::<_, i64>(5)? == 2,
                    is_below: row.get::<_, i64>(5)? == 3,
                    is_unknown: row.get::<_, i64>(5)? == 4,
                    is_out: row.get(6)?,
                })
            })?;
        rows.collect()
    }

    /// When the next delayed item is to be looked at.
    pub(super) fn next_due(&self) -> rusqlite::Result<Option<i64>> {
        self.connection
            .prepare_cached("SELECT MIN(due) FROM outbox WHERE delayed > 0")?
            .query_row([], |row| row.get(0))
            .optional()
            .map(Option::flatten)
    }

    /// As [`Index::next_due`], among items that have not gone out for want of patience.
    pub(super) fn next_awaited(&self) -> rusqlite::Result<Option<i64>> {
        self.connection
            .prepare_cached("SELECT MIN(due) FROM outbox WHERE delayed > 0 AND due <= until + ?1")?
            .query_row([SETTLING], |row| row.get(0))
            .optional()
            .map(Option::flatten)
    }

    /// What becomes of an item that the server is still at work on.
    pub(super) fn put_off(&self, item: &DelayedItem, now: i64) -> rusqlite::Result<()> {
        let late = now - item.until;
        if late < 0 {
            return self.postpone(item.seq, now + SETTLING);
        }
        if late >= ATTENTION {
            return self.promote(item.seq);
        }
        self.postpone(item.seq, now + pause(late))?;
        // Once for want of patience, and then not before the server is done.
        if item.is_out { Ok(()) } else { self.copy_out(item.seq) }
    }

    /// What becomes of an item whose object names what nobody knows.
    pub(super) fn look_again(&self, item: &DelayedItem, now: i64) -> rusqlite::Result<()> {
        let late = now - item.until;
        if late >= ATTENTION {
            return self.remove_item(item.seq);
        }
        self.postpone(item.seq, now + pause(late))
    }

    /// Makes an immediate item beside a delayed one, unless the object has one already.
    pub(super) fn copy_out(&self, seq: i64) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO outbox (uuid, delayed, rank, csn, module, command, due, until)
                 SELECT uuid, 0, rank, csn, module, command, 0, 0 FROM outbox WHERE seq = ?1",
            )?
            .execute([seq])?;
        Ok(())
    }

    /// Looks at a delayed item again later.
    fn postpone(&self, seq: i64, due: i64) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE outbox SET due = ?2 WHERE seq = ?1")?
            .execute([seq, due])?;
        Ok(())
    }

    /// Makes a delayed item an immediate one, unless the object has one already.
    pub(super) fn promote(&self, seq: i64) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE OR IGNORE outbox SET delayed = 0, old = NULL, new = NULL WHERE seq = ?1",
            )?
            .execute([seq])?;
        self.connection
            .prepare_cached("DELETE FROM outbox WHERE seq = ?1 AND delayed > 0")?
            .execute([seq])?;
        Ok(())
    }

    /// Removes an item that is in the spool, or that turned out to be none.
    pub(super) fn remove_item(&self, seq: i64) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM outbox WHERE seq = ?1")?.execute([seq])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn item(number: u8, command: Command, rank: i64, csn: &str) -> NewItem<'_> {
        let dn = (command == Command::Delete).then_some("cn=last");
        NewItem { uuid: RawUuid([number; 16]), module: Module::User, command, dn, rank, csn }
    }

    fn index() -> (tempfile::TempDir, Index) {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(folder.path()).unwrap();
        (folder, index)
    }

    fn order(index: &Index) -> Vec<(u8, i64)> {
        let due = index.due_items(10).unwrap();
        due.iter().map(|item| (item.uuid.0[0], item.command)).collect()
    }

    #[test]
    fn items_are_handed_over_by_rank_then_csn_then_arrival() {
        let (_folder, index) = index();
        for (number, rank, csn) in [(1, 5, "b"), (2, 5, "a"), (3, 0, ""), (4, 0, ""), (5, 1, "z")] {
            index.add_item(item(number, Command::Modify, rank, csn)).unwrap();
        }
        assert_eq!(order(&index), [(3, 1), (4, 1), (5, 1), (2, 1), (1, 1)]);
    }

    #[test]
    fn an_object_has_one_item_that_says_what_happened_last() {
        let (_folder, index) = index();
        index.add_item(item(1, Command::Add, 0, "")).unwrap();
        index.add_item(item(1, Command::Modify, 0, "")).unwrap();
        assert_eq!(order(&index), [(1, 0)], "still new to consumers");
        index.add_delayed(RawUuid([1; 16]), Module::User, Until::Settled, 0, NOW).unwrap();
        index.add_item(item(1, Command::Delete, 0, "")).unwrap();
        assert_eq!(order(&index), [(1, 2)]);
        assert_eq!(index.next_due().unwrap(), None, "nothing is left to look at");
        assert_eq!(index.due_items(1).unwrap()[0].dn.as_deref(), Some("cn=last"));
    }

    #[test]
    fn an_item_that_is_joined_when_its_patience_is_just_over_still_goes_out() {
        let (_folder, index) = index();
        let uuid = RawUuid([1; 16]);
        let change = Change { old: "uid=old", new: Some("uid=new") };
        index.add_delayed(uuid, Module::User, Until::Names(change), 0, NOW).unwrap();
        // It was to be looked at a moment ago, for the last time; then a group of the user is deleted.
        let late = NOW + PATIENCE + 5;
        index.add_delayed(uuid, Module::User, Until::Settled, 0, late).unwrap();
        assert_eq!(index.delayed_items(late, 10).unwrap(), [], "the server needs a moment");
        let due = index.delayed_items(late + SETTLING, 10).unwrap();
        assert!(!due[0].is_out && due[0].until <= late + SETTLING, "{due:?}");
        index.put_off(&due[0], late + SETTLING).unwrap();
        assert_eq!(order(&index), [(1, 1)]);
    }

    #[test]
    fn a_delayed_item_waits_and_is_never_put_off_for_ever() {
        let (_folder, index) = index();
        let uuid = RawUuid([1; 16]);
        let change = Change { old: "uid=old", new: Some("uid=new") };
        index.add_delayed(uuid, Module::Group, Until::Names(change), 0, NOW).unwrap();
        index.add_delayed(uuid, Module::Group, Until::Settled, 0, NOW + 30).unwrap();
        assert_eq!(index.delayed_items(NOW + 50, 10).unwrap(), []);
        let due = index.delayed_items(NOW + 80, 10).unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!((due[0].old.as_deref(), due[0].until), (Some("uid=old"), NOW + PATIENCE));
        assert_eq!((due[0].new.as_deref(), due[0].by_any), (Some("uid=new"), false));
        // The clock was set back by an hour.
        assert_eq!(index.delayed_items(NOW - 3_600_000, 10).unwrap().len(), 1);
        assert!(index.is_awaited("uid=old").unwrap() && !index.is_awaited("uid=new").unwrap());
        index.promote(due[0].seq).unwrap();
        assert!(!index.is_awaited("uid=old").unwrap());
        assert_eq!(order(&index), [(1, 1)]);
        assert_eq!(index.next_due().unwrap(), None);
    }

    #[test]
    fn what_names_the_unknown_is_looked_at_for_a_while_and_never_waited_for() {
        let (_folder, index) = index();
        let uuid = RawUuid([1; 16]);
        index.add_delayed(uuid, Module::Group, Until::NamesTheKnown, 0, NOW).unwrap();
        assert!(index.next_awaited().unwrap().is_some(), "the first look is soon");
        let (mut now, mut looks) = (NOW, 0);
        while let Some(next) = index.next_due().unwrap() {
            now = next;
            looks += 1;
            let due = index.delayed_items(now, 10).unwrap();
            assert!(due[0].is_unknown);
            index.look_again(&due[0], now).unwrap();
            assert_eq!(index.delayed_items(now, 10).unwrap(), [], "not before its time");
            assert_eq!(index.next_awaited().unwrap(), None);
        }
        assert!(now >= NOW + ATTENTION && looks < 60, "{looks} until {now}");
        assert_eq!(order(&index), []);
    }

    #[test]
    fn what_the_server_is_slow_with_goes_out_and_once_more_when_it_is_done() {
        let (_folder, index) = index();
        let change = Change { old: "uid=old", new: None };
        let uuid = RawUuid([1; 16]);
        index.add_delayed(uuid, Module::Group, Until::Names(change), 0, NOW).unwrap();
        let mut now = NOW + SETTLING;
        let mut out = 0;
        let mut looks = 0;
        while now < NOW + PATIENCE + ATTENTION - LONGEST_DELAY {
            let due = index.delayed_items(now, 10).unwrap();
            index.put_off(&due.first().cloned().unwrap_or_else(|| panic!("{now}")), now).unwrap();
            looks += i32::from(now > NOW + PATIENCE);
            for item in index.due_items(10).unwrap() {
                assert!(now >= NOW + PATIENCE);
                out += 1;
                index.remove_item(item.seq).unwrap();
            }
            assert_eq!(index.next_awaited().unwrap().is_some(), now < NOW + PATIENCE);
            assert_eq!(index.delayed_items(now, 10).unwrap(), [], "not before its time");
            now = index.next_due().unwrap().unwrap();
        }
        assert_eq!(out, 1);
        assert!(looks < 60, "{looks}");
        // Another change is waited for as if it were the first.
        index.add_delayed(uuid, Module::Group, Until::Names(change), 0, now).unwrap();
        assert_eq!(index.next_awaited().unwrap(), Some(now + SETTLING));
        let due = index.delayed_items(now + SETTLING, 10).unwrap();
        index.promote(due[0].seq).unwrap();
        assert_eq!(order(&index), [(1, 1)]);
    }
}
