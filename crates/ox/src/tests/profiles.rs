//! Access profiles as items (ox-provisioning 5.2).

use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::stage::{Stage, anna, item};
use crate::fake::Fake;

fn profile(object: Value) -> ConvertedItem {
    item("p-1", "oxmail/accessprofile", "cn=own,cn=accessprofiles", object)
}

fn line(stage: &Stage, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(stage.file("ModuleAccessDefinitions.properties")).unwrap();
    text.lines().find(|line| line.starts_with(&format!("{name}="))).map(str::to_owned)
}

#[test]
fn s5_2_create_change_and_remove() {
    let stage = Stage::new(Fake::new());
    let object = json!({"name": "own", "webmail": "TRUE", "calendar": true, "tasks": "FALSE", "displayname": "Own"});
    assert_eq!(stage.calls(&profile(object)), [""; 0]);
    assert_eq!(line(&stage, "own").as_deref(), Some("own=calendar,webmail"));
    stage.deliver(&profile(json!({"name": "own", "tasks": "TRUE"}))).unwrap();
    assert_eq!(line(&stage, "own").as_deref(), Some("own=tasks"));
    stage.deliver(&profile(json!({"name": "own"}))).unwrap();
    assert_eq!(line(&stage, "own").as_deref(), Some("own="));
    assert!(line(&stage, "premium").is_some());
    stage.deliver(&profile(Value::Null)).unwrap();
    assert_eq!(line(&stage, "own"), None);
    assert_eq!(stage.snapshot("p-1"), None);
}

#[test]
fn s5_2_a_profile_takes_effect_at_the_users_next_change() {
    let stage = Stage::new(Fake::new().with_context(10));
    stage.deliver(&anna(json!({}))).unwrap();
    let premium = json!({"name": "premium", "calendar": "TRUE"});
    assert_eq!(stage.calls(&profile(premium)), [""; 0], "users are not touched");
    let calls = stage.calls(&anna(json!({"title": "Dr."})));
    assert_eq!(calls, ["User.change 10 #3", "User.changeByModuleAccess 10 #3"]);
}

#[test]
fn a_profile_needs_a_name_of_one_line() {
    let stage = Stage::new(Fake::new());
    for name in [json!(null), json!(""), json!("a\nb"), json!(["x"])] {
        let fault = stage.deliver(&profile(json!({"name": name}))).unwrap_err();
        assert!(fault.message.contains("name"), "{}", fault.message);
    }
}
