//! Changing and deleting users (kelvin-api 7.4, 7.5, 12).

use serde_json::{Value, json};

use crate::support::{Client, person, role, school, server, student, user, with};

/// A student with everything set.
fn full(name: &str) -> Value {
    with(
        student(name),
        json!({
            "email": format!("{name}@example.com"), "birthday": "2010-02-03",
            "expiration_date": "2001-01-01", "disabled": true, "password": "secret",
            "udm_properties": {"title": "Dr.", "phone": ["1", "2"]},
            "ucsschool_roles": ["student:school:OTHER", "exam:exam:x"]
        }),
    )
}

#[test]
fn put_clears_what_is_left_out() {
    let server = server();
    let mut client = Client::new(&server);
    let group = json!({"name": "chor", "school": school("DEMOSCHOOL")});
    client.ok("POST", "workgroups/", &group);
    client.ok("POST", "users/", &person("eva", "legal_guardian"));
    let more = json!({"legal_guardians": ["eva"], "workgroups": {"DEMOSCHOOL": ["chor"]}});
    let before = client.ok("POST", "users/", &with(full("anna"), more));
    assert_eq!(before["disabled"], true);
    assert_eq!(before["ucsschool_roles"], json!(["student:school:DEMOSCHOOL", "exam:exam:x"]));
    let bare = with(student("anna"), json!({"school_classes": null}));
    let after = client.ok("PUT", "users/anna", &bare);
    for (field, expected) in [
        ("email", Value::Null),
        ("birthday", Value::Null),
        ("expiration_date", Value::Null),
        ("disabled", json!(false)),
        ("school_classes", json!({})),
        ("legal_guardians", json!([])),
    ] {
        assert_eq!(after[field], expected, "{field}");
    }
    assert_eq!(client.found("users/eva")["legal_wards"], json!([]));
    assert_eq!(after["workgroups"], json!({"DEMOSCHOOL": ["chor"]}));
    assert_eq!(after["udm_properties"]["title"], "Dr.");
    assert_eq!(after["ucsschool_roles"], before["ucsschool_roles"]);
    assert_eq!(server.dump()["users"][0]["password_length"], 6);
    let emptied = with(student("anna"), json!({"workgroups": {}}));
    assert_eq!(client.ok("PUT", "users/anna", &emptied)["workgroups"], json!({}));
    for field in ["firstname", "lastname", "roles"] {
        let response = client.put("users/anna", &with(student("anna"), json!({field: null})));
        assert_eq!(response.items(), [format!("body.{field} value_error.missing")]);
    }
    for (field, value) in [("record_uid", Value::Null), ("record_uid", json!(""))] {
        let response = client.put("users/anna", &with(student("anna"), json!({field: value})));
        assert_eq!(response.status, 400);
        assert!(response.text().contains("record_uid"));
    }
}

#[test]
fn patch_changes_what_is_sent() {
    let server = server();
    let mut client = Client::new(&server);
    let before = client.ok("POST", "users/", &full("anna"));
    assert_eq!(client.ok("PATCH", "users/ANNA", &json!({})), before);
    assert_eq!(client.ok("PATCH", "users/anna", &json!({"udm_properties": {}})), before);
    for field in [
        "name",
        "firstname",
        "lastname",
        "school",
        "schools",
        "roles",
        "disabled",
        "password",
        "school_classes",
        "workgroups",
        "legal_guardians",
        "udm_properties",
        "kelvin_password_hashes",
    ] {
        let mut body = json!({});
        body[field] = Value::Null;
        let response = client.patch("users/anna", &body);
        let expected = format!("body.{field} type_error.none.not_allowed");
        assert_eq!((response.status, response.items()), (422, vec![expected]));
    }
    for field in ["roles", "schools"] {
        let response = client.patch("users/anna", &json!({field: []}));
        assert_eq!(response.items(), [format!("body.{field} value_error.list.min_items")]);
    }
    for field in ["record_uid", "source_uid"] {
        let mut body = json!({});
        body[field] = Value::Null;
        let response = client.patch("users/anna", &body);
        assert_eq!(response.status, 400);
        assert!(response.text().contains(field));
    }
    assert_eq!(client.found("users/anna"), before);
    let mut clear = json!({"udm_properties": {"title": null, "phone": []}});
    for field in ["email", "birthday", "expiration_date"] {
        clear[field] = Value::Null;
    }
    let after = client.ok("PATCH", "users/anna", &clear);
    for field in ["email", "birthday", "expiration_date"] {
        assert_eq!(after[field], Value::Null, "{field}");
    }
    let nothing = json!({"title": null, "displayName": null, "phone": [], "e-mail": []});
    assert_eq!(after["udm_properties"], nothing);
    assert_eq!(after["school_classes"], before["school_classes"]);
    let wrong = client.patch("users/anna", &json!({"udm_properties": {"phone": "1"}}));
    assert_eq!(wrong.items(), ["phone UdmError:ModifyError"]);
    assert_eq!(client.patch("users/nobody", &json!({})).status, 404);
}

#[test]
fn an_address_is_unique_hosted_and_sets_the_contact() {
    let server = server();
    let mut client = Client::new(&server);
    client.ok("POST", "users/", &full("anna"));
    client.student("ben");
    let taken = client.patch("users/ben", &json!({"email": "Anna@example.com"}));
    assert_eq!(taken.status, 400);
    assert!(taken.text().contains("already in use"));
    for email in ["ben@elsewhere.example", "ben", "@example.com"] {
        let response = client.patch("users/ben", &json!({"email": email}));
        assert_eq!(response.items(), ["mailPrimaryAddress UdmError:ModifyError"], "{email}");
    }
    // One's own address is not taken, in no spelling.
    client.ok("PATCH", "users/anna", &json!({"email": "ANNA@example.com"}));
    let sent = json!({"email": "ben@example.com", "udm_properties": {"e-mail": ["a@b.example"]}});
    let ben = client.ok("PATCH", "users/ben", &sent);
    assert_eq!(ben["udm_properties"]["e-mail"], json!(["ben@example.com"]));
    client.delete("users/anna");
    client.ok("PATCH", "users/ben", &json!({"email": "anna@example.com"}));
}

#[test]
fn a_rename_takes_everything_along() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    client.student("ben");
    let renamed = client.ok("PATCH", "users/anna", &json!({"name": "anna.b"}));
    assert_eq!(renamed["school_classes"], json!({"DEMOSCHOOL": ["7a"]}));
    assert_eq!(client.get("users/anna").status, 404);
    let class = client.found("classes/DEMOSCHOOL/7a");
    assert!(class["users"].as_array().unwrap().contains(&renamed["url"]), "{class}");
    for (name, status) in [("BEN", 422), ("com1", 422), ("a b", 422), ("a234567890123456", 400)] {
        let response = client.patch("users/anna.b", &json!({"name": name}));
        assert_eq!(response.status, status, "{name}");
    }
    let taken = client.patch("users/anna.b", &json!({"name": "ben"}));
    assert_eq!(taken.items(), ["username UdmError:ModifyError"]);
    assert_eq!(client.ok("PATCH", "users/ben", &json!({"name": "Ben"}))["name"], "Ben");
}

#[test]
fn a_move_goes_where_school_and_schools_say() {
    let server = server();
    let mut client = Client::new(&server);
    client.ok("POST", "schools/", &json!({"name": "A1"}));
    let (one, two, three) = (school("DEMOSCHOOL"), school("DEMOSCHOOL2"), school("A1"));
    let names = |user: &Value| {
        let last = |url: &Value| url.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let all: Vec<String> = user["schools"].as_array().unwrap().iter().map(last).collect();
        format!("{} of {}", last(&user["school"]), all.join(" "))
    };
    for (fields, expected, classes) in [
        (json!({"schools": [two, one]}), "DEMOSCHOOL of DEMOSCHOOL DEMOSCHOOL2", true),
        (
            json!({"school": two, "schools": [one, two]}),
            "DEMOSCHOOL2 of DEMOSCHOOL DEMOSCHOOL2",
            true,
        ),
        (json!({"school": two}), "DEMOSCHOOL2 of DEMOSCHOOL2", false),
        (json!({"schools": [two, three]}), "A1 of A1 DEMOSCHOOL2", false),
        (json!({"schools": [one]}), "DEMOSCHOOL of DEMOSCHOOL", true),
    ] {
        client.student("anna");
        let moved = client.ok("PATCH", "users/anna", &fields);
        assert_eq!(names(&moved), expected, "{fields}");
        let expected = if classes { json!({"DEMOSCHOOL": ["7a"]}) } else { json!({}) };
        assert_eq!(moved["school_classes"], expected, "{fields}");
        let members = client.found("classes/DEMOSCHOOL/7a")["users"].as_array().unwrap().len();
        assert_eq!(members, usize::from(classes), "{fields}");
        client.delete("users/anna");
    }
    client.student("anna");
    let response = client.patch("users/anna", &json!({"school": two, "schools": [one]}));
    assert_eq!(response.status, 422);
    assert_eq!(response.text(), "New 'school' 'DEMOSCHOOL2' not in current or future 'schools'.");
}

#[test]
fn a_school_in_another_spelling_is_a_move_that_fails() {
    let server = server();
    let mut client = Client::new(&server);
    let before = client.student("anna");
    for fields in [
        json!({"school": school("demoschool")}),
        json!({"schools": [school("demoschool")]}),
        json!({"school": school("demoschool2"), "schools": [school("demoschool2")]}),
    ] {
        let response = client.patch("users/anna", &fields);
        assert_eq!(
            (response.status, response.items()),
            (500, vec![" UdmError:MoveError".to_owned()])
        );
        let put = client.put(
            "users/anna",
            &with(
                student("anna"),
                json!({
                    "school": school("demoschool"), "schools": [school("demoschool")]
                }),
            ),
        );
        assert_eq!(put.status, 500);
    }
    for fields in [
        json!({"school": school("gone")}),
        json!({"schools": [school("DEMOSCHOOL"), school("gone")]}),
        json!({"schools": [school("DEMOSCHOOL"), school("demoschool2")]}),
    ] {
        let response = client.patch("users/anna", &fields);
        assert_eq!(response.status, 500, "{fields}");
        response.text();
    }
    assert_eq!(client.found("users/anna"), before);
    // The key of a class in another spelling makes a class with a wrong name.
    let wrong =
        client.ok("PATCH", "users/anna", &json!({"school_classes": {"demoschool": ["z2"]}}));
    assert_eq!(wrong["school_classes"], json!({"DEMOSCHOOL": ["demoschool-z2"]}));
}

#[test]
fn steps_before_a_refused_one_are_done() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    client.student("ben");
    let (two, new) = (school("DEMOSCHOOL2"), json!({"DEMOSCHOOL": ["7a"]}));
    let response = client.patch(
        "users/anna",
        &json!({"school": two, "schools": [two], "name": "annabel", "school_classes": new}),
    );
    assert_eq!(response.status, 400, "{response:?}");
    let moved = client.found("users/annabel");
    assert_eq!(moved["dn"], "uid=annabel,cn=schueler,cn=users,ou=DEMOSCHOOL2,dc=school,dc=test");
    assert_eq!(moved["school_classes"], json!({}));
    let response = client.patch(
        "users/annabel",
        &json!({
            "school": school("DEMOSCHOOL"), "name": "ben", "firstname": "X"
        }),
    );
    assert_eq!(response.status, 422);
    let moved = client.found("users/annabel");
    assert_eq!(
        (&moved["firstname"], &moved["school"]),
        (&json!("F"), &client.found("users/ben")["school"])
    );
}

#[test]
fn roles_are_converted_if_they_can_be() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    let roles =
        |names: &[&str]| json!({"roles": names.iter().map(|name| role(name)).collect::<Vec<_>>()});
    let teacher = client.ok("PATCH", "users/anna", &roles(&["teacher", "staff"]));
    assert_eq!(
        teacher["dn"],
        "uid=anna,cn=lehrer und mitarbeiter,cn=users,ou=DEMOSCHOOL,dc=school,dc=test"
    );
    assert_eq!(
        teacher["ucsschool_roles"],
        json!(["staff:school:DEMOSCHOOL", "teacher:school:DEMOSCHOOL"])
    );
    // An impossible set is ignored.
    assert_eq!(client.ok("PATCH", "users/anna", &roles(&["student", "teacher"])), teacher);
    assert_eq!(client.patch("users/anna", &roles(&["pupil"])).status, 500);
    client.ok("PATCH", "users/anna", &json!({"school_classes": {}}));
    let refused = client.patch("users/anna", &roles(&["student"]));
    assert_eq!(refused.status, 400);
    let classes = json!({"school_classes": {"DEMOSCHOOL": ["8a"]}});
    let student = client.ok("PATCH", "users/anna", &with(roles(&["student"]), classes));
    assert_eq!(student["school_classes"], json!({"DEMOSCHOOL": ["8a"]}));
    // POST does not look at the set.
    let odd = with(person("tim", "teacher"), roles(&["teacher", "student"]));
    assert_eq!(client.ok("POST", "users/", &odd)["roles"].as_array().unwrap().len(), 2);
}

#[test]
fn guardians_and_wards_are_kept_in_step() {
    let server = server();
    let mut client = Client::new(&server);
    for name in ["eva", "lea", "max", "pia", "ida"] {
        client.ok("POST", "users/", &person(name, "legal_guardian"));
    }
    let lea = client.found("users/lea");
    let named = json!(["eva", user("lea"), lea["dn"]]);
    let urls = |names: &[&str]| {
        let url = |name: &&str| user(name).replace("https", "http");
        json!(names.iter().map(url).collect::<Vec<_>>())
    };
    let anna =
        client.ok("POST", "users/", &with(student("anna"), json!({"legal_guardians": named})));
    assert_eq!(anna["legal_guardians"], urls(&["eva", "lea"]));
    assert_eq!(client.found("users/eva")["legal_wards"], urls(&["anna"]));
    client.student("ben");
    client.ok("PATCH", "users/eva", &json!({"legal_wards": ["ben"]}));
    assert_eq!(client.found("users/anna")["legal_guardians"], urls(&["lea"]));
    assert_eq!(client.found("users/ben")["legal_guardians"], urls(&["eva"]));
    for (path, fields, part) in [
        (
            "users/anna",
            json!({"legal_guardians": ["nobody"]}),
            "Couldn't find legal guardian 'nobody'",
        ),
        ("users/anna", json!({"legal_guardians": ["ben"]}), "Couldn't find legal guardian"),
        ("users/eva", json!({"legal_wards": ["max"]}), "Couldn't find student"),
        (
            "users/eva",
            json!({"legal_guardians": ["lea"]}),
            "Parameter 'legal_guardians' only valid for user-role 'student'",
        ),
        (
            "users/ben",
            json!({"legal_wards": ["anna"]}),
            "Parameter 'legal_wards' only valid for user-role 'legal_guardian'",
        ),
        (
            "users/anna",
            json!({"legal_guardians": ["eva", "lea", "max", "pia", "ida"]}),
            "at most 4",
        ),
    ] {
        let response = client.patch(path, &fields);
        assert_eq!(response.status, 400, "{fields}");
        assert!(response.text().contains(part), "{fields}: {response:?}");
    }
    client.ok("PATCH", "users/eva", &json!({"legal_guardians": []}));
    client.delete("users/eva");
    assert_eq!(client.found("users/ben")["legal_guardians"], json!([]));
    let become_teacher = json!({"roles": [role("teacher")]});
    assert_eq!(client.ok("PATCH", "users/anna", &become_teacher)["legal_guardians"], json!([]));
    assert_eq!(client.found("users/lea")["legal_wards"], json!([]));
}

#[test]
fn a_deleted_user_is_gone_everywhere() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    assert_eq!(client.delete("users/ANNA").status, 204);
    assert_eq!(client.delete("users/anna").status, 404);
    assert_eq!(client.found("classes/DEMOSCHOOL/7a")["users"], json!([]));
    assert_eq!(client.found("users/?record_uid=id-anna&source_uid=LAND"), json!([]));
    client.student("anna");
}
