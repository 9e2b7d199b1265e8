//! Groups: the members that the rules would send to each context, against those that OX has.

use std::collections::BTreeSet;

use idspool_ox_soap::{Group, OxUserId};
use idspool_provisioner::Objects;
use idspool_udm::Module;
use serde_json::Value;

use super::error::Error;
use super::finding::{Finding, Kind, Sides};
use super::member::{self, Members, Names};
use super::pair::Both;
use super::property;
use super::remote::Remote;
use super::shown::{Same, Shown};
use crate::props::{OX_DB_GROUPNAME, Props};
use crate::settings::{Identifier, Settings};

/// The name of a group in OX that a state asks for.
fn name<'a>(props: Props<'a>, id: &'a str, identifier: &Identifier) -> Option<&'a str> {
    match identifier {
        Identifier::EntryUuid => Some(id),
        Identifier::Property(property) => props.text(property),
    }
}

/// The name that was last written to OX (ox-provisioning 5.5.2).
pub(crate) fn written_name<'a>(
    props: Props<'a>,
    id: &'a str,
    identifier: &Identifier,
) -> Option<&'a str> {
    let written = props.text(OX_DB_GROUPNAME).or_else(|| name(props, id, identifier));
    written.or_else(|| props.text("name"))
}

/// Everything in which the sides of an OX group differ.
pub(crate) fn compare(
    both: &Both<'_>,
    settings: &Settings,
    objects: &Objects,
    remote: &mut Remote,
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    let (snapshot, directory) = (Props(both.snapshot), Props(both.directory));
    let identifier = &settings.group_identifier;
    let Some(known_as) = written_name(snapshot, both.id, identifier) else {
        let problem = "the group has no name: OX_GROUP_IDENTIFIER names a property without value";
        return Ok(vec![Finding::of(Kind::Unusable).noting(problem)]);
    };
    // OX keeps that one itself.
    if known_as.eq_ignore_ascii_case("users") {
        return Ok(findings);
    }
    let mut names = Names::new();
    let mut members = |props, findings: &mut _| -> Result<Members, Error> {
        let mut members = Members::default();
        for member in member::of_state(props, objects, &mut names, findings)? {
            members.add(&member);
        }
        Ok(members)
    };
    let sent = members(snapshot, &mut findings)?;
    let wanted = members(directory, &mut findings)?;
    let property = match identifier {
        Identifier::EntryUuid => "entryUUID",
        Identifier::Property(property) => property,
    };
    for context in remote.contexts()? {
        let (sent, wanted) = (sent.of(context), wanted.of(context));
        let Some(group) = remote.group_named(context, known_as)? else {
            if !sent.is_empty() || !wanted.is_empty() {
                findings.push(Finding::of(Kind::NotInOx).within(context));
            }
            continue;
        };
        let has: BTreeSet<OxUserId> = group.members().collect();
        findings.extend(member::compare(context, "members", &sent, &has, &wanted, &names));
        // In a context without members the name of what is left over does not matter.
        if !wanted.is_empty() {
            let sides = Sides {
                snapshot: shown_name(name(snapshot, both.id, identifier)),
                ox: shown_name(Group::name(&group)),
                directory: shown_name(name(directory, both.id, identifier)),
            };
            let found = Finding::difference(property, Some("name"), sides, Same::Exactly);
            findings.extend(found.map(|found| found.within(context)));
        }
    }
    let is_done = |name: &str| {
        findings.iter().filter_map(|found| found.row.as_ref()).any(|row| row.property == name)
    };
    let others =
        property::compare(Module::Group, both.snapshot, both.directory, |_| false, is_done);
    findings.extend(others);
    Ok(findings)
}

fn shown_name(name: Option<&str>) -> Shown {
    Shown::of_property(name.map(Value::from).as_ref())
}
