//! Who may call what.

use super::{CONTEXT, CREDENTIALS, NO_CONTEXT, NO_USER, USER, auth, expect};
use crate::support::{ADMIN, CTX, Client, MASTER, server, server_with, user};

#[test]
fn credentials_come_before_existence() {
    let server = server();
    let mut client = Client::new(server.address());
    let failed = "Authentication failed";
    let someone = "<s:user><d:id>3</d:id></s:user>";
    for (operation, object) in [("exists", someone), ("delete", someone), ("listAll", "")] {
        let nobody = format!("<s:ctx><d:id>77</d:id></s:ctx>{object}{ADMIN}");
        expect(&mut client, USER, (operation, &nobody), CREDENTIALS, failed);
        let wrong = format!("{CTX}{object}{}", auth("oxadmin", "wrong"));
        expect(&mut client, USER, (operation, &wrong), CREDENTIALS, failed);
        let master = format!("{CTX}{object}{MASTER}");
        expect(&mut client, USER, (operation, &master), CREDENTIALS, failed);
    }
    let no_auth = format!("{CTX}{someone}");
    expect(&mut client, USER, ("exists", &no_auth), CREDENTIALS, "credential object is null");
    for context in [
        "",
        "<s:ctx/>",
        "<s:ctx><d:id>0</d:id></s:ctx>",
        "<s:ctx><d:name>context10</d:name></s:ctx>",
    ] {
        let call = format!("{context}{someone}{ADMIN}");
        expect(
            &mut client,
            USER,
            ("exists", &call),
            CREDENTIALS,
            "Client sent invalid context data object",
        );
    }
    // The two operations that a user may call for itself look the context up first.
    let data = format!("<s:ctx><d:id>77</d:id></s:ctx>{someone}{ADMIN}");
    expect(&mut client, USER, ("getData", &data), NO_CONTEXT, "Context 77 does not exist");
    let change =
        format!("<s:ctx><d:id>77</d:id></s:ctx><s:usrdata><d:id>3</d:id></s:usrdata>{ADMIN}");
    expect(&mut client, USER, ("change", &change), NO_CONTEXT, "The context 77 does not exist!");
    let unknown = format!("{CTX}{someone}{}", auth("ghost", "x"));
    expect(&mut client, USER, ("getData", &unknown), NO_USER, "No such user ghost in context 10");

    let wrong = format!("{CTX}{}", auth("root", "x"));
    expect(
        &mut client,
        CONTEXT,
        ("delete", &wrong),
        CREDENTIALS,
        "Authentication failed for user root",
    );
    let own = format!("{CTX}{ADMIN}");
    expect(
        &mut client,
        CONTEXT,
        ("change", &own),
        CREDENTIALS,
        "Authentication failed for user oxadmin",
    );
    client.ok(CONTEXT, "getData", &own);
}

#[test]
fn a_user_may_read_and_change_itself_only() {
    let server = server();
    let mut client = Client::new(server.address());
    let anna = client.create_user("anna");
    let own = auth("anna", "pw");
    client.ok(USER, "getData", &format!("{CTX}<s:user><d:id>{anna}</d:id></s:user>{own}"));
    client.ok(USER, "getData", &format!("{CTX}<s:user><d:name>anna</d:name></s:user>{own}"));
    client.ok(
        USER,
        "change",
        &format!("{CTX}<s:usrdata><d:id>{anna}</d:id><d:title>Dr.</d:title></s:usrdata>{own}"),
    );
    let other = format!("{CTX}<s:user><d:id>2</d:id></s:user>{own}");
    expect(&mut client, USER, ("getData", &other), CREDENTIALS, "Permission denied");
    let wrong = format!("{CTX}<s:user><d:id>{anna}</d:id></s:user>{}", auth("anna", "no"));
    expect(&mut client, USER, ("getData", &wrong), CREDENTIALS, "Authentication failed");
    let list = format!("{CTX}{own}");
    expect(&mut client, USER, ("listAll", &list), CREDENTIALS, "Authentication failed");
}

#[test]
fn the_master_may_act_inside_contexts_only_when_the_server_says_so() {
    let server = server_with(|options| options.master_account_override = true);
    let mut client = Client::new(server.address());
    client.ok(USER, "create", &format!("{CTX}{}{MASTER}", user("anna")));
    client.ok(USER, "getData", &format!("{CTX}<s:user><d:name>anna</d:name></s:user>{MASTER}"));
}
