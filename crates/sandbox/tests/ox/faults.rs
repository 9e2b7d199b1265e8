//! Every fault that the operations can end in: its name in the detail, and its text.

use crate::support::{ADMIN, CTX, Client, MASTER, server, server_with, user, values};

/// Expects a fault of an operation.
#[track_caller]
fn expect(client: &mut Client, service: &str, call: (&str, &str), name: &str, text: &str) {
    let (operation, parameters) = call;
    let (actual, actual_text) = client.fault(service, operation, parameters);
    assert_eq!((actual.as_str(), actual_text.as_str()), (name, text), "{operation} {parameters}");
}

const CONTEXT: &str = "OXContextService";
const USER: &str = "OXUserService";
const GROUP: &str = "OXGroupService";
const RESOURCE: &str = "OXResourceService";
const ACCOUNT: &str = "OXSecondaryAccountService";
const COPY: &str = "OXUserCopyService";

const INVALID: &str = "InvalidDataException";
const CREDENTIALS: &str = "InvalidCredentialsException";
const NO_CONTEXT: &str = "NoSuchContextException";
const NO_USER: &str = "NoSuchUserException";
const RESOLVING: &str = "com.openexchange.admin.rmi.exceptions.NoSuchObjectException: com.openexchange.admin.rmi.exceptions.";

fn auth(login: &str, password: &str) -> String {
    format!("<s:auth><r:login>{login}</r:login><r:password>{password}</r:password></s:auth>")
}

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

#[test]
fn user_create() {
    let server = server_with(|options| options.unique_display_names = true);
    let mut client = Client::new(server.address());
    client.create_user("anna");
    let good = user("berta");
    let with = |from: &str, to: &str| format!("{CTX}{}{ADMIN}", good.replacen(from, to, 1));
    let field = |name: &str, value: &str| format!("<d:{name}>{value}</d:{name}>");
    let mail = "berta@example.org";
    let display = field("display_name", "berta");
    let cases = [
        (with(&display, ""), "Mandatory fields not set: [display_name]"),
        (with(&field("sur_name", "S"), "<d:sur_name/>"), "Mandatory fields not set: [sur_name]"),
        (
            with(&field("name", "berta"), "").replacen(&field("given_name", "G"), "", 1),
            "Mandatory fields not set: [name, given_name]",
        ),
        (with(&field("password", "pw"), ""), "Mandatory fields not set: [password]"),
        (with(&field("password", "pw"), "<d:password/>"), "Empty password is not allowed."),
        (
            with(&field("name", "berta"), &field("name", "anna")),
            "User anna already exists in this context",
        ),
        (with(&display, &field("display_name", "anna")), "The displayname is already used"),
        (with(&field("name", "berta"), &field("name", "bértä!")), "Illegal chars: \"éä!\""),
        (
            with(
                &field("name", "berta"),
                &format!("<d:language>de</d:language>{}", field("name", "berta")),
            ),
            "Language must contain an underscore, e.g. en_US.",
        ),
        (
            with("</s:usrdata>", "<d:timezone>Europe/Bremen</d:timezone></s:usrdata>"),
            "The given timezone is invalid",
        ),
        (
            with(&field("email1", mail), &field("email1", "other@example.org")),
            "primarymail must have the same value as email1",
        ),
        (with(mail, "no-address").replacen(mail, "no-address", 1), "Invalid email address"),
        (with("<s:usrdata>", "<s:usrdata><d:aliases>x y@z</d:aliases>"), "Invalid email address"),
        (
            with(mail, "Anna@example.org").replacen(mail, "Anna@example.org", 1),
            "Primary mail address \"Anna@example.org\" already exists in context 10 (Already assigned to user 3).",
        ),
    ];
    for (call, text) in &cases {
        expect(&mut client, USER, ("create", call), INVALID, text);
    }
    // The same data go into another context.
    let other = format!("<s:ctx><d:id>11</d:id></s:ctx>{}{ADMIN}", user("anna"));
    assert_eq!(values(&client.ok(USER, "create", &other), "id"), ["3"]);
    server.inspect(|world| assert_eq!(world.context(10).unwrap().users().len(), 2));
}

#[test]
fn user_change() {
    let server = server_with(|options| options.unique_display_names = true);
    let mut client = Client::new(server.address());
    client.create_user("anna");
    client.create_user("berta");
    let change = |fields: &str| format!("{CTX}<s:usrdata>{fields}</s:usrdata>{ADMIN}");
    let in_aliases =
        "primaryMail, Email1 and defaultSenderAddress must be present in set of aliases.";
    for (fields, text) in [
        ("<d:id>3</d:id><d:name>berta</d:name>", "User berta already exists in this context"),
        ("<d:id>3</d:id><d:name>a/b</d:name>", "Illegal chars: \"/\""),
        ("<d:id>3</d:id><d:name></d:name>", "Mandatory fields not set: [name]"),
        ("<d:display_name>berta</d:display_name><d:id>3</d:id>", "The displayname is already used"),
        ("<d:id>3</d:id><d:sur_name/>", "Mandatory fields not set: [sur_name]"),
        ("<d:id>3</d:id><d:password/>", "Empty password is not allowed."),
        (
            "<d:id>3</d:id><d:language>de</d:language>",
            "Language must contain an underscore, e.g. en_US.",
        ),
        ("<d:id>3</d:id><d:timezone>Nowhere</d:timezone>", "The given timezone is invalid"),
        (
            "<d:id>3</d:id><d:primaryEmail>new@example.org</d:primaryEmail>",
            "email1 not equal with primarymail!",
        ),
        (
            "<d:email1>a@example.org</d:email1><d:id>3</d:id><d:primaryEmail>b@example.org</d:primaryEmail>",
            "email1 not equal with primarymail!",
        ),
        (
            "<d:email1>new@example.org</d:email1><d:id>3</d:id><d:primaryEmail>new@example.org</d:primaryEmail>",
            in_aliases,
        ),
        // The stored sender address is not among the new aliases.
        (
            "<d:aliases>new@example.org</d:aliases><d:email1>new@example.org</d:email1><d:id>3</d:id><d:primaryEmail>new@example.org</d:primaryEmail>",
            in_aliases,
        ),
        ("<d:aliases>x@example.org</d:aliases><d:id>3</d:id>", in_aliases),
        (
            "<d:defaultSenderAddress>x@example.org</d:defaultSenderAddress><d:id>3</d:id>",
            in_aliases,
        ),
        ("<d:aliases>nonsense</d:aliases><d:id>3</d:id>", "Invalid email address"),
        ("<d:email2>nonsense</d:email2><d:id>3</d:id>", "Invalid email address"),
        (
            "<d:email1>berta@example.org</d:email1><d:id>3</d:id><d:primaryEmail>berta@example.org</d:primaryEmail>",
            "Primary mail address \"berta@example.org\" already exists in context 10 (Already assigned to user 4).",
        ),
        (
            "<d:filestoreId>4</d:filestoreId><d:id>3</d:id>",
            "Not allowed to change the filestore for user 3 in context 10",
        ),
        ("<d:title>Dr.</d:title>", "Client sent invalid user data object: no id and no name"),
    ] {
        expect(&mut client, USER, ("change", &change(fields)), INVALID, text);
    }
    let unknown = change("<d:id>99</d:id>");
    expect(&mut client, USER, ("change", &unknown), NO_USER, "No such user 99 in context 10");
    let unknown = change("<d:name>nobody</d:name>");
    let text = format!("{RESOLVING}NoSuchUserException: No such user nobody in context 10");
    expect(&mut client, USER, ("change", &unknown), NO_USER, &text);

    // All of that changed nothing; a whole new set of addresses does, as does a rename.
    server.inspect(|world| {
        assert_eq!(
            world.context(10).unwrap().user(3).unwrap().aliases().collect::<Vec<_>>(),
            ["anna@example.org"]
        );
    });
    client.ok(
        USER,
        "change",
        &change(
            "<d:aliases>NEW@example.org</d:aliases><d:aliases>b@example.org</d:aliases>\
             <d:defaultSenderAddress>b@example.org</d:defaultSenderAddress><d:display_name>anna</d:display_name>\
             <d:email1>new@example.org</d:email1><d:id>3</d:id><d:maxQuota>5</d:maxQuota>\
             <d:name>anna.maria</d:name><d:primaryEmail>new@example.org</d:primaryEmail>",
        ),
    );
    server.inspect(|world| {
        let context = world.context(10).unwrap();
        assert!(context.user_named("anna").is_none());
        let user = context.user_named("anna.maria").unwrap();
        assert_eq!((user.id, user.primary_email()), (3, "new@example.org"));
        assert_eq!(user.text("sur_name"), Some("S"));
        assert_eq!(user.text("maxQuota"), Some("5"));
    });
    // The former address is free again.
    let again = format!("{CTX}{}{ADMIN}", user("anna").replacen(">anna<", ">another anna<", 1));
    client.ok(USER, "create", &again);
}

#[test]
fn what_a_server_as_shipped_refuses() {
    let server = server_with(|options| {
        options.username_changeable = false;
        options.primary_mail_changeable = false;
        options.quota_needs_filestore = true;
    });
    let mut client = Client::new(server.address());
    client.create_user("anna");
    let change = |fields: &str| format!("{CTX}<s:usrdata>{fields}</s:usrdata>{ADMIN}");
    let rename = change("<d:id>3</d:id><d:name>anna2</d:name>");
    expect(&mut client, USER, ("change", &rename), INVALID, "Changing username is disabled!");
    let mail = change(
        "<d:aliases>n@example.org</d:aliases><d:defaultSenderAddress>n@example.org</d:defaultSenderAddress>\
         <d:email1>n@example.org</d:email1><d:id>3</d:id><d:primaryEmail>n@example.org</d:primaryEmail>",
    );
    expect(&mut client, USER, ("change", &mail), INVALID, "primary mail must not be changed");
    let quota = change("<d:id>3</d:id><d:maxQuota>100</d:maxQuota>");
    let (name, text) = client.fault(USER, "change", &quota);
    assert_eq!(name, "StorageException");
    assert!(text.starts_with(
        "Quota cannot be changed for user 3 in context 10 since that user has no file storage set."
    ));
    // The same name and an unlimited quota are no change.
    client.ok(
        USER,
        "change",
        &change("<d:id>3</d:id><d:maxQuota>-1</d:maxQuota><d:name>anna</d:name>"),
    );
}

#[test]
fn user_delete() {
    let server = server();
    let mut client = Client::new(server.address());
    let anna = client.create_user("anna");
    let berta = client.create_user("berta");
    let group = client.create_group("team", &[anna, berta]);
    let alone = client.create_group("alone", &[anna]);
    let delete = |user: &str| format!("{CTX}<s:user>{user}</s:user>{ADMIN}");
    expect(
        &mut client,
        USER,
        ("delete", &delete("<d:id>99</d:id>")),
        NO_USER,
        "No such user(s) 99 in context 10",
    );
    let text = format!("{RESOLVING}NoSuchUserException: No such user nobody in context 10");
    expect(&mut client, USER, ("delete", &delete("<d:name>nobody</d:name>")), NO_USER, &text);
    for admin in ["<d:id>2</d:id>", "<d:name>oxadmin</d:name>"] {
        expect(
            &mut client,
            USER,
            ("delete", &delete(admin)),
            INVALID,
            "Admin delete not supported",
        );
    }
    let some = format!(
        "{CTX}<s:users><d:id>{anna}</d:id></s:users><s:users><d:id>98</d:id></s:users><s:users><d:id>99</d:id></s:users>{ADMIN}"
    );
    expect(
        &mut client,
        USER,
        ("deleteMultiple", &some),
        NO_USER,
        "No such user(s) 98, 99 in context 10",
    );
    let heir =
        format!("{CTX}<s:user><d:id>{anna}</d:id></s:user>{ADMIN}<s:reassign>99</s:reassign>");
    expect(&mut client, USER, ("delete", &heir), NO_USER, "No such user(s) 99 in context 10");
    assert!(server.inspect(|world| world.context(10).unwrap().user(anna).is_some()));

    client.ok(
        ACCOUNT,
        "create",
        &format!(
            "<s:accountDataOnCreate><d:primaryAddress>info@example.org</d:primaryAddress>\
             <d:mailEndpointSource>primary</d:mailEndpointSource></s:accountDataOnCreate>\
             <s:context><d:id>10</d:id></s:context><s:users><d:id>{anna}</d:id></s:users>{ADMIN}"
        ),
    );
    // The id wins over a name that belongs to someone else.
    client.ok(USER, "delete", &delete(&format!("<d:id>{anna}</d:id><d:name>berta</d:name>")));
    server.inspect(|world| {
        let context = world.context(10).unwrap();
        assert!(context.user(anna).is_none() && context.user(berta).is_some());
        assert_eq!(
            context.group(group).unwrap().members.iter().copied().collect::<Vec<_>>(),
            [berta]
        );
        // A group that became empty stays.
        assert!(context.group(alone).unwrap().members.is_empty());
        assert_eq!(context.accounts().count(), 0);
    });
    // Ids are never used again.
    assert!(client.create_user("anna") > alone);
}

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
fn absent_rights_take_their_defaults_not_their_former_values() {
    let server = server();
    let mut client = Client::new(server.address());
    client.create_user("anna");
    let set = |rights: &str| {
        format!(
            "{CTX}<s:user><d:id>3</d:id></s:user><s:moduleAccess>{rights}</s:moduleAccess>{ADMIN}"
        )
    };
    client.ok(
        USER,
        "changeByModuleAccess",
        &set("<d:calendar>false</d:calendar><d:deniedPortal>true</d:deniedPortal>"),
    );
    client.ok(USER, "changeByModuleAccess", &set("<d:webmail>false</d:webmail>"));
    server.inspect(|world| {
        let context = world.context(10).unwrap();
        for (flag, expected) in [
            ("webmail", false),
            ("calendar", true),
            ("deniedPortal", false),
            ("globalAddressBookDisabled", false),
            ("publicFolderEditable", false),
            ("OLOX20", true),
        ] {
            assert_eq!(context.access(3, flag), Some(expected), "{flag}");
        }
        assert_eq!(context.access(3, "forum"), None);
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
