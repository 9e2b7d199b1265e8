//! OXGroupService.

use super::{GROUP, INVALID, NO_USER, RESOLVING, expect};
use crate::support::{ADMIN, CTX, Client, server, values};

#[test]
fn groups() {
    let server = server();
    let mut client = Client::new(server.address());
    let anna = client.create_user("anna");
    let team = client.create_group("Team", &[anna]);
    client.create_group("other", &[]);
    let no_group = "NoSuchGroupException";
    let grp = |fields: &str| format!("{CTX}<s:grp>{fields}</s:grp>{ADMIN}");
    for (operation, fields, name, text) in [
        ("create", "", INVALID, "Mandatory fields not set: [name, displayname]"),
        ("create", "<d:name>x</d:name>", INVALID, "Mandatory fields not set: [displayname]"),
        (
            "create",
            "<d:displayname>x</d:displayname><d:name>tEAM</d:name>",
            INVALID,
            "Group already exists!",
        ),
        (
            "create",
            "<d:displayname>x</d:displayname><d:name>Users</d:name>",
            INVALID,
            "Group already exists!",
        ),
        (
            "create",
            "<d:displayname>x</d:displayname><d:name>a b/c</d:name>",
            INVALID,
            "Illegal chars: \"/\"",
        ),
        (
            "create",
            "<d:displayname>x</d:displayname><d:members>99</d:members><d:name>x</d:name>",
            NO_USER,
            "No such user",
        ),
        ("change", "<d:id>99</d:id>", no_group, "No such group"),
        (
            "change",
            "<d:id>4</d:id><d:name>OTHER</d:name>",
            INVALID,
            "Group OTHER already exists in this context",
        ),
        ("change", "<d:id>4</d:id><d:members>99</d:members>", NO_USER, "No such user"),
        (
            "change",
            "<d:id>1</d:id><d:members>3</d:members>",
            INVALID,
            "Group with id 1 cannot be changed",
        ),
        ("delete", "<d:id>99</d:id>", no_group, "No such group"),
        ("delete", "<d:id>1</d:id>", INVALID, "Group with id 1 cannot be deleted"),
        ("getData", "<d:id>99</d:id>", no_group, "No such group 99"),
        ("getData", "<d:name>none</d:name>", no_group, "No such group none"),
    ] {
        expect(&mut client, GROUP, (operation, &grp(fields)), name, text);
    }
    let text = format!("{RESOLVING}NoSuchGroupException: No such group none");
    expect(&mut client, GROUP, ("delete", &grp("<d:name>none</d:name>")), no_group, &text);
    for (user, text) in [
        ("<d:id>99</d:id>", "No such user".to_owned()),
        (
            "<d:name>nobody</d:name>",
            format!("{RESOLVING}NoSuchUserException: No such user nobody in context 10"),
        ),
    ] {
        let call = format!("{CTX}<s:usr>{user}</s:usr>{ADMIN}");
        expect(&mut client, GROUP, ("listGroupsForUser", &call), NO_USER, &text);
    }
    let member = |id: i32| {
        format!(
            "{CTX}<s:grp><d:id>{team}</d:id></s:grp><s:members><d:id>{id}</d:id></s:members>{ADMIN}"
        )
    };
    expect(
        &mut client,
        GROUP,
        ("addMember", &member(anna)),
        INVALID,
        "Member already exists in group",
    );
    expect(&mut client, GROUP, ("addMember", &member(99)), NO_USER, "No such user");
    client.ok(GROUP, "removeMember", &member(anna));
    client.ok(GROUP, "addMember", &member(2));
    assert_eq!(values(&client.ok(GROUP, "getMembers", &grp("<d:name>TEAM</d:name>")), "id"), ["2"]);
    assert_eq!(
        values(&client.ok(GROUP, "getDefaultGroup", &format!("{CTX}{ADMIN}")), "members"),
        ["2", "3"]
    );
    assert_eq!(
        values(
            &client.ok(GROUP, "list", &format!("{CTX}<s:pattern>te*</s:pattern>{ADMIN}")),
            "name"
        ),
        ["Team"]
    );
    // A change without members leaves them; a rename keeps the id.
    client.ok(GROUP, "change", &grp(&format!("<d:id>{team}</d:id><d:name>crew</d:name>")));
    assert_eq!(
        values(&client.ok(GROUP, "getData", &grp("<d:name>Crew</d:name>")), "members"),
        ["2"]
    );
}
