//! The client against the stand-in server, which refuses what the interface does not allow.

use idspool_ox_soap::{
    AccountDataOnCreate, AccountDataOnCreateField, Client, ContextId, Credentials, DeputyModule,
    DeputyPermission, Error, FaultClass, FaultKind, Group, GroupField, GroupKey, ModulePermission,
    OxGroupId, OxResourceId, OxUserId, Resource, ResourceField, ResourceKey, User, UserField,
    UserKey, Whom,
};
use idspool_sandbox::ox::{ContextSpec, Options, Server, serve};

const CONTEXT: ContextId = ContextId::new(10);

struct Place {
    client: Client,
    admin: Credentials,
    server: Server,
}

fn place() -> Place {
    let contexts = vec![ContextSpec::new(10), ContextSpec::new(11)];
    let server = serve(Options { contexts, ..Options::default() }).unwrap();
    let client = Client::builder(server.url()).build().unwrap();
    Place { client, admin: Credentials::new("oxadmin", "secret"), server }
}

impl Place {
    fn user(&self, name: &str) -> OxUserId {
        let mail = format!("{name}@example.org");
        let user = User::new()
            .with(UserField::DisplayName, name)
            .with(UserField::Email1, mail.as_str())
            .with(UserField::GivenName, "G")
            .with(UserField::Name, name)
            .with(UserField::Password, "pw")
            .with(UserField::PrimaryEmail, mail.as_str())
            .with(UserField::SurName, "S");
        self.client.users(CONTEXT, &self.admin).create(&user).unwrap()
    }
}

#[track_caller]
fn is_refused<T: std::fmt::Debug>(result: Result<T, Error>, kind: FaultKind) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.fault_kind(), Some(&kind), "{error}");
    error
}

fn group(name: &str, members: Vec<OxUserId>) -> Group {
    Group::new()
        .with(GroupField::Name, name)
        .with(GroupField::Displayname, name)
        .with(GroupField::Members, members)
}

#[test]
fn groups() {
    let place = place();
    let (anna, ben) = (place.user("anna"), place.user("ben"));
    let groups = place.client.groups(CONTEXT, &place.admin);
    let sales = groups.create(&group("Sales", vec![anna, ben])).unwrap();
    let team = groups.create(&group("team", vec![ben])).unwrap();

    is_refused(groups.create(&group("TEAM", vec![ben])), FaultKind::InvalidData);
    let unknown = OxUserId::new(99);
    let error = is_refused(groups.create(&group("x", vec![unknown])), FaultKind::NoSuchUser);
    assert!(error.remedy().starts_with("find the user of it that context 10 does not have"));
    is_refused(groups.create(&group("", vec![ben])), FaultKind::InvalidData);
    let gone = group("x", vec![ben]).with(GroupField::Id, 99);
    let error = is_refused(groups.change(&gone), FaultKind::NoSuchGroup);
    assert!(error.is_not_found() && error.fault_class() == FaultClass::Permanent);
    assert!(
        error.to_string().starts_with("OXGroupService.change of group \"x\" (id 99)"),
        "{error}"
    );

    let change = group("Vertrieb", vec![ben]).with(GroupField::Id, sales);
    groups.change(&change).unwrap();
    let found = groups.get_data(GroupKey::name("vertrieb")).unwrap();
    assert_eq!((found.id(), found.members().collect()), (Some(sales), vec![ben]));
    let names = |groups: Vec<Group>| {
        groups.iter().filter_map(|group| group.name().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(names(groups.list_all().unwrap()), ["users", "Vertrieb", "team"]);
    assert_eq!(names(groups.list("t*").unwrap()), ["team"]);
    assert_eq!(names(groups.get_multiple_data(&[team, sales]).unwrap()), ["team", "Vertrieb"]);
    assert_eq!(groups.get_multiple_data(&[]).unwrap(), []);
    let missing = groups.get_multiple_data(&[team, OxGroupId::new(99)]);
    is_refused(missing, FaultKind::NoSuchGroup);
    let own = groups.list_groups_for_user(UserKey::id(anna)).unwrap();
    assert_eq!(names(own), ["users"]);

    groups.delete(sales.into()).unwrap();
    is_refused(groups.get_data(sales.into()), FaultKind::NoSuchGroup);
    is_refused(groups.delete(OxGroupId::new(1).into()), FaultKind::InvalidData);
}

#[test]
fn resources() {
    let place = place();
    place.user("anna");
    let resources = place.client.resources(CONTEXT, &place.admin);
    let room = |name: &str, email: &str| {
        Resource::new()
            .with(ResourceField::Name, name)
            .with(ResourceField::Displayname, name)
            .with(ResourceField::Email, email)
            .with(ResourceField::Available, true)
            .with(ResourceField::Description, "")
    };
    let id = resources.create(&room("room", "room@example.org")).unwrap();
    is_refused(resources.create(&room("Room", "b@example.org")), FaultKind::InvalidData);
    is_refused(resources.create(&room("b", "ROOM@example.org")), FaultKind::InvalidData);
    is_refused(resources.create(&room("b", "anna@example.org")), FaultKind::InvalidData);
    is_refused(resources.create(&room("b", "")), FaultKind::InvalidData);

    let change = room("hall", "hall@example.org")
        .with(ResourceField::Id, id)
        .with(ResourceField::Description, "1 < 2");
    resources.change(&change).unwrap();
    let found = resources.get_data(ResourceKey::name("HALL")).unwrap();
    assert_eq!(found.id(), Some(id));
    assert_eq!(found.text(ResourceField::Description), Some("1 < 2"));
    let error =
        is_refused(resources.get_data(ResourceKey::name("room")), FaultKind::NoSuchResource);
    assert!(error.is_not_found());
    assert_eq!(resources.list_all().unwrap(), resources.list("h*").unwrap());
    assert_eq!(resources.list("x*").unwrap(), []);

    resources.delete(ResourceKey::id(id).and_name("hall")).unwrap();
    is_refused(resources.delete(id.into()), FaultKind::NoSuchResource);
    let gone = room("x", "x@example.org").with(ResourceField::Id, OxResourceId::new(99));
    is_refused(resources.change(&gone), FaultKind::NoSuchResource);
}

#[test]
fn secondary_accounts() {
    use AccountDataOnCreateField as F;
    let place = place();
    let (anna, ben) = (place.user("anna"), place.user("ben"));
    let accounts = place.client.secondary_accounts(CONTEXT, &place.admin);
    let info = AccountDataOnCreate::new()
        .with(F::Login, "info")
        .with(F::Name, "Info")
        .with(F::PrimaryAddress, "info@example.org")
        .with(F::MailEndpointSource, "primary");
    accounts.create(&info, &[anna, ben]).unwrap();
    is_refused(accounts.create(&info, &[anna]), FaultKind::Storage);
    is_refused(accounts.create(&info, &[OxUserId::new(99)]), FaultKind::NoSuchUser);
    is_refused(accounts.create(&info, &[]), FaultKind::InvalidData);
    let mut without = info.clone();
    without.unset(F::MailEndpointSource);
    is_refused(
        accounts.create(&without.with(F::PrimaryAddress, "x@y"), &[anna]),
        FaultKind::InvalidData,
    );

    let owners = |whom: Whom<'_>| -> Vec<_> {
        accounts.list(whom).unwrap().iter().filter_map(|account| account.user()).collect()
    };
    assert_eq!(owners(Whom::Everybody), [anna, ben]);
    assert_eq!(owners(Whom::Users(&[ben])), [ben]);
    is_refused(accounts.list(Whom::Users(&[OxUserId::new(99)])), FaultKind::NoSuchUser);
    assert_eq!(accounts.list_all().unwrap(), accounts.list(Whom::Everybody).unwrap());

    assert!(accounts.delete("info@example.org", Whom::Users(&[anna])).unwrap());
    assert_eq!(owners(Whom::Everybody), [ben]);
    assert!(!accounts.delete("info@example.org", Whom::Users(&[anna])).unwrap());
    assert!(accounts.delete("info@example.org", Whom::Everybody).unwrap());
    assert!(!accounts.delete("info@example.org", Whom::Everybody).unwrap());
}

#[test]
fn deputies() {
    let place = place();
    let (anna, ben) = (place.user("anna"), place.user("ben"));
    let deputies = place.client.deputies(CONTEXT, &place.admin);
    let module = |module, level| ModulePermission {
        module,
        admin: level == 8,
        folder: level,
        read: level,
        write: level,
        delete: level,
    };
    let permission = DeputyPermission {
        user: ben,
        send_on_behalf_of: true,
        modules: vec![module(DeputyModule::Mail, 8), module(DeputyModule::Calendar, 4)],
    };
    let id = deputies.grant(anna, &permission).unwrap();
    deputies.block_manual(anna).unwrap();
    let listed = deputies.list().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].id, listed[0].grantor), (&id, anna));
    assert_eq!(listed[0].permission, permission);
    let blocked = || place.server.dump()["contexts"][0]["blockedGrantors"].clone();
    assert_eq!(blocked(), serde_json::json!([anna.value()]));

    let unknown = OxUserId::new(99);
    is_refused(deputies.grant(unknown, &permission), FaultKind::NoSuchUser);
    let to_nobody = DeputyPermission { user: unknown, ..permission.clone() };
    is_refused(deputies.grant(anna, &to_nobody), FaultKind::NoSuchUser);
    is_refused(deputies.grant(anna, &permission), FaultKind::InvalidData);
    is_refused(deputies.revoke_all(unknown), FaultKind::NoSuchUser);
    is_refused(deputies.block_manual(unknown), FaultKind::NoSuchUser);

    deputies.revoke_all(anna).unwrap();
    deputies.unblock_manual(anna).unwrap();
    assert_eq!(deputies.list().unwrap(), []);
    assert_eq!(blocked(), serde_json::json!([]));
    let wrong = Credentials::new("oxadmin", "wrong");
    let refused = place.client.deputies(CONTEXT, &wrong).list();
    let error = is_refused(refused, FaultKind::InvalidCredentials);
    assert!(!error.is_not_found(), "{error}");
}

#[test]
fn users_in_bulk() {
    let place = place();
    let created: Vec<OxUserId> =
        (0..25).map(|number| place.user(&format!("user{number}"))).collect();
    let users = place.client.users(CONTEXT, &place.admin);
    let all = users.list_all().unwrap();
    assert_eq!(all.first(), Some(&OxUserId::new(2)), "the administrator is one of them");
    assert_eq!(all[1..], created);
    let names = users.names(&created).unwrap();
    let whole = users.get_multiple_data(&created).unwrap();
    assert_eq!(names.len(), created.len());
    for ((name, user), id) in names.iter().zip(&whole).zip(&created) {
        assert_eq!((name.id, Some(name.name.as_str())), (*id, user.name()));
        assert_eq!(user.id(), Some(*id));
    }
    let with_one_gone = [created[0], OxUserId::new(999)];
    assert!(users.names(&with_one_gone).unwrap_err().is_not_found());
    assert_eq!(users.names(&[]).unwrap(), []);
}
