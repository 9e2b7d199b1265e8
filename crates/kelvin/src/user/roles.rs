//! What a user is at the server (id-connector 3.5).

use idspool_provisioner::Fault;

use crate::halt::Halt;
use crate::target::Target;

/// The role of students.
pub(super) const STUDENT: &str = "student";
/// The role of legal guardians.
pub(super) const LEGAL_GUARDIAN: &str = "legal_guardian";

/// The roles that UDM options tell; `None`: those are no school user's.
pub(super) fn of_options(options: &[String]) -> Option<&'static [&'static str]> {
    let has = |option: &str| options.iter().any(|one| one == option);
    let (teacher, staff) = (has("ucsschoolTeacher"), has("ucsschoolStaff"));
    Some(if teacher && staff {
        &["staff", "teacher"]
    } else if teacher {
        &["teacher"]
    } else if staff {
        &["staff"]
    } else if has("ucsschoolStudent") {
        &[STUDENT]
    } else if has("ucsschoolLegalGuardian") {
        &[LEGAL_GUARDIAN]
    } else {
        return None;
    })
}

/// The roles to send, all of which the server has.
pub(super) fn to_send(
    options: &[String],
    target: &Target,
) -> Result<&'static [&'static str], Halt> {
    let Some(roles) = of_options(options) else {
        return Err(Fault::permanent(format!(
            "Unknown or missing school user type in options: {options:?}"
        ))
        .with_remedy(
            "give the object one of the options ucsschoolStudent, ucsschoolTeacher, ucsschoolStaff, \
             ucsschoolLegalGuardian, or remove the queue file",
        )
        .into());
    };
    for role in roles {
        if !target.has_role(role)? {
            return Err(Fault::permanent(format!("the server has no role '{role}'"))
                .with_remedy(
                    "update the Kelvin server (legal guardians need release 3.0.0), or remove the queue file",
                )
                .into());
        }
    }
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_fits() {
        let of = |options: &[&str]| {
            let options: Vec<String> =
                options.iter().map(|option| format!("ucsschool{option}")).collect();
            of_options(&options).map(<[_]>::to_vec)
        };
        assert_eq!(of(&["Staff", "Teacher"]), Some(vec!["staff", "teacher"]));
        assert_eq!(of(&["Student", "Teacher"]), Some(vec!["teacher"]));
        assert_eq!(of(&["Student", "Staff"]), Some(vec!["staff"]));
        assert_eq!(of(&["LegalGuardian", "Student"]), Some(vec!["student"]));
        assert_eq!(of(&["LegalGuardian"]), Some(vec!["legal_guardian"]));
        assert_eq!(of(&["Exam", "Student"]), Some(vec!["student"]));
        assert_eq!(of(&["Administrator"]), None);
        assert_eq!(of(&[]), None);
    }
}
