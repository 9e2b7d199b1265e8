//! Functional accounts: the users that should have one, and what they see of it.

use std::collections::{BTreeMap, BTreeSet};

use idspool_ox_soap::{Account, AccountField, ContextId, OxUserId};
use idspool_provisioner::Objects;
use idspool_udm::Module;

use super::error::Error;
use super::finding::{Finding, Kind, Sides};
use super::member::{self, Members, Names};
use super::pair::Both;
use super::property;
use super::remote::Remote;
use super::shown::{Same, Shown};
use crate::halt::Halt;
use crate::props::Props;
use crate::settings::Settings;

/// What the rules would give to each user.
struct Expected {
    members: Members,
    logins: BTreeMap<(ContextId, OxUserId), String>,
}

/// Everything in which the sides of a functional account differ.
pub(crate) fn compare(
    both: &Both<'_>,
    settings: &Settings,
    objects: &Objects,
    remote: &mut Remote,
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    let mut names = Names::new();
    let (old, new) = (Props(both.snapshot), Props(both.directory));
    let sent = expected(both.id, old, settings, objects, &mut names, &mut findings)?;
    let wanted = expected(both.id, new, settings, objects, &mut names, &mut findings)?;
    let Some(address) = old.text("mailPrimaryAddress") else {
        let problem = "the functional account has no mailPrimaryAddress";
        return Ok(vec![Finding::of(Kind::Unusable).noting(problem)]);
    };
    let mut of_ox = Vec::new();
    for context in remote.contexts()? {
        let accounts = remote.accounts(context, address)?;
        let has: BTreeSet<OxUserId> = accounts.iter().filter_map(Account::user).collect();
        let (sent_here, wanted_here) = (sent.members.of(context), wanted.members.of(context));
        let found = member::compare(context, "userId", &sent_here, &has, &wanted_here, &names);
        findings.extend(found);
        of_ox.extend(accounts.into_iter().map(|account| (context, account)));
    }
    for (property, field) in [("name", AccountField::Name), ("personal", AccountField::Personal)] {
        let found = of_ox.iter().find_map(|(context, account)| {
            let sides = Sides {
                snapshot: Shown::of_property(both.snapshot.get(property)),
                ox: Shown::of_field(account.get(field)),
                directory: Shown::of_property(both.directory.get(property)),
            };
            let found = Finding::difference(property, Some(field.as_str()), sides, Same::Exactly)?;
            Some(found.within(*context))
        });
        findings.extend(found);
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
    names: &mut Names,
    findings: &mut Vec<Finding>,
) -> Result<Expected, Error> {
    let mut expected = Expected { members: Members::default(), logins: BTreeMap::new() };
    let address = props.text("mailPrimaryAddress");
    for member in member::of_state(props, objects, names, findings)? {
        expected.members.add(&member);
        let Some(user) = objects.snapshot(&member.id)? else { continue };
        let Some(object) = &user.object else { continue };
        let login = settings.account_login.render(|token| match token {
            "fa_entry_uuid" => Some(id),
            "fa_email_address" => address,
            "entry_uuid" => Some(user.id.as_str()),
            "dn" => Some(user.dn.as_str()),
            property => Props(object).text(property),
        });
        match login {
            Ok(login) => {
                expected.logins.insert((member.context, member.user), login);
            }
            Err(problem) => {
                let problem = format!("login of {}: {problem}", user.dn);
                findings.push(Finding::of(Kind::Unusable).noting(problem));
            }
        }
    }
    Ok(expected)
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
    let shown = |expected: &Expected| match expected.logins.get(&user) {
        Some(login) => Shown::text(login.as_str()),
        None => Shown::NotCompared,
    };
    let sides = Sides { snapshot: shown(sent), ox: Shown::text(login), directory: shown(wanted) };
    let found = Finding::difference("login", Some("login"), sides, Same::Exactly)?;
    let name = names.get(&user).cloned().unwrap_or_else(|| format!("id {}", user.1));
    Some(found.within(context).noting(format!("of user {name}")))
}

impl From<crate::template::NoValue> for Error {
    fn from(problem: crate::template::NoValue) -> Self {
        Self::from(Halt::from(problem))
    }
}
