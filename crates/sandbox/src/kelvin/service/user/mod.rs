//! Users (kelvin-api 7).

mod change;
mod create;
mod groups;
mod search;

use std::collections::BTreeSet;

use super::properties::Step;
use super::{Answer, Desk};
use crate::kelvin::reference;
use crate::kelvin::refusal::{Refusal, quoted};
use crate::kelvin::route::Resource;
use crate::kelvin::world::{Hashes, Role, User};

pub(super) use change::change;
pub(super) use create::create;
pub(super) use search::search;

/// Name of the source when none was sent.
const DEFAULT_SOURCE: &str = "Kelvin";

const MAX_NAME: usize = 20;
/// Leaves room for the prefix of exam users.
const MAX_STUDENT_NAME: usize = 15;

pub(super) fn delete(desk: &mut Desk<'_>, name: &str) -> Result<Answer, Refusal> {
    let user = desk.world.user_named(name).ok_or_else(|| Refusal::no_object(name))?;
    let id = user.id;
    desk.world.remove_user(id);
    Ok(Answer::empty(204))
}

fn roles(desk: &Desk<'_>, urls: &[String]) -> Result<BTreeSet<Role>, Refusal> {
    urls.iter()
        .map(|url| {
            let name = reference::name(desk.version, Resource::Roles, url)?;
            Role::named(&name)
                .ok_or_else(|| Refusal::unhandled(&format!("Unknown role {}.", quoted(&name))))
        })
        .collect()
}

fn check_name(name: &str, roles: &BTreeSet<Role>) -> Result<(), Refusal> {
    let most = if roles.contains(&Role::Student) { MAX_STUDENT_NAME } else { MAX_NAME };
    if name.chars().count() > most {
        let text = format!("Username {} is longer than allowed.", quoted(name));
        return Err(Refusal::message(400, text));
    }
    if !crate::kelvin::check::is_user_name(name) {
        let text = format!("Username {} has characters that it may not have.", quoted(name));
        return Err(Refusal::message(400, text));
    }
    Ok(())
}

/// An address must be nobody else's, and of a domain that the server hosts.
pub(super) fn check_email(
    desk: &Desk<'_>,
    email: &str,
    id: u64,
    step: Step,
) -> Result<(), Refusal> {
    let domain = email.rsplit_once('@').filter(|(local, _)| !local.is_empty());
    let hosted = &desk.options.mail_domains;
    let is_hosted = domain.is_some_and(|(_, domain)| {
        !domain.is_empty()
            && (hosted.is_empty() || hosted.iter().any(|one| one.eq_ignore_ascii_case(domain)))
    });
    if desk.world.is_address_taken(email, id) {
        let text = format!("The e-mail address {} is already in use.", quoted(email));
        return Err(Refusal::detail(400, text));
    }
    if !is_hosted {
        let text = format!("The domain of {} is not hosted here.", quoted(email));
        let property = "mailPrimaryAddress";
        return Err(Refusal::directory(422, property, step.error(), text));
    }
    Ok(())
}

/// Sets the address, and with it the contact property (kelvin-api 12.9).
fn set_email(user: &mut User, email: Option<String>, has_contact: bool) {
    if user.email == email {
        return;
    }
    if has_contact {
        match &email {
            Some(email) => {
                user.properties.insert("e-mail".to_owned(), serde_json::json!([email]));
            }
            None => {
                user.properties.remove("e-mail");
            }
        }
    }
    user.email = email;
}

/// Sets a password, or hashes. When the directory refuses hashes, nobody is told (kelvin-api 8).
fn set_password(user: &mut User, password: Option<&str>, hashes: Option<Hashes>) {
    if let Some(password) = password {
        user.password_length = Some(password.chars().count());
        user.hashes = None;
    }
    if let Some(hashes) = hashes {
        let nt = &hashes.samba_nt_password;
        let is_taken = !hashes.user_password.is_empty()
            && nt.len() == 32
            && nt.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_taken {
            user.hashes = Some(hashes);
            user.password_length = None;
        } else {
            user.refused_hashes += 1;
        }
    }
}
