//! The requests that bring a class to a state.

use std::collections::{BTreeSet, HashMap};

use idspool_kelvin_client::{Class, RefusalKind};
use idspool_provisioner::{Delivery, Fault};
use idspool_udm::school::Role;
use tracing::info;

use super::address::Address;
use super::deliver::{Goal, Work};
use super::members;
use super::partial::{Person, Rules};
use super::unknown::Search;
use super::wanted::{Wanted, members_of};
use crate::client;
use crate::conf::Plugin;
use crate::halt::Halt;

impl Work<'_> {
    /// Creates or changes the class under its own name. Returns the names of members that the server does not
    /// know, in lower case.
    pub(super) fn put(&self, goal: &Goal<'_>) -> Result<BTreeSet<String>, Halt> {
        let Address { school, name } = &goal.wanted.address;
        match self.kelvin().class(school, name)? {
            Some(found) => self.change(goal, &found, &[]),
            None => self.create(goal),
        }
    }

    fn create(&self, goal: &Goal<'_>) -> Result<BTreeSet<String>, Halt> {
        info!("Group does not exist on target system, creating it.");
        let members = self.members(goal, &[])?;
        let created = self.send(goal, members, |members| {
            let attributes = goal.wanted.to_create(members);
            self.kelvin().create_class(&attributes)?;
            Ok(())
        });
        match created {
            Ok(unknown) => {
                info!("School class created: {}", self.place(&goal.wanted.address));
                Ok(unknown)
            }
            // Somebody was faster; or the name is that of a group that is no class.
            Err(halt) if halt.refusal() == Some(&RefusalKind::Taken) => {
                let Address { school, name } = &goal.wanted.address;
                match self.kelvin().class(school, name)? {
                    Some(found) => self.change(goal, &found, &[]),
                    None => Err(halt),
                }
            }
            Err(halt) => Err(halt),
        }
    }

    /// Changes a class that is there, its name included. `more` are further members that the server has for it.
    pub(super) fn change(
        &self,
        goal: &Goal<'_>,
        found: &Class,
        more: &[String],
    ) -> Result<BTreeSet<String>, Halt> {
        info!("Group exists on target system, modifying it.");
        let mut remote: Vec<String> = members_of(found).map(str::to_owned).collect();
        remote.extend(more.iter().cloned());
        let mut members = self.members(goal, &remote)?;
        if members.is_none() && !more.is_empty() {
            members = Some(remote);
        }
        let mut is_sent = false;
        let unknown = self.send(goal, members, |members| {
            let changes = goal.wanted.to_change(found, members, self.delivery.forced);
            is_sent = !changes.is_empty();
            if is_sent {
                self.kelvin().change_class(&found.school, &found.name, &changes)?;
            }
            Ok(())
        })?;
        let place = self.place(&goal.wanted.address);
        if is_sent || self.delivery.forced {
            info!("School class modified: {place}");
        } else {
            info!("School class is as expected: {place}");
        }
        Ok(unknown)
    }

    /// Sends a class, again without those members whom the server turns out not to know.
    fn send(
        &self,
        goal: &Goal<'_>,
        mut members: Option<Vec<String>>,
        mut send: impl FnMut(Option<&[String]>) -> Result<(), Halt>,
    ) -> Result<BTreeSet<String>, Halt> {
        let delivered: HashMap<String, &str> =
            goal.members.iter().map(|member| (member.name.to_lowercase(), member.dn)).collect();
        let is_delivered = |name: &str| {
            delivered.get(name).is_none_or(|dn| members::is_delivered(self.delivery, dn))
        };
        let mut search = Search::new(self.kelvin(), &goal.wanted.address.school);
        let mut unknown = BTreeSet::new();
        loop {
            let halt = match send(members.as_deref()) {
                Ok(()) => return Ok(unknown),
                Err(halt) => halt,
            };
            let Some(members) = &mut members else { return Err(halt) };
            let found = search.after(&halt, members, is_delivered)?;
            if found.is_empty() {
                if matches!(halt.refusal(), Some(RefusalKind::NoReference(_))) {
                    // The school, most likely: it has to be looked for again.
                    self.site.target.forget();
                }
                return Err(halt);
            }
            members.retain(|name| !found.contains(&name.to_lowercase()));
            unknown.extend(found);
        }
    }

    /// The names to send; `None`: members are not ours to say. `remote` are those that the server has.
    fn members(&self, goal: &Goal<'_>, remote: &[String]) -> Result<Option<Vec<String>>, Fault> {
        if !goal.wanted.has_members {
            return Ok(None);
        }
        let authority = &self.site.authority;
        if authority.plugin == Plugin::Kelvin {
            return Ok(Some(goal.members.iter().map(|member| member.name.clone()).collect()));
        }
        // Who is no longer a member may have another name at the server, too.
        let Delivery { previous, objects, .. } = *self.delivery;
        let former = previous.map(|previous| members::of(self.site, objects, previous));
        let former = former.transpose()?.unwrap_or_default();
        let uids: HashMap<String, &str> = former
            .named
            .iter()
            .chain(&goal.members)
            .map(|member| (member.name.to_lowercase(), member.uid.as_str()))
            .collect();
        let local: Vec<Person<'_>> = goal.members.iter().map(|member| member.person()).collect();
        let remote: Vec<Person<'_>> = remote
            .iter()
            .map(|name| Person {
                name,
                uid: uids.get(&name.to_lowercase()).copied().unwrap_or(name),
            })
            .collect();
        let handled = self.site.schools.schools_of(&authority.name);
        let rules = Rules { ignored: &authority.ignored_roles, handled };
        let asked = rules.in_question(&local, &remote);
        let roles = self.roles(&asked)?;
        Ok(Some(rules.merge(&local, &remote, &roles)))
    }

    /// The school users among these in our directory, by name in lower case.
    pub(super) fn roles(&self, names: &[&str]) -> Result<HashMap<String, Vec<Role>>, Fault> {
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.site.source.roles(names).map_err(|error| {
            Fault::transient(error.to_string())
                .with_remedy("check that the LDAP server runs; the queue goes on by itself")
        })?;
        Ok(found.into_iter().map(|(name, roles)| (name.to_lowercase(), roles)).collect())
    }
}

/// A refusal, with what is known to cause it for classes.
pub(super) fn explain(halt: Halt, wanted: &Wanted) -> Halt {
    let Halt::Call(error) = halt else { return halt };
    if error.refusal().is_none_or(|refusal| refusal.kind != RefusalKind::Invalid) {
        return Halt::Call(error);
    }
    let (fault, name) = (client::fault(&error), &wanted.address.name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    let remedy = if !name.chars().all(is_plain) {
        format!(
            "rename the class in the directory: Kelvin takes letters without umlauts, digits, '.', '-', '_', and \
             spaces between them, but not '{name}'"
        )
    } else if wanted.has_members {
        format!(
            "if a member was moved to another school or got another role a short time ago: Kelvin remembers its \
             former place until the app at the server is restarted; the queue goes on by itself. Otherwise {}",
            error.remedy()
        )
    } else {
        error.remedy()
    };
    fault.with_remedy(remedy).into()
}
