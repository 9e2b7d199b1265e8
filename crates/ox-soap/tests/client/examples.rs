//! Every operation against the examples of the interface's description: request and answer.

use std::path::Path;

use idspool_ox_soap::{
    AccessFlag, Client, ClientBuilder, Context, ContextField, ContextId, Credentials, Error,
    FaultKind, GroupKey, ModuleAccess, OxGroupId, OxUserId, User, UserField, UserKey, Value,
};
use quick_xml::NsReader;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;

use crate::server::Server;

pub(crate) const CONTEXT: ContextId = ContextId::new(10);
pub(crate) const ANNA: OxUserId = OxUserId::new(3);

/// Makes a call against a server that answers as the example does; checks the request against the
/// example.
pub(crate) fn check<T>(
    name: &str,
    call: impl FnOnce(&Client, &Credentials, &Credentials) -> T,
) -> T {
    let status = if name.ends_with(".fault") { 500 } else { 200 };
    let server = Server::always(status, read(&format!("{name}.response.xml")));
    let client = Client::builder(&server.url).build().unwrap();
    let master = Credentials::new("oxadminmaster", "secret");
    let admin = Credentials::new("oxadmin", "adminpw");
    let result = call(&client, &master, &admin);

    let requests = server.requests();
    assert_eq!(requests.len(), 1, "{name}");
    let request = &requests[0];
    let mut parts = name.split('.');
    let (service, operation) = (parts.next().unwrap(), parts.next().unwrap());
    assert_eq!(request.line, format!("POST /webservices/{service} HTTP/1.1"));
    assert_eq!(request.header("content-type"), "text/xml; charset=utf-8");
    assert_eq!(request.header("soapaction"), format!("\"urn:{operation}\""));
    let expected = canonical(&read(&format!("{name}.request.xml")));
    assert_eq!(canonical(&request.body), expected, "{name}: {}", request.body);
    for namespace in ["soap", "s", "c", "d", "r"] {
        let declarations = request.body.matches(&format!("xmlns:{namespace}=")).count();
        assert!(declarations <= 1, "{namespace} is declared {declarations} times");
    }
    result
}

fn read(file: &str) -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/examples");
    std::fs::read_to_string(directory.join(file)).unwrap()
}

/// One line for each element, with namespace, name and text: what the prefixes and the white space
/// between elements leave over.
pub(crate) fn canonical(xml: &str) -> String {
    let mut reader = NsReader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let (mut lines, mut depth) = (Vec::<String>::new(), 0);
    loop {
        let (namespace, event) = reader.read_resolved_event().unwrap();
        match event {
            Event::Start(start) => {
                let ResolveResult::Bound(namespace) = namespace else {
                    panic!("no namespace: {start:?}");
                };
                let namespace = String::from_utf8_lossy(namespace.as_ref()).into_owned();
                let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
                lines.push(format!("{:depth$}{{{namespace}}}{name} = ", ""));
                depth += 1;
            }
            Event::End(_) => depth -= 1,
            Event::Text(text) if !text.trim_ascii().is_empty() => {
                lines.last_mut().unwrap().push_str(&text.decode().unwrap());
            }
            Event::GeneralRef(reference) => {
                let line = lines.last_mut().unwrap();
                line.push_str(&format!("&{};", String::from_utf8_lossy(&reference)));
            }
            Event::Eof => return lines.join("\n"),
            _ => {}
        }
    }
}

fn anna() -> User {
    use UserField as F;
    // Not in schema order: the client puts it right.
    let mut user = User::new();
    user.set(F::Image1ContentType, "image/jpeg")
        .set(F::Image1, b"\xFF\xD8\xFF\xE0\x00\x10JFIF".as_slice())
        .set(F::Aliases, ["anna@example.org", "a.b@example.org"].as_slice())
        .set(F::Birthday, "1980-02-29")
        .set(F::CityBusiness, "Bremen")
        .set(F::Contextadmin, false)
        .set(F::DefaultSenderAddress, "anna@example.org")
        .set(F::Department, "Vertrieb")
        .set(F::DisplayName, "Anna Bäcker")
        .set(F::Email1, "anna@example.org")
        .set(F::Email2, "")
        .set(F::GivenName, "Anna")
        .set(F::GuiSpamFilterEnabled, true)
        .set(F::ImapLogin, "anna@example.org")
        .set(F::ImapPort, 143)
        .set(F::ImapSchema, "imap://")
        .set(F::ImapServer, "imap.example.org")
        .set(F::Language, "de_DE")
        .set(F::Mailenabled, true)
        .set(F::Name, "anna")
        .set(F::Password, "dummy")
        .set(F::PasswordExpired, false)
        .set(F::PrimaryEmail, "anna@example.org")
        .set(F::SmtpPort, "587")
        .set(F::SmtpSchema, "smtp://")
        .set(F::SmtpServer, "smtp.example.org")
        .set(F::SurName, "Bäcker")
        .set(F::TelephoneBusiness1, "+49 421 1234")
        .set(F::Timezone, "Europe/Berlin")
        .set(F::Title, "to be unset")
        .set(F::Userfield01, "Feld & <1>");
    assert_eq!(user.unset(F::Title), Some(Value::from("to be unset")));
    user
}

fn check_anna(user: &User) {
    use UserField as F;
    assert_eq!(user.id(), Some(ANNA));
    assert_eq!(user.name(), Some("anna"));
    assert_eq!(user.list(F::Aliases), ["a.b@example.org", "anna@example.org"]);
    assert_eq!(user.text(F::Birthday), Some("1980-02-29"));
    assert_eq!(user.text(F::DisplayName), Some("Anna Bäcker"));
    assert_eq!(user.text(F::Email2), Some(""));
    assert_eq!(user.get(F::Email3), None, "nil");
    assert_eq!(user.number(F::ImapPort), Some(143));
    assert_eq!(user.number(F::UsedQuota), Some(0));
    assert_eq!(user.flag(F::PasswordExpired), Some(false));
    assert_eq!(user.text(F::Userfield01), Some("Feld & <1>"));
    assert_eq!(user.get(F::Image1), Some(&Value::Bytes(b"\xFF\xD8\xFF\xE0\x00\x10JFIF".to_vec())));
    assert_eq!(user.get(F::DefaultGroup), None, "nested objects are left out");
    let fields: Vec<_> = user.iter().map(|(field, _)| field).collect();
    assert!(fields.is_sorted());
}

fn check_context(context: &Context, id: i32) {
    use ContextField as F;
    assert_eq!(context.id(), Some(ContextId::new(id)));
    assert_eq!(context.name(), Some(format!("context{id}").as_str()));
    assert_eq!(context.flag(F::Enabled), Some(true));
    assert_eq!(context.list(F::LoginMappings).len(), 2);
    assert_eq!(context.text(F::GabMode), Some("global"));
    assert_eq!(context.get(F::ReadDatabase), None);
}

#[test]
fn context_get_data() {
    let context = check("OXContextService.getData", |client, master, _| {
        client.contexts(master).get_data(CONTEXT).unwrap()
    });
    check_context(&context, 10);
    assert_eq!(context.number(ContextField::MaxQuota), Some(1000));
}

#[test]
fn context_get_data_fault() {
    let error = check("OXContextService.getData.fault", |client, master, _| {
        client.contexts(master).get_data(CONTEXT).unwrap_err()
    });
    assert!(error.is_not_found());
    assert_eq!(error.fault_kind(), Some(&FaultKind::NoSuchContext));
    insta::assert_snapshot!(error, @"OXContextService.getData of context 10: NoSuchContext: Context 10 does not exist (exceptionId -225208343-1); create context 10 in OX");
}

#[test]
fn context_create() {
    use UserField as F;
    let context = Context::new()
        .with(ContextField::Id, CONTEXT)
        .with(ContextField::Name, "context10")
        .with(ContextField::MaxQuota, 1000)
        .with(ContextField::LoginMappings, vec!["context10", "10"])
        .with(ContextField::Enabled, true);
    let admin = User::new()
        .with(F::Name, "oxadmin")
        .with(F::DisplayName, "OX Admin")
        .with(F::Password, "adminpw")
        .with(F::GivenName, "OX")
        .with(F::SurName, "Admin")
        .with(F::PrimaryEmail, "oxadmin@example.org")
        .with(F::Email1, "oxadmin@example.org")
        .with(F::Timezone, "Europe/Berlin");
    let created = check("OXContextService.create", |client, master, _| {
        client.contexts(master).create(&context, &admin).unwrap()
    });
    check_context(&created, 10);
}

#[test]
fn context_change() {
    let context = Context::new()
        .with(ContextField::Id, CONTEXT)
        .with(ContextField::Name, "context10")
        .with(ContextField::MaxQuota, 2000);
    check("OXContextService.change", |client, master, _| {
        client.contexts(master).change(&context).unwrap();
    });
}

#[test]
fn context_delete() {
    check("OXContextService.delete", |client, master, _| {
        client.contexts(master).delete(CONTEXT, Some("context10")).unwrap();
    });
}

#[test]
fn context_exists() {
    let found = check("OXContextService.exists", |client, master, _| {
        client.contexts(master).exists(CONTEXT).unwrap()
    });
    assert!(found);
}

#[test]
fn context_list() {
    let found = check("OXContextService.list", |client, master, _| {
        client.contexts(master).list("context1*").unwrap()
    });
    assert_eq!(found.len(), 2);
    check_context(&found[0], 10);
    check_context(&found[1], 11);
}

#[test]
fn context_list_all() {
    let found = check("OXContextService.listAll", |client, master, _| {
        client.contexts(master).list_all().unwrap()
    });
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].number(ContextField::MaxQuota), Some(-1));
}

#[test]
fn user_exists() {
    let found = check("OXUserService.exists", |client, _, admin| {
        client.users(CONTEXT, admin).exists(UserKey::name("anna")).unwrap()
    });
    assert!(!found);
}

#[test]
fn user_exists_fault() {
    let error = check("OXUserService.exists.fault", |client, _, _| {
        let wrong = Credentials::new("oxadmin", "wrong");
        client.users(CONTEXT, &wrong).exists(ANNA.into()).unwrap_err()
    });
    assert!(!error.is_not_found());
    insta::assert_snapshot!(error, @"OXUserService.exists of user 3 in context 10: InvalidCredentials: Authentication failed (exceptionId -225208343-4); correct the entry of context 10 in contexts.json, and check that the context exists: OX gives the same answer when it does not");
}

#[test]
fn user_get_data() {
    let user = check("OXUserService.getData", |client, _, admin| {
        client.users(CONTEXT, admin).get_data(ANNA.into()).unwrap()
    });
    check_anna(&user);
}

#[test]
fn user_get_data_fault() {
    let error = check("OXUserService.getData.fault", |client, _, admin| {
        client.users(CONTEXT, admin).get_data(UserKey::name("nobody")).unwrap_err()
    });
    assert!(error.is_not_found());
    insta::assert_snapshot!(error, @r#"OXUserService.getData of user "nobody" in context 10: NoSuchUser: No such user nobody in context 10 (exceptionId -225208343-3); check in OX whether it was removed by hand; provision the object anew"#);
}

#[test]
fn user_get_multiple_data() {
    let users = check("OXUserService.getMultipleData", |client, _, admin| {
        client.users(CONTEXT, admin).get_multiple_data(&[OxUserId::new(2), ANNA]).unwrap()
    });
    assert_eq!(users.len(), 2);
    assert_eq!(users[0].name(), Some("oxadmin"));
    check_anna(&users[1]);
}

#[test]
fn user_create() {
    let id = check("OXUserService.create", |client, _, admin| {
        client.users(CONTEXT, admin).create(&anna()).unwrap()
    });
    assert_eq!(id, ANNA);
}

#[test]
fn user_create_fault() {
    let user = anna().with(UserField::Name, "anna2");
    let error = check("OXUserService.create.fault", |client, _, admin| {
        client.users(CONTEXT, admin).create(&user).unwrap_err()
    });
    assert!(!error.is_not_found());
    insta::assert_snapshot!(error, @r#"OXUserService.create of user "anna2" in context 10: InvalidData: The displayname is already used (exceptionId -225208343-2); correct the object in the directory or the settings of OX that refuse it"#);
}

#[test]
fn user_change() {
    let user = User::new()
        .with(UserField::Id, ANNA)
        .with(UserField::Name, "anna")
        .with(UserField::Email2, "")
        .with(UserField::Title, "Dr.");
    check("OXUserService.change", |client, _, admin| {
        client.users(CONTEXT, admin).change(&user).unwrap();
    });
}

#[test]
fn user_delete() {
    check("OXUserService.delete", |client, _, admin| {
        client.users(CONTEXT, admin).delete(UserKey::id(ANNA).and_name("anna")).unwrap();
    });
}

#[test]
fn user_change_by_module_access() {
    let mut access = ModuleAccess::new();
    access
        .set(AccessFlag::Webmail, true)
        .set(AccessFlag::Usm, true)
        .set(AccessFlag::ActiveSync, false)
        .set(AccessFlag::Calendar, true)
        .set(AccessFlag::Contacts, true)
        .set(AccessFlag::GlobalAddressBookDisabled, false);
    check("OXUserService.changeByModuleAccess", |client, _, admin| {
        client.users(CONTEXT, admin).change_by_module_access(ANNA.into(), access).unwrap();
    });
}

#[test]
fn user_get_module_access() {
    let access = check("OXUserService.getModuleAccess", |client, _, admin| {
        client.users(CONTEXT, admin).get_module_access(ANNA.into()).unwrap()
    });
    assert_eq!(access.iter().count(), 26);
    let denied: Vec<_> = access.iter().filter(|(_, granted)| !granted).map(|(f, _)| f).collect();
    assert_eq!(
        denied,
        [
            AccessFlag::ActiveSync,
            AccessFlag::DeniedPortal,
            AccessFlag::GlobalAddressBookDisabled,
            AccessFlag::PublicFolderEditable
        ]
    );
}

#[test]
fn user_list() {
    let ids = check("OXUserService.list", |client, _, admin| {
        client.users(CONTEXT, admin).list("an*").unwrap()
    });
    assert_eq!(ids, [ANNA]);
}

#[test]
fn user_list_all() {
    let ids = check("OXUserService.listAll", |client, _, admin| {
        client.users(CONTEXT, admin).list_all().unwrap()
    });
    assert_eq!(ids, [OxUserId::new(2), ANNA]);
}

#[test]
fn group_get_data() {
    let group = check("OXGroupService.getData", |client, _, admin| {
        client.groups(CONTEXT, admin).get_data(GroupKey::name("vertrieb")).unwrap()
    });
    assert_eq!(group.id(), Some(OxGroupId::new(4)));
    assert_eq!(group.members().collect::<Vec<_>>(), [OxUserId::new(2), ANNA]);
}

#[test]
fn group_get_data_fault() {
    let error = check("OXGroupService.getData.fault", |client, _, admin| {
        client.groups(CONTEXT, admin).get_data(GroupKey::name("vertrieb")).unwrap_err()
    });
    assert!(error.is_not_found());
    assert_eq!(error.fault_kind(), Some(&FaultKind::NoSuchGroup));
}

#[test]
fn group_delete() {
    check("OXGroupService.delete", |client, _, admin| {
        client.groups(CONTEXT, admin).delete(OxGroupId::new(4).into()).unwrap();
    });
}

#[test]
fn group_list_groups_for_user() {
    let groups = check("OXGroupService.listGroupsForUser", |client, _, admin| {
        client.groups(CONTEXT, admin).list_groups_for_user(ANNA.into()).unwrap()
    });
    let names: Vec<_> = groups.iter().map(|group| group.name().unwrap()).collect();
    assert_eq!(names, ["users", "vertrieb"]);
    assert_eq!(groups[0].members().count(), 2);
    assert_eq!(groups[1].members().collect::<Vec<_>>(), [ANNA]);
}

#[test]
fn user_copy() {
    let id = check("OXUserCopyService.copyUser", |client, master, _| {
        client.user_copies(master).copy_user(ANNA, CONTEXT, ContextId::new(11)).unwrap()
    });
    assert_eq!(id, ANNA);
}

/// The envelope to the byte: what the white space and prefixes of the examples leave open.
#[test]
fn the_bytes_of_a_request() {
    let server = Server::always(200, read("OXUserService.exists.response.xml"));
    let client = Client::builder(&server.url).build().unwrap();
    let admin = Credentials::new("oxadmin", "a&b<c>");
    client.users(CONTEXT, &admin).exists(UserKey::name("anna")).unwrap();
    let expected = concat!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>",
        "<s:exists xmlns:s=\"http://soap.admin.openexchange.com\"",
        " xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\"",
        " xmlns:r=\"http://dataobjects.rmi.admin.openexchange.com/xsd\">",
        "<s:ctx><d:id>10</d:id></s:ctx><s:user><d:name>anna</d:name></s:user>",
        "<s:auth><r:login>oxadmin</r:login><r:password>a&amp;b&lt;c&gt;</r:password></s:auth>",
        "</s:exists></soap:Body></soap:Envelope>",
    );
    assert_eq!(server.requests()[0].body, expected);
}

/// What a client of another service's type must not send is not sent.
#[test]
fn fields_of_another_service_are_refused() {
    let server = Server::always(200, String::new());
    let client = Client::builder(&server.url).build().unwrap();
    let master = Credentials::new("oxadminmaster", "secret");
    let context = Context::new().with(ContextField::Id, CONTEXT);
    let admin = User::new().with(UserField::MaxQuota, 5);
    let error = client.contexts(&master).create(&context, &admin).unwrap_err();
    assert!(matches!(error, Error::Value { field: "maxQuota", .. }), "{error:?}");
    assert_eq!(server.requests().len(), 0);
}

fn _builders_can_be_passed_on(builder: ClientBuilder) -> Result<Client, Error> {
    builder.build()
}
