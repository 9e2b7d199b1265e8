//! Resources, contexts and access profiles: objects of a few fields.

use idspool_ox_soap::{ContextField, ResourceField};
use idspool_udm::Module;

use super::error::Error;
use super::finding::{Finding, Kind, Sides};
use super::pair::Both;
use super::property;
use super::remote::Remote;
use super::shown::{Same, Shown};
use crate::context::State;
use crate::profile::Profiles;
use crate::props::Props;
use crate::resource::fill;

const RESOURCE: [(&str, ResourceField, Same); 4] = [
    ("name", ResourceField::Name, Same::Exactly),
    ("displayname", ResourceField::Displayname, Same::Exactly),
    ("description", ResourceField::Description, Same::Exactly),
    ("resourceMailAddress", ResourceField::Email, Same::AnyCase),
];

const CONTEXT: [(&str, ContextField); 3] = [
    ("name", ContextField::Name),
    ("oxQuota", ContextField::MaxQuota),
    ("enabled", ContextField::Enabled),
];

/// Everything in which the sides of a resource differ.
pub(crate) fn resource(both: &Both<'_>, remote: &mut Remote) -> Result<Vec<Finding>, Error> {
    let (old, new) = (Props(both.snapshot), Props(both.directory));
    let mut findings = Vec::new();
    let context = match old.context() {
        Ok(context) => context,
        Err(problem) => return Ok(vec![Finding::unusable("snapshot", problem)]),
    };
    // Without a context, or without its credentials, it is skipped in provisioning.
    if let Some(context) = context
        && remote.admin(context)?.is_none()
    {
        if let Some(trouble) = remote.trouble(context).filter(|_| remote.is_single()) {
            findings.push(Finding::of(Kind::Unusable).within(context).noting(trouble));
        }
    } else if let Some(context) = context {
        let name = |side: Props<'_>| side.text("name").unwrap_or_default().to_owned();
        match remote.resource_named(context, &name(old))? {
            None => findings.push(Finding::of(Kind::NotInOx).within(context)),
            Some(found) => {
                let (sent, wanted) = (fill(old, &name(old)), fill(new, &name(new)));
                for (property, field, same) in RESOURCE {
                    let sides = Sides {
                        snapshot: Shown::of_field(sent.get(field)),
                        // What is not sent stays as it is.
                        ox: match wanted.get(field) {
                            Some(_) => Shown::of_field(found.get(field)),
                            None => Shown::NotCompared,
                        },
                        directory: Shown::of_field(wanted.get(field)),
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
    let (sent, wanted) = match (State::of(Props(both.snapshot)), State::of(Props(both.directory))) {
        (Ok(sent), Ok(wanted)) => (sent, wanted),
        (Err(halt), _) => return Ok(vec![Finding::unusable("snapshot", halt)]),
        (_, Err(halt)) => return Ok(vec![Finding::unusable("directory", halt)]),
    };
    // Without the master's credentials somebody else looks after contexts.
    if let Ok(found) = remote.context(sent.id)? {
        match found {
            None => findings.push(Finding::of(Kind::NotInOx).within(sent.id)),
            Some(found) => {
                let (old, new) = (sent.payload(), wanted.payload());
                for (name, field) in CONTEXT {
                    let sides = Sides {
                        snapshot: Shown::of_field(old.get(field)),
                        ox: match (field, Shown::of_field(found.get(field))) {
                            // OX leaves an unlimited quota out.
                            (ContextField::MaxQuota, Shown::Nothing) => Shown::text("-1"),
                            (_, value) => value,
                        },
                        directory: Shown::of_field(new.get(field)),
                    };
                    let found =
                        Finding::difference(name, Some(field.as_str()), sides, Same::Exactly);
                    findings.extend(found.map(|found| found.within(sent.id)));
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
                    snapshot: property::shown(
                        Module::AccessProfile,
                        &flag,
                        both.snapshot.get(&flag),
                    ),
                    ox: Shown::text(ox),
                    directory: property::shown(
                        Module::AccessProfile,
                        &flag,
                        both.directory.get(&flag),
                    ),
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
