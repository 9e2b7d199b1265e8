use super::*;
use crate::fake::Fake;
use crate::user::tests::{class_dn, item, site};

/// What a mapping makes of a student's properties.
fn apply(mapping: &[(&str, &str)], properties: Value) -> Result<Wanted, Halt> {
    apply_as("Student", mapping, properties)
}

fn apply_as(kind: &str, mapping: &[(&str, &str)], properties: Value) -> Result<Wanted, Halt> {
    let fake = Fake::with_schools(&["S1", "S2"]);
    let site = site(&fake, &["S1", "S2"]);
    let item = ConvertedItem {
        options: Some(vec!["default".into(), format!("ucsschool{kind}")]),
        ..item(properties)
    };
    let schools = Schools {
        primary: "S2".into(),
        all: ["S1", "S2"].map(str::to_owned).into_iter().collect(),
    };
    let object = item.object.as_ref().unwrap();
    let name_of = |_: &str| None;
    let sources =
        Sources { site: &site, item: &item, object, schools: &schools, name_of: &name_of };
    let mapping: AttributeMapping =
        mapping.iter().map(|&(from, to)| (from.to_owned(), to.to_owned())).collect();
    sources.apply(&mapping)
}

fn attributes(mapping: &[(&str, &str)], properties: Value) -> Value {
    apply(mapping, properties).unwrap().attributes.into()
}

#[test]
fn each_virtual_property() {
    let groups = json!([class_dn("S1", "1a"), class_dn("S9", "9z")]);
    for (property, target, properties, expected) in [
        ("roles", "roles", json!({}), json!(["student"])),
        ("school", "school", json!({"school": ["ignored"]}), json!("S2")),
        ("schools", "schools", json!({}), json!(["S1", "S2"])),
        ("school_classes", "school_classes", json!({"groups": groups}), json!({"S1": ["1a"]})),
        ("school_classes", "school_classes", json!({"groups": []}), json!({})),
        ("disabled", "disabled", json!({"disabled": true}), json!(true)),
        ("disabled", "disabled", json!({"disabled": "1"}), json!(true)),
        ("disabled", "disabled", json!({"disabled": "0"}), json!(false)),
        ("disabled", "disabled", json!({"disabled": "all"}), json!(false)),
        ("birthday", "birthday", json!({"birthday": "2011-05-30"}), json!("2011-05-30")),
        ("birthday", "birthday", json!({"birthday": ""}), json!(null)),
        ("birthday", "birthday", json!({}), json!(null)),
        ("userexpiry", "expiration_date", json!({"userexpiry": "2031-07-31"}), json!("2031-07-31")),
        ("userexpiry", "expiration_date", json!({"userexpiry": null}), json!(null)),
        ("source_uid", "source_uid", json!({"ucsschoolSourceUID": "SIS"}), json!("SIS")),
        ("source_uid", "source_uid", json!({}), json!("T")),
    ] {
        let sent = attributes(&[(property, target)], properties.clone());
        assert_eq!(sent, json!({target: expected}), "{property} {properties}");
    }
}

#[test]
fn other_properties_are_copied() {
    for (property, target, properties, expected) in [
        ("username", "name", json!({"username": "anna"}), json!({"name": "anna"})),
        (
            "ucsschoolRecordUID",
            "record_uid",
            json!({"ucsschoolRecordUID": "1"}),
            json!({"record_uid": "1"}),
        ),
        (
            "ucsschoolRecordUID",
            "record_uid",
            json!({"ucsschoolRecordUID": 1}),
            json!({"record_uid": "1"}),
        ),
        // What cannot be cleared is left alone.
        ("firstname", "firstname", json!({"firstname": null}), json!({})),
        ("firstname", "firstname", json!({"firstname": ""}), json!({})),
        ("ucsschoolRecordUID", "record_uid", json!({}), json!({})),
        // What can be is.
        (
            "mailPrimaryAddress",
            "email",
            json!({"mailPrimaryAddress": null}),
            json!({"email": null}),
        ),
        ("mailPrimaryAddress", "email", json!({}), json!({"email": null})),
        ("mailPrimaryAddress", "email", json!({"mailPrimaryAddress": ""}), json!({"email": null})),
        (
            "roleStrings",
            "ucsschool_roles",
            json!({"roleStrings": ["x:y:z"]}),
            json!({"ucsschool_roles": ["x:y:z"]}),
        ),
        ("roleStrings", "ucsschool_roles", json!({}), json!({"ucsschool_roles": []})),
        // A source that is not there is assumed, as in look-ups.
        ("ucsschoolSourceUID", "source_uid", json!({}), json!({"source_uid": "T"})),
        ("locked", "disabled", json!({"locked": true}), json!({"disabled": true})),
    ] {
        assert_eq!(attributes(&[(property, target)], properties), expected, "{property}");
    }
}

#[test]
fn everything_else_is_a_property_of_udm() {
    let mapping = [("phone", "phone"), ("title", "title"), ("birthday", "born"), ("x", "y")];
    let properties = json!({"phone": ["1"], "title": "", "birthday": "2011-05-30", "x": true});
    let wanted = apply(&mapping, properties).unwrap();
    assert_eq!(wanted.attributes, Map::new());
    let expected = json!({"phone": ["1"], "title": null, "born": "2011-05-30", "y": true});
    assert_eq!(Value::from(wanted.properties), expected);
    let wanted = apply(&mapping, json!({})).unwrap();
    let expected = json!({"phone": null, "title": null, "born": null, "y": null});
    assert_eq!(Value::from(wanted.properties), expected);
}

#[test]
fn an_address_is_one_text_and_a_single_one_is_preferred() {
    let both = [("e-mail", "email"), ("mailPrimaryAddress", "email")];
    let reverse = [("zmail", "email"), ("mailPrimaryAddress", "email")];
    for (mapping, properties, expected) in [
        (&both, json!({"mailPrimaryAddress": "p@x", "e-mail": ["a@x", "b@x"]}), json!("p@x")),
        (&both, json!({"mailPrimaryAddress": null, "e-mail": ["a@x", "b@x"]}), json!("a@x")),
        (&both, json!({"mailPrimaryAddress": "", "e-mail": ["", "b@x"]}), json!("b@x")),
        (&both, json!({"mailPrimaryAddress": null, "e-mail": []}), json!(null)),
        (&both, json!({}), json!(null)),
        (&reverse, json!({"mailPrimaryAddress": "p@x", "zmail": ["a@x"]}), json!("p@x")),
        (&reverse, json!({"mailPrimaryAddress": "p@x", "zmail": "z@x"}), json!("z@x")),
        (&reverse, json!({"mailPrimaryAddress": "p@x", "zmail": null}), json!("p@x")),
    ] {
        assert_eq!(
            attributes(mapping, properties.clone()),
            json!({"email": expected}),
            "{properties}"
        );
    }
}

#[test]
fn relatives_are_names_and_only_for_who_can_have_them() {
    let guardians = [("ucsschoolLegalGuardian", "legal_guardians")];
    let wards = [("ucsschoolLegalWard", "legal_wards")];
    let dns = json!(["UID=mum,cn=x", "uid=Dad,cn=x", "uid=mum,cn=x"]);
    let guardian = json!({"ucsschoolLegalGuardian": dns, "ucsschoolLegalWard": dns});
    let sent = |kind, mapping: &[(&str, &str)], properties: &Value| {
        Value::from(apply_as(kind, mapping, properties.clone()).unwrap().attributes)
    };
    let names = json!(["Dad", "mum"]);
    assert_eq!(sent("Student", &guardians, &guardian), json!({"legal_guardians": names}));
    assert_eq!(sent("LegalGuardian", &wards, &guardian), json!({"legal_wards": names}));
    assert_eq!(sent("Teacher", &guardians, &guardian), json!({"legal_guardians": []}));
    assert_eq!(sent("Student", &wards, &guardian), json!({"legal_wards": []}));
    assert_eq!(sent("Student", &guardians, &json!({})), json!({"legal_guardians": []}));
}

#[test]
fn the_first_password_is_made_or_given_and_never_shown() {
    let made = apply(&[("password", "password")], json!({"password": "{crypt}x"})).unwrap();
    assert_eq!(made.password, Some(Password::Random));
    let given = apply(&[("initial", "password")], json!({"initial": "s3cret"})).unwrap();
    assert!(!format!("{given:?}").contains("s3cret"));
    assert!(matches!(given.password, Some(Password::Given(text)) if text.expose() == "s3cret"));
    assert_eq!(apply(&[("initial", "password")], json!({})).unwrap().password, None);
    // The hash of our directory goes nowhere else.
    let other = apply(&[("password", "title")], json!({"password": "{crypt}x"})).unwrap();
    assert_eq!(other, Wanted::default());
}

#[test]
fn what_cannot_be_sent_is_named() {
    for (property, target, properties, text) in [
        ("disabled", "disabled", json!({}), "'disabled'"),
        ("disabled", "disabled", json!({"disabled": null}), "it is missing"),
        ("birthday", "birthday", json!({"birthday": "3.2.2010"}), "a date such as"),
        ("birthday", "birthday", json!({"birthday": "2010-02-31"}), "a date such as"),
        ("birthday", "birthday", json!({"birthday": "2010-2-3"}), "a date such as"),
        ("birthday", "birthday", json!({"birthday": ["2010-02-03"]}), "a date such as"),
        ("userexpiry", "expiration_date", json!({"userexpiry": 5}), "'userexpiry'"),
        ("e-mail", "firstname", json!({"e-mail": ["a"]}), "'e-mail' cannot be sent as 'firstname'"),
        ("mailPrimaryAddress", "email", json!({"mailPrimaryAddress": {}}), "an address is needed"),
        ("x", "birthday", json!({"x": "soon"}), "a date such as"),
        ("x", "disabled", json!({"x": 5}), "true or false is needed"),
        ("x", "legal_wards", json!({"x": {}}), "a list of texts is needed"),
        ("x", "ucsschool_roles", json!({"x": [5]}), "a list of texts is needed"),
        ("x", "password", json!({"x": [5]}), "a single text is needed"),
        ("x", "school", json!({"x": "S1"}), "'x' is mapped to 'school'"),
        ("schools", "school", json!({}), "'schools' is mapped to 'school'"),
    ] {
        let fault = apply(&[(property, target)], properties).unwrap_err().into_fault(&"anna");
        assert_eq!(fault.class, idspool_spool::FaultClass::Permanent);
        assert!(fault.message.contains(text), "{}", fault.message);
        assert!(fault.remedy.is_some());
    }
    let odd = apply_as("Administrator", &[("roles", "roles")], json!({}));
    let fault = odd.unwrap_err().into_fault(&"anna");
    assert!(fault.message.contains("ucsschoolAdministrator"), "{}", fault.message);
}
