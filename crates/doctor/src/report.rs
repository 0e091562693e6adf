//! What is said at the end: every check with its outcome, for people and for programs. Nothing is judged here.

use crate::finding::{Finding, Judged, Severity};
use serde::Serialize;
use std::fmt::Write as _;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// All that was looked at is as it should be; findings of severity info do not change that.
    Fine,
    /// Something is not.
    Findings,
    /// Nothing wrong was seen, and something could not be told.
    Unknown,
    /// It was left out on request.
    Skipped,
}

/// One check, and how it came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Stable name, for example `cookies`.
    pub id: &'static str,
    /// What it looks at, in a few words.
    pub title: &'static str,
    /// How it came out.
    pub state: State,
    /// What was seen that is as it should be.
    pub seen: Vec<String>,
    /// What is not, the worst first.
    pub findings: Vec<Finding>,
    /// What could not be told, each with the reason.
    pub unknown: Vec<String>,
    /// Where it is explained, from the root of the repository.
    pub docs: String,
}

/// Everything that one examination has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Of this shape; raised when a field changes its meaning or goes away.
    pub version: u32,
    /// The origin that was examined.
    pub url: String,
    /// How many requests it took.
    pub requests: usize,
    /// Every check, in one order.
    pub checks: Vec<Outcome>,
}

/// What a report for people looks like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shape {
    /// Whether severities are coloured; they are always said in words as well.
    pub has_colours: bool,
}

impl Outcome {
    pub(crate) fn of(id: &'static str, title: &'static str, judged: Judged) -> Self {
        let Judged { seen, mut findings, mut unknown } = judged;
        if seen.is_empty() && findings.is_empty() && unknown.is_empty() {
            // A check that says nothing has told nothing.
            unknown.push("nothing came that could be judged".to_owned());
        }
        findings.sort_by_key(|finding| finding.severity);
        let state = match (findings.first().map(|worst| worst.severity), unknown.is_empty()) {
            (Some(Severity::High | Severity::Medium | Severity::Low), _) => State::Findings,
            (_, false) => State::Unknown,
            (_, true) => State::Fine,
        };
        Self { id, title, state, seen, findings, unknown, docs: docs(id) }
    }

    pub(crate) fn skipped(id: &'static str, title: &'static str) -> Self {
        let (seen, findings, unknown) = (Vec::new(), Vec::new(), Vec::new());
        Self { id, title, state: State::Skipped, seen, findings, unknown, docs: docs(id) }
    }
}

/// Where a check is explained.
fn docs(id: &str) -> String {
    format!("docs/operate/doctor.md#{id}")
}

impl Report {
    /// Whether there is a finding above severity info.
    pub fn has_findings(&self) -> bool {
        self.count(State::Findings) > 0
    }

    /// How many findings there are above severity info.
    pub fn findings(&self) -> usize {
        let all = self.checks.iter().flat_map(|check| &check.findings);
        all.filter(|finding| finding.severity != Severity::Info).count()
    }

    fn count(&self, state: State) -> usize {
        self.checks.iter().filter(|check| check.state == state).count()
    }

    /// As JSON, with a line end; `docs/operate/doctor.md` tells its fields.
    pub fn json(&self) -> String {
        // Text, numbers and lists of them have JSON.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// For a terminal, with a line end.
    pub fn text(&self, shape: Shape) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{}, asked {} times\n", self.url, self.requests);
        for check in &self.checks {
            check.write(&mut text, shape);
        }
        let parts = [
            (self.findings(), if self.findings() == 1 { "finding" } else { "findings" }),
            (self.count(State::Unknown), "that could not be told"),
            (self.count(State::Fine), "fine"),
            (self.count(State::Skipped), "skipped"),
        ];
        let parts: Vec<_> =
            parts.iter().filter(|(many, _)| *many > 0).map(|(many, what)| format!("{many} {what}")).collect();
        let _ = writeln!(text, "\n{}", parts.join(", "));
        text
    }
}

impl Outcome {
    fn write(&self, text: &mut String, shape: Shape) {
        let row = |text: &mut String, (word, colour): (&str, &str), what: &str| {
            let padded = format!("{word:<8}");
            let word = if shape.has_colours { format!("\u{1b}[{colour}m{padded}\u{1b}[0m") } else { padded };
            let _ = writeln!(text, "{word}{:<14}{what}", self.id);
        };
        let more = |text: &mut String, name: &str, what: &str| {
            let _ = writeln!(text, "{:22}{name:<5}{what}", "");
        };
        if self.state == State::Skipped {
            row(text, ("skipped", "2"), self.title);
        }
        for finding in &self.findings {
            row(text, worded(finding.severity), &finding.title);
            for line in &finding.evidence {
                more(text, "seen", line);
            }
            more(text, "fix", finding.fix);
            more(text, "see", &self.docs);
        }
        for why in &self.unknown {
            row(text, ("unknown", "33"), why);
        }
        for line in self.seen.iter().filter(|_| self.state == State::Fine) {
            row(text, ("ok", "32"), line);
        }
    }
}

/// The word and the colour of a severity.
fn worded(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::High => ("HIGH", "1;31"),
        Severity::Medium => ("MEDIUM", "31"),
        Severity::Low => ("LOW", "33"),
        Severity::Info => ("info", "36"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut bad = Judged::default();
        bad.find(Severity::Info, "Small", "GET /a", "Nothing.");
        bad.find(Severity::High, "Large", "GET /b", "Mend it.");
        bad.saw("more");
        let mut fine = Judged::default();
        fine.saw("TLS 1.3");
        fine.find(Severity::Info, "Worth knowing", "GET /c", "Nothing.");
        let checks = vec![
            Outcome::of("cookies", "Cookies", bad),
            Outcome::of("tls", "TLS", fine),
            Outcome::of("streams", "Streams", Judged::default()),
            Outcome::skipped("admin", "The admin listener"),
        ];
        Report { version: 1, url: "https://a.example".to_owned(), requests: 7, checks }
    }

    #[test]
    fn every_outcome_is_said_in_words_and_silence_is_no_pass() {
        let text = report().text(Shape::default());
        assert_eq!(
            text,
            "https://a.example, asked 7 times\n\n\
             HIGH    cookies       Large\n                      seen GET /b\n                      fix  Mend it.\n                      \
             see  docs/operate/doctor.md#cookies\n\
             info    cookies       Small\n                      seen GET /a\n                      fix  Nothing.\n                      \
             see  docs/operate/doctor.md#cookies\n\
             info    tls           Worth knowing\n                      seen GET /c\n                      fix  Nothing.\n                      \
             see  docs/operate/doctor.md#tls\n\
             ok      tls           TLS 1.3\n\
             unknown streams       nothing came that could be judged\n\
             skipped admin         The admin listener\n\n\
             1 finding, 1 that could not be told, 1 fine, 1 skipped\n"
        );
        assert!(report().has_findings() && report().findings() == 1);
    }

    #[test]
    fn colours_carry_nothing_that_the_words_do_not() {
        let coloured = report().text(Shape { has_colours: true });
        assert!(coloured.contains("\u{1b}[1;31mHIGH    \u{1b}[0mcookies"));
        let mut bare = coloured;
        for colour in ["1;31", "31", "33", "36", "32", "2", "0"] {
            bare = bare.replace(&format!("\u{1b}[{colour}m"), "");
        }
        assert_eq!(bare, report().text(Shape::default()));
    }

    #[test]
    fn the_json_has_its_documented_fields() {
        let json: serde_json::Value = serde_json::from_str(&report().json()).unwrap();
        assert_eq!((json["version"].as_u64(), json["requests"].as_u64()), (Some(1), Some(7)));
        let first = &json["checks"][0];
        assert_eq!((first["id"].as_str(), first["state"].as_str()), (Some("cookies"), Some("findings")));
        assert_eq!(first["findings"][0]["severity"], "high");
        assert_eq!(json["checks"][1]["state"], "fine");
        assert_eq!(json["checks"][2]["unknown"][0], "nothing came that could be judged");
        assert_eq!(json["checks"][3]["state"], "skipped");
    }
}
