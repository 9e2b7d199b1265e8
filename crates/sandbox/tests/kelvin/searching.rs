//! Searching users (kelvin-api 7.2).

use serde_json::json;

use crate::support::{Client, person, role, server, student, with};

#[test]
fn conditions_are_joined_and_stars_are_wildcards() {
    let server = server();
    let mut client = Client::new(&server);
    let rich = json!({
        "firstname": "Änne", "lastname": "Müller", "email": "anna@example.com",
        "birthday": "2010-02-03", "expiration_date": "2031-07-31", "disabled": true,
        "udm_properties": {"title": "Dr.", "phone": ["1", "22"]}, "ucsschool_roles": ["a:b:c"]
    });
    client.ok("POST", "users/", &with(student("anna"), rich));
    client.ok("POST", "users/", &with(student("Ben"), json!({"record_uid": "ID-anna"})));
    client.ok("POST", "users/", &with(student("cleo"), json!({"source_uid": "KREIS"})));
    let both = json!({"roles": [role("staff"), role("teacher")]});
    client.ok("POST", "users/", &with(person("tim", "teacher"), both));
    client.ok("POST", "users/", &with(person("zoe", "teacher"), json!({"record_uid": "*"})));
    for (query, expected) in [
        ("", "anna Ben cleo tim zoe"),
        ("name=BEN", "Ben"),
        ("name=*n*", "anna Ben"),
        ("name=b", ""),
        ("record_uid=id-anna&source_uid=LAND", "anna"),
        ("record_uid=ID-anna&source_uid=LAND", "Ben"),
        ("record_uid=id-anna&source_uid=land", ""),
        ("record_uid=id-cleo&source_uid=KREIS", "cleo"),
        ("record_uid=id-cleo&source_uid=LAND", ""),
        // A star cannot be escaped.
        ("record_uid=*&source_uid=LAND", "anna Ben tim zoe"),
        ("record_uid=id-*&source_uid=LAND", "anna tim"),
        ("firstname=%C3%A4nne&lastname=m*", "anna"),
        ("email=ANNA@example.com", "anna"),
        ("email=*@example.com", "anna"),
        ("birthday=2010-02-03", "anna"),
        ("expiration_date=2031-07-31", "anna"),
        ("disabled=true", "anna"),
        ("disabled=0&name=*o", "cleo"),
        ("school=demoschool&name=anna", "anna"),
        ("school=DEMOSCHOOL2", ""),
        ("school=gone", ""),
        ("roles=teacher", "zoe"),
        ("roles=teacher&roles=staff", "tim"),
        ("ucsschool_roles=a:b:c", "anna"),
        ("title=dr.", "anna"),
        ("phone=2*", "anna"),
        ("displayName=*", ""),
        // What is not known is no filter.
        ("record_id=id-anna", "anna Ben cleo tim zoe"),
        ("shoeSize=44&name=anna", "anna"),
    ] {
        let found = client.found(&format!("users/?{query}"));
        let names: Vec<&str> =
            found.as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect();
        assert_eq!(names.join(" "), expected, "{query}");
    }
    for (query, expected) in [
        ("email=anna", "query.email value_error"),
        ("birthday=2010", "query.birthday value_error.date"),
        ("expiration_date=*", "query.expiration_date value_error.date"),
        ("disabled=maybe", "query.disabled type_error.bool"),
        ("roles=pupil", "query.roles type_error.enum"),
        ("roles=student&roles=teacher", "query.roles value_error"),
    ] {
        let response = client.get(&format!("users/?{query}"));
        assert_eq!(
            (response.status, response.items()),
            (422, vec![expected.to_owned()]),
            "{query}"
        );
    }
    let two = client.get("users/?disabled=x&email=y");
    assert_eq!(two.items(), ["query.disabled type_error.bool", "query.email value_error"]);
}
