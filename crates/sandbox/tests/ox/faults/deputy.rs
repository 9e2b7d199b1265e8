//! `OXDeputyPermissionsService`, as its draft has it.

use super::{DEPUTY, INVALID, NO_USER, USER, expect};
use crate::support::{ADMIN, CTX, Client, server, values};

const CONTEXT: &str = "<s:context><d:id>10</d:id></s:context>";

fn of(user: i32) -> String {
    format!("<s:user><d:id>{user}</d:id></s:user>{CONTEXT}{ADMIN}")
}

fn module(name: &str, levels: [i32; 4]) -> String {
    let [folder, read, write, delete] = levels;
    format!(
        "<d:modulePermissions><d:moduleId>{name}</d:moduleId><d:admin>false</d:admin>\
         <d:folderPermission>{folder}</d:folderPermission><d:readPermission>{read}</d:readPermission>\
         <d:writePermission>{write}</d:writePermission><d:deletePermission>{delete}</d:deletePermission>\
         </d:modulePermissions>"
    )
}

fn grant(grantor: i32, deputy: i32, sends: bool, modules: &str) -> String {
    format!(
        "<s:user><d:id>{grantor}</d:id></s:user><s:deputyPermission><d:userId>{deputy}</d:userId>\
         <d:sendOnBehalfOf>{sends}</d:sendOnBehalfOf>{modules}</s:deputyPermission>{CONTEXT}{ADMIN}"
    )
}

fn listed(client: &mut Client) -> Vec<(String, String)> {
    let list = client.ok(DEPUTY, "list", &format!("{CONTEXT}{ADMIN}"));
    values(&list, "grantorId").into_iter().zip(values(&list, "userId")).collect()
}

#[test]
fn permissions_are_granted_listed_and_revoked() {
    let server = server();
    let mut client = Client::new(server.address());
    let (anna, ben) = (client.create_user("anna"), client.create_user("ben"));
    let mail = module("mail", [2, 4, 4, 0]);
    let both = module("mail", [2, 4, 4, 0]) + &module("calendar", [0; 4]);
    for (call, name, text) in [
        (grant(99, ben, true, &mail), NO_USER, "No such user 99 in context 10"),
        (grant(anna, 99, true, &mail), NO_USER, "No such user 99 in context 10"),
        (grant(anna, anna, true, &mail), INVALID, "A user cannot be a deputy of itself"),
        (grant(anna, ben, true, &module("tasks", [0; 4])), INVALID, "Unknown module \"tasks\""),
        (
            grant(anna, ben, true, &module("mail", [3, 0, 0, 0])),
            INVALID,
            "Invalid value 3 of folderPermission",
        ),
    ] {
        expect(&mut client, DEPUTY, ("grant", &call), name, text);
    }
    for operation in ["revokeAll", "blockManual", "unblockManual"] {
        let call = (operation, of(99));
        let text = "No such user 99 in context 10";
        expect(&mut client, DEPUTY, (call.0, &call.1), NO_USER, text);
    }

    // Nothing at all is no entry; to send mail alone is one.
    let none = module("mail", [0; 4]) + &module("calendar", [0; 4]);
    let answer = client.ok(DEPUTY, "grant", &grant(anna, ben, false, &none));
    assert!(!values(&answer, "return")[0].is_empty());
    assert_eq!(listed(&mut client), []);
    client.ok(DEPUTY, "grant", &grant(anna, ben, true, &none));
    let text = format!("User {ben} is a deputy of user {anna} already");
    expect(&mut client, DEPUTY, ("grant", &grant(anna, ben, true, &mail)), INVALID, &text);
    client.ok(DEPUTY, "revokeAll", &of(anna));
    assert_eq!(listed(&mut client), []);

    client.ok(DEPUTY, "grant", &grant(anna, ben, false, &both));
    client.ok(DEPUTY, "grant", &grant(ben, anna, false, &mail));
    client.ok(DEPUTY, "blockManual", &of(anna));
    let list = client.ok(DEPUTY, "list", &format!("{CONTEXT}{ADMIN}"));
    assert_eq!(values(&list, "moduleId"), ["mail", "mail"], "an empty module is no entry");
    let state = &server.dump()["contexts"][0];
    assert_eq!(state["blockedGrantors"], serde_json::json!([anna]));
    assert_eq!(state["deputies"][0]["grantorId"], anna);
    let permission = &state["deputies"][0]["modulePermissions"][0];
    assert_eq!(
        *permission,
        serde_json::json!({
            "moduleId": "mail", "admin": false, "folderPermission": 2, "readPermission": 4,
            "writePermission": 4, "deletePermission": 0
        })
    );
    let page = client.get("/?context=10&tab=deputies").body;
    for text in ["anna (3)", "ben (4)", "mail 0 2 4 4 0", "May not grant on their own: anna (3)."] {
        assert!(page.contains(text), "{text} in {page}");
    }

    // Who goes takes both sides along.
    client.ok(USER, "delete", &format!("{CTX}<s:user><d:id>{ben}</d:id></s:user>{ADMIN}"));
    assert_eq!(listed(&mut client), []);
    client.ok(DEPUTY, "unblockManual", &of(anna));
    assert_eq!(server.dump()["contexts"][0]["blockedGrantors"], serde_json::json!([]));
}

#[test]
fn the_administrator_of_the_context_is_asked_for() {
    let server = server();
    let mut client = Client::new(server.address());
    let other = format!(
        "{CONTEXT}<s:auth><r:login>oxadmin</r:login><r:password>wrong</r:password></s:auth>"
    );
    expect(&mut client, DEPUTY, ("list", &other), super::CREDENTIALS, "Authentication failed");
}
