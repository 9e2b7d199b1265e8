//! OXResourceService.

use super::{INVALID, RESOLVING, RESOURCE, expect};
use crate::support::{ADMIN, CTX, Client, server, values};

#[test]
fn resources() {
    let server = server();
    let mut client = Client::new(server.address());
    client.create_user("anna");
    let res = |fields: &str| format!("{CTX}<s:res>{fields}</s:res>{ADMIN}");
    let fields = |name: &str, mail: &str| {
        format!(
            "<d:displayname>{name}</d:displayname><d:email>{mail}</d:email><d:name>{name}</d:name>"
        )
    };
    client.ok(RESOURCE, "create", &res(&fields("room", "room@example.org")));
    let used = "Resource with this email address already exists";
    for (call, text) in [
        (fields("ROOM", "x@example.org"), "Resource ROOM already exists in this context"),
        (fields("r2", "Room@example.org"), used),
        (fields("r2", "anna@example.org"), used),
        (fields("r2", "nonsense"), "Invalid email address"),
        (fields("r\u{fc}", "r@example.org"), "Illegal chars: \"\u{fc}\""),
        ("<d:name>x</d:name>".to_owned(), "Mandatory fields not set: [displayname, email]"),
    ] {
        expect(&mut client, RESOURCE, ("create", &res(&call)), INVALID, text);
    }
    let no_resource = "NoSuchResourceException";
    expect(
        &mut client,
        RESOURCE,
        ("getData", &res("<d:name>x</d:name>")),
        no_resource,
        "No such resource x",
    );
    for operation in ["change", "delete"] {
        expect(
            &mut client,
            RESOURCE,
            (operation, &res("<d:id>99</d:id>")),
            no_resource,
            "Resource with this id does not exist",
        );
        let text = format!("{RESOLVING}NoSuchResourceException: No such resource x");
        expect(&mut client, RESOURCE, (operation, &res("<d:name>x</d:name>")), no_resource, &text);
    }
    let rights = "<d:id>4</d:id><d:permissions><d:entity>99</d:entity><d:group>false</d:group><d:privilege>delegate</d:privilege></d:permissions>";
    expect(
        &mut client,
        RESOURCE,
        ("change", &res(rights)),
        INVALID,
        "Invalid resource permission: entity 99, privilege \"delegate\"",
    );
    client.ok(RESOURCE, "change", &res(&rights.replace("99", "3")));
    let list = client.ok(RESOURCE, "listAll", &format!("{CTX}{ADMIN}"));
    assert_eq!(values(&list, "entity"), ["3"]);
    client.ok(RESOURCE, "delete", &res("<d:name>Room</d:name>"));
}
