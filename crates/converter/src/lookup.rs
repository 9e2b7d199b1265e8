//! Everything a round needs to know from LDAP, with few searches.

use std::collections::{HashMap, HashSet};

use idspool_directory::{Directory, Error};
use idspool_service::GroupsFrom;
use idspool_udm::mapping::{
    DEFAULT_CONTAINERS_ATTRIBUTES, DEFAULT_CONTAINERS_FILTER, DOMAIN_ATTRIBUTES, DOMAIN_FILTER,
    MEMBER_ATTRIBUTES, MEMBERSHIP_ATTRIBUTES, MEMBERSHIP_FILTER, Needs, PRIMARY_GROUP_ATTRIBUTES,
    PRIMARY_GROUP_FILTER, Related, SHARE_ATTRIBUTES,
};
use idspool_udm::{Entry, EntryUuid, Module};

/// What LDAP says about a round.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// An entryUUID that is not here does not exist.
    pub(crate) entries: HashMap<EntryUuid, Entry>,
    pub(crate) related: Related,
}

/// Looks everything up. Several changes of one entry cost one look-up.
pub(crate) fn look_up<'u>(
    directory: &mut Directory,
    uuids: impl Iterator<Item = &'u EntryUuid>,
    attributes: &[&str],
    groups_from: GroupsFrom,
    is_wanted: impl Fn(Module) -> bool,
) -> Result<Found, Error> {
    let mut seen = HashSet::new();
    let uuids: Vec<EntryUuid> = uuids.filter(|uuid| seen.insert(*uuid)).cloned().collect();
    let entries = directory.entries_by_uuid(&uuids, attributes)?;
    let related = relate(directory, entries.values(), groups_from, is_wanted)?;
    Ok(Found { entries, related })
}

/// What other entries say about these.
pub(crate) fn relate<'e>(
    directory: &mut Directory,
    entries: impl Iterator<Item = &'e Entry>,
    groups_from: GroupsFrom,
    is_wanted: impl Fn(Module) -> bool,
) -> Result<Related, Error> {
    let mut needs = Needs::default();
    for entry in entries {
        if let Some(module) = Module::of(entry).filter(|module| is_wanted(*module)) {
            needs.add(module, entry);
        }
    }
    let needs = &needs;
    let mut related = Related::default();
    let numbers: Vec<_> = needs.gid_numbers.iter().collect();
    for group in directory.entries_having(
        "gidNumber",
        &numbers,
        PRIMARY_GROUP_FILTER,
        PRIMARY_GROUP_ATTRIBUTES,
    )? {
        related.add_group(&group);
    }
    let members: Vec<_> = needs.members.values().collect();
    for member in directory.entries_by_dn(&members, MEMBER_ATTRIBUTES)? {
        related.add_member(&member);
    }
    if groups_from == GroupsFrom::Search {
        related.expect_memberships(needs);
        let members: Vec<_> = needs.groups_of.values().collect();
        for group in
            directory.entries_listing(&members, MEMBERSHIP_FILTER, MEMBERSHIP_ATTRIBUTES)?
        {
            related.add_membership(&group);
        }
    }
    if needs.default_containers {
        for entry in
            directory.entries_matching(DEFAULT_CONTAINERS_FILTER, DEFAULT_CONTAINERS_ATTRIBUTES)?
        {
            related.add_default_containers(&entry);
        }
    }
    for share in shares(directory, needs)? {
        related.add_share(&share);
    }
    if needs.lockout_duration {
        for entry in directory.entries_matching(DOMAIN_FILTER, DOMAIN_ATTRIBUTES)? {
            related.add_domain(&entry);
        }
    }
    Ok(related)
}

/// Shares that may be the one a home directory is in.
fn shares(directory: &mut Directory, needs: &Needs) -> Result<Vec<Entry>, Error> {
    /// A single change shall not cost the list of all shares of a large file server; a whole round
    /// shall not cost one term per home directory.
    const MANY_PATHS: usize = 64;
    let paths: HashSet<&String> = needs.shares.values().flatten().collect();
    let paths: Vec<_> = paths.into_iter().collect();
    let hosts: Vec<_> = needs.shares.keys().collect();
    let (attribute, values, restriction) = if paths.len() > MANY_PATHS {
        ("univentionShareHost", hosts, "(univentionSharePath=*)")
    } else {
        ("univentionSharePath", paths, "(univentionShareHost=*)")
    };
    directory.entries_having(attribute, &values, restriction, SHARE_ATTRIBUTES)
}
