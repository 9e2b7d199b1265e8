//! OXUserService.

use super::{ACCOUNT, INVALID, NO_USER, RESOLVING, USER, expect};
use crate::support::{ADMIN, CTX, Client, server, server_with, user, values};

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
            "<d:id>3</d:id><d:passwordMech>{SHA-256}</d:passwordMech>",
            "When changing password mechanism, the password string must be supplied, too",
        ),
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
