//! Resources, contexts and access profiles: objects of a few fields.

use idspool_ox_soap::{ContextField, ContextId, ResourceField};
use idspool_udm::Module;

use super::error::Error;
use super::finding::{Finding, Kind, Sides};
use super::member::unusable;
use super::pair::Both;
use super::property;
use super::remote::Remote;
use super::shown::{Same, Shown};
use crate::profile::Profiles;
use crate::props::Props;

const RESOURCE: [(&str, ResourceField, Same); 4] = [
    ("name", ResourceField::Name, Same::Exactly),
    ("displayname", ResourceField::Displayname, Same::Exactly),
    ("description", ResourceField::Description, Same::Exactly),
    ("resourceMailAddress", ResourceField::Email, Same::AnyCase),
];

/// Everything in which the sides of a resource differ.
pub(crate) fn resource(both: &Both<'_>, remote: &mut Remote) -> Result<Vec<Finding>, Error> {
    let props = Props(both.snapshot);
    let mut findings = Vec::new();
    let context = match props.context() {
        Ok(context) => context,
        Err(problem) => return Ok(vec![unusable("snapshot", problem)]),
    };
    // Without a context, or without its credentials, it is skipped in provisioning.
    if let Some(context) = context
        && remote.admin(context)?.is_some()
    {
        let name = props.text("name").unwrap_or_default();
        match remote.resource_named(context, name)? {
            None => findings.push(Finding::of(Kind::NotInOx).within(context)),
            Some(found) => {
                for (property, field, same) in RESOURCE {
                    let wanted = Shown::of_property(both.directory.get(property));
                    let sides = Sides {
                        snapshot: Shown::of_property(both.snapshot.get(property)),
                        // What has no value is not sent, but for the description.
                        ox: match field {
                            ResourceField::Displayname | ResourceField::Email
                                if wanted == Shown::Nothing =>
                            {
                                Shown::NotCompared
                            }
                            _ => Shown::of_field(found.get(field)),
                        },
                        directory: wanted,
                    };
                    let found = Finding::difference(property, Some(field.as_str()), sides, same);
                    findings.extend(found.map(|found| found.within(context)));
                }
            }
        }
    }
    extend_with_states(Module::Resource, both, &mut findings);
    Ok(findings)
}

/// Everything in which the sides of a context differ.
pub(crate) fn context(both: &Both<'_>, remote: &Remote) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    let id: Option<ContextId> =
        match Props(both.snapshot).number("contextid", "the number of a context") {
            Ok(id) => id,
            Err(problem) => return Ok(vec![unusable("snapshot", problem)]),
        };
    // Without the master's credentials somebody else looks after contexts.
    if let Some(id) = id
        && let Ok(found) = remote.context(id)?
    {
        match found {
            None => findings.push(Finding::of(Kind::NotInOx).within(id)),
            Some(found) => {
                for (name, field) in
                    [("name", ContextField::Name), ("oxQuota", ContextField::MaxQuota)]
                {
                    let ox = match (field, Shown::of_field(found.get(field))) {
                        // OX leaves an unlimited quota out.
                        (ContextField::MaxQuota, Shown::Nothing) => Shown::text("-1"),
                        (_, value) => value,
                    };
                    let sides = Sides {
                        snapshot: property::shown(name, both.snapshot.get(name)),
                        ox,
                        directory: property::shown(name, both.directory.get(name)),
                    };
                    let found =
                        Finding::difference(name, Some(field.as_str()), sides, Same::Exactly);
                    findings.extend(found.map(|found| found.within(id)));
                }
            }
        }
    }
    extend_with_states(Module::Context, both, &mut findings);
    Ok(findings)
}

/// Everything in which an access profile differs from the file that takes OX's place here.
pub(crate) fn access_profile(both: &Both<'_>, profiles: &Profiles) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = Props(both.snapshot).text("name").unwrap_or_default().trim();
    match profiles.get(name) {
        None => findings.push(
            Finding::of(Kind::NotInOx).noting("it is not in ModuleAccessDefinitions.properties"),
        ),
        Some(granted) => {
            for flag in crate::profile::flag_names() {
                let ox = if granted.contains(&flag) { "TRUE" } else { "FALSE" };
                let sides = Sides {
                    snapshot: property::shown(&flag, both.snapshot.get(&flag)),
                    ox: Shown::text(ox),
                    directory: property::shown(&flag, both.directory.get(&flag)),
                };
                findings.extend(Finding::difference(&flag, None, sides, Same::Exactly));
            }
        }
    }
    extend_with_states(Module::AccessProfile, both, &mut findings);
    findings
}

/// Adds what differs between snapshot and directory alone.
fn extend_with_states(module: Module, both: &Both<'_>, findings: &mut Vec<Finding>) {
    let done: Vec<String> = findings
        .iter()
        .filter_map(|finding| finding.row.as_ref())
        .map(|row| row.property.clone())
        .collect();
    let is_done = |name: &str| done.iter().any(|known| known == name);
    findings.extend(property::compare(module, both.snapshot, both.directory, |_| false, is_done));
}
