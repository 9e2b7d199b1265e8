//! Functional accounts: the users that should have one, and what they see of it.

use std::collections::{BTreeMap, BTreeSet};

use idspool_ox_soap::{Account, AccountField, ContextId, OxUserId};
use idspool_provisioner::Objects;
use idspool_udm::Module;

use super::error::Error;
use super::finding::{Finding, Sides};
use super::member::{self, Names};
use super::pair::Both;
use super::property;
use super::remote::Remote;
use super::shown::{Same, Shown};
use crate::account::{Logins, Members};
use crate::halt::Halt;
use crate::props::Props;
use crate::settings::Settings;

/// The logins that the rules would give to each user.
type Expected = BTreeMap<(ContextId, OxUserId), String>;

/// Everything in which the sides of a functional account differ.
pub(crate) fn compare(
    both: &Both<'_>,
    settings: &Settings,
    objects: &Objects,
    remote: &mut Remote,
) -> Result<Vec<Finding>, Error> {
    let (old, new) = (Props(both.snapshot), Props(both.directory));
    let sent = match expected(both.id, old, settings, objects) {
        Ok(expected) => expected,
        Err(halt) => return Ok(vec![Finding::unusable("snapshot", halt)]),
    };
    let wanted = match expected(both.id, new, settings, objects) {
        Ok(expected) => expected,
        Err(halt) => return Ok(vec![Finding::unusable("directory", halt)]),
    };
    let mut names = Names::new();
    member::names_of(old, objects, &mut names)?;
    member::names_of(new, objects, &mut names)?;
    let address = old.text("mailPrimaryAddress").unwrap_or_default();
    let (mut findings, mut of_ox) = (Vec::new(), Vec::new());
    for context in remote.contexts()? {
        let (sent, wanted) = (users(&sent, context), users(&wanted, context));
        if remote.admin(context)?.is_none() {
            findings.extend(member::trouble(remote, context, &sent, &wanted));
            continue;
        }
        let accounts = remote.accounts(context, address)?;
        let has: BTreeSet<OxUserId> = accounts.iter().filter_map(Account::user).collect();
        findings.extend(member::compare(context, "userId", &sent, &has, &wanted, &names));
        of_ox.extend(accounts.into_iter().map(|account| (context, account)));
    }
    for (property, field) in [("name", AccountField::Name), ("personal", AccountField::Personal)] {
        // They are the same for all users, so the first that differs tells it.
        findings.extend(of_ox.iter().find_map(|(context, account)| {
            let sides = Sides {
                snapshot: Shown::of_property(both.snapshot.get(property)),
                ox: Shown::of_field(account.get(field)),
                directory: Shown::of_property(both.directory.get(property)),
            };
            let found = Finding::difference(property, Some(field.as_str()), sides, Same::Exactly)?;
            Some(found.within(*context))
        }));
    }
    findings.extend(
        of_ox.iter().find_map(|(context, account)| {
            compare_login(*context, account, &sent, &wanted, &names)
        }),
    );
    let done: Vec<String> = findings
        .iter()
        .filter_map(|finding| finding.row.as_ref())
        .map(|row| row.property.clone())
        .collect();
    let is_done = |name: &str| done.iter().any(|known| known == name);
    findings.extend(property::compare(
        Module::FunctionalAccount,
        both.snapshot,
        both.directory,
        |_| false,
        is_done,
    ));
    Ok(findings)
}

fn expected(
    id: &str,
    props: Props<'_>,
    settings: &Settings,
    objects: &Objects,
) -> Result<Expected, Halt> {
    let logins = Logins {
        template: &settings.account_login,
        objects,
        account: id,
        address: props.text("mailPrimaryAddress").unwrap_or_default(),
    };
    let members = Members::of(objects, Some(props), None)?;
    let mut expected = Expected::new();
    for (context, members) in &members.0 {
        for member in members {
            expected.insert((*context, member.id), logins.of(member, *context)?);
        }
    }
    Ok(expected)
}

fn users(expected: &Expected, context: ContextId) -> BTreeSet<OxUserId> {
    let here = expected.keys().filter(|(place, _)| *place == context);
    here.map(|(_, user)| *user).collect()
}

/// An account that OX tells without login is not compared.
fn compare_login(
    context: ContextId,
    account: &Account,
    sent: &Expected,
    wanted: &Expected,
    names: &Names,
) -> Option<Finding> {
    let user = (context, account.user()?);
    let login = account.text(AccountField::Login)?;
    let shown = |expected: &Expected| match expected.get(&user) {
        Some(login) => Shown::text(login.as_str()),
        None => Shown::NotCompared,
    };
    let sides = Sides { snapshot: shown(sent), ox: Shown::text(login), directory: shown(wanted) };
    let found = Finding::difference("login", Some("login"), sides, Same::Exactly)?;
    let name = names.get(&user).cloned().unwrap_or_else(|| format!("id {}", user.1));
    Some(found.within(context).noting(format!("of user {name}")))
}
