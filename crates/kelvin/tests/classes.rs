//! Classes over HTTP: the real client and loop, and the stand-in server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test may fail as a test does")]

#[path = "classes/place.rs"]
mod place;

use idspool_kelvin::conf::Plugin;
use idspool_provisioner::Ended;
use idspool_sandbox::kelvin::Options;
use idspool_spool::FaultClass;
use place::{Place, class, deleted, pupil};

#[test]
fn the_life_of_a_class_takes_as_few_requests_as_the_rules_need() {
    let mut place = Place::new().without_classes_of_users();
    for name in ["anna", "berta"] {
        place.deliver(&pupil(name, "School1", &["5a"]));
    }
    let both = class("c-1", "school1", "5a", &["anna", "berta"]);
    assert_eq!(place.deliver(&both), ["GET classes/School1/5a 404", "POST classes/ 201"]);
    assert_eq!(place.classes(), ["School1/5a (of c-1): anna berta"]);
    assert!(place.deliver(&both).is_empty());
    let one = class("c-1", "school1", "5a", &["berta"]);
    assert_eq!(place.deliver(&one), ["GET classes/School1/5a 200", "PATCH classes/School1/5a 200"]);
    assert_eq!(place.classes(), ["School1/5a (of c-1): berta"]);
    let renamed = class("c-1", "school1", "6a", &["berta"]);
    assert_eq!(
        place.deliver(&renamed),
        ["GET classes/School1/5a 200", "PATCH classes/School1/5a 200"]
    );
    assert_eq!(place.classes(), ["School1/6a (of c-1): berta"]);
    let moved = class("c-1", "School2", "6a", &["berta"]);
    assert_eq!(
        place.deliver(&moved),
        ["GET classes/School2/6a 404", "POST classes/ 201", "DELETE classes/School1/6a 204"]
    );
    assert_eq!(place.classes(), ["School2/6a (of c-1): berta"]);
    assert_eq!(place.deliver(&deleted(&moved)), ["DELETE classes/School2/6a 204"]);
    assert!(place.classes().is_empty());
}

#[test]
fn what_is_cleared_is_cleared_there() {
    let mut place = Place::new();
    let mut item = class("c-1", "School1", "5 a.b_c-d", &[]);
    place.deliver(&item);
    assert_eq!(place.classes(), ["School1/5 a.b_c-d (of c-1): "]);
    item.object.as_mut().unwrap().insert("description".into(), serde_json::Value::Null);
    place.deliver(&item);
    assert_eq!(place.classes(), ["School1/5 a.b_c-d (-): "]);
    item.resync = true;
    assert_eq!(place.deliver(&item).len(), 2, "a re-provisioning asks and sends");
}

#[test]
fn users_bring_their_classes_and_the_class_comes_after_them() {
    let mut place = Place::new();
    // The class is first in the queue, and yet its members are there before it.
    place.enqueue(&class("c-1", "School1", "5a", &["anna", "berta"]));
    place.enqueue(&pupil("anna", "School1", &["5a"]));
    place.enqueue(&pupil("berta", "School1", &["5a"]));
    assert_eq!(place.once(), Ended::Done);
    assert_eq!(place.classes(), ["School1/5a (of c-1): anna berta"]);
    let calls = place.calls();
    let of_class: Vec<&String> = calls.iter().filter(|call| call.contains(" classes/")).collect();
    assert_eq!(of_class, ["GET classes/School1/5a 200", "PATCH classes/School1/5a 200"]);
}

#[test]
fn a_class_that_is_renamed_after_its_members_named_it() {
    let mut place = Place::new();
    for name in ["anna", "berta"] {
        place.deliver(&pupil(name, "School1", &["5a"]));
    }
    place.deliver(&class("c-1", "School1", "5a", &["anna", "berta"]));
    place.enqueue(&class("c-1", "School1", "6a", &["anna", "berta"]));
    place.enqueue(&pupil("anna", "School1", &["6a"]));
    place.enqueue(&pupil("berta", "School1", &["6a"]));
    assert_eq!(place.once(), Ended::Done, "{:?}", place.queue.state());
    assert_eq!(place.classes(), ["School1/6a (of c-1): anna berta"]);
}

#[test]
fn a_chain_of_renamings_with_users_first_and_out_of_order() {
    let mut place = Place::new();
    for (name, class) in [("anna", "5a"), ("berta", "6a"), ("carl", "7a")] {
        place.deliver(&pupil(name, "School1", &[class]));
    }
    for (id, name, users) in [("c-1", "5a", "anna"), ("c-2", "6a", "berta"), ("c-3", "7a", "carl")]
    {
        place.deliver(&class(id, "School1", name, &[users]));
    }
    place.enqueue(&class("c-1", "School1", "6a", &["anna"]));
    place.enqueue(&class("c-2", "School1", "7a", &["berta"]));
    place.enqueue(&class("c-3", "School1", "8a", &["carl"]));
    for (name, class) in [("anna", "6a"), ("berta", "7a"), ("carl", "8a")] {
        place.enqueue(&pupil(name, "School1", &[class]));
    }
    assert_eq!(place.once(), Ended::Done, "{:?}", place.queue.state());
    assert_eq!(
        place.classes(),
        ["School1/6a (of c-1): anna", "School1/7a (of c-2): berta", "School1/8a (of c-3): carl"]
    );
}

#[test]
fn unknown_members_are_left_out_until_they_come() {
    let mut place = Place::new().without_classes_of_users();
    place.deliver(&pupil("anna", "School1", &[]));
    let all = class("c-1", "School1", "5a", &["anna", "berta", "carl", "dora"]);
    let calls = place.deliver(&all);
    assert_eq!(
        calls,
        [
            "GET classes/School1/5a 404",
            "POST classes/ 404",
            "GET users/carl 404",
            "GET users/dora 404",
            "POST classes/ 201"
        ]
    );
    assert_eq!(place.classes(), ["School1/5a (of c-1): anna"]);
    assert!(place.deliver(&all).is_empty());
    place.enqueue(&pupil("berta", "School1", &[]));
    place.enqueue(&pupil("carl", "School1", &[]));
    assert_eq!(place.once(), Ended::Done);
    assert_eq!(place.classes(), ["School1/5a (of c-1): anna berta carl"]);
    let calls = place.calls();
    let of_class = calls.iter().filter(|call| call.contains(" classes/")).count();
    assert_eq!(of_class, 2, "once for both: {calls:?}");
    assert!(place.queue.names().unwrap().is_empty());
}

#[test]
fn a_class_stops_at_addresses_that_the_server_remembers() {
    let mut place = Place::with(Options { remembers_addresses: true, ..Options::default() })
        .without_classes_of_users();
    place.deliver(&pupil("anna", "School1", &[]));
    place.deliver(&class("c-1", "School1", "5a", &["anna"]));
    place.deliver(&pupil("anna", "School2", &[]));
    place.enqueue(&class("c-2", "School2", "5b", &["anna"]));
    assert_eq!(place.once(), Ended::Stopped);
    let state = place.queue.state().unwrap();
    assert_eq!(state.class, Some(FaultClass::Permanent));
    let remedy = state.remedy.unwrap();
    assert!(remedy.contains("moved to another school") && remedy.contains("restarted"), "{remedy}");
    assert!(state.message.unwrap().contains("cn=School2-5b"));
}

#[test]
fn names_that_the_server_refuses_stop_with_a_remedy() {
    let place = Place::new();
    place.enqueue(&class("c-1", "School1", "5ä", &[]));
    assert_eq!(place.once(), Ended::Stopped);
    let state = place.queue.state().unwrap();
    assert_eq!(state.class, Some(FaultClass::Permanent));
    assert!(state.remedy.unwrap().contains("without umlauts"));
}

#[test]
fn members_of_the_server_are_left_alone_where_that_is_wanted() {
    let mut place = Place::new().without_classes_of_users();
    place.authority.plugin = Plugin::PartialGroupSync;
    place.authority.ignored_roles.insert("teacher".into());
    for (name, role) in [("s1", "student"), ("s2", "student"), ("t1", "teacher"), ("t3", "teacher")]
    {
        place.source.set(name, &format!("{role}:school:School1"));
        place.deliver(&pupil(name, "School1", &[]));
    }
    place.deliver(&pupil("local9", "School1", &[]));
    // As somebody at the server made it.
    let full = Plugin::Kelvin;
    place.authority.plugin = full;
    place.deliver(&class("c-0", "School1", "1a", &["t1", "local9", "s2"]));
    place.authority.plugin = Plugin::PartialGroupSync;
    assert_eq!(
        place.deliver(&class("c-1", "School1", "1a", &["s1", "t3"])),
        ["GET classes/School1/1a 200", "PATCH classes/School1/1a 200"]
    );
    assert_eq!(place.members("School1", "1a").unwrap(), ["local9", "s1", "t1"]);
}

#[test]
fn trouble_at_any_request_is_made_good_by_the_next_attempt() {
    for kind in ["500", "late-500", "late-close", "close", "502", "garbage", "401"] {
        for request in ["GET classes/*", "POST classes/", "PATCH classes/*", "DELETE classes/*"] {
            let mut place = Place::new().without_classes_of_users();
            for name in ["anna", "berta"] {
                place.deliver(&pupil(name, "School1", &[]));
            }
            place.server.fail(format!("{request}:1:{kind}").parse().unwrap());
            let mut stops = 0;
            for item in [
                class("c-1", "School1", "5a", &["anna"]),
                class("c-1", "School1", "6a", &["anna", "berta"]),
                class("c-1", "School2", "6a", &["berta"]),
            ] {
                place.enqueue(&item);
                while place.once() == Ended::Stopped {
                    let state = place.queue.state().unwrap();
                    assert_eq!(state.class, Some(FaultClass::Transient), "{kind} {state:?}");
                    stops += 1;
                    assert!(stops < 5, "{kind} {request} {state:?}");
                }
            }
            assert_eq!(place.classes(), ["School2/6a (of c-1): berta"], "{kind} {request}");
        }
    }
}

#[test]
fn a_thousand_members() {
    let mut place = Place::new();
    let names: Vec<String> = (0..1000).map(|number| format!("pupil{number}")).collect();
    for name in &names {
        place.enqueue(&pupil(name, "School1", &["all"]));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = class("c-1", "School1", "all", &names);
    place.enqueue(&all);
    assert_eq!(place.once(), Ended::Done, "{:?}", place.queue.state());
    assert_eq!(place.members("School1", "all").unwrap().len(), 1000);
    place.calls();
    assert!(place.deliver(&all).is_empty());
    assert_eq!(place.deliver(&class("c-1", "School1", "all", &names[..999])).len(), 2);
    assert_eq!(place.members("School1", "all").unwrap().len(), 999);
}
