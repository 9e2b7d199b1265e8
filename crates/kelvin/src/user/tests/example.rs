//! The worked example of id-connector 3.9.

use idspool_udm::{ConvertedItem, UserPasswords};
use serde_json::json;

use super::stage::{Stage, authority, gone, item, known};

#[test]
fn the_worked_example() {
    let mut of_example = authority();
    let mapping = of_example.mappings.users.as_mut().unwrap();
    for other in ["e-mail", "phone", "title", "ucsschoolLegalGuardian", "ucsschoolLegalWard"] {
        mapping.remove(other);
    }
    let stage = Stage::of(of_example, &["School1"], &["School1"]);

    let first = ConvertedItem {
        dn: "uid=anna,cn=schueler,cn=users,ou=School1,dc=example,dc=org".into(),
        user_passwords: Some(UserPasswords {
            user_password: vec!["{crypt}...".into()],
            samba_nt_password: "...".into(),
            krb5_key: vec!["...".into()],
            krb5_key_version_number: 1,
            samba_pwd_last_set: 1_700_000_000,
        }),
        ..item(json!({
            "username": "anna", "firstname": "Anna", "lastname": "A",
            "disabled": false, "birthday": "2011-05-30", "userexpiry": null,
            "mailPrimaryAddress": null, "e-mail": [], "phone": ["+49 1"], "title": null,
            "school": ["School1"],
            "groups": ["cn=School1-1a,cn=klassen,cn=schueler,cn=groups,ou=School1,dc=example,dc=org"],
            "ucsschoolRole": ["student:school:School1"],
            "ucsschoolRecordUID": "4711", "ucsschoolSourceUID": "SIS",
        }))
    };
    stage.deliver(&first).unwrap();
    let requests = stage.fake.requests();
    let lines: Vec<&str> = requests.iter().map(|request| request.line.as_str()).collect();
    let search = "GET users/?record_uid=4711&source_uid=SIS";
    assert_eq!(lines, [search, "POST users/"]);
    assert_eq!(
        requests[1].body,
        Some(json!({
            "name": "anna", "firstname": "Anna", "lastname": "A", "birthday": "2011-05-30",
            "disabled": false, "school": "School1", "schools": ["School1"],
            "school_classes": {"School1": ["1a"]}, "workgroups": {}, "roles": ["student"],
            "record_uid": "4711", "source_uid": "SIS", "legal_guardians": [], "legal_wards": [],
            "udm_properties": {},
            "kelvin_password_hashes": {
                "user_password": ["{crypt}..."], "samba_nt_password": "...", "krb_5_key": ["..."],
                "krb5_key_version_number": 1, "samba_pwd_last_set": 1_700_000_000,
            },
        }))
    );

    // Rename and another record UID in one event.
    let mut renamed = first.clone();
    let object = renamed.object.as_mut().unwrap();
    object.insert("username".into(), "anna2".into());
    object.insert("ucsschoolRecordUID".into(), "4712".into());
    renamed.dn = "uid=anna2,cn=schueler,cn=users,ou=School1,dc=example,dc=org".into();
    renamed.old_data = known("4711", &["School1"]);
    stage.deliver(&renamed).unwrap();
    let requests = stage.fake.requests();
    let lines: Vec<&str> = requests.iter().map(|request| request.line.as_str()).collect();
    let other = "GET users/?record_uid=4712&source_uid=SIS";
    assert_eq!(lines, [search, other, "PATCH users/anna"]);
    let body = requests[2].body.as_ref().unwrap();
    assert_eq!((&body["name"], &body["record_uid"]), (&json!("anna2"), &json!("4712")));
    assert_eq!(body.as_object().unwrap().len(), 3, "and the hashes: {body}");

    // To a school of another authority.
    let mut moved = renamed.clone();
    moved.object.as_mut().unwrap().insert("school".into(), json!(["School9"]));
    moved.dn = "uid=anna2,cn=schueler,cn=users,ou=School9,dc=example,dc=org".into();
    moved.old_data = known("4712", &["School1"]);
    assert_eq!(stage.calls(&moved), [other, "DELETE users/anna2"]);
    assert_eq!(stage.users(), Vec::<String>::new());

    // Should this authority hear of the deletion nevertheless: nothing is there.
    let removed = ConvertedItem { old_data: known("4712", &["School9"]), ..gone(&moved) };
    assert_eq!(stage.calls(&removed), [other]);
}
