//! The files that travel: reading, writing, and looking at their heads.

use idspool_udm::{ConvertedItem, Error, ItemHead};
use serde_json::{Map, Value, json};

const ID: &str = "0f3c9c6a-0000-103f-8000-000000000001";

fn item(object: Value) -> ConvertedItem {
    ConvertedItem {
        id: ID.to_owned(),
        udm_object_type: "users/user".to_owned(),
        dn: "cn=Vertrieb\\, Süd,dc=example,dc=org".to_owned(),
        options: object.is_object().then(|| vec!["default".to_owned()]),
        object: object.as_object().cloned(),
        resync: false,
        old_data: None,
        user_passwords: None,
    }
}

#[test]
fn snapshots_are_to_the_byte_what_python_writes() {
    let mut item = ConvertedItem::parse(include_bytes!("data/snapshot.input.json")).unwrap();
    let text = |item: &ConvertedItem| String::from_utf8(item.to_snapshot_bytes()).unwrap();
    assert_eq!(text(&item), include_str!("data/snapshot.expected.json"));
    item.resync = true;
    assert_eq!(text(&item), include_str!("data/snapshot.expected.json"));
    (item.object, item.options) = (Some(Map::new()), Some(Vec::new()));
    assert_eq!(text(&item), include_str!("data/snapshot-bare.expected.json"));
    (item.object, item.options) = (None, None);
    assert_eq!(text(&item), include_str!("data/snapshot-deleted.expected.json"));
}

#[test]
fn queue_files_have_the_object_last_and_both_forms_read_back() {
    for (object, resync) in [(json!({"a": ["ü", 1, null]}), true), (Value::Null, false)] {
        let item = ConvertedItem { resync, ..item(object) };
        let queued = item.to_queue_bytes();
        let text = String::from_utf8(queued.clone()).unwrap();
        assert!(text.ends_with("}\n") && text.lines().count() == 1, "{text}");
        let order: Vec<usize> =
            ["\"id\"", "\"udm_object_type\"", "\"dn\"", "\"options\"", "\"object\""]
                .iter()
                .map(|key| text.find(key).unwrap())
                .collect();
        assert!(order.is_sorted(), "{text}");
        assert_eq!(text.contains("\"resync\":true"), resync);
        assert_eq!(ConvertedItem::parse(&queued).unwrap(), item);
        let kept = ConvertedItem::parse(&item.to_snapshot_bytes()).unwrap();
        assert_eq!(
            kept,
            ConvertedItem { resync: false, old_data: None, user_passwords: None, ..item }
        );
    }
}

#[test]
fn the_five_keys_must_be_there_and_an_error_names_the_key() {
    let whole = json!({
        "id": ID, "udm_object_type": "users/user", "dn": "cn=x", "object": {}, "options": null,
        "further": {"keys": ["are", "passed over"]}
    });
    assert!(ConvertedItem::parse(whole.to_string().as_bytes()).is_ok());
    for key in ["id", "udm_object_type", "dn", "object", "options"] {
        let mut broken = whole.clone();
        broken.as_object_mut().unwrap().remove(key);
        for error in both_errors(&broken.to_string()) {
            assert!(matches!(error, Error::Missing { key: named, .. } if named == key), "{error}");
            assert!(error.to_string().contains(&format!("{key:?} is missing")), "{error}");
        }
        let mut broken = whole.clone();
        broken[key] = json!(5);
        for error in both_errors(&broken.to_string()) {
            assert!(matches!(error, Error::Kind { key: named, .. } if named == key), "{error}");
        }
        let twice = format!("{{\"{key}\": null, {}", &whole.to_string()[1..]);
        let nullable = matches!(key, "object" | "options");
        for error in both_errors(&twice) {
            assert_eq!(matches!(error, Error::Twice { .. }), nullable, "{error}");
        }
    }
    for options in [json!(["default", 1]), json!("default"), json!({})] {
        let mut broken = whole.clone();
        broken["options"] = options;
        for error in both_errors(&broken.to_string()) {
            assert!(error.to_string().contains("\"options\" must be a list"), "{error}");
        }
    }
}

#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn both_errors(text: &str) -> [Error; 2] {
    [
        ConvertedItem::parse(text.as_bytes()).unwrap_err(),
        ItemHead::parse(text.as_bytes()).unwrap_err(),
    ]
}

#[test]
fn an_id_cannot_lead_out_of_the_directory() {
    for id in ["", "../x", "a/b", ".hidden", "a\0b", &"a".repeat(300)] {
        let mut item = item(json!({}));
        item.id = id.to_owned();
        for error in both_errors(std::str::from_utf8(&item.to_queue_bytes()).unwrap()) {
            assert!(matches!(error, Error::Unusable { key: "id", .. }), "{error}");
        }
        assert_eq!(ItemHead::scan(&item.to_queue_bytes()), None);
    }
}

#[test]
fn errors_do_not_quote_values() {
    let text = format!(
        r#"{{"id": "{ID}", "udm_object_type": "users/user", "dn": "cn=x", "options": null,
            "object": "secret-hash"}}"#
    );
    for error in both_errors(&text) {
        let mut shown = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            shown.push_str(&inner.to_string());
            cause = inner.source();
        }
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_stack_overflow() {
    let deep = format!(
        r#"{{"id":"{ID}","udm_object_type":"users/user","dn":"x","options":null,"object":{{"a":{}"#,
        "[".repeat(1_000_000)
    );
    assert!(matches!(ConvertedItem::parse(deep.as_bytes()), Err(Error::Syntax { .. })));
    assert!(ItemHead::parse(deep.as_bytes()).is_err());
}

#[test]
fn the_head_is_seen_in_the_first_bytes_of_our_own_files() {
    for (object, resync) in [(json!({"a": "b".repeat(10_000)}), true), (Value::Null, false)] {
        let item = ConvertedItem { resync, ..item(object) };
        let bytes = item.to_queue_bytes();
        let prefix = &bytes[..bytes.len().min(512)];
        let head = ItemHead::scan(prefix).unwrap();
        assert_eq!(head, ItemHead::from(&item));
        assert_eq!(head, ItemHead::parse(&bytes).unwrap());
    }
}

#[test]
fn a_prefix_that_is_too_short_or_of_another_form_says_nothing() {
    let item = item(json!({"a": 1}));
    let bytes = item.to_queue_bytes();
    let object = bytes.windows(9).position(|window| window == b"\"object\":").unwrap();
    for length in 0..object + 10 {
        assert_eq!(ItemHead::scan(&bytes[..length]), None, "{length}");
    }
    assert!(ItemHead::scan(&bytes[..object + 10]).is_some());
    assert_eq!(ItemHead::scan(&item.to_snapshot_bytes()), None);
    assert_eq!(ItemHead::scan(b"[]"), None);
}

#[test]
fn hashes_are_not_printed() {
    let hashes = json!({
        "userPassword": ["{crypt}$6$secret"], "sambaNTPassword": "SECRET", "krb5Key": ["c2VjcmV0"],
        "krb5KeyVersionNumber": 1, "sambaPwdLastSet": 2
    });
    let whole = json!({
        "id": ID, "udm_object_type": "users/user", "dn": "cn=x", "object": {}, "options": null,
        "old_data": {"record_uid": "4711", "schools": ["School1"], "source_uid": null},
        "user_passwords": hashes
    });
    let item = ConvertedItem::parse(whole.to_string().as_bytes()).unwrap();
    assert_eq!(item.old_data.as_ref().unwrap().record_uid.as_deref(), Some("4711"));
    let hashes = item.user_passwords.as_ref().unwrap();
    assert_eq!((hashes.krb5_key_version_number, hashes.samba_pwd_last_set), (1, 2));
    let printed = format!("{item:?}").to_lowercase();
    assert!(printed.contains("4711") && !printed.contains("secret"), "{printed}");
    let snapshot = String::from_utf8(item.to_snapshot_bytes()).unwrap().to_lowercase();
    assert!(!snapshot.contains("secret") && !snapshot.contains("4711"), "{snapshot}");
}

#[test]
fn hashes_are_all_or_nothing() {
    let text = json!({
        "id": ID, "udm_object_type": "users/user", "dn": "cn=x", "object": {}, "options": null,
        "user_passwords": {"userPassword": ["{crypt}$6$secret"]}
    });
    let error = ConvertedItem::parse(text.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.contains("user_passwords") && !error.contains("secret"), "{error}");
}

#[test]
fn a_dump_of_a_deleted_object_may_leave_out_what_is_null() {
    let bare =
        br#"{"id": "x", "dn": "uid=a", "udm_object_type": "users/user", "action": "delete"}"#;
    assert!(ConvertedItem::parse(bare).unwrap_err().to_string().contains("\"object\" is missing"));
    let item = ConvertedItem::parse_dump(bare).unwrap();
    assert!(item.is_deleted() && item.options.is_none());
    let odd = br#"{"id": "x", "dn": "uid=a", "udm_object_type": "users/user", "object": []}"#;
    assert!(ConvertedItem::parse_dump(odd).is_err());
    assert!(ConvertedItem::parse_dump(br#"{"dn": "uid=a"}"#).is_err());
}
