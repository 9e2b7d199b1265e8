//! Tests of what follows from messages in an order that a real server gives them seldom.

use idspool_directory::RawUuid;
use idspool_udm::{Entry, Module};
use tempfile::TempDir;

use super::content::{Pass, Sent, Stage};
use super::index::Index;

const NOW: i64 = 1_700_000_000_000;
const WANTED: [Module; 2] = [Module::User, Module::Group];

struct World {
    _folder: TempDir,
    index: Index,
}

fn uuid(number: u8) -> RawUuid {
    RawUuid([number; 16])
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(folder.path()).unwrap();
        let world = Self { _folder: folder, index };
        world.tell(Stage::First, 1, "dc=x", None, &[]);
        world.index.settle(world.index.id_of(uuid(1)).unwrap().unwrap()).unwrap();
        world
    }

    fn pass(&self, stage: Stage) -> Pass<'_> {
        Pass { index: &self.index, wanted: &WANTED, now: NOW, stage }
    }

    fn tell(&self, stage: Stage, number: u8, dn: &str, module: Option<Module>, names: &[&str]) {
        let mut entry = Entry::new(dn);
        entry.push("objectClass", "top");
        if let Some(module) = module {
            entry.push("univentionObjectType", module.as_str());
        }
        for name in names {
            entry.push("uniqueMember", *name);
        }
        let sent = Sent { uuid: uuid(number), base: 1, entry: &entry };
        self.pass(stage).apply(&sent).unwrap();
    }

    fn empty_outbox(&self) {
        self.index.connection.execute_batch("DELETE FROM outbox").unwrap();
    }

    /// Number of the object, kind, old DN and new one of what waits.
    fn waiting(&self, number: u8) -> Vec<(i64, Option<String>)> {
        self.index
            .connection
            .prepare("SELECT delayed, old FROM outbox WHERE uuid = ?1 ORDER BY delayed")
            .unwrap()
            .query_map([uuid(number).0], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap()
    }

    fn dn(&self, number: u8) -> String {
        self.index.dn_of(&self.index.by_uuid(uuid(number)).unwrap().unwrap()).unwrap()
    }
}

#[test]
fn an_heir_waits_until_the_groups_of_the_one_before_are_done_whatever_is_told_first() {
    let world = World::new();
    world.tell(Stage::First, 2, "uid=a,dc=x", Some(Module::User), &[]);
    world.tell(Stage::First, 3, "cn=g,dc=x", Some(Module::Group), &["uid=a,dc=x"]);
    world.empty_outbox();
    // A refresh tells who is there, and at its end who is not.
    world.tell(Stage::Refresh, 4, "uid=a,dc=x", Some(Module::User), &[]);
    let gone = world.index.by_uuid(uuid(2)).unwrap().unwrap();
    world.pass(Stage::Refresh).delete_node(&gone).unwrap();
    world.pass(Stage::Refresh).place_all().unwrap();
    assert_eq!(world.waiting(4), [(0, None), (2, Some("uid=a,dc=x".to_owned()))]);
}

#[test]
fn who_named_an_object_before_it_was_there_goes_out_after_it() {
    let world = World::new();
    world.tell(Stage::First, 2, "cn=g,dc=x", Some(Module::Group), &["uid=a,dc=x", "uid=b,dc=x"]);
    for (stage, number, dn) in
        [(Stage::Persist, 3, "uid=a,dc=x"), (Stage::Refresh, 4, "uid=b,dc=x")]
    {
        world.empty_outbox();
        world.tell(stage, number, dn, Some(Module::User), &[]);
        assert_eq!(world.waiting(2), [(1, None)], "{dn}");
    }
    world.pass(Stage::Refresh).place_all().unwrap();
    // One that comes by a rename.
    world.tell(Stage::Persist, 5, "cn=h,dc=x", Some(Module::Group), &["uid=new,dc=x"]);
    world.empty_outbox();
    world.tell(Stage::Persist, 3, "uid=new,dc=x", Some(Module::User), &[]);
    assert_eq!(world.waiting(5), [(1, None)]);
}

#[test]
fn what_names_somebody_by_a_name_that_we_never_knew_is_looked_at_again() {
    let world = World::new();
    world.empty_outbox();
    // The user was renamed before we heard of it, and the group was read before that was known to it.
    world.tell(Stage::Persist, 2, "uid=later,dc=x", Some(Module::User), &[]);
    world.tell(Stage::Persist, 3, "cn=g,dc=x", Some(Module::Group), &["uid=first,dc=x"]);
    assert_eq!(world.waiting(3), [(0, None), (4, None)]);
    // In a refresh that shows at the end.
    world.tell(Stage::Refresh, 5, "cn=h,dc=x", Some(Module::Group), &["uid=new,dc=x"]);
    world.tell(Stage::Refresh, 6, "cn=i,dc=x", Some(Module::Group), &["uid=missing,dc=x"]);
    world.tell(Stage::Refresh, 7, "uid=new,dc=x", Some(Module::User), &[]);
    world.pass(Stage::Refresh).place_all().unwrap();
    assert_eq!(world.waiting(5), [(0, None), (1, None)]);
    assert_eq!(world.waiting(6), [(0, None), (4, None)]);
}

#[test]
fn who_lost_a_container_that_comes_back_renamed_is_looked_for() {
    let world = World::new();
    world.tell(Stage::First, 2, "cn=one,dc=x", None, &[]);
    world.tell(Stage::First, 3, "uid=a,cn=one,dc=x", Some(Module::User), &[]);
    // A refresh did not mention the container, as it changed just then; the server still shows
    // the user at the old place.
    let gone = world.index.by_uuid(uuid(2)).unwrap().unwrap();
    world.pass(Stage::Refresh).delete_node(&gone).unwrap();
    let lost = world.index.by_uuid(uuid(3)).unwrap().unwrap();
    world.pass(Stage::Refresh).relocate(&lost, "uid=a,cn=one,dc=x").unwrap();
    assert!(world.index.unsettled(0, 10).unwrap().is_empty());
    world.tell(Stage::Persist, 2, "cn=two,dc=x", None, &[]);
    let lost = world.index.unsettled(0, 10).unwrap();
    let lost = lost.iter().find(|node| node.uuid == uuid(3)).expect("it is looked for");
    world.empty_outbox();
    world.pass(Stage::Persist).relocate(lost, "uid=a,cn=two,dc=x").unwrap();
    assert_eq!(world.dn(3), "uid=a,cn=two,dc=x");
    assert_eq!(world.waiting(3), [(0, None)]);
}

#[test]
fn who_was_read_below_a_name_that_the_container_had_for_a_moment_is_looked_for() {
    let world = World::new();
    world.tell(Stage::First, 2, "cn=one,dc=x", None, &[]);
    world.tell(Stage::First, 3, "uid=a,cn=one,dc=x", Some(Module::User), &[]);
    // one, two, three: the message of the user was sent at two, both of the container at three.
    world.tell(Stage::Persist, 3, "uid=a,cn=two,dc=x", Some(Module::User), &[]);
    let lost = world.index.by_uuid(uuid(3)).unwrap().unwrap();
    world.pass(Stage::Persist).relocate(&lost, "uid=a,cn=two,dc=x").unwrap();
    world.tell(Stage::Persist, 2, "cn=three,dc=x", None, &[]);
    let lost = world.index.unsettled(0, 10).unwrap();
    assert!(lost.iter().any(|node| node.uuid == uuid(3)), "{lost:?}");
}
