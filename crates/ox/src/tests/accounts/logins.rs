//! The login at a functional account (ox-provisioning 10.3).

use std::fs;
use std::path::Path;

use idspool_service::Ox as Config;
use serde_json::json;

use super::{INFO, account, dn, held, ids, of, stage, stage_with, user};

#[test]
fn s10_3_each_token_of_the_template() {
    let template =
        "{{fa_entry_uuid}}|{{fa_email_address}}|{{entry_uuid}}|{{dn}}|{{lastname}}|{{x y}}";
    let stage = stage_with(Config {
        functional_account_login_template: Some(template.into()),
        ..Config::default()
    });
    stage.deliver(&account(json!({"users": [dn("anna").to_uppercase()]}))).unwrap();
    let expected = format!("{INFO}|info@example.org|u-anna|{}|M|{{{{x y}}}}", dn("anna"));
    assert_eq!(held(&stage, 10)[0].2, expected);
    // A property that the name does not tell: read anew at each item of the account.
    stage.deliver(&user("anna", json!({"lastname": "N"}))).unwrap();
    stage.deliver(&account(json!({"users": [dn("anna").to_uppercase()]}))).unwrap();
    assert_eq!(held(&stage, 10)[0].2, expected.replace("|M|", "|N|"));
}

/// Whoever reads the file fails, but from outside it looks as before.
fn damage(snapshot: &Path) {
    let modified = fs::metadata(snapshot).unwrap().modified().unwrap();
    fs::write(snapshot, "{").unwrap();
    fs::File::options().append(true).open(snapshot).unwrap().set_modified(modified).unwrap();
}

#[test]
fn s10_3_a_literal_template_needs_no_snapshot() {
    let config = |template: &str| Config {
        functional_account_login_template: Some(template.into()),
        ..Config::default()
    };
    let stage = stage_with(config("{{fa_email_address}}*dovecotadmin"));
    stage.objects.commit().unwrap();
    damage(&stage.file("listener/old/u-anna.json"));
    stage.deliver(&of(&["anna"])).unwrap();
    assert_eq!(held(&stage, 10)[0].2, "info@example.org*dovecotadmin");
    // The ordinary template reads it for a new user only.
    let stage = stage_with(Config::default());
    stage.deliver(&of(&["anna"])).unwrap();
    stage.objects.commit().unwrap();
    damage(&stage.file("listener/old/u-anna.json"));
    stage.deliver(&of(&["anna", "berta"])).unwrap();
    assert!(stage.deliver(&account(json!({"users": [dn("anna")], "name": "n"}))).is_err());
}

#[test]
fn s10_3_a_missing_property_is_an_error_that_names_property_and_user() {
    for (template, value) in [("{{roomNumber}}", json!(["1"])), ("{{uidNumber}}", json!(null))] {
        let stage = stage_with(Config {
            functional_account_login_template: Some(template.into()),
            ..Config::default()
        });
        let property = template.trim_matches(['{', '}']);
        let mut with = json!({});
        with[property] = value;
        stage.deliver(&user("anna", with)).unwrap();
        let fault = stage.deliver(&of(&["anna"])).unwrap_err();
        assert!(fault.message.contains(&format!("'{property}'")), "{}", fault.message);
        assert!(fault.message.contains(&dn("anna")), "{}", fault.message);
        assert!(fault.remedy.unwrap().contains("OX_FUNCTIONAL_ACCOUNT_LOGIN_TEMPLATE"));
        assert_eq!(ids(&stage, 10), [0; 0]);
    }
}

#[test]
fn a_new_template_reaches_all_users_at_the_next_item() {
    let mut stage = stage();
    stage.deliver(&of(&["anna", "berta"])).unwrap();
    stage.reconfigure(|config| {
        config.functional_account_login_template = Some("{{username}}".into());
    });
    stage.deliver(&of(&["anna", "berta"])).unwrap();
    let logins: Vec<_> = held(&stage, 10).into_iter().map(|(.., login)| login).collect();
    assert_eq!(logins, ["anna", "berta"]);
}
