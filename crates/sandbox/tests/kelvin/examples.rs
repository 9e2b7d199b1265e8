//! The complete exchanges of kelvin-api 15, in their order.

use serde_json::{Value, json};

use crate::support::{Client, role, school, server, user};

fn create() -> Value {
    json!({
        "name": "anna.m", "firstname": "Anna", "lastname": "Müller", "school": school("DEMOSCHOOL"),
        "schools": [school("DEMOSCHOOL")], "roles": [role("student")], "record_uid": "4711",
        "source_uid": "LAND", "birthday": "2010-02-03", "expiration_date": "2031-07-31",
        "disabled": false, "email": "anna.m@example.com", "school_classes": {"DEMOSCHOOL": ["7a"]},
        "udm_properties": {"displayName": "Anna Müller", "phone": ["+49 421 1"]},
        "kelvin_password_hashes": {
            "user_password": ["{crypt}$6$Sg2aLV7ZUJ4RPyV0$hash"],
            "samba_nt_password": "5C453F1961837BA114A045684F12FCF1",
            "krb_5_key": ["MB2hGzAZoAMCARehEgQQXEU/GWGDe6EUoEVoTxL88Q=="],
            "krb5_key_version_number": 3, "samba_pwd_last_set": 1_700_000_000
        }
    })
}

/// The server of the examples speaks plain HTTP here.
fn plain(value: &Value) -> Value {
    let text = value.to_string().replace("http://kelvin.example", "https://kelvin.example");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn roles_and_schools_are_as_shown() {
    let server = server();
    let mut client = Client::new(&server);
    let names = ["staff", "student", "teacher", "legal_guardian", "school_admin"];
    let roles: Vec<Value> = names
        .iter()
        .map(|name| json!({"name": name, "display_name": name, "url": role(name)}))
        .collect();
    assert_eq!(plain(&client.found("roles/")), json!(roles));
    assert_eq!(plain(&client.found("roles/student")), roles[1]);
    let demo = |name: &str| {
        json!({
            "dn": format!("ou={name},dc=school,dc=test"), "url": school(name),
            "ucsschool_roles": [format!("school:school:{name}")],
            "udm_properties": {"description": null}, "name": name, "display_name": name,
            "educational_servers": [], "administrative_servers": [],
            "class_share_file_server": "primary", "home_share_file_server": "primary"
        })
    };
    assert_eq!(plain(&client.found("schools/")), json!([demo("DEMOSCHOOL"), demo("DEMOSCHOOL2")]));
    let new = json!({"name": "gym7", "display_name": "Gymnasium 7", "udm_properties": {"description": "new"}});
    let response = client.post("schools/", &new);
    assert_eq!(response.status, 201);
    let mut expected = demo("gym7");
    expected["display_name"] = json!("Gymnasium 7");
    expected["udm_properties"]["description"] = json!("new");
    assert_eq!(plain(&response.json()), expected);
}

#[test]
fn a_user_goes_through_its_life() {
    let server = server();
    let mut client = Client::new(&server);
    let response = client.post("users/", &create());
    assert_eq!(response.status, 201);
    // Umlauts are not escaped, and fields come in the order of the server.
    assert!(response.body.contains("Müller"));
    assert!(response.body.starts_with(
        "{\"dn\":\"uid=anna.m,cn=schueler,cn=users,ou=DEMOSCHOOL,dc=school,dc=test\",\"url\":"
    ));
    let mut expected = json!({
        "dn": "uid=anna.m,cn=schueler,cn=users,ou=DEMOSCHOOL,dc=school,dc=test",
        "url": user("anna.m"), "ucsschool_roles": ["student:school:DEMOSCHOOL"],
        "udm_properties": {
            "title": null, "displayName": "Anna Müller", "phone": ["+49 421 1"],
            "e-mail": ["anna.m@example.com"]
        },
        "name": "anna.m", "school": school("DEMOSCHOOL"), "firstname": "Anna",
        "lastname": "Müller", "birthday": "2010-02-03", "disabled": false,
        "email": "anna.m@example.com", "expiration_date": "2031-07-31", "record_uid": "4711",
        "roles": [role("student")], "schools": [school("DEMOSCHOOL")],
        "school_classes": {"DEMOSCHOOL": ["7a"]}, "workgroups": {}, "source_uid": "LAND",
        "legal_guardians": [], "legal_wards": []
    });
    assert_eq!(plain(&response.json()), expected);
    let found = client.found("users/?record_uid=4711&source_uid=LAND");
    assert_eq!(plain(&found), json!([expected]));

    let replacement = json!({
        "name": "anna.meyer", "firstname": "Anna", "lastname": "Meyer",
        "school": school("DEMOSCHOOL"), "schools": [school("DEMOSCHOOL")],
        "roles": [role("student")], "record_uid": "4711", "source_uid": "LAND",
        "birthday": "2010-02-03", "email": "anna.m@example.com", "disabled": false,
        "school_classes": {"DEMOSCHOOL": ["7a"]}
    });
    expected["dn"] = json!("uid=anna.meyer,cn=schueler,cn=users,ou=DEMOSCHOOL,dc=school,dc=test");
    expected["url"] = json!(user("anna.meyer"));
    expected["name"] = json!("anna.meyer");
    expected["lastname"] = json!("Meyer");
    expected["expiration_date"] = Value::Null;
    assert_eq!(plain(&client.ok("PUT", "users/anna.m", &replacement)), expected);

    let change = json!({"disabled": true, "udm_properties": {"phone": []}});
    expected["disabled"] = json!(true);
    expected["udm_properties"]["phone"] = json!([]);
    assert_eq!(plain(&client.ok("PATCH", "users/anna.meyer", &change)), expected);

    let movement = json!({
        "school": school("DEMOSCHOOL2"), "schools": [school("DEMOSCHOOL2")],
        "school_classes": {"DEMOSCHOOL2": ["8b"]}
    });
    expected["dn"] = json!("uid=anna.meyer,cn=schueler,cn=users,ou=DEMOSCHOOL2,dc=school,dc=test");
    expected["ucsschool_roles"] = json!(["student:school:DEMOSCHOOL2"]);
    expected["school"] = json!(school("DEMOSCHOOL2"));
    expected["schools"] = json!([school("DEMOSCHOOL2")]);
    expected["school_classes"] = json!({"DEMOSCHOOL2": ["8b"]});
    assert_eq!(plain(&client.ok("PATCH", "users/anna.meyer", &movement)), expected);

    let unknown = client.patch("users/anna.meyer", &json!({"udm_properties": {"shoeSize": "44"}}));
    assert_eq!(unknown.status, 422);
    assert_eq!(
        unknown.json(),
        json!({"detail": [{
            "loc": ["body", "udm_properties"],
            "msg": "UDM properties that were not configured for resource 'user' and are thus not allowed: {'shoeSize'}",
            "type": "value_error.unknownudmproperty"
        }]})
    );
    let mut taken = create();
    taken["name"] = json!("anna.meyer");
    let taken = client.post("users/", &taken);
    assert_eq!((taken.status, taken.json()), (409, json!({"detail": "School user exists."})));

    let deleted = client.delete("users/anna.meyer");
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    let gone = client.get("users/nobody");
    let expected = json!({"detail": "No object with name='nobody' found or not authorized."});
    assert_eq!((gone.status, gone.json()), (404, expected));
}

#[test]
fn several_invalid_fields_are_told_at_once() {
    let server = server();
    let mut client = Client::new(&server);
    let response = client.post(
        "users/",
        &json!({
            "name": "x y", "firstname": "A", "roles": ["student"], "school": "DEMOSCHOOL",
            "birthday": "3.2.2010"
        }),
    );
    assert_eq!(response.status, 422);
    let scheme = ("invalid or missing URL scheme", "value_error.url.scheme");
    let item =
        |loc: Value, (msg, kind): (&str, &str)| json!({"loc": loc, "msg": msg, "type": kind});
    assert_eq!(
        response.json(),
        json!({"detail": [
            item(json!(["body", "name"]), ("Spaces are not allowed in the username!", "value_error")),
            item(json!(["body", "school"]), scheme),
            item(json!(["body", "lastname"]), ("field required", "value_error.missing")),
            item(json!(["body", "birthday"]), ("Incorrect date format, should be YYYY-MM-DD.", "value_error")),
            item(json!(["body", "roles", 0]), scheme),
            item(
                json!(["body", "__root__"]),
                ("At least one of 'school' and 'schools' must be set.", "value_error")
            ),
        ]})
    );
}

#[test]
fn a_class_and_a_workgroup_go_through_their_life() {
    let server = server();
    let mut client = Client::new(&server);
    let mut anna = create();
    anna["name"] = json!("anna.meyer");
    anna["school"] = json!(school("DEMOSCHOOL2"));
    anna["schools"] = json!([school("DEMOSCHOOL2")]);
    anna["school_classes"] = json!({});
    client.ok("POST", "users/", &anna);

    let mut expected = json!({
        "dn": "cn=DEMOSCHOOL2-9c,cn=klassen,cn=schueler,cn=groups,ou=DEMOSCHOOL2,dc=school,dc=test",
        "url": "https://kelvin.example/ucsschool/kelvin/v1/classes/DEMOSCHOOL2/9c",
        "ucsschool_roles": ["school_class:school:DEMOSCHOOL2"],
        "udm_properties": {"mailAddress": null}, "name": "9c", "school": school("DEMOSCHOOL2"),
        "description": "Klasse 9c", "users": [user("anna.meyer")], "create_share": true
    });
    let response = client.post(
        "classes/",
        &json!({
            "name": "9c", "school": school("DEMOSCHOOL2"), "description": "Klasse 9c",
            "users": [user("anna.meyer")]
        }),
    );
    assert_eq!(response.status, 201);
    assert_eq!(plain(&response.json()), expected);
    let found = client.found("classes/?school=DEMOSCHOOL2&name=9c");
    assert_eq!(plain(&found), json!([expected]));

    let replacement = json!({"name": "10c", "school": school("DEMOSCHOOL2"), "users": []});
    expected["dn"] = json!(
        "cn=DEMOSCHOOL2-10c,cn=klassen,cn=schueler,cn=groups,ou=DEMOSCHOOL2,dc=school,dc=test"
    );
    expected["url"] = json!("https://kelvin.example/ucsschool/kelvin/v1/classes/DEMOSCHOOL2/10c");
    expected["name"] = json!("10c");
    expected["description"] = Value::Null;
    expected["users"] = json!([]);
    assert_eq!(plain(&client.ok("PUT", "classes/DEMOSCHOOL2/9c", &replacement)), expected);
    let change = json!({"users": [user("anna.meyer")]});
    expected["users"] = json!([user("anna.meyer")]);
    assert_eq!(plain(&client.ok("PATCH", "classes/DEMOSCHOOL2/10c", &change)), expected);
    assert_eq!(client.delete("classes/DEMOSCHOOL2/10c").status, 204);

    let workgroup =
        json!({"name": "chor", "school": school("DEMOSCHOOL2"), "users": [user("anna.meyer")]});
    let response = client.post("workgroups/", &workgroup);
    assert_eq!(response.status, 201);
    assert_eq!(
        plain(&response.json()),
        json!({
            "dn": "cn=DEMOSCHOOL2-chor,cn=schueler,cn=groups,ou=DEMOSCHOOL2,dc=school,dc=test",
            "url": "https://kelvin.example/ucsschool/kelvin/v1/workgroups/DEMOSCHOOL2/chor",
            "ucsschool_roles": ["workgroup:school:DEMOSCHOOL2"], "udm_properties": {},
            "name": "chor", "school": school("DEMOSCHOOL2"), "description": null,
            "users": [user("anna.meyer")], "create_share": true, "email": null,
            "allowed_email_senders_users": [], "allowed_email_senders_groups": []
        })
    );
    let missing = client.post(
        "classes/",
        &json!({"name": "9d", "school": school("DEMOSCHOOL2"), "users": [user("nobody")]}),
    );
    assert_eq!(missing.status, 404);
    let text = "Could not find object of type 'user' with URL 'http://kelvin.example/ucsschool/kelvin/v1/users/nobody'.";
    assert_eq!(missing.json(), json!({"message": text}));
    assert_eq!(client.get("classes/DEMOSCHOOL2/9d").status, 404);
}
