//! The typed encoding, for Kelvin.

mod support;

use idspool_udm::Encoding;
use serde_json::{Value, json};
use support::{directory, object};

#[track_caller]
fn expect(rdn: &str, expected: &[(&str, Value)]) {
    let object = object(&directory(), rdn, Encoding::Typed);
    for (property, value) in expected {
        assert_eq!(object.get(*property), Some(value), "{property} of {rdn}");
    }
}

#[test]
fn numbers_and_booleans_are_such() {
    let hours: Vec<String> = ["Mon", "Wed", "Fri"]
        .iter()
        .flat_map(|day| (0..24).map(move |hour| format!("{day} {hour}-{}", hour + 1)))
        .collect();
    expect(
        "uid=a.oehler",
        &[
            ("uidNumber", json!(2108)),
            ("gidNumber", json!(5001)),
            ("sambaRID", json!(5216)),
            ("oxContext", json!(10)),
            ("isOxUser", json!(true)),
            ("disabled", json!(false)),
            ("locked", json!(false)),
            ("pwdChangeNextLogin", json!(true)),
            ("mailForwardCopyToSelf", json!("1")),
            ("oxUserQuota", json!("-1")),
            ("passwordexpiry", json!("2024-03-08")),
            ("userexpiry", Value::Null),
            ("unlockTime", json!("")),
            ("sambaLogonHours", json!(hours)),
            ("umcProperty", json!({"appcenterSeen": "2", "a": "b=c"})),
            (
                "homePostalAddress",
                json!([{"street": "Große Straße 1", "zipcode": "28195", "city": "Bremen"}]),
            ),
            ("accountActivationDate", json!(["2024-01-01", "00:00", "UTC"])),
        ],
    );
    expect("uid=e.nicht", &[("isOxUser", json!(false))]);
    expect("uid=c.yilmaz", &[("disabled", json!(true))]);
    expect("uid=F.Gross-Klein", &[("locked", json!(true))]);
    expect("cn=context20", &[("contextid", json!(20)), ("oxQuota", json!(5000))]);
    expect("cn=premium", &[("webmail", json!(true)), ("deniedportal", json!(false))]);
    expect("cn=ox-vertrieb", &[("isOxGroup", json!(true)), ("sambaGroupType", json!("2"))]);
    expect("ou=gymnord", &[("userPath", json!(false)), ("name", json!("gymnord"))]);
}

#[test]
fn a_photo_is_plain_base64() {
    let object = object(&directory(), "uid=a.oehler", Encoding::Typed);
    let photo = object["jpegPhoto"].as_str().unwrap();
    assert!(photo.starts_with("/9j/4AAQSkZJRg") && photo.ends_with("/9k="));
    assert!(!photo.contains(char::is_whitespace));
}
