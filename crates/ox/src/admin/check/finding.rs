//! What was found out about one object.

use idspool_ox_soap::ContextId;
use serde::Serialize;

use super::shown::{Same, Shown};
use crate::halt::Halt;

/// What was found out about one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its entry UUID; empty for what only OX knows.
    pub id: String,
    /// Its UDM module.
    pub module: String,
    /// Its DN; for what only OX knows, its name there.
    pub name: String,
    /// What is not as it should be; nothing: all sides agree.
    pub findings: Vec<Finding>,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// The context in which, where it matters.
    pub context: Option<i32>,
    /// The property that differs and what each side says.
    pub row: Option<Row>,
    /// What there is to know beside that.
    pub note: Option<String>,
}

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A property differs.
    Different,
    /// The object is not in OX, where it should be.
    NotInOx,
    /// The user is in OX, but in another context.
    InOtherContext,
    /// The object is in the directory, and was never provisioned.
    NeverProvisioned,
    /// The object is gone from the directory, and its snapshot is still there.
    NotInDirectory,
    /// OX has it, and no snapshot knows it.
    OnlyInOx,
    /// A side has a value that provisioning could not use.
    Unusable,
    /// Something of the object waits in a queue: what differs may be on its way.
    Waiting,
}

impl Kind {
    /// For people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Different => "different",
            Self::NotInOx => "not in OX",
            Self::InOtherContext => "in another context",
            Self::NeverProvisioned => "never provisioned",
            Self::NotInDirectory => "not in the directory",
            Self::OnlyInOx => "only in OX",
            Self::Unusable => "unusable",
            Self::Waiting => "waiting",
        }
    }
}

/// A property that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Name of the UDM property, or of the field where no property stands behind it.
    pub property: String,
    /// Name of the field in OX.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ox_field: Option<&'static str>,
    /// What the snapshot says.
    pub snapshot: Shown,
    /// What OX says.
    pub ox: Shown,
    /// What the directory says.
    pub directory: Shown,
    /// Whether the directory says something else than the snapshot.
    #[serde(skip)]
    pub directory_differs: bool,
}

/// The two kinds of difference that a user is treated for in different ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remedy {
    /// The directory is ahead of the snapshot: its present state has to be read again.
    pub read_directory: bool,
    /// OX differs from the snapshot: what the snapshot says has to be sent again.
    pub send_again: bool,
}

impl Report {
    pub(crate) fn new(id: &str, module: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            module: module.to_owned(),
            name: name.to_owned(),
            findings: Vec::new(),
        }
    }

    /// Whether anything differs. What waits does not count.
    #[must_use]
    pub fn is_inconsistent(&self) -> bool {
        self.findings.iter().any(|finding| finding.kind != Kind::Waiting)
    }

    /// Whether there is a finding of this kind.
    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.findings.iter().any(|finding| finding.kind == kind)
    }

    /// What would bring the sides together.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        let mut remedy = Remedy::default();
        for finding in &self.findings {
            match finding.kind {
                Kind::Different => {
                    let Some(row) = &finding.row else { continue };
                    remedy.read_directory |= row.directory_differs;
                    remedy.send_again |= !row.directory_differs;
                }
                Kind::NotInOx => remedy.send_again = true,
                Kind::NeverProvisioned | Kind::NotInDirectory | Kind::Unusable => {
                    remedy.read_directory = true;
                }
                Kind::InOtherContext | Kind::OnlyInOx | Kind::Waiting => {}
            }
        }
        remedy
    }

    /// Adds a note to the first finding.
    pub(crate) fn noting(mut self, note: String) -> Self {
        if let Some(finding) = self.findings.first_mut() {
            finding.note = Some(note);
        }
        self
    }

    /// Replaces what differs: something of the object is on its way.
    pub(crate) fn into_waiting(mut self) -> Self {
        self.findings = vec![Finding::of(Kind::Waiting)];
        self
    }
}

impl Finding {
    pub(crate) fn of(kind: Kind) -> Self {
        Self { kind, context: None, row: None, note: None }
    }

    /// A state that provisioning would stop at.
    pub(crate) fn unusable(side: &str, problem: impl Into<Halt>) -> Self {
        let fault = problem.into().into_fault();
        let problem = fault.map_or_else(|skip| skip.to_string(), |fault| fault.message);
        Self::of(Kind::Unusable).noting(format!("{side}: {problem}"))
    }

    pub(crate) fn within(mut self, context: ContextId) -> Self {
        self.context = Some(context.value());
        self
    }

    pub(crate) fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// A difference that was found already.
    pub(crate) fn row(
        property: &str,
        ox_field: Option<&'static str>,
        sides: Sides,
        directory_differs: bool,
    ) -> Self {
        let Sides { mut snapshot, mut ox, mut directory } = sides;
        if is_secret(property) {
            [snapshot, ox, directory] = [snapshot, ox, directory].map(Shown::concealed);
        }
        let property = property.to_owned();
        let row = Row { property, ox_field, snapshot, ox, directory, directory_differs };
        Self { row: Some(row), ..Self::of(Kind::Different) }
    }

    /// The difference between three values, if there is one.
    pub(crate) fn difference(
        property: &str,
        ox_field: Option<&'static str>,
        sides: Sides,
        same: Same,
    ) -> Option<Self> {
        let Sides { snapshot, ox, directory } = &sides;
        let compared: Vec<&Shown> =
            [snapshot, ox, directory].into_iter().filter(|side| side.is_compared()).collect();
        let (first, others) = compared.split_first()?;
        if others.iter().all(|side| side.is_same(first, same)) {
            return None;
        }
        let directory_differs =
            snapshot.is_compared() && directory.is_compared() && !snapshot.is_same(directory, same);
        Some(Self::row(property, ox_field, sides, directory_differs))
    }
}

/// What the three sides say about one property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sides {
    pub(crate) snapshot: Shown,
    pub(crate) ox: Shown,
    pub(crate) directory: Shown,
}

/// Hashes and secrets that directories keep, and snapshots of older programs may hold.
fn is_secret(property: &str) -> bool {
    let name = property.to_lowercase();
    ["password", "passwd", "secret", "pwhistory", "krb5key", "nthash"]
        .iter()
        .any(|word| name.contains(word))
        && !matches!(name.as_str(), "passwordexpiry" | "secretary")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(snapshot: &str, ox: Shown, directory: &str) -> Sides {
        Sides { snapshot: Shown::text(snapshot), ox, directory: Shown::text(directory) }
    }

    fn remedy(sides: Sides) -> Remedy {
        let mut report = Report::new("u", "users/user", "uid=u");
        report.findings.extend(Finding::difference("phone", None, sides, Same::Exactly));
        report.remedy()
    }

    #[test]
    fn a_side_that_is_not_asked_makes_no_difference() {
        let same = |ox| Finding::difference("p", None, sides("a", ox, "a"), Same::Exactly);
        assert_eq!(same(Shown::NotCompared), None);
        assert_eq!(same(Shown::text("a")), None);
        assert!(same(Shown::Nothing).is_some());
    }

    #[test]
    fn the_remedy_depends_on_the_side_that_stands_alone() {
        let again = Remedy { read_directory: false, send_again: true };
        let read = Remedy { read_directory: true, send_again: false };
        assert_eq!(remedy(sides("a", Shown::text("b"), "a")), again);
        assert_eq!(remedy(sides("a", Shown::text("a"), "b")), read);
        assert_eq!(remedy(sides("a", Shown::text("b"), "c")), read, "the newest state is sent");
        assert_eq!(remedy(sides("a", Shown::NotCompared, "b")), read);
        assert_eq!(remedy(sides("a", Shown::text("a"), "a")), Remedy::default());
    }

    #[test]
    fn secrets_are_compared_and_never_shown() {
        let found = Finding::difference(
            "sambaNTPassword",
            None,
            sides("hunter1", Shown::NotCompared, "hunter2"),
            Same::Exactly,
        );
        let found = found.unwrap();
        assert!(!format!("{found:?}").contains("hunter"), "{found:?}");
        assert!(is_secret("password") && is_secret("pwhistory"));
        assert!(!is_secret("passwordexpiry") && !is_secret("secretary") && !is_secret("phone"));
    }

    #[test]
    fn what_waits_is_not_different() {
        let mut report = Report::new("u", "users/user", "uid=u");
        report.findings.push(Finding::of(Kind::NotInOx));
        assert!(report.is_inconsistent());
        let report = report.into_waiting();
        assert!(!report.is_inconsistent());
        assert_eq!(report.remedy(), Remedy::default());
    }
}
