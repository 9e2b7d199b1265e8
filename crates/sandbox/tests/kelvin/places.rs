//! Schools and workgroups (kelvin-api 6, 10).

use std::time::Duration;

use serde_json::json;

use crate::support::{Client, school, server, server_with, student, user, with};

#[test]
fn schools_are_listed_found_and_created() {
    let server = server();
    let mut client = Client::new(&server);
    client.ok("POST", "schools/", &json!({"name": "gym-7_x"}));
    let long = json!({"name": "gymnasium-12", "educational_servers": ["dc1"]});
    assert_eq!(client.ok("POST", "schools/", &long)["educational_servers"], json!(["dc1"]));
    for (query, count) in
        [("", 4), ("?name=demo*", 2), ("?name=GYM-7_x", 1), ("?name=x", 0), ("?school=x", 4)]
    {
        let list = client.found(&format!("schools/{query}"));
        assert_eq!(list.as_array().unwrap().len(), count, "{query}");
    }
    assert_eq!(client.found("schools/demoschool")["name"], "DEMOSCHOOL");
    assert_eq!(client.get("schools/gone").text(), "No school with name='gone' found.");
    for (name, status) in [("demoschool", 200), ("gone", 404)] {
        let head = client.call("HEAD", &format!("schools/{name}"), None);
        assert_eq!((head.status, head.body.as_str()), (status, ""));
    }
    for (body, expected) in [
        (json!({}), "body.name value_error.missing"),
        (json!({"name": "gymnasium-13"}), "body.name value_error"),
        (json!({"name": "-a"}), "body.name value_error"),
        (json!({"name": "ä1"}), "body.name value_error"),
        (
            json!({"name": "a1", "educational_servers": null}),
            "body.educational_servers type_error.none.not_allowed",
        ),
        (
            json!({"name": "a1", "administrative_servers": ["a", "b"]}),
            "body.administrative_servers value_error.list.max_items",
        ),
        (
            json!({"name": "a1", "udm_properties": {"x": 1}}),
            "body.udm_properties value_error.unknownudmproperty",
        ),
        (
            json!({"name": "a1", "udm_properties": {"description": 1}}),
            "description UdmError:CreateError",
        ),
    ] {
        let response = client.post("schools/", &body);
        assert_eq!((response.status, response.items()), (422, vec![expected.to_owned()]), "{body}");
    }
    let taken = client.post("schools/", &json!({"name": "demoSchool"}));
    assert_eq!((taken.status, taken.text().as_str()), (409, "School exists."));
    assert_eq!(client.get("roles/pupil").status, 404);
}

#[test]
fn the_existence_of_a_school_may_be_remembered() {
    let server = server_with(|options| options.school_cache = Duration::from_secs(3600));
    let mut client = Client::new(&server);
    let new = with(
        student("anna"),
        json!({"school": school("late"), "schools": [school("late")], "school_classes": {}}),
    );
    assert_eq!(client.post("users/", &new).status, 404);
    client.ok("POST", "schools/", &json!({"name": "late"}));
    assert_eq!(client.post("users/", &new).status, 404);
    assert_eq!(client.call("HEAD", "schools/late", None).status, 200);
}

#[test]
fn a_school_can_be_taken_away() {
    let server = server();
    let mut client = Client::new(&server);
    let sent = client.send("POST", "/remove-school", "", "demoschool\ngone\n").unwrap();
    assert_eq!((sent.status, sent.body.as_str()), (200, "1 removed\n"));
    assert_eq!(client.call("HEAD", "schools/DEMOSCHOOL", None).status, 404);
    assert!(server.remove_school("DEMOSCHOOL2") && !server.remove_school("DEMOSCHOOL2"));
    assert_eq!(client.found("schools/"), json!([]));
}

#[test]
fn workgroups_differ_from_classes() {
    let server = server();
    let mut client = Client::new(&server);
    client.student("anna");
    let body = json!({
        "name": "chor", "school": school("DEMOSCHOOL"), "users": [user("anna")],
        "email": "chor@example.com", "allowed_email_senders_users": ["uid=anna"],
        "description": "Chor"
    });
    let group = client.ok("POST", "workgroups/", &body);
    assert_eq!(group["email"], "chor@example.com");
    for place in ["demoschool", "gone"] {
        let refused =
            client.post("workgroups/", &with(body.clone(), json!({"school": school(place)})));
        assert_eq!(refused.status, 400, "{place}");
    }
    assert_eq!(client.post("workgroups/", &body).status, 409);
    let taken = with(body.clone(), json!({"name": "band"}));
    assert_eq!(client.post("workgroups/", &taken).status, 400);
    assert_eq!(client.found("users/anna")["workgroups"], json!({"DEMOSCHOOL": ["chor"]}));
    assert_eq!(client.found("workgroups/?school=DEMOSCHOOL&name=ch*"), json!([group]));
    assert_eq!(client.found("workgroups/demoschool/CHOR"), group);
    let path = "workgroups/DEMOSCHOOL/chor";
    let moved = client.put(path, &json!({"name": "chor", "school": school("DEMOSCHOOL2")}));
    assert_eq!(
        (moved.status, moved.text().as_str()),
        (422, "Moving a workgroup to another school is not allowed.")
    );
    client.ok("PATCH", path, &json!({"description": "x"}));
    assert_eq!(client.found(path)["email"], "chor@example.com");
    let bare = client.ok("PUT", path, &json!({"name": "Chor", "school": school("DEMOSCHOOL")}));
    assert_eq!((&bare["email"], &bare["users"]), (&json!(null), &json!([])));
    assert_eq!(bare["allowed_email_senders_users"], json!([]));
    // A class may have the same name.
    client.class("DEMOSCHOOL", "Chor", &[]);
    let join = json!({"workgroups": {"DEMOSCHOOL": ["chor"]}});
    assert_eq!(
        client.ok("PATCH", "users/anna", &join)["workgroups"],
        json!({"DEMOSCHOOL": ["Chor"]})
    );
    for names in [json!({"DEMOSCHOOL": ["band"]}), json!({"DEMOSCHOOL2": ["chor"]})] {
        assert_eq!(client.patch("users/anna", &json!({"workgroups": names})).status, 400);
    }
    assert_eq!(client.delete("workgroups/DEMOSCHOOL/chor").status, 204);
    assert_eq!(client.found("users/anna")["workgroups"], json!({}));
}
