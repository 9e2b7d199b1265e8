//! Each side of a user altered.

use idspool_service::Ox;
use serde_json::json;

use super::super::finding::{Kind, Row};
use super::*;

fn settings() -> Settings {
    Settings::new(&Ox::default()).unwrap()
}

fn anna() -> Value {
    json!({
        "isOxUser": "OK", "oxAccess": "premium", "oxContext": 10, "username": "anna",
        "firstname": "Anna", "lastname": "M", "oxDisplayName": "Anna M",
        "mailPrimaryAddress": "anna@example.org", "mailAlternativeAddress": ["a@example.org"],
        "phone": ["1", "2", "3"], "birthday": "29.02.1984", "oxDbId": 42, "oxUserQuota": "-1",
        "jpegPhoto": "/9j/4AAQSkZJRgABAQ==", "groups": ["cn=a"], "shell": "/bin/sh",
    })
}

/// What OX has after `object` was delivered.
fn in_ox(object: &Value, settings: &Settings) -> User {
    let object = object.as_object().unwrap();
    let mut user = expected("u", object, settings, &Mapping::built_in()).unwrap().user;
    user.set(UserField::Id, 42_i64);
    // As the server answers it.
    user.unset(UserField::MaxQuota);
    user.set(UserField::UsedQuota, 17_i64).set(UserField::Language, "en_US");
    user.unset(UserField::Password);
    if let Some(idspool_ox_soap::Value::Text(base64)) = user.get(UserField::Image1) {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
        user.set(UserField::Image1, bytes);
    }
    user
}

struct Case {
    snapshot: Value,
    ox: User,
    directory: Value,
    settings: Settings,
}

impl Case {
    fn new() -> Self {
        let settings = settings();
        let ox = in_ox(&anna(), &settings);
        Self { snapshot: anna(), ox, directory: anna(), settings }
    }

    fn findings(&self) -> Vec<Finding> {
        let sides = UserSides {
            id: "u",
            snapshot: self.snapshot.as_object().unwrap(),
            ox: &self.ox,
            directory: self.directory.as_object().unwrap(),
        };
        compare(&sides, &self.settings, &Mapping::built_in())
    }

    /// Property, snapshot, OX, directory.
    fn rows(&self) -> Vec<[String; 4]> {
        let rows = self.findings().into_iter().filter_map(|finding| finding.row);
        let texts = rows.map(|row| {
            let Row { property, snapshot, ox, directory, .. } = row;
            [property, snapshot.to_string(), ox.to_string(), directory.to_string()]
        });
        texts.collect()
    }
}

#[test]
fn what_was_delivered_is_consistent() {
    assert_eq!(Case::new().findings(), []);
}

#[test]
fn s9_4_each_side_can_be_the_one_that_differs() {
    let mut case = Case::new();
    case.directory["phone"] = json!(["1", "5"]);
    assert_eq!(case.rows(), [["phone", "2", "2", "5"]]);
    let mut case = Case::new();
    case.ox.set(UserField::TelephoneBusiness1, "9");
    assert_eq!(case.rows(), [["phone", "1", "9", "1"]]);
    let mut case = Case::new();
    case.snapshot["lastname"] = json!("Old");
    assert_eq!(case.rows(), [["lastname", "Old", "M", "M"]]);
}

#[test]
fn s9_4_a_difference_of_aliases_counts() {
    let mut case = Case::new();
    case.ox.set(UserField::Aliases, vec!["A@example.org", "anna@example.org"]);
    assert_eq!(case.rows(), [[""; 4]; 0], "neither order nor letter case");
    case.ox.set(UserField::Aliases, vec!["anna@example.org"]);
    assert_eq!(
        case.rows(),
        [[
            "aliases",
            "[anna@example.org, a@example.org]",
            "[anna@example.org]",
            "[anna@example.org, a@example.org]"
        ]]
    );
}

#[test]
fn s9_4_the_id_in_the_snapshot_has_to_be_that_of_ox() {
    let mut case = Case::new();
    case.ox.set(UserField::Id, 43_i64);
    assert_eq!(case.rows(), [["oxDbId", "42", "43", "-"]]);
    case.snapshot.as_object_mut().unwrap().remove("oxDbId");
    assert_eq!(case.rows(), [["oxDbId", "None", "43", "-"]]);
}

#[test]
fn s9_4_settings_that_are_not_the_default_are_right() {
    let settings = Settings::new(&Ox {
        imap_login: Some("{username}*admin".into()),
        user_identifier: Some("entryUUID".into()),
        ..Ox::default()
    })
    .unwrap();
    let mut case = Case { ox: in_ox(&anna(), &settings), settings, ..Case::new() };
    assert_eq!(case.rows(), [[""; 4]; 0]);
    case.ox.set(UserField::ImapLogin, "anna@example.org").set(UserField::Name, "anna");
    assert_eq!(
        case.rows(),
        [
            ["entryUUID", "u", "anna", "u"],
            ["imapLogin", "anna*admin", "anna@example.org", "anna*admin"]
        ]
    );
}

#[test]
fn users_choices_and_what_ox_counts_are_not_compared() {
    let mut case = Case::new();
    case.ox
        .set(UserField::DefaultSenderAddress, "a@example.org")
        .set(UserField::Timezone, "Europe/Rome")
        .set(UserField::UsedQuota, 99_i64)
        .set(UserField::ImapSchema, "imap");
    assert_eq!(case.rows(), [[""; 4]; 0]);
}

#[test]
fn a_value_that_cannot_be_cleared_is_told_with_the_reason() {
    let mut case = Case::new();
    for side in [&mut case.snapshot, &mut case.directory] {
        side.as_object_mut().unwrap().remove("birthday");
    }
    let findings = case.findings();
    assert_eq!(case.rows(), [["birthday", "None", "1984-02-29", "None"]]);
    assert_eq!(findings[0].note.as_deref(), Some(CANNOT_BE_CLEARED));
}

#[test]
fn pictures_are_compared_by_content() {
    let mut case = Case::new();
    case.ox.set(UserField::Image1, b"another".to_vec());
    let rows = case.rows();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0][2].starts_with("image of 7 bytes"), "{rows:?}");
    assert!(!format!("{:?}", case.findings()).contains("/9j/"), "never the picture itself");
    // What is no JPEG is not sent: nothing to compare with.
    for side in [&mut case.snapshot, &mut case.directory] {
        side["jpegPhoto"] = json!("iVBORw0KGgo=");
    }
    assert_eq!(case.rows(), [[""; 4]; 0]);
}

#[test]
fn a_state_that_provisioning_would_stop_at_is_told() {
    let mut case = Case::new();
    case.directory["birthday"] = json!("yesterday");
    let findings = case.findings();
    assert_eq!(findings[0].kind, Kind::Unusable);
    let note = findings[0].note.as_deref().unwrap();
    assert!(note.starts_with("directory: ") && note.contains("birthday"), "{note}");
}

#[test]
fn properties_that_only_decide_are_compared_between_snapshot_and_directory() {
    let mut case = Case::new();
    case.directory["oxAccess"] = json!("webmail");
    case.directory["oxContext"] = json!("10");
    assert_eq!(case.rows(), [["oxAccess", "premium", "-", "webmail"]]);
}

#[test]
fn s9_4_rights_are_those_of_the_profile() {
    use idspool_ox_soap::{AccessFlag, ModuleAccess};

    let profiles = crate::profile::Profiles::parse("webmail=webmail\npim=webmail,calendar\n");
    let rights = |profile: &str| {
        let object = json!({"oxAccess": profile});
        Rights::of(Props(object.as_object().unwrap()), &profiles)
    };
    let mut ox = ModuleAccess::named([AccessFlag::Webmail]);
    ox.set(AccessFlag::PublicFolderEditable, true);
    assert_eq!(compare_rights(&rights("webmail"), ox, &rights("webmail")), None);
    let row = compare_rights(&rights("pim"), ox, &rights("pim")).unwrap().row.unwrap();
    assert_eq!(row.snapshot.to_string(), "[calendar, webmail]");
    assert_eq!(row.ox.to_string(), "[webmail]");
    assert_eq!(compare_rights(&rights("nosuch"), ox, &rights("nosuch")), None);
}
