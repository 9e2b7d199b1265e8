//! The stand-in itself: where it is as strict as the server.

use idspool_ox_soap::{
    AccountDataOnCreate, AccountDataOnCreateField as Field, ContextId, Credentials, DeputyModule,
    DeputyPermission, Group, GroupField, ModulePermission, OxUserId, Resource, ResourceField, Whom,
};

use super::Fake;
use crate::ox::{Ox, Refusal, Scope};

fn fake() -> Fake {
    Fake::new().with_context(10).with_user(10, 3, "anna").with_user(10, 4, "ben")
}

fn group(name: &str, members: &[i32]) -> Group {
    Group::new()
        .with(GroupField::Displayname, name)
        .with(GroupField::Members, members.to_vec())
        .with(GroupField::Name, name)
}

macro_rules! scope {
    () => {
        Scope { context: ContextId::new(10), admin: &Credentials::new("oxadmin", "p") }
    };
}

#[test]
fn groups_are_found_by_name_and_refuse_unknown_members_and_taken_names() {
    let ox = fake();
    let id = ox.create_group(scope!(), &group("Sales", &[3])).unwrap();
    assert_eq!(ox.group_named(scope!(), "sALES").unwrap().unwrap().id(), Some(id));
    let taken = ox.create_group(scope!(), &group("sales", &[4])).unwrap_err();
    assert!(taken.is(Refusal::InvalidData));
    let unknown = ox.create_group(scope!(), &group("other", &[9])).unwrap_err();
    assert!(unknown.is(Refusal::NoSuchUser));
    let gone = group("x", &[3]).with(GroupField::Id, 77);
    assert!(ox.change_group(scope!(), &gone).unwrap_err().is(Refusal::NoSuchGroup));

    let change = group("Vertrieb", &[]).with(GroupField::Id, id);
    ox.change_group(scope!(), &change).unwrap();
    let changed = ox.group(scope!(), id).unwrap().unwrap();
    assert_eq!(changed.name(), Some("Vertrieb"));
    assert_eq!(changed.members().count(), 1, "members cannot be emptied");
    ox.delete_user(scope!(), OxUserId::new(3), "anna").unwrap();
    assert_eq!(ox.groups(scope!()).unwrap()[0].members().count(), 0);
}

#[test]
fn resources_have_names_and_addresses_of_their_own() {
    let ox = fake();
    let room = |name: &str, email: &str| {
        Resource::new()
            .with(ResourceField::Displayname, name)
            .with(ResourceField::Email, email)
            .with(ResourceField::Name, name)
    };
    let id = ox.create_resource(scope!(), &room("room", "room@example.org")).unwrap();
    for other in [room("Room", "b@example.org"), room("b", "ROOM@example.org")] {
        assert!(ox.create_resource(scope!(), &other).unwrap_err().is(Refusal::InvalidData));
    }
    ox.change_resource(scope!(), &room("hall", "room@example.org").with(ResourceField::Id, id))
        .unwrap();
    assert!(ox.resource_named(scope!(), "room").unwrap().is_none());
    assert_eq!(ox.resources(scope!()).unwrap().len(), 1);
    ox.delete_resource(scope!(), id, "hall").unwrap();
    assert!(ox.delete_resource(scope!(), id, "hall").unwrap_err().is(Refusal::NoSuchResource));
}

#[test]
fn accounts_belong_to_users() {
    let ox = fake();
    let account = AccountDataOnCreate::new()
        .with(Field::PrimaryAddress, "info@example.org")
        .with(Field::MailEndpointSource, "primary");
    let (anna, ben) = (OxUserId::new(3), OxUserId::new(4));
    ox.create_account(scope!(), &account, anna).unwrap();
    ox.create_account(scope!(), &account, ben).unwrap();
    assert!(ox.create_account(scope!(), &account, ben).is_err(), "once for each");
    assert!(ox.delete_account(scope!(), "info@example.org", Whom::Users(&[anna])).unwrap());
    let left = ox.accounts(scope!(), Whom::Everybody).unwrap();
    assert_eq!(left.iter().filter_map(|a| a.user()).collect::<Vec<_>>(), [ben]);
    assert!(ox.delete_account(scope!(), "info@example.org", Whom::Everybody).unwrap());
    assert!(!ox.delete_account(scope!(), "info@example.org", Whom::Everybody).unwrap());
}

#[test]
fn a_permission_without_content_is_not_kept() {
    let ox = fake();
    let anna = OxUserId::new(3);
    let level = |level| ModulePermission {
        module: DeputyModule::Mail,
        admin: false,
        folder: level,
        read: level,
        write: level,
        delete: level,
    };
    let permission = |level_of_mail| DeputyPermission {
        user: OxUserId::new(4),
        send_on_behalf_of: false,
        modules: vec![level(level_of_mail)],
    };
    ox.grant_deputy(scope!(), anna, &permission(0)).unwrap();
    assert_eq!(ox.world().contexts[&10].deputies, []);
    ox.grant_deputy(scope!(), anna, &permission(4)).unwrap();
    let granted = ox.world().contexts[&10].deputies.clone();
    assert_eq!((granted.len(), granted[0].grantor), (1, anna));
    assert_eq!(granted[0].permission, permission(4));
    ox.delete_user(scope!(), OxUserId::new(4), "ben").unwrap();
    assert_eq!(ox.world().contexts[&10].deputies, []);
}

#[test]
fn calls_are_refused_by_how_their_line_begins() {
    let ox = fake();
    ox.refuse("Deputy.revokeAll 10 #3");
    let refused = ox.revoke_deputies(scope!(), OxUserId::new(3)).unwrap_err();
    assert!(refused.is(Refusal::Other));
    ox.revoke_deputies(scope!(), OxUserId::new(4)).unwrap();
    assert_eq!(ox.calls(), ["Deputy.revokeAll 10 #3", "Deputy.revokeAll 10 #4"]);
}
