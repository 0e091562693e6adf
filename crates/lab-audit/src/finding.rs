//! What is said at the end: findings with their evidence and their cure, for people and for programs. Nothing is judged here.

use std::fmt::Write as _;

use serde::Serialize;

/// How much harm it does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody else gets into the session, or stays in it.
    High,
    /// One more mistake, or one more condition, and somebody does.
    Medium,
    /// A layer is missing behind others that hold.
    Low,
    /// Worth knowing; nothing need be done.
    Info,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 4] = [Self::High, Self::Medium, Self::Low, Self::Info];

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
    /// Stable name of this kind of finding, for example `cookie-readable`; `docs/lab/audit.md` lists them.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in a sentence.
    pub title: String,
    /// Where it was seen; values of credentials are cut to four characters.
    pub evidence: Vec<String>,
    /// What to do about it, in a sentence.
    pub fix: &'static str,
    /// Requirements and standards that say so, and our own exhibits.
    pub references: &'static [&'static str],
}

/// What the audit did not look at, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// What.
    pub what: &'static str,
    /// Why, in a sentence.
    pub why: String,
}

/// Everything that one audit has to say.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Of this shape; raised when a field changes its meaning or goes away.
    pub version: u32,
    /// Where it began, without values of the query.
    pub url: String,
    /// `chromium`, `firefox` or `webkit`.
    pub browser: String,
    /// As the browser itself says.
    pub browser_version: String,
    /// Whether requests were made that the site did not ask for.
    pub active: bool,
    /// Whether somebody was logged in: `script`, `hand` or `no`.
    pub login: &'static str,
    /// Requests to the audited hosts that were recorded.
    pub requests: usize,
    /// Other hosts that the site's answers name and the browser went to; nothing of them was read.
    pub other_hosts: Vec<String>,
    /// Hosts that the browser was kept from, because no answer of the site names them.
    pub refused_hosts: Vec<String>,
    /// The worst first.
    pub findings: Vec<Finding>,
    /// What nothing can be said about.
    pub skipped: Vec<Skipped>,
}

impl Report {
    /// Whether there is a finding of severity high.
    pub fn has_high(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::High)
    }

    /// As JSON, with a line end.
    pub fn json(&self) -> String {
        // Text, numbers and lists of them have JSON.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        self.written(&Form { title: "", finding: "  ", item: "      - ", code: "" })
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        self.written(&Form { title: "## ", finding: "### ", item: "- ", code: "`" })
    }

    fn written(&self, form: &Form) -> String {
        let Form { title, finding: head, item, code } = form;
        let mut text = String::new();
        let is_markdown = !title.is_empty();
        let gap = if is_markdown { "\n" } else { "" };
        let heading = if is_markdown { "# " } else { "" };
        let way = if self.active { "active" } else { "passive" };
        let who = match self.login {
            "script" => "logged in by script",
            "hand" => "logged in by hand",
            _ => "not logged in",
        };
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{heading}Audit of {}\n", self.url);
        let _ = writeln!(text, "{}, {way}, {who}, {} requests\n", self.browser_version, self.requests);
        for severity in Severity::ALL {
            let of: Vec<_> = self.findings.iter().filter(|finding| finding.severity == severity).collect();
            if of.is_empty() {
                continue;
            }
            let _ = writeln!(text, "{title}{} ({})\n", severity.word().to_uppercase(), of.len());
            for finding in of {
                let _ =
                    writeln!(text, "{head}{} {code}[{}]{code}{gap}", escaped(&finding.title, is_markdown), finding.id);
                for line in &finding.evidence {
                    let _ = writeln!(text, "{item}{}", escaped(line, is_markdown));
                }
                let indent = if is_markdown { "" } else { "      " };
                let _ = writeln!(text, "{gap}{indent}Fix: {}{gap}", finding.fix);
                let _ = writeln!(text, "{indent}See: {}\n", finding.references.join("; "));
            }
        }
        if self.findings.is_empty() {
            text.push_str("Nothing was found.\n\n");
        }
        if !self.skipped.is_empty() {
            let _ = writeln!(text, "{title}Not looked at\n");
            for skipped in &self.skipped {
                let _ = writeln!(
                    text,
                    "{}{}: {}",
                    if is_markdown { "- " } else { "  " },
                    skipped.what,
                    escaped(&skipped.why, is_markdown)
                );
            }
            text.push('\n');
        }
        if !self.other_hosts.is_empty() {
            let _ = writeln!(text, "Other hosts that the browser went to, unread: {}", self.other_hosts.join(", "));
        }
        if !self.refused_hosts.is_empty() {
            let _ = writeln!(text, "Hosts that the browser was kept from: {}", self.refused_hosts.join(", "));
        }
        text
    }
}

struct Form {
    title: &'static str,
    finding: &'static str,
    item: &'static str,
    code: &'static str,
}

/// Text of the site is shown as text: no markup, no control characters of terminals.
fn escaped(text: &str, is_markdown: bool) -> String {
    let plain = text.chars().map(|char| if char.is_control() { ' ' } else { char });
    let mut written = String::new();
    for char in plain {
        if is_markdown && "\\`*[]<>|#!&".contains(char) {
            written.push('\\');
        }
        written.push(char);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            version: 1,
            url: "http://localhost/".to_owned(),
            browser: "chromium".to_owned(),
            browser_version: "Chrome/1".to_owned(),
            active: false,
            login: "no",
            requests: 1,
            other_hosts: Vec::new(),
            refused_hosts: Vec::new(),
            findings: vec![Finding {
                id: "a",
                severity: Severity::Low,
                title: "T".to_owned(),
                evidence: vec!["<script>\u{1b}[31m".to_owned()],
                fix: "F.",
                references: &["R"],
            }],
            skipped: vec![Skipped { what: "log-out", why: "no steps".to_owned() }],
        }
    }

    #[test]
    fn what_a_site_says_is_text_in_every_form() {
        let report = report();
        assert!(report.text().contains("<script> [31m") && report.text().contains("LOW (1)"));
        let markdown = report.markdown();
        assert!(markdown.contains("\\<script\\>") && markdown.contains("# Audit of") && markdown.contains("- log-out"));
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!((json["findings"][0]["severity"].as_str(), json["version"].as_u64()), (Some("low"), Some(1)));
        assert!(!report.has_high());
    }
}
