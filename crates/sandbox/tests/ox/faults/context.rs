//! OXContextService.

use super::{CONTEXT, INVALID, NO_CONTEXT, RESOLVING, expect};
use crate::support::{Client, MASTER, server, user};

#[test]
fn contexts() {
    let server = server();
    let mut client = Client::new(server.address());
    let create = |fields: &str| {
        format!("<s:ctx>{fields}</s:ctx>{}{MASTER}", user("admin").replace("usrdata", "admin_user"))
    };
    for (fields, missing) in [
        ("", "id, maxQuota"),
        ("<d:id>0</d:id><d:maxQuota>1</d:maxQuota>", "id"),
        ("<d:id>-4</d:id><d:maxQuota>1</d:maxQuota>", "id"),
        ("<d:id>12</d:id>", "maxQuota"),
    ] {
        let text = format!("Mandatory fields not set: [{missing}]");
        expect(&mut client, CONTEXT, ("create", &create(fields)), INVALID, &text);
    }
    let exists = "ContextExistsException";
    let taken = create("<d:id>10</d:id><d:maxQuota>-1</d:maxQuota>");
    expect(&mut client, CONTEXT, ("create", &taken), exists, "Context 10 already exists!");
    let taken = create("<d:id>12</d:id><d:maxQuota>-1</d:maxQuota><d:name>context10</d:name>");
    expect(&mut client, CONTEXT, ("create", &taken), exists, "Context context10 already exists!");
    let taken =
        create("<d:id>12</d:id><d:loginMappings>11</d:loginMappings><d:maxQuota>-1</d:maxQuota>");
    let text = "A mapping with login info \"11\" already exists in the system!";
    expect(&mut client, CONTEXT, ("create", &taken), "StorageException", text);
    let no_admin = format!(
        "<s:ctx><d:id>12</d:id><d:maxQuota>-1</d:maxQuota></s:ctx><s:admin_user><d:name>a</d:name></s:admin_user>{MASTER}"
    );
    let text = "Mandatory fields not set: [display_name, password, given_name, sur_name, primaryEmail, email1]";
    expect(&mut client, CONTEXT, ("create", &no_admin), INVALID, text);
    // Nothing of all that left a trace; the name defaults to the id.
    client.ok(CONTEXT, "create", &create("<d:id>12</d:id><d:maxQuota>-1</d:maxQuota>"));
    server.inspect(|world| {
        let context = world.context(12).unwrap();
        assert_eq!((context.name.as_str(), context.max_quota), ("12", -1));
        assert_eq!(context.login_mappings, ["12"]);
    });

    let rename = format!("<s:ctx><d:id>12</d:id><d:name>context11</d:name></s:ctx>{MASTER}");
    expect(&mut client, CONTEXT, ("change", &rename), INVALID, "Context context11 already exists!");
    for operation in ["getData", "change", "delete", "getAdminId", "enable", "disable"] {
        let unknown = format!("<s:ctx><d:id>77</d:id></s:ctx>{MASTER}");
        expect(
            &mut client,
            CONTEXT,
            (operation, &unknown),
            NO_CONTEXT,
            "Context 77 does not exist",
        );
    }
    let unknown = format!("<s:ctx><d:name>nowhere</d:name></s:ctx>{MASTER}");
    let text = format!("{RESOLVING}NoSuchContextException: Context nowhere does not exist");
    expect(&mut client, CONTEXT, ("delete", &unknown), NO_CONTEXT, &text);
}
