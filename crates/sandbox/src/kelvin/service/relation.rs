//! Guardians and wards (kelvin-api 11).

use std::collections::BTreeSet;

use super::Desk;
use crate::kelvin::reference;
use crate::kelvin::refusal::{Refusal, quoted};
use crate::kelvin::route::Resource;
use crate::kelvin::world::{Role, User};

/// One side of the relation.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Guardians,
    Wards,
}

impl Side {
    /// Field of whom, role of whom, role of the others, what they are called, how many there may be.
    fn rules(self) -> (&'static str, Role, Role, &'static str, usize) {
        match self {
            Self::Guardians => {
                ("legal_guardians", Role::Student, Role::LegalGuardian, "legal guardian", 4)
            }
            Self::Wards => ("legal_wards", Role::LegalGuardian, Role::Student, "student", 10),
        }
    }

    pub(super) fn of(self, user: &User) -> &BTreeSet<u64> {
        match self {
            Self::Guardians => &user.guardians,
            Self::Wards => &user.wards,
        }
    }
}

/// The users that are named by login names, URLs or DNs.
pub(super) fn find(
    desk: &Desk<'_>,
    side: Side,
    roles: &BTreeSet<Role>,
    sent: Option<&Vec<String>>,
) -> Result<BTreeSet<u64>, Refusal> {
    let (field, own, others, called, most) = side.rules();
    let Some(sent) = sent.filter(|sent| !sent.is_empty()) else {
        return Ok(BTreeSet::new());
    };
    if !roles.contains(&own) {
        let text = format!("Parameter '{field}' only valid for user-role '{}'", own.as_str());
        return Err(Refusal::detail(400, text));
    }
    let mut found = BTreeSet::new();
    for text in sent {
        let user = named(desk, text)?.filter(|user| user.roles.contains(&others));
        let Some(user) = user else {
            let text = format!("Couldn't find {called} {}.", quoted(text));
            return Err(Refusal::detail(400, text));
        };
        found.insert(user.id);
    }
    if found.len() > most {
        let text = format!("Too many values for '{field}': at most {most} are possible.");
        return Err(Refusal::detail(400, text));
    }
    Ok(found)
}

fn named<'d>(desk: &'d Desk<'_>, text: &str) -> Result<Option<&'d User>, Refusal> {
    if text.contains("://") {
        let name = reference::name(desk.version, Resource::Users, text)?;
        return Ok(desk.world.user_named(&name));
    }
    let uid = text.strip_prefix("uid=").and_then(|rest| rest.split(',').next());
    Ok(match uid {
        Some(name) => {
            desk.world.user_named(name).filter(|user| user.dn().eq_ignore_ascii_case(text))
        }
        None => desk.world.user_named(text),
    })
}
