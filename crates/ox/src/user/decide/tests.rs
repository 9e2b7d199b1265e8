//! The table of ox-provisioning 5.3, row by row.

use super::*;
use crate::ox_name::OxName;

const TEN: ContextId = ContextId::new(10);
const ELEVEN: ContextId = ContextId::new(11);

#[derive(Default)]
struct Ox {
    /// Context, name, id.
    users: Vec<(i32, &'static str, i32)>,
    absent: Option<(i32, &'static str)>,
    asked: Vec<String>,
}

impl Ox {
    fn with(users: &[(i32, &'static str, i32)]) -> Self {
        Self { users: users.to_vec(), ..Self::default() }
    }
}

impl Lookup for Ox {
    fn guard(&mut self, context: ContextId, name: &str) -> Result<(), Halt> {
        match (context.value(), name) {
            (10 | 11, "oxadmin") => Err(Skip::ContextAdmin { name: name.into(), context }.into()),
            (10 | 11, _) => Ok(()),
            _ => Err(Skip::NoCredentials(context).into()),
        }
    }

    fn by_name(&mut self, context: ContextId, name: &str) -> Result<Option<Found>, Halt> {
        self.asked.push(format!("{context} {name}"));
        let found = self.users.iter().find(|(c, n, _)| *c == context.value() && *n == name);
        Ok(found.map(|(_, _, id)| found_user(*id)))
    }

    fn is_known_absent(&self, context: ContextId, name: &str) -> bool {
        self.absent == Some((context.value(), name))
    }
}

/// A user that was read.
fn found_user(id: i32) -> Found {
    Found { id: OxUserId::new(id), user: Some(User::new()) }
}

fn cached(id: i32) -> Found {
    Found { id: OxUserId::new(id), user: None }
}

/// An OX user in context 10.
fn anna() -> Side<'static> {
    Side { context: Some(TEN), name: OxName::Is("anna"), cached: None, is_ox: true }
}

fn known() -> Side<'static> {
    Side { cached: Some(OxUserId::new(5)), ..anna() }
}

fn off() -> Side<'static> {
    Side { is_ox: false, ..anna() }
}

fn plan(new: Option<Side<'_>>, old: Option<Side<'_>>, ox: &mut Ox) -> Result<Plan, Halt> {
    decide(&"Object('users/user', 'uid=anna')", new.as_ref(), old.as_ref(), ox)
}

fn skip(result: Result<Plan, Halt>) -> Skip {
    match result {
        Err(Halt::Skip(skip)) => skip,
        other => panic!("expected a skip, found {other:?}"),
    }
}

#[test]
fn row_on_without_snapshot_not_found() {
    let mut ox = Ox::default();
    assert_eq!(plan(Some(anna()), None, &mut ox).unwrap(), Plan::Create { context: TEN });
    assert_eq!(ox.asked, ["10 anna"]);
}

#[test]
fn row_on_without_snapshot_found() {
    let mut ox = Ox::with(&[(10, "anna", 7)]);
    let expected = Plan::Change { context: TEN, found: found_user(7) };
    assert_eq!(plan(Some(anna()), None, &mut ox).unwrap(), expected);
}

#[test]
fn row_on_without_snapshot_with_an_id_in_the_item() {
    let mut ox = Ox::default();
    let expected = Plan::Change { context: TEN, found: cached(5) };
    assert_eq!(plan(Some(known()), None, &mut ox).unwrap(), expected);
    assert_eq!(ox.asked, [""; 0], "a cached id needs no call");
}

#[test]
fn row_on_with_snapshot_not_found() {
    let mut ox = Ox::default();
    assert_eq!(plan(Some(anna()), Some(anna()), &mut ox).unwrap(), Plan::Create { context: TEN });
    assert_eq!(ox.asked, ["10 anna"], "the same name is not looked up twice");
}

#[test]
fn row_on_with_snapshot_found() {
    let mut ox = Ox::default();
    let expected = Plan::Change { context: TEN, found: cached(5) };
    assert_eq!(plan(Some(anna()), Some(known()), &mut ox).unwrap(), expected);
    let renamed = Side { name: OxName::Is("berta"), ..anna() };
    assert_eq!(plan(Some(renamed), Some(known()), &mut ox).unwrap(), expected);
    assert_eq!(ox.asked, [""; 0]);
    let mut ox = Ox::with(&[(10, "anna", 7)]);
    let expected = Plan::Change { context: TEN, found: found_user(7) };
    assert_eq!(plan(Some(anna()), Some(anna()), &mut ox).unwrap(), expected);
}

#[test]
fn row_on_contexts_differ_not_in_new() {
    let mut ox = Ox::default();
    let moved = Side { context: Some(ELEVEN), ..anna() };
    let expected = Plan::Move { from: TEN, to: ELEVEN, id: OxUserId::new(5) };
    assert_eq!(plan(Some(moved), Some(known()), &mut ox).unwrap(), expected);
    assert_eq!(ox.asked, ["11 anna"]);
}

#[test]
fn row_on_contexts_differ_also_in_new_flaw_the_id_is_that_of_the_new_context() {
    let mut ox = Ox::with(&[(11, "anna", 9)]);
    let moved = Side { context: Some(ELEVEN), ..anna() };
    let expected =
        Plan::Merge { from: TEN, old_id: OxUserId::new(5), to: ELEVEN, found: found_user(9) };
    assert_eq!(plan(Some(moved), Some(known()), &mut ox).unwrap(), expected);
    // Whatever id the item itself carries, it is not one of the new context.
    let moved = Side { context: Some(ELEVEN), ..known() };
    assert_eq!(plan(Some(moved), Some(known()), &mut ox).unwrap(), expected);
}

#[test]
fn row_on_no_context_at_all() {
    let mut ox = Ox::default();
    let without = Side { context: None, ..anna() };
    assert_eq!(plan(Some(without), Some(without), &mut ox).unwrap(), Plan::NoContext);
    assert_eq!(plan(Some(without), None, &mut ox).unwrap(), Plan::NoContext);
    assert_eq!(ox.asked, [""; 0]);
}

#[test]
fn s5_3_4_step_2_an_old_state_without_context() {
    let without = Side { context: None, ..anna() };
    let mut ox = Ox::default();
    assert_eq!(plan(Some(anna()), Some(without), &mut ox).unwrap(), Plan::Create { context: TEN });
    let mut ox = Ox::with(&[(10, "anna", 7)]);
    let expected = Plan::Change { context: TEN, found: found_user(7) };
    assert_eq!(plan(Some(anna()), Some(without), &mut ox).unwrap(), expected);
}

#[test]
fn s5_3_4_step_5_a_new_state_without_context_keeps_the_old_one() {
    let without = Side { context: None, ..anna() };
    let expected = Plan::Change { context: TEN, found: cached(5) };
    assert_eq!(plan(Some(without), Some(known()), &mut Ox::default()).unwrap(), expected);
}

#[test]
fn s5_3_4_step_3_flaw_create_and_modify_do_not_call_each_other() {
    // Not in the old context, but in the new one.
    let mut ox = Ox::with(&[(11, "anna", 9)]);
    let moved = Side { context: Some(ELEVEN), ..anna() };
    let expected = Plan::Change { context: ELEVEN, found: found_user(9) };
    assert_eq!(plan(Some(moved), Some(anna()), &mut ox).unwrap(), expected);
    assert_eq!(ox.asked, ["10 anna", "11 anna"]);
    // In neither.
    let mut ox = Ox::default();
    assert_eq!(plan(Some(moved), Some(anna()), &mut ox).unwrap(), Plan::Create { context: ELEVEN });
    // Under another name in the same context.
    let mut ox = Ox::with(&[(10, "berta", 9)]);
    let renamed = Side { name: OxName::Is("berta"), ..anna() };
    let expected = Plan::Change { context: TEN, found: found_user(9) };
    assert_eq!(plan(Some(renamed), Some(anna()), &mut ox).unwrap(), expected);
}

#[test]
fn row_off_without_snapshot() {
    assert_eq!(plan(Some(off()), None, &mut Ox::default()).unwrap(), Plan::Nothing);
}

#[test]
fn row_off_with_snapshot_not_found() {
    let mut ox = Ox::default();
    assert_eq!(plan(Some(off()), Some(off()), &mut ox).unwrap(), Plan::Absent { context: TEN });
    assert_eq!(ox.asked, ["10 anna"]);
    // Once that is known, nobody is asked again.
    let mut ox = Ox { absent: Some((10, "anna")), ..Ox::default() };
    assert_eq!(plan(Some(off()), Some(off()), &mut ox).unwrap(), Plan::Absent { context: TEN });
    assert_eq!(ox.asked, [""; 0]);
}

#[test]
fn row_off_with_snapshot_found() {
    let expected = Plan::Remove { context: TEN, id: OxUserId::new(5) };
    assert_eq!(plan(Some(off()), Some(known()), &mut Ox::default()).unwrap(), expected);
    let mut ox = Ox::with(&[(10, "anna", 5)]);
    assert_eq!(plan(Some(off()), Some(anna()), &mut ox).unwrap(), expected);
}

#[test]
fn row_deleted_with_snapshot() {
    let expected = Plan::Remove { context: TEN, id: OxUserId::new(5) };
    assert_eq!(plan(None, Some(known()), &mut Ox::default()).unwrap(), expected);
    assert_eq!(
        plan(None, Some(anna()), &mut Ox::default()).unwrap(),
        Plan::Absent { context: TEN }
    );
}

#[test]
fn row_deleted_without_snapshot() {
    assert_eq!(plan(None, None, &mut Ox::default()).unwrap(), Plan::Nothing);
}

#[test]
fn row_any_context_admin_even_with_a_cached_id() {
    let admin = Side { name: OxName::Is("oxadmin"), ..known() };
    let expected = Skip::ContextAdmin { name: "oxadmin".into(), context: TEN };
    let renamed_to_admin =
        plan(Some(Side { cached: None, ..admin }), Some(known()), &mut Ox::default());
    for result in [
        plan(Some(admin), None, &mut Ox::default()),
        plan(Some(admin), Some(admin), &mut Ox::default()),
        plan(Some(Side { is_ox: false, ..admin }), Some(admin), &mut Ox::default()),
        plan(None, Some(admin), &mut Ox::default()),
        renamed_to_admin,
    ] {
        assert_eq!(skip(result), expected);
    }
}

#[test]
fn s5_0_a_context_without_credentials_is_ignored() {
    let foreign = Side { context: Some(ContextId::new(99)), ..anna() };
    let expected = Skip::NoCredentials(ContextId::new(99));
    assert_eq!(skip(plan(Some(foreign), None, &mut Ox::default())), expected);
    assert_eq!(skip(plan(None, Some(foreign), &mut Ox::default())), expected);
    assert_eq!(skip(plan(Some(foreign), Some(known()), &mut Ox::default())), expected);
}

#[test]
fn s5_0_removal_of_a_user_without_context_is_skipped() {
    let without = Side { context: None, ..anna() };
    assert_eq!(skip(plan(None, Some(without), &mut Ox::default())), Skip::NoContext);
}

#[test]
fn s10_4_a_name_is_required_where_it_is_used() {
    let nameless = Side { name: OxName::Missing, ..anna() };
    for result in [
        plan(Some(nameless), None, &mut Ox::default()),
        plan(Some(nameless), Some(known()), &mut Ox::default()),
    ] {
        assert!(matches!(result, Err(Halt::Fault(_))), "{result:?}");
    }
}
