//! Numbers under which the index keeps object types and commands, and the order in which items of a
//! refresh are handed over.

use idspool_udm::Module;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Add,
    Modify,
    Delete,
}

impl Command {
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Add => 0,
            Self::Modify => 1,
            Self::Delete => 2,
        }
    }

    pub(super) fn text(number: i64) -> &'static str {
        match number {
            0 => "add",
            2 => "delete",
            _ => "modify",
        }
    }
}

/// Zero stands for an entry that is no object.
pub(super) fn number(module: Option<Module>) -> i64 {
    match module {
        None => 0,
        Some(Module::User) => 1,
        Some(Module::Group) => 2,
        Some(Module::Context) => 3,
        Some(Module::AccessProfile) => 4,
        Some(Module::FunctionalAccount) => 5,
        Some(Module::Resource) => 6,
        Some(Module::Ou) => 7,
    }
}

pub(super) fn module(stored: i64) -> Option<Module> {
    Module::ALL.into_iter().find(|module| number(Some(*module)) == stored)
}

/// The order in which objects that refer to each other are best handed over: who is referred to
/// first.
pub(crate) const ORDER: [Module; 7] = [
    Module::Context,
    Module::AccessProfile,
    Module::Ou,
    Module::User,
    Module::Group,
    Module::FunctionalAccount,
    Module::Resource,
];

/// The place of an item among those of a refresh.
///
/// Within a type deletions come first and additions last: who got the name or the mail address of
/// another one must come after that one has given it up. What others need to be removed goes last.
pub(super) fn rank(module: Module, command: Command) -> i64 {
    let place = match (module, command) {
        (Module::AccessProfile, Command::Delete) => ORDER.len(),
        (Module::Context, Command::Delete) => ORDER.len() + 1,
        _ => ORDER.iter().position(|known| *known == module).unwrap_or_default(),
    };
    let within = match command {
        Command::Delete => 0,
        Command::Modify => 1,
        Command::Add => 2,
    };
    // Zero is for what happens while we watch: that is handed over as it happens.
    1 + within + 3 * i64::try_from(place).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_numbered_both_ways() {
        for stored in 1..=7 {
            assert_eq!(number(module(stored)), stored);
        }
        assert_eq!((module(0), module(8)), (None, None));
    }

    #[test]
    fn what_others_refer_to_comes_first_and_goes_last() {
        let mut all: Vec<(i64, Module, Command)> = Vec::new();
        for module in [Module::User, Module::Context, Module::AccessProfile, Module::Group] {
            for command in [Command::Add, Command::Modify, Command::Delete] {
                all.push((rank(module, command), module, command));
            }
        }
        all.sort_by_key(|(rank, ..)| *rank);
        let order: Vec<_> = all.iter().map(|(_, module, command)| (*module, *command)).collect();
        use Command::{Add, Delete, Modify};
        use Module::{AccessProfile, Context, Group, User};
        assert_eq!(
            order,
            [
                (Context, Modify),
                (Context, Add),
                (AccessProfile, Modify),
                (AccessProfile, Add),
                (User, Delete),
                (User, Modify),
                (User, Add),
                (Group, Delete),
                (Group, Modify),
                (Group, Add),
                (AccessProfile, Delete),
                (Context, Delete),
            ]
        );
    }
}
