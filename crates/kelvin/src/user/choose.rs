//! Which mapping holds for a user (id-connector 3.6).

use idspool_provisioner::Fault;
use idspool_udm::school::Role;
use serde_json::{Map, Value};

use crate::conf::{AttributeMapping, Authority, ROLES, SchoolMapping};

/// A mapping, and its key in the authority's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen<'a> {
    pub(super) key: String,
    pub(super) mapping: &'a AttributeMapping,
}

/// The mapping for a user: that of the first of its roles at the schools of this authority that has one of its
/// own, else `users`. They do not add up.
pub(super) fn choose<'a>(
    authority: &'a Authority,
    schools: &SchoolMapping,
    object: &Map<String, Value>,
) -> Result<Chosen<'a>, Fault> {
    let roles: Vec<Role> = Role::all(object.get("ucsschoolRole"))
        .filter(|role| role.context_type == "school")
        .filter(|role| schools.authority_of(&role.context) == Some(&authority.name))
        .collect();
    let own = ROLES.iter().find_map(|&name| {
        let mapping = authority.mappings.users_by_role.get(name)?;
        let key = format!("users_{name}");
        roles.iter().any(|role| role.role == name).then_some(Chosen { key, mapping })
    });
    let general = || {
        let mapping = authority.mappings.users.as_ref()?;
        Some(Chosen { key: "users".to_owned(), mapping })
    };
    own.or_else(general).ok_or_else(|| {
        Fault::permanent(format!(
            "the school authority '{}' has no mapping for this user",
            authority.name
        ))
        .with_remedy(
            "add mapping.users to the plugin's configuration in the file of the school authority",
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::user::tests::authority;

    /// The mapping that a user gets if these exist.
    fn chosen(mappings: &[&str], schools: &[&str], roles: &Value) -> Option<String> {
        let mut authority = authority();
        authority.mappings.users = None;
        for key in mappings {
            match key.strip_prefix("users_") {
                None => authority.mappings.users = Some(AttributeMapping::new()),
                Some(role) => {
                    let mapping = AttributeMapping::new();
                    authority.mappings.users_by_role.insert(role.to_owned(), mapping);
                }
            }
        }
        let schools = SchoolMapping::new(
            schools.iter().map(|&school| (school.to_owned(), authority.name.clone())),
        );
        let mut object = Map::new();
        object.insert("ucsschoolRole".into(), roles.clone());
        choose(&authority, &schools, &object).ok().map(|chosen| chosen.key)
    }

    #[test]
    fn the_table_of_the_specification() {
        let student = ["users", "users_student"];
        let teacher = ["users", "users_student", "users_teacher"];
        let all = [
            "users",
            "users_school_admin",
            "users_staff",
            "users_teacher",
            "users_legal_guardian",
            "users_student",
        ];
        let one = ["School1"];
        let both = ["School1", "School2"];
        let mixed = json!(["teacher:school:School2", "student:school:School1"]);
        for (mappings, schools, roles, expected) in [
            (&student[..], &one[..], json!(null), "users"),
            (&student, &one, json!(["some:weird:role", "nonsense"]), "users"),
            (&student, &one, json!(["student:school:School1"]), "users_student"),
            (&student, &one, json!(["student:school:School2"]), "users"),
            (&teacher, &one, mixed.clone(), "users_student"),
            (&teacher, &both, mixed, "users_teacher"),
            (
                &all,
                &one,
                json!(["student:school:School1", "school_admin:school:School1"]),
                "users_school_admin",
            ),
            (&all, &one, json!(["student:school:School1", "staff:school:School1"]), "users_staff"),
            (
                &all,
                &one,
                json!(["student:school:School1", "teacher:school:School1"]),
                "users_teacher",
            ),
            (&all, &one, json!(["legal_guardian:school:School1"]), "users_legal_guardian"),
            (
                &["users", "users_teacher"],
                &one,
                json!(["staff:school:School1", "teacher:school:School1"]),
                "users_teacher",
            ),
            (&student, &one, json!(["staff:school:School1", "teacher:school:School1"]), "users"),
            // Letter case of schools; other contexts; strings with more or empty parts.
            (&student, &one, json!(["student:school:SCHOOL1"]), "users_student"),
            (&student, &one, json!(["student:exam:School1"]), "users"),
            (&student, &one, json!(["student:school:School1:x", "student::School1"]), "users"),
        ] {
            assert_eq!(chosen(mappings, schools, &roles).as_deref(), Some(expected), "{roles}");
        }
        assert_eq!(chosen(&["users_student"], &one, &json!(["teacher:school:School1"])), None);
        assert_eq!(chosen(&[], &one, &json!(null)), None);
    }
}
