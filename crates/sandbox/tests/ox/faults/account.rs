//! OXSecondaryAccountService.

use super::{ACCOUNT, INVALID, NO_USER, expect};
use crate::support::{ADMIN, Client, server, values};

#[test]
fn accounts() {
    let server = server();
    let mut client = Client::new(server.address());
    client.create_user("anna");
    client.create_user("berta");
    let context = "<s:context><d:id>10</d:id></s:context>";
    let data =
        |fields: &str| format!("<s:accountDataOnCreate>{fields}</s:accountDataOnCreate>{context}");
    let info = "<d:login>l</d:login><d:password>hidden</d:password><d:primaryAddress>info@example.org</d:primaryAddress><d:mailEndpointSource>primary</d:mailEndpointSource>";
    let anna = "<s:users><d:id>3</d:id></s:users>";
    let everyone = "<s:groups><d:id>0</d:id></s:groups>";
    for (call, name, text) in [
        (data(info), INVALID, "Missing users/groups in account data"),
        (
            data("<d:mailEndpointSource>primary</d:mailEndpointSource>") + anna,
            INVALID,
            "Primary address is empty.",
        ),
        (data("<d:primaryAddress>x</d:primaryAddress>") + anna, INVALID, "Invalid email address"),
        (data("<d:primaryAddress>x@y</d:primaryAddress>") + anna, INVALID, "Mail server is empty."),
        (
            data(
                "<d:primaryAddress>x@y</d:primaryAddress><d:mailEndpointSource>odd</d:mailEndpointSource>",
            ) + anna,
            INVALID,
            "Unknown mail end-point source \"odd\"",
        ),
        (
            data(info) + "<s:users><d:id>99</d:id></s:users>",
            NO_USER,
            "No such user 99 in context 10",
        ),
        (
            data(info) + "<s:groups><d:id>99</d:id></s:groups>",
            NO_USER,
            "No such group 99 in context 10",
        ),
    ] {
        expect(&mut client, ACCOUNT, ("create", &(call + ADMIN)), name, text);
    }
    client.ok(ACCOUNT, "create", &format!("{}{anna}{ADMIN}", data(info)));
    let (name, _) = client.fault(ACCOUNT, "create", &format!("{}{anna}{ADMIN}", data(info)));
    assert_eq!(name, "StorageException");
    // Everyone would include the one who has it.
    let (name, _) = client.fault(ACCOUNT, "create", &format!("{}{everyone}{ADMIN}", data(info)));
    assert_eq!(name, "StorageException");
    let list = client.ok(ACCOUNT, "list", &format!("{context}{ADMIN}"));
    assert_eq!(values(&list, "userId"), ["3"]);
    assert!(!list.contains("hidden"));

    let update = format!(
        "<s:primaryAddress>INFO@example.org</s:primaryAddress><s:accountDataUpdate><d:personal>P</d:personal></s:accountDataUpdate>{context}{everyone}{ADMIN}"
    );
    assert_eq!(values(&client.ok(ACCOUNT, "update", &update), "return"), ["true"]);
    assert_eq!(
        values(&client.ok(ACCOUNT, "list", &format!("{context}{anna}{ADMIN}")), "personal"),
        ["P"]
    );
    let delete = |address: &str| {
        format!("<s:primaryAddress>{address}</s:primaryAddress>{context}{everyone}{ADMIN}")
    };
    // An address that nobody has is no fault.
    assert_eq!(
        values(&client.ok(ACCOUNT, "delete", &delete("none@example.org")), "return"),
        ["false"]
    );
    assert_eq!(
        values(&client.ok(ACCOUNT, "delete", &delete("Info@example.org")), "return"),
        ["true"]
    );
    assert_eq!(
        values(&client.ok(ACCOUNT, "delete", &delete("info@example.org")), "return"),
        ["false"]
    );
    client.ok(ACCOUNT, "create", &format!("{}{everyone}{ADMIN}", data(info)));
    assert_eq!(
        values(&client.ok(ACCOUNT, "list", &format!("{context}{ADMIN}")), "userId"),
        ["2", "3", "4"]
    );
}
