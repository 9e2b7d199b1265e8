//! Which items are for school authorities at all (id-connector 1.3).

use idspool_udm::school::{Class, Containers, is_school_user};
use idspool_udm::{ConvertedItem, Module, value};

use super::Reason;
use super::state::{Identity, Kind};

/// What an item is to routing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// An object that belongs to schools.
    Present(Present),
    /// An object that is gone from the directory. A group may have been a class of this school.
    Deleted { kind: Kind, school: Option<String> },
    /// An object that exists, but is none for school authorities. It may have been one.
    NotOurs { kind: Kind, reason: Reason, why: String },
    /// An item that says nothing about whether an authority should have the object.
    Ignored { reason: Reason, why: String },
}

/// An object that belongs to schools.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Present {
    pub(super) kind: Kind,
    /// Names of schools in the spelling of the item, at least one.
    pub(super) schools: Vec<String>,
    pub(super) identity: Identity,
}

/// Decides. The reasons never quote the object.
pub(super) fn judge(item: &ConvertedItem, containers: &Containers) -> Judgement {
    match item.module() {
        Some(Module::User) if item.is_deleted() => {
            Judgement::Deleted { kind: Kind::User, school: None }
        }
        Some(Module::User) => user(item),
        Some(Module::Group) => group(item, containers),
        _ => Judgement::Ignored {
            reason: Reason::UnsupportedType,
            why: format!(
                "Unsupported UDM object type: \"udm_object_type\"=\"{}\"",
                shortened(&item.udm_object_type)
            ),
        },
    }
}

fn user(item: &ConvertedItem) -> Judgement {
    let options = item.options.as_deref().unwrap_or_default();
    let has = |wanted: &str| options.iter().any(|option| option == wanted);
    let shown = || shortened(&format!("{options:?}"));
    if !is_school_user(has) {
        return Judgement::NotOurs {
            kind: Kind::User,
            reason: Reason::NoSchoolUser,
            why: format!("No UCS@school user object class: \"options\"=\"{}\"", shown()),
        };
    }
    if !has("default") {
        return Judgement::Ignored {
            reason: Reason::NoDefaultOption,
            why: format!("Missing \"default\" in UDM options: \"options\"=\"{}\"", shown()),
        };
    }
    let schools: Vec<String> = value::texts(item.property("school"))
        .filter(|school| !school.is_empty())
        .map(str::to_owned)
        .collect();
    if schools.is_empty() {
        // Not taken for "belongs nowhere": a right to read that is missing looks the same for all users.
        return Judgement::Ignored {
            reason: Reason::NoSchool,
            why: "Missing or empty \"school\" attribute".to_owned(),
        };
    }
    let text = |name| {
        let text = value::text(item.property(name)).filter(|text| !text.is_empty());
        text.map(std::borrow::Cow::into_owned)
    };
    let identity =
        Identity { record_uid: text("ucsschoolRecordUID"), source_uid: text("ucsschoolSourceUID") };
    Judgement::Present(Present { kind: Kind::User, schools, identity })
}

fn group(item: &ConvertedItem, containers: &Containers) -> Judgement {
    let school = Class::of_group(&item.dn, containers).map(|class| class.school);
    let kind = Kind::Class;
    match school {
        school if item.is_deleted() => Judgement::Deleted { kind, school },
        Some(school) => Judgement::Present(Present {
            kind,
            schools: vec![school],
            identity: Identity::default(),
        }),
        None => Judgement::NotOurs {
            kind,
            reason: Reason::NoClass,
            why: format!("Ignoring non-school_class group: '{}'", item.dn),
        },
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(value: serde_json::Value) -> ConvertedItem {
        ConvertedItem::parse_dump(value.to_string().as_bytes()).unwrap()
    }

    fn judged(value: serde_json::Value) -> Judgement {
        judge(&item(value), &Containers::default())
    }

    #[test]
    fn a_user_needs_a_role_the_default_option_and_a_school() {
        let user = |options: serde_json::Value, school: serde_json::Value| {
            judged(
                json!({"id": "x", "dn": "uid=a", "udm_object_type": "users/user", "options": options,
                          "object": {"school": school, "ucsschoolRecordUID": 4711,
                                     "ucsschoolSourceUID": "", "password": "{crypt}secret"}}),
            )
        };
        let school = json!(["School1", "", "B"]);
        assert_eq!(
            user(json!(["ucsschoolLegalGuardian", "default"]), school.clone()),
            Judgement::Present(Present {
                kind: Kind::User,
                schools: vec!["School1".into(), "B".into()],
                identity: Identity { record_uid: Some("4711".into()), source_uid: None },
            })
        );
        let why = |judgement| match judgement {
            Judgement::NotOurs { reason, why, .. } => (true, reason, why),
            Judgement::Ignored { reason, why } => (false, reason, why),
            other => panic!("{other:?}"),
        };
        for (options, school, expected, is_withdrawn, text) in [
            (
                json!(["default", "ucsschoolAdministrator"]),
                school.clone(),
                Reason::NoSchoolUser,
                true,
                r#"No UCS@school user object class: "options"="["default", "ucsschoolAdministrator"]""#,
            ),
            (json!(null), school.clone(), Reason::NoSchoolUser, true, r#""options"="[]""#),
            (
                json!(["ucsschoolStudent"]),
                school,
                Reason::NoDefaultOption,
                false,
                r#"Missing "default" in UDM options: "options"="["ucsschoolStudent"]""#,
            ),
            (
                json!(["default", "ucsschoolStudent"]),
                json!([]),
                Reason::NoSchool,
                false,
                r#"Missing or empty "school" attribute"#,
            ),
            (
                json!(["default", "ucsschoolStudent"]),
                json!(null),
                Reason::NoSchool,
                false,
                r#"Missing or empty "school" attribute"#,
            ),
        ] {
            let (withdrawn, reason, why) = why(user(options, school));
            assert_eq!((withdrawn, reason), (is_withdrawn, expected));
            assert!(why.contains(text) && !why.contains("secret"), "{why}");
        }
    }

    #[test]
    fn a_class_is_known_by_its_dn_and_other_types_are_named() {
        let group = |dn: &str, object: serde_json::Value| {
            judged(json!({"id": "x", "dn": dn, "udm_object_type": "groups/group",
                          "options": null, "object": object}))
        };
        let class = "cn=A-b-1a,cn=klassen,cn=schueler,cn=groups,ou=a-B,dc=x";
        let Judgement::Present(present) = group(class, json!({})) else { panic!() };
        assert_eq!((present.kind, present.schools), (Kind::Class, vec!["A-b".to_owned()]));
        assert_eq!(
            group(class, json!(null)),
            Judgement::Deleted { kind: Kind::Class, school: Some("A-b".into()) }
        );
        let other = "cn=a-B-chor,cn=schueler,cn=groups,ou=a-B,dc=x";
        assert!(matches!(
            group(other, json!({})),
            Judgement::NotOurs { reason: Reason::NoClass, .. }
        ));
        let ou = json!({"id": "x", "dn": "ou=a", "udm_object_type": "container/ou", "object": {}});
        let Judgement::Ignored { reason, why } = judged(ou) else { panic!() };
        assert_eq!(reason, Reason::UnsupportedType);
        assert_eq!(why, r#"Unsupported UDM object type: "udm_object_type"="container/ou""#);
    }
}
