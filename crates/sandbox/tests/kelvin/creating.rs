//! Creating users (kelvin-api 7.1, 7.3, 8).

use serde_json::{Value, json};

use crate::support::{Client, person, role, school, server, student, user, with};

#[test]
fn types_and_required_fields_are_checked() {
    let server = server();
    let mut client = Client::new(&server);
    for (fields, expected) in [
        (json!({"firstname": null}), "body.firstname value_error.missing"),
        (json!({"lastname": null}), "body.lastname value_error.missing"),
        (json!({"roles": null}), "body.roles value_error.missing"),
        (json!({"firstname": 1}), "body.firstname type_error.str"),
        (json!({"email": ["a@example.com"]}), "body.email type_error.str"),
        (json!({"schools": school("DEMOSCHOOL")}), "body.schools type_error.list"),
        (json!({"schools": ["DEMOSCHOOL"]}), "body.schools.0 value_error.url.scheme"),
        (json!({"roles": [role("student"), 1]}), "body.roles.1 type_error.str"),
        (json!({"disabled": "maybe"}), "body.disabled type_error.bool"),
        (json!({"birthday": ""}), "body.birthday value_error"),
        (json!({"birthday": "2010-02-30"}), "body.birthday value_error"),
        (json!({"expiration_date": "1960-12-31"}), "body.expiration_date value_error"),
        (json!({"expiration_date": "2100-01-01"}), "body.expiration_date value_error"),
        (json!({"school_classes": ["7a"]}), "body.school_classes type_error.dict"),
        (
            json!({"school_classes": {"DEMOSCHOOL": "7a"}}),
            "body.school_classes.DEMOSCHOOL type_error.list",
        ),
        (json!({"workgroups": {"DEMOSCHOOL": [7]}}), "body.workgroups.DEMOSCHOOL.0 type_error.str"),
        (json!({"legal_guardians": "eva"}), "body.legal_guardians type_error.list"),
        (json!({"ucsschool_roles": ["teacher"]}), "body.ucsschool_roles value_error"),
        (json!({"udm_properties": []}), "body.udm_properties type_error.dict"),
        (
            json!({"udm_properties": {"username": "x", "shoeSize": 1}}),
            "body.udm_properties value_error.unknownudmproperty",
        ),
        (json!({"name": "com1"}), "body.name value_error"),
        (json!({"name": "a b"}), "body.name value_error"),
        (json!({"school": null, "schools": null}), "body.__root__ value_error"),
        (json!({"school": null, "schools": []}), "body.__root__ value_error"),
    ] {
        let response = client.post("users/", &with(student("anna"), fields.clone()));
        assert_eq!(response.status, 422, "{fields}");
        assert_eq!(response.items(), [expected], "{fields}");
    }
    for (field, value) in [
        ("disabled", Value::Null),
        ("school_classes", Value::Null),
        ("roles", Value::Null),
        ("firstname", Value::Null),
    ] {
        let mut body = student("anna");
        body[field] = value;
        let expected = format!("body.{field} type_error.none.not_allowed");
        assert_eq!(client.post("users/", &body).items(), [expected]);
    }
    assert_eq!(client.found("users/"), json!([]));
    // Unknown fields are ignored, and booleans may be words.
    let odd = with(student("anna"), json!({"shoe_size": 44, "disabled": "1"}));
    assert_eq!(client.ok("POST", "users/", &odd)["disabled"], true);
}

#[test]
fn the_school_library_refuses_values() {
    let server = server();
    let mut client = Client::new(&server);
    client.ok("POST", "users/", &with(student("ben"), json!({"email": "ben@example.com"})));
    let long = "a".repeat(16);
    let twenty = "a".repeat(20);
    for (fields, status, part) in [
        (json!({"name": null}), 400, "No username was created."),
        (json!({"record_uid": null}), 400, "record_uid"),
        (json!({"name": long}), 400, "is longer than allowed."),
        (json!({"name": "a/b"}), 400, "characters"),
        (json!({"email": "BEN@example.com"}), 400, "already in use"),
        (json!({"school_classes": {"DEMOSCHOOL2": ["7a"]}}), 400, "not in 'schools'"),
        (json!({"school_classes": {"DEMOSCHOOL": [" "]}}), 400, "Invalid name"),
        (json!({"workgroups": {"DEMOSCHOOL": ["chor"]}}), 400, "does not exist"),
        (json!({"legal_guardians": ["nobody"]}), 400, "Couldn't find legal guardian"),
        (json!({"legal_wards": ["ben"]}), 400, "only valid for user-role 'legal_guardian'"),
        (
            json!({"school": school("gone"), "schools": null}),
            404,
            "No school with name='gone' found.",
        ),
        (json!({"roles": []}), 500, ""),
        (json!({"roles": [role("pupil")]}), 500, ""),
        (json!({"roles": [user("ben")]}), 404, "Could not find object of type 'role'"),
    ] {
        let response = client.post("users/", &with(student("anna"), fields.clone()));
        assert_eq!(response.status, status, "{fields}: {response:?}");
        assert!(response.text().contains(part), "{fields}: {response:?}");
    }
    for (fields, expected) in [
        (json!({"email": "a@elsewhere.example"}), "mailPrimaryAddress UdmError:CreateError"),
        (json!({"udm_properties": {"phone": "1"}}), "phone UdmError:CreateError"),
        (json!({"udm_properties": {"title": ["Dr."]}}), "title UdmError:CreateError"),
    ] {
        let response = client.post("users/", &with(student("anna"), fields.clone()));
        assert_eq!(
            (response.status, response.items()),
            (422, vec![expected.to_owned()]),
            "{fields}"
        );
    }
    assert_eq!(client.get("users/anna").status, 404);
    // What is refused for students may be right for others.
    client.ok("POST", "users/", &person(&twenty, "teacher"));
    assert_eq!(client.post("users/", &person(&format!("{twenty}b"), "teacher")).status, 400);
    client.ok("POST", "users/", &student("müller"));
    assert_eq!(client.found("users/m%C3%BCller")["name"], "müller");
}

#[test]
fn schools_are_completed_and_their_spelling_is_corrected() {
    let server = server();
    let mut client = Client::new(&server);
    let (one, two) = (school("DEMOSCHOOL"), school("DEMOSCHOOL2"));
    for (name, fields, lies_in, all) in [
        ("a", json!({"schools": null}), "DEMOSCHOOL", 1),
        (
            "b",
            json!({"school": null, "schools": [two, one], "school_classes": {}}),
            "DEMOSCHOOL",
            2,
        ),
        ("c", json!({"schools": [two], "school_classes": {}}), "DEMOSCHOOL2", 1),
        (
            "d",
            json!({"school": school("demoschool"), "schools": [school("demoSchool")]}),
            "DEMOSCHOOL",
            1,
        ),
    ] {
        let created = client.ok("POST", "users/", &with(student(name), fields));
        let expected = format!("http://kelvin.example/ucsschool/kelvin/v1/schools/{lies_in}");
        assert_eq!(created["school"], expected, "{name}");
        assert_eq!(created["schools"].as_array().unwrap().len(), all, "{name}");
    }
    let fields = json!({"school_classes": {"demoschool": ["9ä1", "7a"]}, "source_uid": null});
    let created = client.ok("POST", "users/", &with(student("e"), fields));
    assert_eq!(created["school_classes"], json!({"DEMOSCHOOL": ["7a", "9-1"]}));
    assert_eq!(created["source_uid"], "Kelvin");
    assert_eq!(client.found("classes/demoschool/9-1")["users"], json!([created["url"]]));
}

#[test]
fn a_taken_name_is_told_before_a_taken_identity() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    client.ok("POST", "users/", &person("tim", "teacher"));
    for name in ["anna", "ANNA", "tim"] {
        let response = client.post("users/", &student(name));
        assert_eq!((response.status, response.text().as_str()), (409, "School user exists."));
    }
}

#[test]
fn a_taken_identity_moves_the_user_that_has_it() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    let again = json!({"name": "anna2", "record_uid": "id-anna"});
    let response = client.post("users/", &with(student("x"), again.clone()));
    assert_eq!(response.status, 409);
    let text = response.text();
    assert!(text.contains("'LAND'") && text.contains("'id-anna'"), "{text}");
    assert_eq!(client.found("users/anna")["school_classes"], json!({"DEMOSCHOOL": ["7a"]}));

    let elsewhere = json!({
        "school": school("DEMOSCHOOL2"), "schools": [school("DEMOSCHOOL2")], "school_classes": {}
    });
    let response = client.post("users/", &with(with(student("x"), again), elsewhere));
    assert_eq!(response.status, 409);
    let anna = client.found("users/anna");
    assert_eq!(anna["dn"], "uid=anna,cn=schueler,cn=users,ou=DEMOSCHOOL2,dc=school,dc=test");
    assert_eq!(
        (&anna["school_classes"], anna["schools"].as_array().unwrap().len()),
        (&json!({}), 1)
    );
    assert_eq!(client.found("classes/DEMOSCHOOL/7a")["users"], json!([]));
    assert_eq!(client.get("users/anna2").status, 404);
}

#[test]
fn an_identity_of_another_role_ends_with_500_and_two_users() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    let teacher = with(person("anna2", "teacher"), json!({"record_uid": "id-anna"}));
    let response = client.post("users/", &teacher);
    assert_eq!(response.status, 500);
    response.text();
    let found = client.found("users/?record_uid=id-anna&source_uid=LAND");
    let names: Vec<&str> =
        found.as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["anna", "anna2"]);
}

fn hashes() -> Value {
    json!({
        "user_password": ["{crypt}x"], "samba_nt_password": "5C453F1961837BA114A045684F12FCF1",
        "krb_5_key": ["MB2hGzAZoAMCARehEgQQXEU/GWGDe6EUoEVoTxL88Q=="],
        "krb5_key_version_number": 3, "samba_pwd_last_set": 1_700_000_000
    })
}

#[test]
fn hashes_are_all_or_nothing_and_never_returned() {
    let server = server();
    let mut client = Client::new(&server);
    let create = |hashes: Value| with(student("anna"), json!({"kelvin_password_hashes": hashes}));
    let prefix = "body.kelvin_password_hashes";
    for (name, value, expected) in [
        ("user_password", Value::Null, "user_password value_error.missing"),
        ("krb_5_key", Value::Null, "krb_5_key value_error.missing"),
        ("krb5_key_version_number", Value::Null, "krb5_key_version_number value_error.missing"),
        ("samba_pwd_last_set", json!("x"), "samba_pwd_last_set type_error.integer"),
        ("samba_nt_password", json!(1), "samba_nt_password type_error.str"),
        ("user_password", json!("{crypt}x"), "user_password type_error.list"),
        ("krb_5_key", json!(["not base64"]), "krb_5_key value_error"),
    ] {
        let response = client.post("users/", &create(with(hashes(), json!({name: value}))));
        assert_eq!(
            (response.status, response.items()),
            (422, vec![format!("{prefix}.{expected}")])
        );
    }
    let both = with(create(hashes()), json!({"password": "hush"}));
    assert_eq!(client.post("users/", &both).items(), ["body.__root__ value_error"]);

    let created = client.ok("POST", "users/", &create(hashes()));
    assert!(!created.to_string().contains("crypt") && created.get("password").is_none());
    let stored = |server: &idspool_sandbox::kelvin::Server| server.dump()["users"][0].clone();
    assert_eq!(stored(&server)["kelvin_password_hashes"], hashes());
    // The directory refuses these, and the answer is as good as ever.
    let bad = with(hashes(), json!({"samba_nt_password": ""}));
    client.ok("PATCH", "users/anna", &json!({"kelvin_password_hashes": bad}));
    assert_eq!(stored(&server)["kelvin_password_hashes"], hashes());
    assert_eq!(stored(&server)["refused_hashes"], 1);
    client.ok("PATCH", "users/anna", &json!({"password": "hüsh"}));
    assert_eq!(stored(&server)["password_length"], 4);
    assert_eq!(stored(&server)["kelvin_password_hashes"], Value::Null);
    // The list of requests shows that there were secrets, and not which.
    let calls = serde_json::to_string(&server.calls(0)).unwrap();
    assert!(calls.contains("\"password\":\"***\""), "{calls}");
    assert!(!calls.contains("hüsh") && !calls.contains("{crypt}"), "{calls}");
}
