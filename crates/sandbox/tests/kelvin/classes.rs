//! Classes (kelvin-api 9).

use serde_json::{Value, json};

use crate::support::{
    BASE, Client, person, role, school, server, server_with, student, user, with,
};

fn members(class: &Value) -> Vec<&str> {
    let urls = class["users"].as_array().unwrap();
    urls.iter().map(|url| url.as_str().unwrap().rsplit('/').next().unwrap()).collect()
}

#[test]
fn lists_are_of_one_school_and_may_have_a_pattern() {
    let server = server();
    let mut client = Client::new(&server);
    for name in ["7a", "7b", "8a"] {
        client.class("DEMOSCHOOL", name, &[]);
    }
    client.class("DEMOSCHOOL2", "7a", &[]);
    let mut names = |query: &str| {
        let list = client.found(&format!("classes/{query}"));
        let names = list.as_array().unwrap().iter().map(|class| class["name"].as_str().unwrap());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names("?school=DEMOSCHOOL"), ["7a", "7b", "8a"]);
    assert_eq!(names("?school=demoschool&name=7*"), ["7a", "7b"]);
    assert_eq!(names("?school=DEMOSCHOOL2&name=7A"), ["7a"]);
    assert_eq!(names("?school=DEMO*"), [""; 0]);
    assert_eq!(names("?school=gone"), [""; 0]);
    assert_eq!(client.get("classes/").items(), ["query.school value_error.missing"]);
    let short = client.get("classes/?school=D");
    assert_eq!(short.items(), ["query.school value_error.any_str.min_length"]);
}

#[test]
fn what_is_wrong_with_a_class_is_told_and_nothing_is_written() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    let body = json!({"name": "9d", "school": school("DEMOSCHOOL"), "users": [user("anna")]});
    for (fields, expected) in [
        (json!({"name": null}), "body.name value_error.missing"),
        (json!({"school": null}), "body.school value_error.missing"),
        (json!({"name": "9ä"}), "body.name value_error"),
        (json!({"name": "9/a"}), "body.name value_error"),
        (json!({"name": "9,a"}), "body.name value_error"),
        (json!({"name": ""}), "body.name value_error"),
        (json!({"users": ["anna"]}), "body.users.0 value_error.url.scheme"),
        (json!({"users": user("anna")}), "body.users type_error.list"),
        (json!({"description": 1}), "body.description type_error.str"),
        (
            json!({"udm_properties": {"gid": 1}}),
            "body.udm_properties value_error.unknownudmproperty",
        ),
        (json!({"udm_properties": {"mailAddress": []}}), "mailAddress UdmError:CreateError"),
    ] {
        let response = client.post("classes/", &with(body.clone(), fields.clone()));
        assert_eq!(
            (response.status, response.items()),
            (422, vec![expected.to_owned()]),
            "{fields}"
        );
    }
    for fields in [
        json!({"users": [user("anna"), user("nobody")]}),
        json!({"users": [school("DEMOSCHOOL")]}),
        json!({"school": school("gone")}),
    ] {
        let response = client.post("classes/", &with(body.clone(), fields.clone()));
        assert_eq!(response.status, 404, "{fields}");
        let text = response.json()["message"].as_str().unwrap().to_owned();
        assert!(text.contains(" with URL 'http://kelvin.example/"), "{text}");
    }
    assert_eq!(client.get("classes/DEMOSCHOOL/9d").status, 404);
    client.ok("POST", "classes/", &with(body.clone(), json!({"school": school("demoschool")})));
    let taken = client.post("classes/", &with(body, json!({"name": "9D"})));
    assert_eq!((taken.status, taken.text().as_str()), (409, "School class exists."));
    assert_eq!(
        client.found("classes/demoschool/9D")["school"],
        client.found("users/anna")["school"]
    );
}

#[test]
fn put_replaces_and_patch_changes_what_is_sent() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    client.ok("POST", "users/", &person("tim", "teacher"));
    let body = json!({
        "name": "9d", "school": school("DEMOSCHOOL"), "users": [user("tim"), user("anna"), user("tim")],
        "description": "Neun", "udm_properties": {"mailAddress": "9d@example.com"},
        "ucsschool_roles": ["school_class:school:OTHER", "a:b:c"]
    });
    let path = "classes/DEMOSCHOOL/9d";
    let class = client.ok("POST", "classes/", &body);
    assert_eq!(members(&class), ["anna", "tim"]);
    assert_eq!(class["ucsschool_roles"], json!(["school_class:school:DEMOSCHOOL", "a:b:c"]));
    // Both sides tell the same.
    assert_eq!(client.found("users/anna")["school_classes"], json!({"DEMOSCHOOL": ["7a", "9d"]}));
    assert_eq!(client.ok("PATCH", path, &json!({})), class);
    for keeps in [json!({"users": null}), json!({"school": school("DEMOSCHOOL2")})] {
        assert_eq!(client.ok("PATCH", path, &keeps), class, "{keeps}");
    }
    let unknown = client.patch(path, &json!({"users": [user("nobody")], "description": "x"}));
    assert_eq!(unknown.status, 404);
    assert_eq!(client.found(path), class);
    let cleared = client.ok("PATCH", path, &json!({"description": null, "users": []}));
    assert_eq!((&cleared["description"], members(&cleared)), (&Value::Null, vec![]));
    assert_eq!(client.found("users/tim")["school_classes"], json!({}));

    client.ok("PATCH", path, &json!({"description": "Neun", "users": [user("anna")]}));
    let replaced = client.ok("PUT", path, &json!({"name": "9d", "school": school("DEMOSCHOOL")}));
    assert_eq!((&replaced["description"], members(&replaced)), (&Value::Null, vec![]));
    assert_eq!(replaced["udm_properties"], json!({"mailAddress": "9d@example.com"}));
    for place in ["DEMOSCHOOL2", "demoschool"] {
        let moved = client.put(path, &json!({"name": "9d", "school": school(place)}));
        assert_eq!(moved.status, 422);
        assert_eq!(moved.text(), "Moving of class to other school is not allowed.");
    }
    assert_eq!(
        client.patch("classes/DEMOSCHOOL/gone", &json!({})).text(),
        "No object with name='gone' found or not authorized."
    );
    assert_eq!(client.delete("classes/DEMOSCHOOL/gone").status, 404);
}

#[test]
fn renaming_keeps_members_and_refuses_taken_names() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    client.class("DEMOSCHOOL", "8a", &[]);
    let renamed = client.ok("PATCH", "classes/DEMOSCHOOL/7a", &json!({"name": "7 x"}));
    assert_eq!(renamed["url"], format!("http://kelvin.example{BASE}/v1/classes/DEMOSCHOOL/7%20x"));
    assert_eq!(client.get("classes/DEMOSCHOOL/7a").status, 404);
    assert_eq!(client.found("users/anna")["school_classes"], json!({"DEMOSCHOOL": ["7 x"]}));
    let taken = client.patch("classes/DEMOSCHOOL/7%20x", &json!({"name": "8A"}));
    assert_eq!((taken.status, taken.items()), (422, vec!["name UdmError:ModifyError".to_owned()]));
    assert_eq!(client.delete("classes/DEMOSCHOOL/7%20X").status, 204);
    assert_eq!(client.found("users/anna")["school_classes"], json!({}));
}

#[test]
fn members_of_other_schools_are_seen_in_the_class_only() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    let class = client.class("DEMOSCHOOL2", "8b", &["anna"]);
    assert_eq!(members(&class), ["anna"]);
    assert_eq!(client.found("users/anna")["school_classes"], json!({"DEMOSCHOOL": ["7a"]}));
    // What the user's own classes are does not touch it.
    client.ok("PATCH", "users/anna", &json!({"school_classes": {}}));
    assert_eq!(members(&client.found("classes/DEMOSCHOOL2/8b")), ["anna"]);
    client.delete("users/anna");
    assert_eq!(members(&client.found("classes/DEMOSCHOOL2/8b")), [""; 0]);
}

#[test]
fn addresses_of_members_may_be_remembered_for_ever() {
    let server = server_with(|options| options.remembers_addresses = true);
    let mut client = Client::new(&server);
    client.student("anna");
    client.class("DEMOSCHOOL", "8a", &["anna"]);
    let teacher = json!({"roles": [role("teacher")]});
    client.ok("PATCH", "users/anna", &teacher);
    let refused = client.patch("classes/DEMOSCHOOL/8a", &json!({"users": [user("anna")]}));
    assert_eq!(
        (refused.status, refused.items()),
        (422, vec!["users UdmError:ModifyError".to_owned()])
    );
    // Through the user it works.
    client.ok("PATCH", "users/anna", &json!({"school_classes": {"DEMOSCHOOL": ["9a"]}}));
    assert_eq!(client.post("users/", &student("ben")).status, 201);
}
