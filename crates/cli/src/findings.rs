//! Findings of a take-over, for people.

use std::io::{self, Write};

use idspool_provisioner::findings::{Finding, Level};

use crate::format;

/// Examples that are shown of each kind.
const EXAMPLES: usize = 3;

/// All of them, the gravest first.
pub(crate) fn print(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    for (level, title) in [
        (Level::Action, "Needs a person"),
        (Level::Warning, "Worth a look"),
        (Level::Note, "Good to know"),
    ] {
        let findings: Vec<_> = findings.iter().filter(|f| f.level == level).collect();
        if !findings.is_empty() {
            writeln!(out, "\n{title}")?;
        }
        for finding in findings {
            print_one(finding, out)?;
        }
    }
    Ok(())
}

fn print_one(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  {}: {} {}", finding.topic, finding.count, finding.message)?;
    for example in finding.examples.iter().take(EXAMPLES) {
        writeln!(out, "    {}", format::line(example))?;
    }
    if finding.examples.len() > EXAMPLES {
        writeln!(out, "    and more; --json names ten")?;
    }
    writeln!(out, "    what to do: {}", finding.remedy)
}
