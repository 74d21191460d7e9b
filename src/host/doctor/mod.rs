//! Looks for what would spoil a run on this machine, and says what to do about each.

mod interface;
mod machine;

use std::fmt;

use crate::sys::netns::Netns;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// It works, but slower, with less, or with numbers to read with care.
    Warning,
    /// Something that wirestorm does cannot work so.
    Problem,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // pad: so that a width in the caller's format holds.
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        })
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was looked at: an interface's name and the part, or a part of the machine.
    pub subject: String,
    /// What was found.
    pub what: String,
    /// What to do about it; empty when there is nothing to do.
    pub remedy: String,
}

impl Finding {
    fn ok(subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Severity::Ok, subject, what, "")
    }

    fn warning(
        subject: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Warning, subject, what, remedy)
    }

    fn problem(
        subject: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Problem, subject, what, remedy)
    }

    fn new(
        severity: Severity,
        subject: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { severity, subject: subject.into(), what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:7}  {}: {}", self.severity, self.subject, self.what)?;
        if !self.remedy.is_empty() {
            write!(f, "\n         → {}", self.remedy)?;
        }
        Ok(())
    }
}

/// Looks at the machine and, where one is named, at an interface of `netns`. A missing interface is
/// a finding too. Nothing is changed.
pub fn examine(netns: &Netns, interface: Option<&str>) -> Vec<Finding> {
    let mut findings = machine::examine();
    if let Some(interface) = interface {
        findings.extend(interface::examine(netns, interface));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_stands_above_its_remedy() {
        let finding = Finding::warning("eth0 offloads", "LRO is on", "ethtool -K eth0 lro off");
        assert_eq!(
            finding.to_string(),
            "warning  eth0 offloads: LRO is on\n         → ethtool -K eth0 lro off"
        );
        assert_eq!(Finding::ok("kernel", "6.18").to_string(), "ok       kernel: 6.18");
    }

    #[test]
    fn severities_are_ordered() {
        assert!(Severity::Ok < Severity::Warning && Severity::Warning < Severity::Problem);
    }
}
