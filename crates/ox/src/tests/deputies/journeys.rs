//! Whatever happens to grantor and deputies, in whatever order and with whatever trouble: in the end those
//! have permissions who are to have them.

use idspool_udm::ConvertedItem;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{deputy, dn, granted, stage, user};
use crate::fake::Failure;
use crate::tests::stage::item;

const DEPUTIES: [&str; 3] = ["berta", "carl", "dora"];
const LEVELS: [&str; 3] = ["02400", "02440", "08444"];

#[derive(Debug, Clone)]
enum Step {
    /// The grantor with entries for some of the deputies.
    Grantor {
        context: i32,
        to: [bool; 3],
        level: usize,
    },
    NoGrantor,
    Deputy {
        at: usize,
        context: i32,
        is_ox: bool,
    },
    NoDeputy {
        at: usize,
    },
    Restart,
    Forced,
    /// OX refuses calls of this kind, or none.
    Refuse(&'static str),
}

fn context() -> impl Strategy<Value = i32> {
    prop::sample::select(&[10, 11][..])
}

fn grantor() -> impl Strategy<Value = Step> {
    (context(), any::<[bool; 3]>(), 0..3_usize).prop_map(|(context, to, level)| Step::Grantor {
        context,
        to,
        level,
    })
}

fn journey() -> impl Strategy<Value = Vec<(Step, Option<(usize, bool)>)>> {
    let refused = ["", "Deputy.grant", "Deputy.revokeAll", "Deputy.blockManual"];
    let step = prop_oneof![
        6 => grantor(),
        1 => Just(Step::NoGrantor),
        4 => (0..3_usize, context(), prop::bool::weighted(0.8))
            .prop_map(|(at, context, is_ox)| Step::Deputy { at, context, is_ox }),
        1 => (0..3_usize).prop_map(|at| Step::NoDeputy { at }),
        1 => Just(Step::Restart),
        1 => Just(Step::Forced),
        1 => prop::sample::select(refused.to_vec()).prop_map(Step::Refuse),
    ];
    let trouble = prop::option::weighted(0.4, (1..9_usize, any::<bool>()));
    prop::collection::vec((step, trouble), 0..12)
}

fn item_of(step: &Step) -> Option<ConvertedItem> {
    let gone = |name: &str| item(&format!("u-{name}"), "users/user", &dn(name), Value::Null);
    Some(match step {
        Step::Grantor { context, to, level } => {
            let chosen = DEPUTIES.iter().zip(to).filter(|(_, is_chosen)| **is_chosen);
            let entries: Vec<Value> =
                chosen.map(|(name, _)| deputy(name, LEVELS[*level], "00000", "0")).collect();
            user("anna", json!({"oxContext": context, "oxDeputyPermissionGivenTo": entries}))
        }
        Step::NoGrantor => gone("anna"),
        Step::Deputy { at, context, is_ox } => {
            let flag = if *is_ox { "OK" } else { "Not" };
            user(DEPUTIES[*at], json!({"oxContext": context, "isOxUser": flag}))
        }
        Step::NoDeputy { at } => gone(DEPUTIES[*at]),
        Step::Restart | Step::Forced | Step::Refuse(_) => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn in_the_end_those_have_permissions_who_are_to_have_them(
        journey in journey(),
        last in grantor(),
    ) {
        let mut stage = stage();
        for (step, trouble) in &journey {
            match step {
                Step::Restart => stage.restart(),
                Step::Forced => stage.forced = true,
                Step::Refuse("") => stage.ox.accept(),
                Step::Refuse(beginning) => stage.ox.refuse(beginning),
                _ => {}
            }
            let Some(item) = item_of(step) else { continue };
            if let Some((call, is_after)) = *trouble {
                stage.ox.fail_at(call, if is_after { Failure::After } else { Failure::Before });
                let _may_have_fewer_calls = stage.deliver(&item);
                stage.ox.heal();
            }
            stage.deliver(&item).unwrap();
            stage.forced = false;
        }
        stage.forced = false;
        stage.ox.accept();
        let Step::Grantor { context, to, level } = last else { unreachable!() };
        let anna = item_of(&last).unwrap();
        stage.deliver(&anna).unwrap();
        let id = |name: &str| stage.ox.user_of(context, name).map(|(id, _)| id);
        let mut expected: Vec<_> = DEPUTIES
            .iter()
            .zip(to)
            .filter(|(_, is_chosen)| *is_chosen)
            .filter_map(|(name, _)| Some((id("anna")?, id(name)?, format!("mail {} ", LEVELS[level]))))
            .collect();
        expected.sort();
        prop_assert_eq!(granted(&stage, context), expected);
        let elsewhere = if context == 10 { 11 } else { 10 };
        prop_assert_eq!(granted(&stage, elsewhere), []);
        let is_blocked = stage.ox.world().contexts[&context].blocked.contains(&id("anna").unwrap());
        prop_assert_eq!(is_blocked, to.contains(&true));
        stage.ox.calls();
        stage.deliver(&anna).unwrap();
        prop_assert_eq!(stage.ox.calls(), [""; 0], "nothing is left to do");
    }
}
