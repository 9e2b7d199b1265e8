//! Random changes of a directory that has users, groups and containers of its own.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

/// A small generator of our own, so that a seed means the same everywhere (xorshift64*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }
}

const ROOT: &str = "dc=example,dc=org";

/// With fewer users than that only new ones are made.
const FEW: usize = 40;

struct Node {
    rdn: String,
    /// Index of the container; `None`: the root.
    parent: Option<usize>,
    is_there: bool,
}

/// What we have made, so that most changes are possible ones.
#[derive(Default)]
pub struct Tree {
    containers: Vec<Node>,
    users: Vec<Node>,
    groups: Vec<Node>,
    /// Names that were given up, to be used again at the same place.
    free: Vec<(String, Option<usize>)>,
    /// The same for OX, at other places: there nobody else may have one of them.
    former: Vec<String>,
    /// Names that may have been given up since the last [`Tree::confirm`].
    given_up: Vec<String>,
    counter: u64,
    /// Users and groups are those of OX, where no two may have one name.
    is_for_ox: bool,
    /// No group is below a container.
    are_groups_at_the_root: bool,
}

impl Tree {
    /// Of users and groups of OX.
    pub fn for_ox() -> Self {
        Self { is_for_ox: true, ..Self::default() }
    }

    /// Without groups below containers. The overlay `memberof` leaves the old DN of a group in the entries
    /// of its members when a container above the group is renamed, and tells nobody when it corrects that
    /// in passing (docs/watch.md, what cannot be seen).
    pub fn for_memberof() -> Self {
        Self { are_groups_at_the_root: true, ..Self::default() }
    }

    /// LDIF of something to begin with.
    pub fn plant(&mut self, random: &mut Random) -> String {
        let containers: String = (0..8).map(|_| self.add_container(random)).collect();
        let users: String = (0..60).map(|_| self.add_user(random)).collect();
        let groups: String = (0..15).map(|_| self.add_group(random)).collect();
        containers + &users + &groups
    }

    /// All changes so far were made: names that were given up are free.
    pub fn confirm(&mut self) {
        let mut names = std::mem::take(&mut self.given_up);
        let others = self.users.iter().chain(&self.groups).filter(|node| node.is_there);
        let taken: HashSet<&str> = others.map(|node| node.rdn.as_str()).collect();
        names.retain(|name| !taken.contains(name.as_str()));
        names.append(&mut self.former);
        names.sort();
        names.dedup();
        self.former = names;
    }

    /// Takes over what there really is: slapd refuses some renames of containers (*DN index add failed*), and
    /// everything that is to happen below them after that.
    pub fn reconcile(&mut self, dns: &[String]) {
        let free: Vec<String> = self.free.iter().map(|(rdn, at)| self.below(rdn, *at)).collect();
        let mut dns: Vec<&str> = dns.iter().map(String::as_str).collect();
        // Containers come before what is in them.
        dns.sort_unstable_by_key(|dn| (dn.matches(',').count(), *dn));
        let (mut containers, mut users, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        let mut places = HashMap::from([(ROOT.to_owned(), None)]);
        for dn in &dns {
            let Some((rdn, above)) = dn.split_once(',') else { continue };
            let Some(parent) = places.get(above).copied() else { continue };
            let node = Node { rdn: rdn.to_owned(), parent, is_there: true };
            match Kind::of(rdn) {
                Some(Kind::User) => users.push(node),
                Some(Kind::Group) => groups.push(node),
                Some(Kind::Container) => {
                    places.insert((*dn).to_owned(), Some(containers.len()));
                    containers.push(node);
                }
                None => {}
            }
        }
        self.free.clear();
        for dn in free.iter().filter(|dn| !dns.contains(&dn.as_str())) {
            let (rdn, above) = dn.split_once(',').unwrap();
            if let Some(parent) = places.get(above) {
                self.free.push((rdn.to_owned(), *parent));
            }
        }
        (self.containers, self.users, self.groups) = (containers, users, groups);
        self.confirm();
    }

    /// LDIF of one change, or a few that belong together.
    pub fn change(&mut self, random: &mut Random) -> String {
        if self.users.iter().filter(|user| user.is_there).count() < FEW {
            return self.add_user(random);
        }
        match random.below(100) {
            0..20 => self.add_user(random),
            20..25 => self.add_group(random),
            25..29 => self.add_container(random),
            29..45 => self.modify_user(random),
            45..57 => self.change_members(random),
            57..65 => self.rename(random, Kind::User),
            65..72 => self.rename(random, Kind::Group),
            72..82 => self.rename(random, Kind::Container),
            82..89 => self.delete(random, Kind::User),
            89..92 => self.delete(random, Kind::Group),
            92 => self.delete_subtree(random),
            _ => self.replace_user(random),
        }
    }

    fn list(&mut self, kind: Kind) -> &mut Vec<Node> {
        match kind {
            Kind::User => &mut self.users,
            Kind::Group => &mut self.groups,
            Kind::Container => &mut self.containers,
        }
    }

    fn pick(&mut self, random: &mut Random, kind: Kind) -> Option<usize> {
        let list = self.list(kind);
        let there: Vec<usize> = (0..list.len()).filter(|at| list[*at].is_there).collect();
        (!there.is_empty()).then(|| there[random.index(there.len())])
    }

    /// Where something of this kind may be put.
    fn place(&mut self, random: &mut Random, kind: Kind) -> Option<usize> {
        let is_root = kind == Kind::Group && self.are_groups_at_the_root;
        if is_root || random.below(4) == 0 { None } else { self.pick(random, Kind::Container) }
    }

    fn below(&self, rdn: &str, parent: Option<usize>) -> String {
        let mut dn = rdn.to_owned();
        let mut at = parent;
        while let Some(index) = at {
            let node = &self.containers[index];
            let _ = write!(dn, ",{}", node.rdn);
            at = node.parent;
        }
        format!("{dn},{ROOT}")
    }

    fn dn(&mut self, kind: Kind, at: usize) -> String {
        let (rdn, parent) = {
            let node = &self.list(kind)[at];
            (node.rdn.clone(), node.parent)
        };
        self.below(&rdn, parent)
    }

    fn name(&mut self, kind: Kind) -> String {
        self.counter += 1;
        match kind {
            Kind::User => format!("uid=u{}", self.counter),
            Kind::Group => format!("cn=g{}", self.counter),
            // A comma and an umlaut in some of them.
            Kind::Container if self.counter.is_multiple_of(5) => {
                format!("cn=k\\2C ä{}", self.counter)
            }
            Kind::Container => format!("cn=k{}", self.counter),
        }
    }

    fn user_ldif(&mut self, rdn: &str, dn: &str) -> String {
        self.counter += 1;
        let number = 100_000 + self.counter;
        let uid = rdn.strip_prefix("uid=").unwrap();
        let ox = if self.is_for_ox {
            format!(
                "objectClass: univentionMail\nobjectClass: oxUserObject\ngivenName: {uid}\n\
                 displayName: {uid}\nmailPrimaryAddress: m{number}@example.org\nisOxUser: OK\n\
                 oxContextIDNum: 10\noxAccess: webmail\noxDisplayName: n{number}\n"
            )
        } else {
            String::new()
        };
        format!(
            "dn: {dn}\nchangetype: add\nobjectClass: top\nobjectClass: person\n\
             objectClass: organizationalPerson\nobjectClass: inetOrgPerson\n\
             objectClass: posixAccount\nobjectClass: univentionObject\n\
             univentionObjectType: users/user\nuid: {uid}\ncn: {uid}\nsn: {uid}\n\
             uidNumber: {number}\ngidNumber: 5001\nhomeDirectory: /home/{uid}\n{ox}\n"
        )
    }

    fn add_user(&mut self, random: &mut Random) -> String {
        let is_again = random.below(2) == 0;
        let (rdn, parent) = match (self.free.pop(), self.former(Kind::User)) {
            // The same DN for another one.
            (Some(given_up), _) if is_again => given_up,
            (_, Some(rdn)) if is_again => (rdn, self.place(random, Kind::User)),
            _ => (self.name(Kind::User), self.place(random, Kind::User)),
        };
        let dn = self.below(&rdn, parent);
        let ldif = self.user_ldif(&rdn, &dn);
        self.users.push(Node { rdn, parent, is_there: true });
        ldif
    }

    fn add_group(&mut self, random: &mut Random) -> String {
        let former = self.former(Kind::Group).filter(|_| random.below(2) == 0);
        let rdn = former.unwrap_or_else(|| self.name(Kind::Group));
        let parent = self.place(random, Kind::Group);
        let dn = self.below(&rdn, parent);
        let name = rdn.strip_prefix("cn=").unwrap().to_owned();
        let mut ldif = format!(
            "dn: {dn}\nchangetype: add\nobjectClass: top\nobjectClass: univentionGroup\n\
             objectClass: posixGroup\nobjectClass: univentionObject\n\
             univentionObjectType: groups/group\ncn: {name}\ngidNumber: {}\n",
            200_000 + self.counter
        );
        if self.is_for_ox {
            ldif += "objectClass: oxGroup\nisOxGroup: OK\n";
        }
        let mut members: Vec<String> = (0..random.below(12))
            .filter_map(|_| {
                let at = self.pick(random, Kind::User)?;
                Some(self.dn(Kind::User, at))
            })
            .collect();
        members.sort();
        members.dedup();
        for member in members {
            let _ = writeln!(ldif, "uniqueMember: {member}");
        }
        self.groups.push(Node { rdn, parent, is_there: true });
        ldif + "\n"
    }

    fn add_container(&mut self, random: &mut Random) -> String {
        let (rdn, parent) = (self.name(Kind::Container), self.place(random, Kind::Container));
        let dn = self.below(&rdn, parent);
        self.containers.push(Node { rdn, parent, is_there: true });
        format!(
            "dn: {dn}\nchangetype: add\nobjectClass: top\nobjectClass: organizationalRole\ncn: k\n\n"
        )
    }

    fn modify_user(&mut self, random: &mut Random) -> String {
        let Some(at) = self.pick(random, Kind::User) else { return String::new() };
        let dn = self.dn(Kind::User, at);
        let value = match random.below(3) {
            0 => match self.pick(random, Kind::User) {
                Some(other) => {
                    format!("replace: secretary\nsecretary: {}", self.dn(Kind::User, other))
                }
                None => return String::new(),
            },
            1 => format!("replace: title\ntitle: t{}", random.below(1000)),
            _ => format!("replace: telephoneNumber\ntelephoneNumber: {}", random.below(1000)),
        };
        format!("dn: {dn}\nchangetype: modify\n{value}\n\n")
    }

    fn change_members(&mut self, random: &mut Random) -> String {
        let Some(group) = self.pick(random, Kind::Group) else { return String::new() };
        // Groups are members of groups, too.
        let kind = if random.below(6) == 0 { Kind::Group } else { Kind::User };
        let Some(member) = self.pick(random, kind) else { return String::new() };
        let (group, member) = (self.dn(Kind::Group, group), self.dn(kind, member));
        let operation = if random.below(3) == 0 { "delete" } else { "add" };
        format!(
            "dn: {group}\nchangetype: modify\n{operation}: uniqueMember\nuniqueMember: {member}\n\n"
        )
    }

    /// Another name, another place, or both.
    fn rename(&mut self, random: &mut Random, kind: Kind) -> String {
        let Some(at) = self.pick(random, kind) else { return String::new() };
        let dn = self.dn(kind, at);
        let rdn = match random.below(3) {
            0 => self.list(kind)[at].rdn.clone(),
            _ => self.name(kind),
        };
        let parent = self.place(random, kind);
        if kind == Kind::Container && self.is_in(parent, at) {
            return String::new();
        }
        let superior = self.below("", parent);
        let superior = superior.trim_start_matches(',').to_owned();
        let node = &mut self.list(kind)[at];
        let given_up = (node.rdn.clone(), node.parent);
        (node.rdn, node.parent) = (rdn.clone(), parent);
        self.give_up(kind, given_up);
        format!(
            "dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\nnewsuperior: {superior}\n\n"
        )
    }

    /// A name that somebody of this kind had.
    fn former(&mut self, kind: Kind) -> Option<String> {
        let at = self.former.iter().rposition(|rdn| Kind::of(rdn) == Some(kind))?;
        Some(self.former.remove(at))
    }

    /// Somebody had this name at this place.
    fn give_up(&mut self, kind: Kind, (rdn, parent): (String, Option<usize>)) {
        match kind {
            Kind::User | Kind::Group if self.is_for_ox => self.given_up.push(rdn),
            Kind::User => self.free.push((rdn, parent)),
            Kind::Group | Kind::Container => {}
        }
    }

    fn is_in(&self, mut at: Option<usize>, container: usize) -> bool {
        while let Some(index) = at {
            if index == container {
                return true;
            }
            at = self.containers[index].parent;
        }
        false
    }

    fn delete(&mut self, random: &mut Random, kind: Kind) -> String {
        let Some(at) = self.pick(random, kind) else { return String::new() };
        self.remove(kind, at)
    }

    fn remove(&mut self, kind: Kind, at: usize) -> String {
        let dn = self.dn(kind, at);
        let node = &mut self.list(kind)[at];
        node.is_there = false;
        let given_up = (node.rdn.clone(), node.parent);
        self.give_up(kind, given_up);
        format!("dn: {dn}\nchangetype: delete\n\n")
    }

    /// Everything in a container, and the container.
    fn delete_subtree(&mut self, random: &mut Random) -> String {
        let Some(top) = self.pick(random, Kind::Container) else { return String::new() };
        let mut ldif = String::new();
        for kind in [Kind::User, Kind::Group] {
            for at in 0..self.list(kind).len() {
                let node = &self.list(kind)[at];
                let (is_there, parent) = (node.is_there, node.parent);
                if is_there && self.is_in(parent, top) {
                    ldif += &self.remove(kind, at);
                }
            }
        }
        let mut inner: Vec<usize> = (0..self.containers.len())
            .filter(|at| self.containers[*at].is_there && self.is_in(Some(*at), top))
            .collect();
        inner.sort_by_key(|at| std::cmp::Reverse(self.depth(*at)));
        for at in inner {
            ldif += &self.remove(Kind::Container, at);
        }
        let containers = &self.containers;
        let is_there = |at: &Option<usize>| at.is_none_or(|at| containers[at].is_there);
        self.free.retain(|(_, parent)| is_there(parent));
        ldif
    }

    fn depth(&self, container: usize) -> usize {
        let (mut depth, mut at) = (0, Some(container));
        while let Some(index) = at {
            depth += 1;
            at = self.containers[index].parent;
        }
        depth
    }

    /// Deletes a user and makes another one with the same DN.
    fn replace_user(&mut self, random: &mut Random) -> String {
        let Some(at) = self.pick(random, Kind::User) else { return String::new() };
        let dn = self.dn(Kind::User, at);
        let rdn = self.users[at].rdn.clone();
        format!("dn: {dn}\nchangetype: delete\n\n") + &self.user_ldif(&rdn, &dn)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Group,
    Container,
}

impl Kind {
    /// The kind that these names are given to. Their only comma is escaped.
    fn of(rdn: &str) -> Option<Self> {
        let kind = match rdn.get(..4)? {
            "uid=" => return rdn[4..].strip_prefix('u').filter(is_number).map(|_| Self::User),
            "cn=g" => Self::Group,
            "cn=k" => Self::Container,
            _ => return None,
        };
        let name = rdn[4..].trim_start_matches("\\2C ä");
        Some(name).filter(is_number).map(|_| kind)
    }
}

fn is_number(name: &&str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}
