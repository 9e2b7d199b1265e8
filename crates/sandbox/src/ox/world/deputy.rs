//! Deputy permissions of the users of one context.

use std::collections::{BTreeMap, BTreeSet};

/// What one user lets another one do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deputy {
    /// Name of the permission, drawn by the server.
    pub id: String,
    /// User who grants.
    pub grantor: i32,
    /// User who may act.
    pub user: i32,
    /// Whether the deputy may send mail in the grantor's name.
    pub sends_on_behalf: bool,
    /// Modules in which something is permitted, as sent.
    pub modules: Vec<Module>,
}

/// What a deputy may do in one module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// `mail` or `calendar`.
    pub name: String,
    /// Whether the deputy administers the folder.
    pub is_admin: bool,
    /// Permissions on folder, reading, writing and deleting; 0 is none.
    pub levels: [i32; 4],
}

impl Module {
    /// Whether nothing is permitted; such a module is not kept.
    pub(crate) fn is_empty(&self) -> bool {
        !self.is_admin && self.levels == [0; 4]
    }
}

/// All permissions of a context, and who may not grant any.
#[derive(Debug, Default)]
pub(crate) struct Deputies {
    /// By grantor and deputy.
    granted: BTreeMap<(i32, i32), Deputy>,
    /// Deputy and grantor, to find those of a user who goes.
    grantors: BTreeSet<(i32, i32)>,
    blocked: BTreeSet<i32>,
    drawn: u32,
}

impl Deputies {
    /// The next name of a permission.
    pub(crate) fn draw_id(&mut self) -> String {
        self.drawn += 1;
        format!("deputy-{}", self.drawn)
    }

    pub(crate) fn has(&self, grantor: i32, user: i32) -> bool {
        self.granted.contains_key(&(grantor, user))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Deputy> {
        self.granted.values()
    }

    pub(crate) fn insert(&mut self, deputy: Deputy) {
        self.grantors.insert((deputy.user, deputy.grantor));
        self.granted.insert((deputy.grantor, deputy.user), deputy);
    }

    /// Removes what a user granted.
    pub(crate) fn revoke(&mut self, grantor: i32) {
        let own = self.granted.range((grantor, i32::MIN)..=(grantor, i32::MAX));
        let own: Vec<i32> = own.map(|((_, user), _)| *user).collect();
        for user in own {
            self.granted.remove(&(grantor, user));
            self.grantors.remove(&(user, grantor));
        }
    }

    /// Removes what a user granted and was granted.
    pub(crate) fn forget_user(&mut self, id: i32) {
        self.revoke(id);
        let given = self.grantors.range((id, i32::MIN)..=(id, i32::MAX));
        let given: Vec<i32> = given.map(|(_, grantor)| *grantor).collect();
        for grantor in given {
            self.granted.remove(&(grantor, id));
            self.grantors.remove(&(id, grantor));
        }
        self.blocked.remove(&id);
    }

    /// Users who may not grant permissions on their own.
    pub(crate) fn blocked(&self) -> impl Iterator<Item = i32> {
        self.blocked.iter().copied()
    }

    pub(crate) fn set_blocked(&mut self, user: i32, is_blocked: bool) {
        if is_blocked {
            self.blocked.insert(user);
        } else {
            self.blocked.remove(&user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_who_goes_takes_both_sides_along() {
        let mut deputies = Deputies::default();
        for (grantor, user) in [(3, 4), (3, 5), (4, 3), (5, 4)] {
            let id = deputies.draw_id();
            deputies.insert(Deputy {
                id,
                grantor,
                user,
                sends_on_behalf: true,
                modules: Vec::new(),
            });
        }
        deputies.set_blocked(3, true);
        deputies.set_blocked(5, true);
        deputies.forget_user(3);
        let left: Vec<(i32, i32)> = deputies.all().map(|one| (one.grantor, one.user)).collect();
        assert_eq!(left, [(5, 4)]);
        assert_eq!(deputies.blocked().collect::<Vec<_>>(), [5]);
        deputies.revoke(5);
        assert_eq!(deputies.all().count(), 0);
        assert!(deputies.grantors.is_empty());
    }
}
