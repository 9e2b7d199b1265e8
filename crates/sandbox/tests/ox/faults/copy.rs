//! OXUserCopyService, and operations that are not imitated.

use super::{COPY, CREDENTIALS, NO_CONTEXT, NO_USER, USER, expect};
use crate::support::{ADMIN, CTX, Client, MASTER, server, values};

#[test]
fn copies() {
    let server = server();
    let mut client = Client::new(server.address());
    let anna = client.create_user("anna");
    client.create_group("team", &[anna]);
    client.ok(
        USER,
        "changeByModuleAccess",
        &format!("{CTX}<s:user><d:id>{anna}</d:id></s:user><s:moduleAccess><d:webmail>false</d:webmail></s:moduleAccess>{ADMIN}"),
    );
    let copy = |user: &str, src: i32, dest: i32, auth: &str| {
        format!(
            "<s:user>{user}</s:user><s:src><d:id>{src}</d:id></s:src><s:dest><d:id>{dest}</d:id></s:dest>{auth}"
        )
    };
    let by_id = format!("<d:id>{anna}</d:id>");
    let mut expect_copy = |call: String, name: &str, text: &str| {
        expect(&mut client, COPY, ("copyUser", &call), name, text);
    };
    expect_copy(copy(&by_id, 10, 11, ADMIN), CREDENTIALS, "Authentication failed for user oxadmin");
    expect_copy(copy(&by_id, 10, 77, MASTER), NO_CONTEXT, "Context 77 does not exist");
    expect_copy(copy(&by_id, 77, 11, MASTER), NO_CONTEXT, "Context 77 does not exist");
    expect_copy(copy("<d:id>99</d:id>", 10, 11, MASTER), NO_USER, "No such user 99 in context 10");
    let answer = client.ok(COPY, "copyUser", &copy(&by_id, 10, 11, MASTER));
    assert_eq!(values(&answer, "id"), ["3"]);
    let again = copy(&by_id, 10, 11, MASTER);
    expect(
        &mut client,
        COPY,
        ("copyUser", &again),
        "UserExistsException",
        "User anna already exists in context 11",
    );
    server.inspect(|world| {
        let context = world.context(11).unwrap();
        assert_eq!(context.access(3, "webmail"), Some(false));
        assert_eq!(context.groups_of(3).map(|group| group.id).collect::<Vec<_>>(), [1]);
        assert_eq!(context.user(3).unwrap().text("sur_name"), Some("S"));
    });
}

#[test]
fn an_operation_that_is_not_imitated_says_so() {
    let server = server();
    let mut client = Client::new(server.address());
    let call = format!("{CTX}<s:user><d:id>2</d:id></s:user>{ADMIN}");
    expect(
        &mut client,
        USER,
        ("getUserCapabilities", &call),
        "RemoteException",
        "Operation getUserCapabilities of OXUserService is not implemented by this sandbox",
    );
}
