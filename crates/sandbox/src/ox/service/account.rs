//! OXSecondaryAccountService. Its context argument is named `context`.

use std::collections::BTreeSet;

use super::{Desk, Handler, user_check};
use crate::ox::fault::{Fault, FaultName};
use crate::ox::value::Object;
use crate::ox::world::{Account, Context, Owners, lexical_value};

pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "create" => create,
        "delete" => delete,
        "list" => list,
        "update" => update,
        _ => return None,
    })
}

/// Users and members of groups that are meant; group 0 is every user of the context.
fn owners(context: &Context, arguments: &Object<'_>) -> Result<Option<Owners>, Fault> {
    let mut users = BTreeSet::new();
    let mut is_empty = true;
    let mut is_everyone = false;
    for sent in arguments.objects("users") {
        is_empty = false;
        let id = sent.int("id").unwrap_or_default();
        if context.user(id).is_none() {
            let text = format!("No such user {id} in context {}", context.id);
            return Err(Fault::new(FaultName::NoSuchUser, text));
        }
        users.insert(id);
    }
    for sent in arguments.objects("groups") {
        is_empty = false;
        match sent.int("id") {
            Some(0) => is_everyone = true,
            id => {
                let id = id.unwrap_or(-1);
                // The real server reports a group as a user here.
                let group = context.group(id).ok_or_else(|| {
                    let text = format!("No such group {id} in context {}", context.id);
                    Fault::new(FaultName::NoSuchUser, text)
                })?;
                users.extend(context.members(group));
            }
        }
    }
    Ok(match (is_empty, is_everyone) {
        (true, _) => None,
        (false, true) => Some(Owners::Everyone),
        (false, false) => Some(Owners::Some(users)),
    })
}

fn required_owners(context: &Context, arguments: &Object<'_>) -> Result<Owners, Fault> {
    owners(context, arguments)?
        .ok_or_else(|| Fault::invalid_data("Missing users/groups in account data"))
}

fn address(text: Option<&str>) -> Result<&str, Fault> {
    let address = text
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Fault::invalid_data("Primary address is empty."))?;
    if user_check::is_mail_address(address) {
        Ok(address)
    } else {
        Err(Fault::invalid_data("Invalid email address"))
    }
}

/// Fields as they are kept; passwords are accepted and forgotten.
fn fields(sent: &Object<'_>) -> Vec<(String, String)> {
    sent.fields
        .iter()
        .filter_map(|(index, value)| {
            let name = &sent.content.field(*index)?.name;
            let is_kept = !matches!(
                &**name,
                "password"
                    | "transportPassword"
                    | "primaryAddress"
                    | "mailEndpointSource"
                    | "transportEndpointSource"
            );
            let value = lexical_value(value).filter(|_| is_kept)?;
            Some((name.to_string(), value.into_owned()))
        })
        .collect()
}

fn check_endpoint(sent: &Object<'_>, kind: &str) -> Result<(), Fault> {
    let source = sent.text(&format!("{kind}EndpointSource")).unwrap_or("none");
    match source {
        "primary" | "localhost" => Ok(()),
        "none"
            if kind == "transport"
                || sent.text("mailServer").is_some_and(|host| !host.is_empty()) =>
        {
            Ok(())
        }
        "none" => Err(Fault::invalid_data("Mail server is empty.")),
        other => Err(Fault::invalid_data(format!("Unknown {kind} end-point source \"{other}\""))),
    }
}

fn create(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("context")?;
    let sent = desk.argument("accountDataOnCreate")?;
    let context = desk.context(id)?;
    let owners = required_owners(context, desk.arguments)?;
    let address = address(sent.text("primaryAddress"))?.to_owned();
    check_endpoint(sent, "mail")?;
    check_endpoint(sent, "transport")?;
    let users: Vec<i32> =
        context.users().map(|user| user.id).filter(|user| owners.includes(*user)).collect();
    if let Some(user) = users.iter().find(|user| context.has_account(**user, &address)) {
        return Err(Fault::storage(format!(
            "Secondary account with address \"{address}\" already exists for user {user} in context {id}"
        )));
    }
    let fields = fields(sent);
    let context = desk.context_mut(id)?;
    for user in users {
        context.add_account(Account {
            id: 0,
            user,
            primary_address: address.clone(),
            fields: fields.clone(),
        });
    }
    Ok(())
}

/// An address that nobody has is no fault.
fn delete(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("context")?;
    let owners = required_owners(desk.context(id)?, desk.arguments)?;
    let address = address(desk.arguments.text("primaryAddress"))?.to_owned();
    let removed = desk.context_mut(id)?.remove_accounts(&address, &owners);
    desk.answer.value(if removed > 0 { "true" } else { "false" });
    Ok(())
}

fn update(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("context")?;
    let owners = required_owners(desk.context(id)?, desk.arguments)?;
    let address = address(desk.arguments.text("primaryAddress"))?.to_owned();
    let new = fields(desk.argument("accountDataUpdate")?);
    let changed = desk.context_mut(id)?.change_accounts(&address, &owners, |account| {
        for (name, value) in &new {
            account.fields.retain(|(known, _)| known != name);
            account.fields.push((name.clone(), value.clone()));
        }
    });
    desk.answer.value(if changed > 0 { "true" } else { "false" });
    Ok(())
}

/// Without users and groups: all accounts of the context.
fn list(desk: &mut Desk<'_>) -> Result<(), Fault> {
    let id = desk.require_administrator("context")?;
    let owners = owners(desk.context(id)?, desk.arguments)?.unwrap_or(Owners::Everyone);
    let Desk { answer, world, .. } = desk;
    if let Some(context) = world.context(id) {
        for account in context.accounts().filter(|account| owners.includes(account.user)) {
            answer.object(|_, field| match field.name() {
                "contextId" => field.integer(id),
                "userId" => field.integer(account.user),
                "id" => field.integer(account.id),
                "primaryAddress" => field.text(&account.primary_address),
                other => {
                    if let Some(value) = account.text(other).map(str::to_owned) {
                        field.text(&value);
                    }
                }
            });
        }
    }
    Ok(())
}
