//! Whatever happens to a resource, in whatever order and with whatever trouble: in the end it is there
//! once, in its context, as the directory has it.

use idspool_ox_soap::ResourceField as Field;
use idspool_udm::ConvertedItem;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{beamer, deleted, names, stage};
use crate::fake::Failure;

#[derive(Debug, Clone)]
enum Step {
    /// 12 is a context without credentials.
    Resource {
        context: Option<i32>,
        name: &'static str,
        description: &'static str,
    },
    Deleted,
    Restart,
    Forced,
}

fn resource(contexts: &'static [Option<i32>]) -> impl Strategy<Value = Step> {
    let context = prop::sample::select(contexts);
    let name = prop::sample::select(&["beamer", "projector"][..]);
    let description = prop::sample::select(&["", "on the ceiling"][..]);
    (context, name, description).prop_map(|(context, name, description)| Step::Resource {
        context,
        name,
        description,
    })
}

fn journey() -> impl Strategy<Value = Vec<(Step, Option<(usize, bool)>)>> {
    let step = prop_oneof![
        8 => resource(&[Some(10), Some(11), Some(12), None]),
        1 => Just(Step::Deleted),
        1 => Just(Step::Restart),
        1 => Just(Step::Forced),
    ];
    let trouble = prop::option::weighted(0.4, (1..5_usize, any::<bool>()));
    prop::collection::vec((step, trouble), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn in_the_end_it_is_there_once(
        journey in journey(),
        last in prop_oneof![4 => resource(&[Some(10), Some(11)]), 1 => Just(Step::Deleted)],
    ) {
        let mut stage = stage();
        let item = |step: &Step| match step {
            Step::Resource { context, name, description } => Some(beamer(json!({
                "oxContext": context, "name": name, "description": description,
            }))),
            Step::Deleted => Some(deleted()),
            Step::Restart | Step::Forced => None,
        };
        for (step, trouble) in &journey {
            match step {
                Step::Restart => stage.restart(),
                Step::Forced => stage.forced = true,
                _ => {}
            }
            let Some(item) = item(step) else { continue };
            if let Some((call, is_after)) = *trouble {
                stage.ox.fail_at(call, if is_after { Failure::After } else { Failure::Before });
                let _may_have_fewer_calls = stage.deliver(&item);
                stage.ox.heal();
            }
            stage.deliver(&item).unwrap();
            stage.forced = false;
        }
        stage.forced = false;
        let final_item = item(&last).unwrap();
        stage.deliver(&final_item).unwrap();
        let world = stage.ox.world();
        let found: Vec<Value> = world
            .contexts
            .iter()
            .flat_map(|(context, tenant)| tenant.resources.values().map(move |r| (context, r)))
            .map(|(context, r)| json!([context, r.name(), r.text(Field::Description)]))
            .collect();
        let expected: Vec<Value> = match last {
            Step::Resource { context, name, description } => {
                vec![json!([context, name, description])]
            }
            _ => Vec::new(),
        };
        prop_assert_eq!(found, expected);
        stage.ox.calls();
        stage.deliver(&final_item).unwrap();
        prop_assert_eq!(stage.ox.calls(), [""; 0], "nothing is left to do");
    }
}

#[test]
fn a_resource_that_was_made_again_keeps_what_it_took_over() {
    let stage = stage();
    stage.deliver(&beamer(json!({}))).unwrap();
    let mut again = beamer(json!({}));
    again.id = "0f3c9c6a-0000-103f-8000-0000000000bf".into();
    stage.deliver(&again).unwrap();
    // The report of the removal comes late.
    stage.deliver(&deleted()).unwrap();
    assert_eq!(names(&stage, 10).len(), 1);
    stage.deliver(&ConvertedItem { object: None, options: None, ..again }).unwrap();
    assert!(names(&stage, 10).is_empty());
}
