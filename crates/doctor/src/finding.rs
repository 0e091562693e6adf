//! What a check has to say: what it saw, what is wrong and how it is mended, and what it could not tell.

use crate::plain::plain;
use serde::Serialize;

/// How much harm it does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// People are locked out, or somebody else gets at a session.
    High,
    /// One more mistake, or one more condition, and that happens.
    Medium,
    /// A layer is missing behind others that hold.
    Low,
    /// Worth knowing; nothing need be done.
    Info,
}

impl Severity {
    /// The word that reports show.
    pub fn word(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in a sentence without a full stop.
    pub title: String,
    /// Where it was seen; values of cookies are left out, and nothing in it moves a terminal.
    pub evidence: Vec<String>,
    /// What to do about it, in a sentence.
    pub fix: &'static str,
}

/// What a check made of what it saw.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) seen: Vec<String>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) unknown: Vec<String>,
}

impl Judged {
    /// With nothing but a reason why nothing can be told.
    pub(crate) fn unknown(why: impl AsRef<str>) -> Self {
        let mut judged = Self::default();
        judged.cannot_tell(why);
        judged
    }

    /// Something is as it should be.
    pub(crate) fn saw(&mut self, what: impl AsRef<str>) {
        self.seen.push(plain(what.as_ref()));
    }

    /// Something is not.
    pub(crate) fn find(
        &mut self,
        severity: Severity,
        title: impl AsRef<str>,
        evidence: impl AsRef<str>,
        fix: &'static str,
    ) {
        let (title, evidence) = (plain(title.as_ref()), plain(evidence.as_ref()));
        match self.findings.iter_mut().find(|known| known.title == title && known.fix == fix) {
            // The same thing in several answers is one thing.
            Some(known) if known.evidence.contains(&evidence) => {}
            Some(known) => known.evidence.push(evidence),
            None => self.findings.push(Finding { severity, title, evidence: vec![evidence], fix }),
        }
    }

    /// Something could not be looked at, or says nothing.
    pub(crate) fn cannot_tell(&mut self, why: impl AsRef<str>) {
        self.unknown.push(plain(why.as_ref()));
    }

    /// The titles, for tests.
    #[cfg(test)]
    pub(crate) fn titles(&self) -> Vec<(Severity, &str)> {
        self.findings.iter().map(|finding| (finding.severity, finding.title.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_seen_twice_is_one_finding_with_both_places() {
        let mut judged = Judged::default();
        judged.find(Severity::Low, "T", "GET /a", "F.");
        judged.find(Severity::Low, "T", "GET /b\u{1b}[31m", "F.");
        judged.find(Severity::Low, "T", "GET /a", "F.");
        assert_eq!(judged.titles(), [(Severity::Low, "T")]);
        assert_eq!(judged.findings[0].evidence, ["GET /a", "GET /b [31m"]);
    }
}
