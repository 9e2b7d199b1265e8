//! Whatever happens to an account and its users, in whatever order and with whatever trouble: in the end
//! those have it who are to have it.

use idspool_udm::ConvertedItem;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{account, deleted, dn, held, user};
use crate::fake::{Failure, Fake};
use crate::tests::stage::{Stage, item};

const USERS: [&str; 4] = ["anna", "berta", "carl", "dora"];
const ADDRESSES: [&str; 2] = ["info@example.org", "desk@example.org"];

/// One change in the directory.
#[derive(Debug, Clone)]
enum Step {
    /// The account, for some of the users; `None`: it is deleted.
    Account {
        of: [bool; 4],
        address: usize,
        personal: bool,
    },
    NoAccount,
    /// A user in one of the contexts, or no OX user.
    User {
        at: usize,
        context: i32,
        is_ox: bool,
    },
    NoUser {
        at: usize,
    },
    Restart,
    Forced,
}

/// A step, and the call at which it breaks off at first.
type Troubled = (Step, Option<(usize, bool)>);

fn step() -> impl Strategy<Value = Step> {
    let context = prop_oneof![Just(10), Just(11)];
    prop_oneof![
        6 => (any::<[bool; 4]>(), 0..2_usize, any::<bool>())
            .prop_map(|(of, address, personal)| Step::Account { of, address, personal }),
        1 => Just(Step::NoAccount),
        4 => (0..4_usize, context, prop::bool::weighted(0.8))
            .prop_map(|(at, context, is_ox)| Step::User { at, context, is_ox }),
        1 => (0..4_usize).prop_map(|at| Step::NoUser { at }),
        1 => Just(Step::Restart),
        1 => Just(Step::Forced),
    ]
}

fn journey() -> impl Strategy<Value = Vec<Troubled>> {
    prop::collection::vec((step(), prop::option::weighted(0.4, (1..6_usize, any::<bool>()))), 1..14)
}

/// Delivers an item that may break off at first.
fn deliver(stage: &mut Stage, item: &ConvertedItem, trouble: Option<(usize, bool)>) {
    if let Some((call, is_after)) = trouble {
        stage.ox.fail_at(call, if is_after { Failure::After } else { Failure::Before });
        let _may_have_fewer_calls = stage.deliver(item);
        stage.ox.heal();
    }
    stage.deliver(item).unwrap();
    stage.forced = false;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_the_end_those_have_it_who_are_to_have_it(journey in journey()) {
        let mut stage = Stage::new(Fake::new().with_context(10).with_context(11));
        let mut wanted = account(json!({}));
        for (step, trouble) in journey {
            let item = match step {
                Step::Account { of, address, personal } => {
                    let users: Vec<String> = USERS
                        .iter()
                        .zip(of)
                        .filter(|(_, is_in)| *is_in)
                        .map(|(name, _)| dn(name))
                        .collect();
                    let personal = personal.then_some("Desk");
                    wanted = account(json!({
                        "users": users, "mailPrimaryAddress": ADDRESSES[address], "personal": personal,
                    }));
                    wanted.clone()
                }
                Step::NoAccount => {
                    wanted = account(json!({}));
                    deleted()
                }
                Step::User { at, context, is_ox } => {
                    let flag = if is_ox { "OK" } else { "Not" };
                    user(USERS[at], json!({"oxContext": context, "isOxUser": flag}))
                }
                Step::NoUser { at } => {
                    let name = USERS[at];
                    item(&format!("u-{name}"), "users/user", &dn(name), Value::Null)
                }
                Step::Restart => {
                    stage.restart();
                    continue;
                }
                Step::Forced => {
                    stage.forced = true;
                    continue;
                }
            };
            deliver(&mut stage, &item, trouble);
        }
        stage.forced = false;
        // The loop delivers the account again when the id of one of its users changed.
        stage.deliver(&wanted).unwrap();
        let object = wanted.object.as_ref().unwrap();
        let address = object["mailPrimaryAddress"].as_str().unwrap();
        for context in [10, 11] {
            let world = stage.ox.world();
            let mut expected: Vec<_> = USERS
                .iter()
                .filter(|name| object["users"].as_array().unwrap().contains(&json!(dn(name))))
                .filter_map(|name| Some((stage.ox.user_of(context, name)?.0, name)))
                .map(|(id, name)| (id, address.to_owned(), format!("{}{name}", super::INFO)))
                .collect();
            expected.sort();
            prop_assert_eq!(held(&stage, context), expected, "context {}", context);
            let personals = world.contexts[&context].accounts.iter().map(|(_, account)| {
                account.text(idspool_ox_soap::AccountDataOnCreateField::Personal)
            });
            for personal in personals {
                prop_assert_eq!(personal, object["personal"].as_str());
            }
        }
        stage.ox.calls();
        stage.deliver(&wanted).unwrap();
        prop_assert_eq!(stage.ox.calls(), [""; 0], "nothing is left to do");
    }
}
