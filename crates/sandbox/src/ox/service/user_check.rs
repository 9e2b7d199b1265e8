//! What the server refuses in the data of a user, in its order.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::ox::fault::{Fault, FaultName};
use crate::ox::options::Options;
use crate::ox::value::Object;
use crate::ox::world::{Context, User};

const MANDATORY: [&str; 7] =
    ["name", "display_name", "password", "given_name", "sur_name", "primaryEmail", "email1"];

/// Identifiers of the IANA data base, and the short ones that Java knows besides.
static TIME_ZONES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("timezones.txt").lines().collect());

pub(super) fn mandatory(missing: &[&str]) -> Fault {
    Fault::invalid_data(format!("Mandatory fields not set: [{}]", missing.join(", ")))
}

/// Checks a user to be created; `context` is absent for the administrator of a new one.
pub(super) fn new_user(
    rules: &Options,
    context: Option<&Context>,
    sent: &Object<'_>,
) -> Result<(), Fault> {
    let is_missing = |name: &&str| match sent.text(name) {
        None => true,
        // An empty password has a text of its own.
        Some(text) => text.is_empty() && *name != "password",
    };
    let missing: Vec<&str> = MANDATORY.into_iter().filter(|name| is_missing(name)).collect();
    if !missing.is_empty() {
        return Err(mandatory(&missing));
    }
    let name = sent.text("name").unwrap_or_default();
    if let Some(context) = context {
        if context.user_named(name).is_some() {
            return Err(name_taken(name));
        }
        display_name(rules, context, sent, None)?;
    }
    chars(name, "$@%.+_-")?;
    password(sent)?;
    language_and_timezone(sent)?;
    mail_addresses(sent)?;
    let primary = sent.text("primaryEmail").unwrap_or_default();
    if sent.text("email1") != Some(primary) {
        return Err(Fault::invalid_data("primarymail must have the same value as email1"));
    }
    if let Some(context) = context {
        primary_mail(context, primary, None)?;
    }
    file_store_and_quota(rules, context.map_or(0, |context| context.id), None, sent)
}

/// Checks a change of a user.
pub(super) fn changed_user(
    rules: &Options,
    context: &Context,
    user: &User,
    sent: &Object<'_>,
) -> Result<(), Fault> {
    let emptied: Vec<&str> = MANDATORY
        .into_iter()
        .filter(|name| *name != "password" && sent.text(name) == Some(""))
        .collect();
    if !emptied.is_empty() {
        return Err(mandatory(&emptied));
    }
    if let Some(name) = sent.text("name").filter(|name| *name != user.name()) {
        if !rules.username_changeable {
            return Err(Fault::invalid_data("Changing username is disabled!"));
        }
        if context.user_named(name).is_some() {
            return Err(name_taken(name));
        }
        chars(name, "$@%.+_-")?;
    }
    display_name(rules, context, sent, Some(user.id))?;
    password(sent)?;
    if sent.text("passwordMech").is_some() && sent.text("password").is_none() {
        return Err(Fault::invalid_data(
            "When changing password mechanism, the password string must be supplied, too",
        ));
    }
    language_and_timezone(sent)?;
    mail_addresses(sent)?;
    if let Some(primary) = sent.text("primaryEmail") {
        if sent.text("email1") != Some(primary) {
            return Err(Fault::invalid_data("email1 not equal with primarymail!"));
        }
        if primary != user.primary_email() {
            if !rules.primary_mail_changeable {
                return Err(Fault::invalid_data("primary mail must not be changed"));
            }
            primary_mail(context, primary, Some(user.id))?;
        }
    }
    aliases(user, sent)?;
    file_store_and_quota(rules, context.id, Some(user.id), sent)
}

fn name_taken(name: &str) -> Fault {
    Fault::invalid_data(format!("User {name} already exists in this context"))
}

/// Letters and digits are those of ASCII; `others` are allowed as well.
pub(super) fn chars(name: &str, others: &str) -> Result<(), Fault> {
    let illegal: String =
        name.chars().filter(|c| !c.is_ascii_alphanumeric() && !others.contains(*c)).collect();
    if illegal.is_empty() {
        Ok(())
    } else {
        Err(Fault::invalid_data(format!("Illegal chars: \"{illegal}\"")))
    }
}

fn display_name(
    rules: &Options,
    context: &Context,
    sent: &Object<'_>,
    except: Option<i32>,
) -> Result<(), Fault> {
    sent.text("display_name").map_or(Ok(()), |name| free_display_name(rules, context, name, except))
}

/// The display name is unique in the context, where the server is set so.
pub(super) fn free_display_name(
    rules: &Options,
    context: &Context,
    name: &str,
    except: Option<i32>,
) -> Result<(), Fault> {
    if rules.unique_display_names && context.is_display_name_taken(name, except) {
        return Err(Fault::invalid_data("The displayname is already used"));
    }
    Ok(())
}

fn password(sent: &Object<'_>) -> Result<(), Fault> {
    match sent.text("password") {
        Some("") => Err(Fault::invalid_data("Empty password is not allowed.")),
        _ => Ok(()),
    }
}

fn language_and_timezone(sent: &Object<'_>) -> Result<(), Fault> {
    if sent.text("language").is_some_and(|language| !language.contains('_')) {
        return Err(Fault::invalid_data("Language must contain an underscore, e.g. en_US."));
    }
    if sent.text("timezone").is_some_and(|zone| !TIME_ZONES.contains(zone)) {
        return Err(Fault::invalid_data("The given timezone is invalid"));
    }
    Ok(())
}

fn mail_addresses(sent: &Object<'_>) -> Result<(), Fault> {
    let single = ["primaryEmail", "email1", "email2", "email3", "defaultSenderAddress"]
        .into_iter()
        .filter_map(|name| sent.text(name))
        // Empty ones clear the field, where that is allowed.
        .filter(|text| !text.is_empty());
    if single.chain(sent.texts("aliases")).all(is_mail_address) {
        Ok(())
    } else {
        Err(Fault::invalid_data("Invalid email address"))
    }
}

/// `local@domain` without comments, quotes or blanks.
pub(super) fn is_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_plain = |part: &str, forbidden: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with('.')
            && !part.contains("..")
            && !part.chars().any(|c| c.is_control() || c.is_whitespace() || forbidden.contains(c))
    };
    is_plain(local, "@<>()[]\\,;:\"")
        && is_plain(domain, "@<>()\\,;\"/")
        && !domain.split('.').any(|label| label.starts_with('-') || label.ends_with('-'))
}

/// The primary address is unique among the users of the context.
pub(super) fn primary_mail(
    context: &Context,
    mail: &str,
    except: Option<i32>,
) -> Result<(), Fault> {
    match context.primary_mail_owner(mail) {
        Some(owner) if Some(owner) != except => Err(Fault::invalid_data(format!(
            "Primary mail address \"{mail}\" already exists in context {} (Already assigned to user {owner}).",
            context.id
        ))),
        _ => Ok(()),
    }
}

/// After the change the three addresses must be among the aliases, those sent or else the stored.
fn aliases(user: &User, sent: &Object<'_>) -> Result<(), Fault> {
    let mut aliases: HashSet<String> = sent.texts("aliases").map(str::to_lowercase).collect();
    if aliases.is_empty() {
        aliases = user.aliases().map(str::to_lowercase).collect();
    }
    let is_complete = ["primaryEmail", "email1", "defaultSenderAddress"].iter().all(|name| {
        let address = sent.text(name).or_else(|| user.text(name)).unwrap_or_default();
        aliases.contains(&address.to_lowercase())
    });
    if is_complete {
        Ok(())
    } else {
        Err(Fault::invalid_data(
            "primaryMail, Email1 and defaultSenderAddress must be present in set of aliases.",
        ))
    }
}

/// No user has a file store of its own here.
fn file_store_and_quota(
    rules: &Options,
    context: i32,
    user: Option<i32>,
    sent: &Object<'_>,
) -> Result<(), Fault> {
    if let Some(store) = sent.int("filestoreId").filter(|store| *store != 0) {
        return Err(Fault::invalid_data(match user {
            Some(user) => {
                format!("Not allowed to change the filestore for user {user} in context {context}")
            }
            None => format!("No such filestore {store}"),
        }));
    }
    let is_limited = sent.integer("maxQuota").is_some_and(|quota| quota != -1);
    if let (true, true, Some(user)) = (rules.quota_needs_filestore, is_limited, user) {
        return Err(Fault::new(
            FaultName::Storage,
            format!(
                "Quota cannot be changed for user {user} in context {context} since that user has no \
                 file storage set. Please set ALLOW_CHANGING_QUOTA_IF_NO_FILESTORE_SET to allow it."
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses_have_two_plain_parts() {
        for good in ["anna@example.org", "a.b+c@x", "bäcker@straße.de", "o'neil@example.org"] {
            assert!(is_mail_address(good), "{good}");
        }
        for bad in [
            "", "anna", "@x", "a@", "a b@x", "a@b@c", ".a@x", "a.@x", "a..b@x", "a@.x", "a@x.",
            "a@-x", "<a@x>", "a@x y", "a,b@x",
        ] {
            assert!(!is_mail_address(bad), "{bad}");
        }
    }

    #[test]
    fn illegal_characters_are_listed() {
        assert!(chars("a.B-9_$@%+", "$@%.+_-").is_ok());
        let fault = chars("bä cker/", "$@%.+_-").unwrap_err();
        assert_eq!(fault.text, "Illegal chars: \"ä /\"");
        assert!(chars("a b", " $@%.+_-").is_ok());
    }

    #[test]
    fn time_zones_are_known() {
        assert!(TIME_ZONES.contains("Europe/Berlin"));
        assert!(TIME_ZONES.contains("UTC"));
        assert!(!TIME_ZONES.contains("Europe/Bremen"));
        assert!(!TIME_ZONES.contains(""));
    }
}
