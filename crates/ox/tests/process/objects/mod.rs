//! Functional accounts, resources and deputy permissions over HTTP.

mod deputies;
mod trouble;

use idspool_sandbox::ox::Options;
use idspool_udm::ConvertedItem;
use serde_json::{Value, json};

use crate::place::{Place, anna, context, item, profile};

const INFO: &str = "0f3c9c6a-0000-103f-8000-0000000000fa";

fn dn(name: &str) -> String {
    format!("uid={name},cn=users,dc=example,dc=org")
}

fn user(name: &str, changes: &Value) -> ConvertedItem {
    let mut item = anna(json!({
        "username": name, "oxDisplayName": name, "mailPrimaryAddress": format!("{name}@example.org"),
        "mailAlternativeAddress": [],
    }));
    let object = item.object.as_mut().unwrap();
    object.extend(changes.as_object().unwrap().clone());
    item.id = format!("u-{name}");
    item.dn = dn(name);
    item
}

fn account(names: &[&str], changes: &Value) -> ConvertedItem {
    let users: Vec<String> = names.iter().map(|name| dn(name)).collect();
    let mut object = json!({
        "name": "info", "mailPrimaryAddress": "info@example.org", "personal": "Info & Desk",
        "users": users, "groups": [], "oxQuota": "512",
    });
    object.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    item(INFO, "oxmail/functional_account", "cn=info,dc=example,dc=org", object)
}

fn resource(changes: &Value) -> ConvertedItem {
    let mut object = json!({
        "name": "beamer", "displayname": "Beamer <1>", "description": "on the ceiling",
        "resourceMailAddress": "beamer@example.org", "resourceadmin": "2109", "oxContext": 10,
    });
    object.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    item("r-beamer", "oxresources/oxresources", "cn=beamer,dc=example,dc=org", object)
}

fn giving(entries: &Value) -> ConvertedItem {
    user("anna", &json!({ "oxDeputyPermissionGivenTo": entries }))
}

/// Anna (3) and Berta (4) in context 10, Carl (3) in context 11.
fn place() -> Place {
    let place = Place::new(Options::default());
    for item in [context(10), context(11), profile("premium", &["webmail"])] {
        place.enqueue(&item);
    }
    for (name, context) in [("anna", 10), ("berta", 10), ("carl", 11)] {
        place.enqueue(&user(name, &json!({ "oxContext": context })));
    }
    run(&place, &[]);
    place
}

/// Delivers all that waits; the calls that it took.
fn run(place: &Place, variables: &[(&str, &str)]) -> Vec<String> {
    let run = place.run_with(&["--once"], variables);
    assert_eq!(run.code(), Some(0), "{}", run.log());
    assert_eq!(place.queued(), 0, "{}", run.log());
    place.server_calls()
}

fn deliver(place: &Place, item: &ConvertedItem) -> Vec<String> {
    place.enqueue(item);
    run(place, &[])
}

fn deliver_with_deputies(place: &Place, item: &ConvertedItem) -> Vec<String> {
    place.enqueue(item);
    run(place, &[("OX_ENABLE_DEPUTY_PERMISSIONS", "True")])
}

/// Who has which account: context, user, address, login and personal name.
fn accounts(place: &Place) -> Value {
    place.server.inspect(|world| {
        let mut all: Vec<_> = world
            .contexts()
            .flat_map(|context| context.accounts().map(|account| (context.id, account)))
            .map(|(context, account)| {
                let text = |name| account.text(name).unwrap_or_default().to_owned();
                (
                    context,
                    account.user,
                    account.primary_address.clone(),
                    text("login"),
                    text("personal"),
                )
            })
            .collect();
        all.sort();
        json!(all)
    })
}

fn resources(place: &Place) -> Value {
    place.server.inspect(|world| {
        let all: Vec<_> = world
            .contexts()
            .flat_map(|context| context.resources().map(|resource| (context.id, resource)))
            .map(|(context, r)| {
                json!([
                    context,
                    r.id,
                    r.name,
                    r.display_name,
                    r.email,
                    r.description,
                    r.is_available
                ])
            })
            .collect();
        json!(all)
    })
}

/// Permissions as context, grantor, deputy, sending on behalf and modules; and who may grant none.
fn deputies(place: &Place) -> (Value, Value) {
    place.server.inspect(|world| {
        let all: Vec<_> = world
            .contexts()
            .flat_map(|context| context.deputies().map(|deputy| (context.id, deputy)))
            .map(|(context, d)| {
                let modules: Vec<_> =
                    d.modules.iter().map(|m| json!([m.name, m.is_admin, m.levels])).collect();
                json!([context, d.grantor, d.user, d.sends_on_behalf, modules])
            })
            .collect();
        let blocked: Vec<_> = world
            .contexts()
            .flat_map(|context| context.blocked_grantors().map(|user| (context.id, user)))
            .collect();
        (json!(all), json!(blocked))
    })
}

fn login(name: &str) -> String {
    format!("{INFO}{name}")
}

#[test]
fn s5_6_the_life_of_a_functional_account() {
    let place = place();
    let (create, delete) =
        ("OXSecondaryAccountService.create ok", "OXSecondaryAccountService.delete ok");
    let calls = deliver(&place, &account(&["anna", "berta", "carl"], &json!({})));
    assert_eq!(calls, [delete, create, create, delete, create]);
    let info = "info@example.org";
    let desk = "Info & Desk";
    assert_eq!(
        accounts(&place),
        json!([
            [10, 3, info, login("anna"), desk],
            [10, 4, info, login("berta"), desk],
            [11, 3, info, login("carl"), desk],
        ])
    );
    assert_eq!(deliver(&place, &account(&["anna", "berta", "carl"], &json!({}))), [""; 0]);
    assert_eq!(deliver(&place, &account(&["anna", "carl"], &json!({}))), [delete]);
    let address = json!({"mailPrimaryAddress": "desk@example.org", "personal": null});
    let calls = deliver(&place, &account(&["anna", "carl"], &address));
    assert_eq!(calls, [delete, delete, create, delete, delete, create]);
    assert_eq!(
        accounts(&place),
        json!([
            [10, 3, "desk@example.org", login("anna"), ""],
            [11, 3, "desk@example.org", login("carl"), ""],
        ])
    );
    let deleted = item(INFO, "oxmail/functional_account", "cn=info,dc=example", Value::Null);
    assert_eq!(deliver(&place, &deleted), [delete, delete]);
    assert_eq!(accounts(&place), json!([]));
    assert!(!place.snapshot_path(INFO).exists());
}

#[test]
fn weak_point_27_accounts_follow_users_who_move_or_come_later() {
    let place = place();
    deliver(&place, &account(&["anna", "dora"], &json!({})));
    let info = "info@example.org";
    let desk = "Info & Desk";
    assert_eq!(accounts(&place), json!([[10, 3, info, login("anna"), desk]]));
    // The directory reports the user alone, as long as the account itself stays as it is.
    deliver(&place, &user("anna", &json!({"oxContext": 11})));
    assert_eq!(accounts(&place), json!([[11, 4, info, login("anna"), desk]]));
    // Of a user who was not known at all the account is reported with it.
    place.enqueue(&account(&["anna", "dora"], &json!({})));
    place.enqueue(&user("dora", &json!({})));
    run(&place, &[]);
    assert_eq!(
        accounts(&place),
        json!([[10, 5, info, login("dora"), desk], [11, 4, info, login("anna"), desk]])
    );
}

#[test]
fn s10_3_a_missing_property_stops_the_queue_until_the_setting_is_mended() {
    let place = place();
    place.enqueue(&account(&["anna"], &json!({})));
    let template = |text| [("OX_FUNCTIONAL_ACCOUNT_LOGIN_TEMPLATE", text)];
    let failed = place.run_with(&["--once"], &template("{{fa_email_address}}/{{nickname}}"));
    assert_eq!(failed.code(), Some(1), "{}", failed.log());
    let message = place.spool().state().unwrap().message.unwrap();
    assert!(message.contains("'nickname'") && message.contains(&dn("anna")), "{message}");
    run(&place, &template("{{fa_email_address}}*dovecotadmin"));
    let login = "info@example.org*dovecotadmin";
    assert_eq!(accounts(&place), json!([[10, 3, "info@example.org", login, "Info & Desk"]]));
}

#[test]
fn s5_7_the_life_of_a_resource() {
    let place = place();
    let service = |call: &str| format!("OXResourceService.{call}");
    let (read, absent) = (service("getData ok"), service("getData NoSuchResourceException"));
    let (create, change, delete) =
        (service("create ok"), service("change ok"), service("delete ok"));
    assert_eq!(deliver(&place, &resource(&json!({}))), [&*absent, &*create]);
    let expected =
        json!([10, 5, "beamer", "Beamer <1>", "beamer@example.org", "on the ceiling", true]);
    assert_eq!(resources(&place), json!([expected]));
    assert_eq!(deliver(&place, &resource(&json!({"oxContext": "10"}))), [""; 0]);
    let renamed = json!({"name": "projector", "description": ""});
    assert_eq!(deliver(&place, &resource(&renamed)), [&*read, &*change]);
    let moved = json!({"name": "projector", "description": "", "oxContext": 11});
    assert_eq!(deliver(&place, &resource(&moved)), [&*read, &*absent, &*create, &*delete]);
    let found = resources(&place);
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!((&found[0][0], &found[0][2]), (&json!(11), &json!("projector")));
    // An empty description is sent, and clears it.
    assert!(matches!(found[0][5].as_str(), None | Some("")), "{found}");
    let deleted = item("r-beamer", "oxresources/oxresources", "cn=beamer,dc=example", Value::Null);
    assert_eq!(deliver(&place, &deleted), [&*read, &*delete]);
    assert_eq!(resources(&place), json!([]));
}
