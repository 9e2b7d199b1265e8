//! Whatever is sent, the server answers in the shapes of kelvin-api 4 and stays consistent.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Client, role, school, server, student, user};

const USER_FIELDS: [&str; 21] = [
    "name",
    "firstname",
    "lastname",
    "school",
    "schools",
    "roles",
    "record_uid",
    "source_uid",
    "email",
    "birthday",
    "expiration_date",
    "disabled",
    "school_classes",
    "workgroups",
    "legal_guardians",
    "legal_wards",
    "ucsschool_roles",
    "udm_properties",
    "password",
    "kelvin_password_hashes",
    "no_such_field",
];
const GROUP_FIELDS: [&str; 11] = [
    "name",
    "school",
    "description",
    "users",
    "create_share",
    "ucsschool_roles",
    "udm_properties",
    "email",
    "allowed_email_senders_users",
    "allowed_email_senders_groups",
    "no_such_field",
];

fn values() -> Vec<Value> {
    let mut deep = json!({});
    for _ in 0..100 {
        deep = json!([deep]);
    }
    vec![
        Value::Null,
        json!(1),
        json!(-1.5),
        json!(true),
        json!(""),
        json!(" "),
        json!("\u{0}\r\n"),
        json!("ä".repeat(5000)),
        json!("2010-02-03"),
        json!("a@example.com"),
        json!([]),
        json!([1, null]),
        json!(["x"]),
        json!(["a:b:c"]),
        json!({}),
        json!({"a": 1}),
        json!({"DEMOSCHOOL": ["8a", "8a"]}),
        json!({"demoschool2": [""]}),
        json!({"title": "x"}),
        json!(school("DEMOSCHOOL2")),
        json!([school("DEMOSCHOOL2"), school("DEMOSCHOOL")]),
        json!([role("teacher")]),
        json!([user("anna")]),
        json!([user("a%00%2F%ff")]),
        json!("https://kelvin.example"),
        json!("https://[/"),
        json!("://"),
        deep,
    ]
}

/// Membership and relations are told alike by both sides, and every reference leads somewhere.
fn check(state: &Value) {
    let set = |value: &Value| -> BTreeSet<String> {
        value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let users = state["users"].as_array().unwrap();
    let named = |name: &str| users.iter().find(|user| user["name"] == *name).unwrap();
    for (groups, field) in [("classes", "school_classes"), ("workgroups", "workgroups")] {
        let mut sides = [BTreeSet::new(), BTreeSet::new()];
        for group in state[groups].as_array().unwrap() {
            for member in set(&group["users"]) {
                let school = group["school"].as_str().unwrap();
                if set(&named(&member)["schools"]).contains(school) {
                    let name = group["name"].as_str().unwrap();
                    sides[0].insert(format!("{member} {school} {name}"));
                }
            }
        }
        for user in users {
            for (school, names) in user[field].as_object().unwrap() {
                for name in set(names) {
                    sides[1].insert(format!("{} {school} {name}", user["name"].as_str().unwrap()));
                }
            }
        }
        assert_eq!(sides[0], sides[1]);
    }
    for user in users {
        assert!(set(&user["schools"]).contains(user["school"].as_str().unwrap()), "{user}");
        for guardian in set(&user["legal_guardians"]) {
            assert!(set(&named(&guardian)["legal_wards"]).contains(user["name"].as_str().unwrap()));
        }
    }
}

#[test]
fn odd_values_are_answered_and_leave_no_half_relations() {
    let server = server();
    let mut client = Client::new(&server);
    let group = json!({"name": "9x", "school": school("DEMOSCHOOL"), "users": [user("anna")]});
    let resources = [
        ("users/", "users/anna", &USER_FIELDS[..], student("anna")),
        ("classes/", "classes/DEMOSCHOOL/9x", &GROUP_FIELDS[..], group.clone()),
        ("workgroups/", "workgroups/DEMOSCHOOL/9x", &GROUP_FIELDS[..], group),
        (
            "schools/",
            "",
            &["name", "display_name", "educational_servers", "udm_properties"][..],
            json!({"name": "gym"}),
        ),
    ];
    let mut counts = [0, 0];
    for (collection, object, fields, body) in &resources {
        for (field, value) in
            fields.iter().flat_map(|field| values().into_iter().map(move |v| (field, v)))
        {
            for method in ["POST", "PUT", "PATCH"] {
                let mut sent = if method == "PATCH" { json!({}) } else { body.clone() };
                sent[*field] = value.clone();
                let path = match method {
                    "POST" => collection,
                    _ if object.is_empty() => continue,
                    _ => object,
                };
                let response = client.call(method, path, Some(&sent));
                let shown = || format!("{method} {path} {sent}: {response:?}");
                match response.status {
                    200 | 201 => {
                        counts[0] += 1;
                        assert!(response.json()["url"].is_string(), "{}", shown());
                    }
                    400 | 404 | 409 | 422 | 500 => {
                        counts[1] += 1;
                        let answer = response.json();
                        let detail = &answer["detail"];
                        let is_list = detail.as_array().is_some_and(|list| {
                            let is_item = |item: &Value| {
                                item["loc"].is_array()
                                    && item["msg"].is_string()
                                    && item["type"].is_string()
                            };
                            !list.is_empty() && list.iter().all(is_item)
                        });
                        let is_told =
                            is_list || detail.is_string() || answer["message"].is_string();
                        assert!(is_told, "{}", shown());
                    }
                    _ => panic!("{}", shown()),
                }
            }
        }
        check(&server.dump());
        // What the next resource refers to.
        server.reset();
        client.student("anna");
    }
    assert!(counts[0] > 300 && counts[1] > 1000, "{counts:?}");
}
