//! What is known of faults: by which words a case is recognised, what it means, and what to do.
//!
//! The words are those of our own messages in the state file, and of the servers in them. Each case has a
//! section of its name in `docs/troubleshooting.md`, or a line in `docs/kelvin.md`, and a test that gets its message from the
//! real programs.

use idspool_spool::FaultClass;

use super::{kelvin_table, shared_table, table};
use crate::spools::Kind;

/// One case.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// Its name, and that of its section in the page.
    pub(crate) name: &'static str,
    /// Words of which one is in the message; `…` stands for any text.
    pub(super) words: &'static [&'static str],
    /// What has happened.
    pub(crate) meaning: &'static str,
    /// Why that happens.
    pub(crate) cause: &'static str,
    /// What to do, step by step; commands begin with `$ `.
    pub(crate) steps: &'static [&'static str],
}

const TRANSIENT: Case = Case {
    name: "other-temporary",
    words: &[],
    meaning: "a call failed for a reason that lies at the other end",
    cause: "the message says what the other end answered",
    steps: &["look into the log of the other end at that time; nothing has to be done here"],
};

const PERMANENT: Case = Case {
    name: "other-item",
    words: &[],
    meaning: "this item cannot be handled as it is",
    cause: "the message says what is wrong with it",
    steps: &[
        "correct the object in the directory; its change makes a new item, so give this one up:",
        "$ idspool queue remove {item}",
    ],
};

const OURS: Case = Case {
    name: "bug",
    words: &[],
    meaning: "idspool came upon something that must not happen",
    cause: "a fault of idspool, or a version of the other end that it does not know",
    steps: &[
        "report it with the message, the log and the item (without personal data)",
        "to let the others go on meanwhile, set the item aside; it can be restored:",
        "$ idspool queue remove {item}",
    ],
};

impl Case {
    /// The case that a fault belongs to.
    pub(crate) fn of(kind: &Kind, class: Option<FaultClass>, message: &str) -> &'static Self {
        let own = match kind {
            Kind::InQueue | Kind::OutQueue { .. } => kelvin_table::CASES,
            Kind::Listener | Kind::Ox => table::CASES,
        };
        let known = own
            .iter()
            .chain(shared_table::CASES)
            .find(|case| case.words.iter().any(|words| holds(message, words)));
        known.unwrap_or(match class {
            Some(FaultClass::Permanent) => &PERMANENT,
            Some(FaultClass::Ours) => &OURS,
            Some(FaultClass::Transient) | None => &TRANSIENT,
        })
    }
}

impl Case {
    /// Where more is said.
    pub(crate) fn page(&self) -> String {
        let page =
            if self.name.starts_with("kelvin-") { "kelvin.md" } else { "troubleshooting.md" };
        format!("docs/{page}#{}", self.name)
    }
}

/// Whether the parts of `words` are in the message, in their order.
fn holds(message: &str, words: &str) -> bool {
    words
        .split('…')
        .try_fold(message, |rest, part| rest.split_once(part).map(|(_, behind)| behind))
        .is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_looked_for_in_their_order() {
        assert!(holds(
            "OXContextService.getData of context 10: InvalidCredentials: x",
            "Service.…Credentials: "
        ));
        assert!(!holds(
            "InvalidCredentials: OXContextService.getData",
            "OXContextService.…InvalidCredentials: "
        ));
        assert!(!holds("anything", "something"));
    }

    fn all() -> impl Iterator<Item = &'static Case> {
        table::CASES.iter().chain(kelvin_table::CASES).chain(shared_table::CASES)
    }

    #[test]
    fn every_case_has_its_section_in_the_page() {
        let missing: Vec<_> = all()
            .chain([&TRANSIENT, &PERMANENT, &OURS])
            .filter(|case| {
                let page = case.page();
                let file = page.split('#').next().unwrap();
                let file = format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"));
                let text = std::fs::read_to_string(file).unwrap();
                !text.contains(&format!("<a id=\"{}\"></a>", case.name))
            })
            .map(|case| case.name)
            .collect();
        assert_eq!(missing, [""; 0]);
    }

    #[test]
    fn every_case_has_a_test_with_the_real_programs() {
        let files = ["troubleshooting", "kelvin"].into_iter().flat_map(|folder| {
            let tests = format!("{}/../../tests/tests/{folder}", env!("CARGO_MANIFEST_DIR"));
            std::fs::read_dir(tests).unwrap()
        });
        let tests: String =
            files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
        let missing: Vec<_> = all()
            .map(|case| case.name)
            .filter(|name| !tests.contains(&format!("\"{name}\"")))
            .collect();
        assert_eq!(missing, [""; 0]);
    }

    #[test]
    fn what_is_not_known_is_explained_by_its_class() {
        let name = |class| Case::of(&Kind::Ox, class, "something else").name;
        assert_eq!(name(Some(FaultClass::Permanent)), "other-item");
        assert_eq!(name(Some(FaultClass::Transient)), "other-temporary");
        assert_eq!(name(Some(FaultClass::Ours)), "bug");
        assert_eq!(name(None), "other-temporary");
    }
}
