//! Groups: the members that the rules would send to each context, against those that OX has.

use std::collections::BTreeSet;

use idspool_ox_soap::{ContextId, Group, OxUserId};
use idspool_provisioner::{Fault, Objects};
use idspool_udm::Module;

use super::error::Error;
use super::finding::{Finding, Kind, Sides};
use super::member::{self, Names};
use super::pair::Both;
use super::property;
use super::remote::Remote;
use super::shown::{Same, Shown};
use crate::group::{FanOut, IDENTIFIER, fan_out, is_reserved};
use crate::ox_name::OxName;
use crate::props::{OX_DB_GROUPNAME, Props};
use crate::settings::{Identifier, Settings};

/// The name that was last written to OX (ox-provisioning 5.5.2).
pub(crate) fn written_name<'a>(
    props: Props<'a>,
    id: &'a str,
    settings: &Settings,
) -> Result<&'a str, Fault> {
    OxName::of_old(props, id, &settings.group_identifier, OX_DB_GROUPNAME, "name")
        .required_by(IDENTIFIER)
}

/// Everything in which the sides of an OX group differ.
pub(crate) fn compare(
    both: &Both<'_>,
    settings: &Settings,
    objects: &Objects,
    remote: &mut Remote,
) -> Result<Vec<Finding>, Error> {
    let (snapshot, directory) = (Props(both.snapshot), Props(both.directory));
    let name = match written_name(snapshot, both.id, settings) {
        Ok(name) => name,
        Err(fault) => return Ok(vec![Finding::unusable("snapshot", fault)]),
    };
    // OX keeps that one itself.
    if is_reserved(name) {
        return Ok(Vec::new());
    }
    let sent = match fan_out(objects, Some(snapshot), None) {
        Ok(members) => members,
        Err(halt) => return Ok(vec![Finding::unusable("snapshot", halt)]),
    };
    let wanted = match fan_out(objects, Some(directory), None) {
        Ok(members) => members,
        Err(halt) => return Ok(vec![Finding::unusable("directory", halt)]),
    };
    let mut names = Names::new();
    if sent != wanted {
        member::names_of(directory, objects, &mut names)?;
    }
    member::names_of(snapshot, objects, &mut names)?;
    let mut findings = Vec::new();
    for context in remote.contexts()? {
        let (sent, wanted) = (members(&sent, context), members(&wanted, context));
        if remote.admin(context)?.is_none() {
            findings.extend(member::trouble(remote, context, &sent, &wanted));
            continue;
        }
        let Some(group) = remote.group_named(context, name)? else {
            if !sent.is_empty() || !wanted.is_empty() {
                findings.push(Finding::of(Kind::NotInOx).within(context));
            }
            continue;
        };
        let has: BTreeSet<OxUserId> = group.members().collect();
        findings.extend(member::compare(context, "members", &sent, &has, &wanted, &names));
        // In a context without members the name of what is left over does not matter.
        if !wanted.is_empty() {
            let found = compare_name(both, settings, &group);
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

fn members(members: &FanOut, context: ContextId) -> BTreeSet<OxUserId> {
    members.get(&context).into_iter().flat_map(|members| members.ids()).collect()
}

fn compare_name(both: &Both<'_>, settings: &Settings, group: &Group) -> Option<Finding> {
    let identifier = &settings.group_identifier;
    let property = match identifier {
        Identifier::EntryUuid => "entryUUID",
        Identifier::Property(property) => property,
    };
    let new = |side| {
        let name = OxName::of_new(Props(side), both.id, identifier).required_by(IDENTIFIER);
        Shown::text(name.unwrap_or_default())
    };
    let sides = Sides {
        snapshot: new(both.snapshot),
        ox: Shown::text(group.name().unwrap_or_default()),
        directory: new(both.directory),
    };
    Finding::difference(property, Some("name"), sides, Same::Exactly)
}
