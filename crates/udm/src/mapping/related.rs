//! What a mapping needs of other entries, and where it finds it.
//!
//! The mapping itself never searches. The converter asks [`Needs`] what a batch of entries calls
//! for, answers with few searches for the whole batch, and feeds every entry found to [`Related`].
//!
//! | field of `Needs` | search | feed the entries to |
//! |---|---|---|
//! | `gid_numbers` | [`PRIMARY_GROUP_FILTER`] and one of `gidNumber` | [`Related::add_group`] |
//! | `members` | base search per DN, or by `entryDN`, for `objectClass` | [`Related::add_member`] |
//! | `groups_of` | [`MEMBERSHIP_FILTER`] and `uniqueMember` one of the DNs | [`Related::expect_memberships`] once, then [`Related::add_membership`] |
//! | `default_containers` | [`DEFAULT_CONTAINERS_FILTER`] | [`Related::add_default_containers`] |
//! | `shares` | `univentionShareHost` and one of the paths | [`Related::add_share`] |
//! | `lockout_duration` | [`DOMAIN_FILTER`] | [`Related::add_domain`] |
//!
//! Whatever is not supplied is left out of the object, or falls back to what the entry itself says;
//! the property descriptions in `udm-ldap.md` say which.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::{Entry, MemberKind, Module, dn};

use super::share;

/// Finds groups by number, for `primaryGroup`.
pub const PRIMARY_GROUP_FILTER: &str = "(|(objectClass=posixGroup)(objectClass=sambaGroupMapping))";
/// Finds groups by member, for `groups` and `memberOf`.
pub const MEMBERSHIP_FILTER: &str =
    "(|(objectClass=univentionGroup)(objectClass=sambaGroupMapping)(objectClass=posixGroup))";
/// Finds the one entry that lists the default containers of the domain.
pub const DEFAULT_CONTAINERS_FILTER: &str = "(objectClass=univentionDefault)";
/// Finds the one entry that has the lockout duration of the domain.
pub const DOMAIN_FILTER: &str = "(objectClass=sambaDomain)";

/// Attributes to ask for in the search for groups by number.
pub const PRIMARY_GROUP_ATTRIBUTES: &[&str] = &["objectClass", "gidNumber"];
/// Attributes to ask for when members are looked at.
pub const MEMBER_ATTRIBUTES: &[&str] = &["objectClass"];
/// Attributes to ask for in the search for groups by member.
pub const MEMBERSHIP_ATTRIBUTES: &[&str] =
    &["objectClass", "gidNumber", "uniqueMember", "univentionGuardianMemberRoles"];
/// Attributes to ask for of the entry that lists the default containers.
pub const DEFAULT_CONTAINERS_ATTRIBUTES: &[&str] = &[
    "univentionUsersObject",
    "univentionGroupsObject",
    "univentionComputersObject",
    "univentionDomainControllerComputersObject",
    "univentionPolicyObject",
    "univentionDnsObject",
    "univentionDhcpObject",
    "univentionNetworksObject",
    "univentionSharesObject",
    "univentionPrintersObject",
    "univentionMailObject",
    "univentionLicenseObject",
];
/// Attributes to ask for of shares.
pub const SHARE_ATTRIBUTES: &[&str] = &["univentionShareHost", "univentionSharePath"];
/// Attributes to ask for of the domain entry.
pub const DOMAIN_ATTRIBUTES: &[&str] = &["sambaLockoutDuration"];

/// What a batch of entries needs to know of others. Grows with [`Needs::add`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Needs {
    /// Numbers of primary groups.
    pub gid_numbers: BTreeSet<String>,
    /// DNs of members whose kind is not evident from the DN: key to spelling delivered.
    pub members: BTreeMap<String, String>,
    /// DNs of users and groups, to be searched for in the `uniqueMember` of groups: key to spelling
    /// delivered. For users this search can be spared when the directory maintains `memberOf`.
    pub groups_of: BTreeMap<String, String>,
    /// Whether the entry with the default containers is needed.
    pub default_containers: bool,
    /// Host names, each with the paths of which one may be a share.
    pub shares: BTreeMap<String, BTreeSet<String>>,
    /// Whether the entry with the lockout duration is needed.
    pub lockout_duration: bool,
}

impl Needs {
    /// What one entry needs.
    pub fn of(module: Module, entry: &Entry) -> Self {
        let mut needs = Self::default();
        needs.add(module, entry);
        needs
    }

    /// Adds what one more entry needs.
    pub fn add(&mut self, module: Module, entry: &Entry) {
        match module {
            Module::User => self.add_user(entry),
            Module::Group => {
                for member in entry.texts("uniquemember").filter(|member| !dn::is_user(member)) {
                    self.members.insert(dn::key(member).into_owned(), member.to_owned());
                }
                self.add_groups_of(entry);
            }
            Module::Ou => self.default_containers = true,
            Module::Context
            | Module::AccessProfile
            | Module::FunctionalAccount
            | Module::Resource => {}
        }
    }

    fn add_user(&mut self, entry: &Entry) {
        if let Some(number) = entry.first_text("gidnumber") {
            self.gid_numbers.insert(number.to_owned());
        }
        self.add_groups_of(entry);
        if let Some((host, path)) = entry.first_text("automountinformation").and_then(share::mount)
        {
            let paths = self.shares.entry(host.to_owned()).or_default();
            for path in share::candidates(path) {
                // Shares are stored in either spelling.
                paths.extend([path.to_owned(), format!("{path}/")]);
            }
        }
        let has_samba_lock = entry.first_text("sambaacctflags").is_some_and(|f| f.contains('L'));
        let has_kerberos_lock = entry
            .first_text("krb5kdcflags")
            .and_then(|flags| flags.trim().parse::<i64>().ok())
            .is_some_and(|flags| flags & (1 << 17) != 0);
        self.lockout_duration |= has_samba_lock || has_kerberos_lock;
    }

    fn add_groups_of(&mut self, entry: &Entry) {
        self.groups_of.insert(dn::key(&entry.dn).into_owned(), entry.dn.clone());
    }
}

/// What is known of other entries.
#[derive(Clone, Debug, Default)]
pub struct Related {
    primary_groups: HashMap<String, String>,
    members: HashMap<String, MemberKind>,
    groups_of: HashMap<String, Vec<Membership>>,
    default_containers: HashMap<&'static str, HashSet<String>>,
    shares: Vec<Share>,
    lockout_seconds: Option<i64>,
}

/// A group that lists somebody.
#[derive(Clone, Debug)]
struct Membership {
    dn: String,
    /// `univentionGroup` or `sambaGroupMapping`: counts for `groups` of users.
    counts_for_users: bool,
    /// `posixGroup`: counts for `memberOf` of groups.
    counts_for_groups: bool,
    /// `univentionGuardianMemberRoles`
    guardian_roles: Vec<String>,
}

#[derive(Clone, Debug)]
struct Share {
    dn: String,
    host: String,
    path: String,
}

impl Related {
    /// A group found by number. The first one of a number counts.
    pub fn add_group(&mut self, entry: &Entry) {
        if let Some(number) = entry.first_text("gidnumber") {
            self.primary_groups.entry(number.to_owned()).or_insert_with(|| entry.dn.clone());
        }
    }

    /// The entry of a member. Members never added count as users.
    pub fn add_member(&mut self, entry: &Entry) {
        self.members.insert(dn::key(&entry.dn).into_owned(), MemberKind::of(entry));
    }

    /// Says that a reverse search for the groups of `needs.groups_of` was made, so that no group
    /// found means none, and not "unknown". Without it, groups come from `memberOf`.
    pub fn expect_memberships(&mut self, needs: &Needs) {
        for key in needs.groups_of.keys() {
            self.groups_of.entry(key.clone()).or_default();
        }
    }

    /// A group found by member, with all of its `uniqueMember`. Counts for the entries announced
    /// with [`Related::expect_memberships`].
    pub fn add_membership(&mut self, group: &Entry) {
        let membership = Membership {
            dn: group.dn.clone(),
            counts_for_users: group.has_class("univentionGroup")
                || group.has_class("sambaGroupMapping"),
            counts_for_groups: group.has_class("posixGroup"),
            guardian_roles: group
                .texts("univentionguardianmemberroles")
                .map(str::to_owned)
                .collect(),
        };
        for member in group.texts("uniquemember") {
            if let Some(groups) = self.groups_of.get_mut(dn::key(member).as_ref()) {
                groups.push(membership.clone());
            }
        }
    }

    /// The entry that lists the default containers of the domain.
    pub fn add_default_containers(&mut self, entry: &Entry) {
        for name in DEFAULT_CONTAINERS_ATTRIBUTES {
            let keys = entry.texts(name).map(|dn| dn::key(dn).into_owned());
            self.default_containers.entry(name).or_default().extend(keys);
        }
    }

    /// The entry of a share.
    pub fn add_share(&mut self, entry: &Entry) {
        let host = entry.first_text("univentionsharehost");
        if let (Some(host), Some(path)) = (host, entry.first_text("univentionsharepath")) {
            self.shares.push(Share {
                dn: entry.dn.clone(),
                host: host.to_owned(),
                path: path.trim_end_matches('/').to_owned(),
            });
        }
    }

    /// The entry of the Samba domain.
    pub fn add_domain(&mut self, entry: &Entry) {
        let duration = entry.first_text("sambalockoutduration");
        self.lockout_seconds = duration.and_then(|seconds| seconds.trim().parse().ok());
    }

    pub(super) fn primary_group(&self, number: &str) -> Option<&str> {
        self.primary_groups.get(number).map(String::as_str)
    }

    pub(super) fn member(&self, member: &str) -> Option<MemberKind> {
        self.members.get(dn::key(member).as_ref()).copied()
    }

    /// `None`: nobody searched.
    pub(super) fn groups_of_user(&self, user: &str) -> Option<impl Iterator<Item = &str>> {
        let groups = self.groups_of.get(dn::key(user).as_ref())?;
        Some(groups.iter().filter(|group| group.counts_for_users).map(|group| group.dn.as_str()))
    }

    /// `None`: nobody searched.
    pub(super) fn groups_of_group(&self, group: &str) -> Option<impl Iterator<Item = &str>> {
        let groups = self.groups_of.get(dn::key(group).as_ref())?;
        Some(groups.iter().filter(|group| group.counts_for_groups).map(|group| group.dn.as_str()))
    }

    pub(super) fn guardian_roles_of(&self, user: &str) -> impl Iterator<Item = &str> {
        let groups = self.groups_of.get(dn::key(user).as_ref());
        groups
            .into_iter()
            .flatten()
            .flat_map(|group| group.guardian_roles.iter().map(String::as_str))
    }

    pub(super) fn is_default_container(&self, list: &str, container: &str) -> bool {
        self.default_containers
            .get(list)
            .is_some_and(|listed| listed.contains(dn::key(container).as_ref()))
    }

    /// Shares of exactly this directory of this host.
    pub(super) fn shares<'a>(
        &'a self,
        host: &'a str,
        path: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        let is_there =
            move |share: &&Share| share.host.eq_ignore_ascii_case(host) && share.path == path;
        self.shares.iter().filter(is_there).map(|share| share.dn.as_str())
    }

    pub(super) fn lockout_seconds(&self) -> Option<i64> {
        self.lockout_seconds
    }
}
