//! Groups, resources and secondary accounts against the examples of the interface's description, and
//! deputy permissions against what this project takes for their form.

use idspool_ox_soap::{
    AccountDataOnCreate, AccountDataOnCreateField, AccountField, Client, Credentials, DeputyModule,
    DeputyPermission, FaultKind, Group, GroupField, ModulePermission, OxGroupId, OxResourceId,
    OxUserId, Resource, ResourceField, ResourceKey, Whom,
};

use crate::examples::{ANNA, CONTEXT, canonical, check};
use crate::server::{Server, envelope};

#[test]
fn group_create() {
    let group = Group::new()
        .with(GroupField::Name, "vertrieb")
        .with(GroupField::Displayname, "Vertrieb")
        .with(GroupField::Members, vec![OxUserId::new(2), ANNA]);
    let id = check("OXGroupService.create", |client, _, admin| {
        client.groups(CONTEXT, admin).create(&group).unwrap()
    });
    assert_eq!(id, OxGroupId::new(4));
}

#[test]
fn group_change() {
    let group = Group::new()
        .with(GroupField::Id, 4)
        .with(GroupField::Name, "vertrieb")
        .with(GroupField::Displayname, "Vertrieb")
        .with(GroupField::Members, vec![ANNA]);
    check("OXGroupService.change", |client, _, admin| {
        client.groups(CONTEXT, admin).change(&group).unwrap();
    });
}

#[test]
fn group_list_all() {
    let groups = check("OXGroupService.listAll", |client, _, admin| {
        client.groups(CONTEXT, admin).list_all().unwrap()
    });
    let names: Vec<_> = groups.iter().filter_map(|group| group.name()).collect();
    assert_eq!(names, ["users", "vertrieb"]);
    assert_eq!(groups[0].members().collect::<Vec<_>>(), [OxUserId::new(2), ANNA]);
}

fn room() -> Resource {
    Resource::new()
        .with(ResourceField::Available, true)
        .with(ResourceField::Description, "")
        .with(ResourceField::Displayname, "Raum 1")
        .with(ResourceField::Email, "raum1@example.org")
        .with(ResourceField::Name, "raum1")
}

#[test]
fn resource_create() {
    let id = check("OXResourceService.create", |client, _, admin| {
        client.resources(CONTEXT, admin).create(&room()).unwrap()
    });
    assert_eq!(id, OxResourceId::new(5));
}

#[test]
fn resource_change() {
    let room = room().with(ResourceField::Id, 5).with(ResourceField::Description, "1. OG");
    check("OXResourceService.change", |client, _, admin| {
        client.resources(CONTEXT, admin).change(&room).unwrap();
    });
}

#[test]
fn resource_get_data() {
    let found = check("OXResourceService.getData", |client, _, admin| {
        client.resources(CONTEXT, admin).get_data(ResourceKey::name("raum1")).unwrap()
    });
    assert_eq!(found.id(), Some(OxResourceId::new(5)));
    assert_eq!(found.text(ResourceField::Email), Some("raum1@example.org"));
    assert_eq!(found.flag(ResourceField::Available), Some(true));
}

#[test]
fn resource_get_data_fault() {
    let error = check("OXResourceService.getData.fault", |client, _, admin| {
        client.resources(CONTEXT, admin).get_data(ResourceKey::name("raum1")).unwrap_err()
    });
    assert!(error.is_not_found());
    assert_eq!(error.fault_kind(), Some(&FaultKind::NoSuchResource));
}

#[test]
fn resource_delete() {
    check("OXResourceService.delete", |client, _, admin| {
        let key = ResourceKey::id(OxResourceId::new(5)).and_name("raum1");
        client.resources(CONTEXT, admin).delete(key).unwrap();
    });
}

fn info() -> AccountDataOnCreate {
    use AccountDataOnCreateField as F;
    AccountDataOnCreate::new()
        .with(F::Login, "fa1anna")
        .with(F::Name, "Info")
        .with(F::PrimaryAddress, "info@example.org")
        .with(F::Personal, "Info")
        .with(F::MailEndpointSource, "primary")
}

#[test]
fn secondary_account_create() {
    check("OXSecondaryAccountService.create", |client, _, admin| {
        client.secondary_accounts(CONTEXT, admin).create(&info(), &[ANNA]).unwrap();
    });
}

#[test]
fn secondary_account_delete() {
    let found = check("OXSecondaryAccountService.delete", |client, _, admin| {
        let accounts = client.secondary_accounts(CONTEXT, admin);
        accounts.delete("info@example.org", Whom::Everybody).unwrap()
    });
    assert!(found);
}

#[test]
fn secondary_account_list() {
    let accounts = check("OXSecondaryAccountService.list", |client, _, admin| {
        client.secondary_accounts(CONTEXT, admin).list_all().unwrap()
    });
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].user(), Some(ANNA));
    assert_eq!(accounts[0].primary_address(), Some("info@example.org"));
    assert_eq!(accounts[0].text(AccountField::Login), Some("fa1anna"));
}

/// A call about nobody is none: OX would refuse it, or take it for one about everybody.
#[test]
fn nobody_is_not_everybody() {
    let server = Server::always(200, String::new());
    let client = Client::builder(&server.url).build().unwrap();
    let admin = Credentials::new("oxadmin", "adminpw");
    let accounts = client.secondary_accounts(CONTEXT, &admin);
    assert!(!accounts.delete("info@example.org", Whom::Users(&[])).unwrap());
    assert_eq!(accounts.list(Whom::Users(&[])).unwrap(), []);
    assert_eq!(server.requests().len(), 0);
}

fn permission() -> DeputyPermission {
    let module = |module, level| ModulePermission {
        module,
        admin: false,
        folder: 2,
        read: level,
        write: level,
        delete: 0,
    };
    DeputyPermission {
        user: ANNA,
        send_on_behalf_of: true,
        modules: vec![module(DeputyModule::Mail, 4), module(DeputyModule::Calendar, 0)],
    }
}

/// Makes a call against a server that answers as given; the request as its body's XML.
fn request<T>(answer: &str, call: impl FnOnce(&Client, &Credentials) -> T) -> (T, String) {
    let server = Server::always(200, envelope(answer));
    let client = Client::builder(&server.url).build().unwrap();
    let result = call(&client, &Credentials::new("oxadmin", "adminpw"));
    let requests = server.requests();
    let path = "POST /webservices/OXDeputyPermissionsService HTTP/1.1";
    assert_eq!(requests[0].line, path);
    (result, canonical(&requests[0].body))
}

const GRANTOR: &str = "<s:user><d:id>2</d:id></s:user>";

/// A request with context and credentials behind the rest.
fn expected(operation: &str, parameters: &str) -> String {
    canonical(&format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>\
         <s:{operation} xmlns:s=\"http://soap.admin.openexchange.com\" \
         xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\" \
         xmlns:r=\"http://dataobjects.rmi.admin.openexchange.com/xsd\">{parameters}\
         <s:context><d:id>10</d:id></s:context><s:auth><r:login>oxadmin</r:login>\
         <r:password>adminpw</r:password></s:auth></s:{operation}></soap:Body></soap:Envelope>"
    ))
}

#[test]
fn deputy_grant() {
    let answer = "<grantResponse xmlns=\"http://soap.admin.openexchange.com\"><return>7</return></grantResponse>";
    let (id, sent) = request(answer, |client, admin| {
        client.deputies(CONTEXT, admin).grant(OxUserId::new(2), &permission()).unwrap()
    });
    assert_eq!(id, "7");
    let module = |name: &str, level: i32| {
        format!(
            "<d:modulePermissions><d:moduleId>{name}</d:moduleId><d:admin>false</d:admin>\
             <d:folderPermission>2</d:folderPermission><d:readPermission>{level}</d:readPermission>\
             <d:writePermission>{level}</d:writePermission><d:deletePermission>0</d:deletePermission>\
             </d:modulePermissions>"
        )
    };
    let permission = format!(
        "<s:deputyPermission><d:userId>3</d:userId><d:sendOnBehalfOf>true</d:sendOnBehalfOf>{}{}\
         </s:deputyPermission>",
        module("mail", 4),
        module("calendar", 0)
    );
    assert_eq!(sent, expected("grant", &format!("{GRANTOR}{permission}")));
}

#[test]
fn deputy_operations_about_a_grantor() {
    let grantor = OxUserId::new(2);
    let (_, sent) = request("", |client, admin| {
        client.deputies(CONTEXT, admin).revoke_all(grantor).unwrap();
    });
    assert_eq!(sent, expected("revokeAll", GRANTOR));
    let (_, sent) = request("", |client, admin| {
        client.deputies(CONTEXT, admin).block_manual(grantor).unwrap();
    });
    assert_eq!(sent, expected("blockManual", GRANTOR));
    let (_, sent) = request("", |client, admin| {
        client.deputies(CONTEXT, admin).unblock_manual(grantor).unwrap();
    });
    assert_eq!(sent, expected("unblockManual", GRANTOR));
}

/// What a server of another version may answer is understood as far as it is known.
#[test]
fn deputy_list() {
    let one = |grantor: &str, modules: &str| {
        format!(
            "<return><d:deputyId>x-{grantor}</d:deputyId><d:grantorId>{grantor}</d:grantorId><d:userId>3</d:userId>\
             <d:sendOnBehalfOf>1</d:sendOnBehalfOf><d:new><d:userId>9</d:userId></d:new>{modules}</return>"
        )
    };
    let module = |name: &str, read: &str| {
        format!(
            "<d:modulePermissions><d:moduleId>{name}</d:moduleId><d:admin>false</d:admin>\
             <d:folderPermission>2</d:folderPermission><d:readPermission>{read}</d:readPermission>\
             <d:writePermission>{read}</d:writePermission></d:modulePermissions>"
        )
    };
    let list = |entries: &str| {
        format!(
            "<listResponse xmlns=\"http://soap.admin.openexchange.com\" \
             xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\">{entries}</listResponse>"
        )
    };
    let modules = module("mail", "4") + &module("tasks", "8") + &module("calendar", "0");
    let answer = list(&(one("2", &modules) + &one("4", "")));
    let (deputies, sent) =
        request(&answer, |client, admin| client.deputies(CONTEXT, admin).list().unwrap());
    assert_eq!(sent, expected("list", ""));
    assert_eq!(deputies.len(), 2);
    assert_eq!((deputies[0].id.as_str(), deputies[0].grantor), ("x-2", OxUserId::new(2)));
    assert_eq!(deputies[0].permission, permission(), "the module that is not known is left out");
    assert!(deputies[1].permission.modules.is_empty() && deputies[1].permission.send_on_behalf_of);

    for (entries, reason) in [
        ("<return><d:userId>3</d:userId></return>", "without grantorId"),
        (&*one("a", ""), "grantorId is not a number"),
        (&*one("2", &module("mail", "much")), "readPermission is not a number"),
    ] {
        let (error, _) = request(&list(entries), |client, admin| {
            client.deputies(CONTEXT, admin).list().unwrap_err()
        });
        assert!(error.to_string().contains(reason), "{error}");
    }
}
