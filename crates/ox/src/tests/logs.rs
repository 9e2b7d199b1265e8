//! Log lines that existing scripts and people look for (ox-provisioning 3.7), to the letter.

use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use super::stage::{Stage, anna, anna_deleted, item, logged};
use crate::fake::Fake;

const OBJECT: &str = "Object('users/user', 'uid=anna,cn=users,dc=example,dc=org')";

fn two() -> Fake {
    Fake::new().with_context(10).with_context(11)
}

/// Checks that delivering the last of `items` logs all of `expected`, in this order.
fn check(ox: Fake, items: &[ConvertedItem], expected: &[&str]) {
    let stage = Stage::new(ox);
    let (last, before) = items.split_last().unwrap();
    for item in before {
        stage.deliver(item).unwrap();
    }
    let lines = logged(|| stage.deliver(last).unwrap());
    let mut rest = lines.iter();
    for line in expected {
        let line = line.replace("<obj>", OBJECT);
        assert!(rest.any(|found| *found == line), "missing: {line}\nfound: {lines:#?}");
    }
    let text = lines.join("\n");
    assert!(!text.contains("dummy"), "{text}");
}

#[test]
fn creation() {
    check(
        two(),
        &[anna(json!({}))],
        &[
            "INFO Creating <obj>",
            "INFO Searching for anna in context 10",
            "INFO univention.ox.soap.backend_base.SoapUser: Created user 'anna' in context 10 (id=3).",
            "INFO Changing user 3 to profile premium",
            "INFO Looking for groups of this user to be created in the context id",
        ],
    );
}

#[test]
fn creation_of_an_existing_user() {
    check(
        two().with_user(10, 7, "anna"),
        &[anna(json!({}))],
        &[
            "INFO Creating <obj>",
            "INFO <obj> exists. Modifying instead...",
            "WARN Found in DB but had no old attributes. Using new ones as old...",
            "INFO univention.ox.soap.backend_base.SoapUser: Modified user 'anna' in context 10 (id=7).",
        ],
    );
}

#[test]
fn modification() {
    check(
        two(),
        &[anna(json!({"isOxUser": "Not"})), anna(json!({}))],
        &["INFO Modifying <obj>", "INFO <obj> does not yet exist. Creating instead..."],
    );
    check(
        two().with_user(10, 7, "anna"),
        &[anna(json!({"isOxUser": "Not"})), anna(json!({}))],
        &["WARN <obj> was no OX user before... that should not be the case. Modifying anyway..."],
    );
    check(
        two(),
        &[anna(json!({"oxContext": null})), anna(json!({}))],
        &["WARN Old <obj> has no context ID. Using new context ID instead..."],
    );
    check(
        two(),
        &[anna(json!({})), anna(json!({"oxContext": null}))],
        &["WARN <obj> has no oxContext. that should not be the case. Using old oxContext..."],
    );
    check(
        two(),
        &[anna(json!({"oxContext": null}))],
        &[
            "WARN <obj> has no oxContext attribute. No modification. Consider adding an oxContext to it.",
        ],
    );
    check(
        two(),
        &[anna(json!({})), anna(json!({"oxAccess": "nosuch"}))],
        &["WARN Cannot find access profile 'nosuch'. Leaving access rights untouched!"],
    );
}

#[test]
fn a_stale_id() {
    let stage = Stage::new(two());
    stage.deliver(&anna(json!({}))).unwrap();
    stage.ox.change_world(|world| world.contexts.get_mut(&10).unwrap().users.clear());
    let lines = logged(|| stage.deliver(&anna(json!({"title": "x"}))).unwrap());
    let expected = format!("INFO Cannot modify {OBJECT}. User not found in db. Creating instead.");
    assert!(lines.contains(&expected), "{lines:#?}");
}

#[test]
fn deletion() {
    check(
        two().with_user(10, 3, "anna").with_group(10, 5, "alone", &[3]).with_group(
            10,
            6,
            "both",
            &[3, 9],
        ),
        &[anna(json!({})), anna_deleted()],
        &[
            "INFO Deleting <obj>",
            "INFO univention.ox.soap.backend_base.SoapUser: Deleted user 'anna' in context 10 (id=3).",
            "INFO User was deleted, searching for now empty groups",
            "INFO Found group alone with 0 members",
            "INFO Found group both with 1 members",
            "INFO Thus, deleting group 5 in 10...",
            "INFO univention.ox.soap.backend_base.SoapGroup: Deleted group 'alone' in context 10 (id=5).",
        ],
    );
    check(
        two(),
        &[anna(json!({})), anna(json!({"isOxUser": "Not"}))],
        &["INFO <obj> is no OX user. Deleting instead..."],
    );
    check(
        two(),
        &[anna(json!({"isOxUser": "Not"})), anna(json!({"isOxUser": "Not"}))],
        &["INFO <obj> does not exist. Doing nothing..."],
    );
    check(
        two(),
        &[anna(json!({"isOxUser": "Not"}))],
        &["INFO No attributes to work with. Doing nothing..."],
    );
    check(
        two(),
        &[anna(json!({"oxContext": null})), anna_deleted()],
        &["WARN Skipping: Object has no oxContext attribute!"],
    );
}

#[test]
fn a_move() {
    check(
        two(),
        &[anna(json!({})), anna(json!({"oxContext": 11}))],
        &[
            "INFO Changing context: 10 -> 11",
            "INFO Creating <obj> in context 11 using UserCopy",
            "INFO Searching for anna in context 11",
            "INFO univention.ox.soap.backend_base.SoapUser: Modified user 'anna' in context 11 (id=3).",
            "INFO univention.ox.soap.backend_base.SoapUser: Deleted user 'anna' in context 10 (id=3).",
        ],
    );
    check(
        two().with_user(11, 9, "anna"),
        &[anna(json!({})), anna(json!({"oxContext": 11}))],
        &[
            "INFO Changing context: 10 -> 11",
            "WARN <obj> was found in context 10 with ID 3 and in 11 with 9. This should not happen. Will delete in \
             10 and modify in 11",
        ],
    );
}

#[test]
fn the_context_admin() {
    check(
        two(),
        &[anna(json!({"username": "oxadmin"}))],
        &["WARN Skipping: Not touching oxadmin in context 10: Is context admin!"],
    );
}

#[test]
fn values() {
    check(
        two(),
        &[anna(
            json!({"jpegPhoto": "iVBORw0KGgoAAAA=", "oxDisplayName": "", "displayName": "Anna"}),
        )],
        &[
            "INFO Attribute display_name. Using alternative ldap mapping displayName ...",
            "WARN We only support jpeg images. Found image/png. Ignoring image...",
        ],
    );
    check(
        two(),
        &[anna(json!({})), anna(json!({"mailPrimaryAddress": null}))],
        &["WARN Attribute email1 is None."],
    );
}

#[test]
fn contexts() {
    let context = |object| item("c", "oxmail/oxcontext", "cn=c12", object);
    let twelve = || context(json!({"contextid": 12, "name": "c12"}));
    check(
        two(),
        &[twelve()],
        &[
            "INFO Creating Object('oxmail/oxcontext', 'cn=c12')",
            "INFO univention.ox.soap.backend_base.SoapContext: Adding secret file for context 12",
            "INFO univention.ox.soap.backend_base.SoapContext: Created context 'c12' (12).",
        ],
    );
    check(
        two(),
        &[twelve(), context(Value::Null)],
        &[
            "INFO Deleting Object('oxmail/oxcontext', 'cn=c12')",
            "INFO univention.ox.soap.backend_base.SoapContext: Deleted context 'c12' in context 12 (id=12).",
            "INFO univention.ox.soap.backend_base.SoapContext: Removing secret file for context 12",
        ],
    );
}

#[test]
fn access_profiles() {
    let profile = |object| item("p", "oxmail/accessprofile", "cn=p", object);
    check(
        two(),
        &[profile(json!({"name": "p"}))],
        &[
            "INFO Adding an accessprofile is like modifying it...",
            "INFO Changing accessprofile cn=p",
        ],
    );
    check(
        two(),
        &[profile(json!({"name": "p"})), profile(Value::Null)],
        &["INFO Removing accessprofile cn=p"],
    );
}

#[test]
fn a_missing_profile_file() {
    let stage = Stage::new(two());
    std::fs::remove_file(stage.file("ModuleAccessDefinitions.properties")).unwrap();
    let lines = logged(|| stage.deliver(&anna(json!({}))).unwrap());
    let path = stage.file("ModuleAccessDefinitions.properties");
    let expected = format!("WARN Could not read {}. Working with empty set...", path.display());
    assert_eq!(lines.iter().filter(|line| **line == expected).count(), 1, "{lines:#?}");
}
