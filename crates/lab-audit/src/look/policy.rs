//! Content Security Policy of pages (CSP 3), and who may put them into a frame.

use std::collections::BTreeMap;

use super::finding;
use crate::finding::{Finding, Severity};
use crate::proxy::Exchange;
use crate::seen::Seen;

/// Sources by directive.
type Policy = BTreeMap<String, Vec<String>>;
/// Says what is wrong with a policy, if something is.
type Judge = fn(&Policy) -> Option<String>;

/// All findings about policies.
pub(super) fn look(seen: &Seen) -> Vec<Finding> {
    let mut lines: BTreeMap<Fault, Vec<String>> = BTreeMap::new();
    for page in seen.pages() {
        for (fault, line) in faults(page) {
            lines.entry(fault).or_default().push(format!("{}: {line}", page.shown()));
        }
    }
    let mut found: Vec<Finding> = lines.into_iter().filter_map(|(fault, lines)| fault.finding(lines)).collect();
    let foreign =
        seen.foreign_scripts.iter().filter(|(_, is_fixed)| !is_fixed).map(|(host, _)| format!("a script from {host}"));
    found.extend(finding(
        "script-foreign",
        Severity::Low,
        "Scripts of other hosts run in the page, and nothing fixes what they are",
        foreign,
        "Serve them yourself, or add integrity=; whoever changes them is inside every session.",
        &["ASVS v5.0.0-3.6.1", "Subresource Integrity 3"],
    ));
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Missing,
    ReportOnly,
    Inline,
    Anywhere,
    Eval,
    Base,
    Objects,
    Frames,
    OldFrames,
}

impl Fault {
    fn finding(self, lines: Vec<String>) -> Option<Finding> {
        let strict =
            "Use script-src with a nonce for each answer and 'strict-dynamic', object-src 'none', base-uri 'none'.";
        let csp: &[&str] = &["ASVS v5.0.0-3.4.3", "CSP Level 3"];
        let frames: &[&str] = &["ASVS v5.0.0-3.4.6", "RFC 9700 4.16", "CSP Level 3 6.4.2"];
        let own = "Answer pages with frame-ancestors 'none', or name who may frame them.";
        let (id, severity, title, fix, references) = match self {
            Self::Missing => (
                "csp-missing",
                Severity::Medium,
                "Pages have no Content Security Policy: whatever markup gets in runs",
                strict,
                csp,
            ),
            Self::ReportOnly => (
                "csp-report-only",
                Severity::Medium,
                "The Content Security Policy only reports, and stops nothing",
                strict,
                csp,
            ),
            Self::Inline => (
                "csp-inline",
                Severity::Medium,
                "The policy lets every inline script run, injected ones too",
                strict,
                csp,
            ),
            Self::Anywhere => (
                "csp-anywhere",
                Severity::Medium,
                "The policy takes scripts from hosts that anybody can use, or does not speak of scripts",
                strict,
                csp,
            ),
            Self::Eval => ("csp-eval", Severity::Low, "The policy lets text become code ('unsafe-eval')", strict, csp),
            Self::Base => (
                "csp-base",
                Severity::Low,
                "The policy lets injected markup change where relative addresses lead (no base-uri)",
                strict,
                csp,
            ),
            Self::Objects => (
                "csp-objects",
                Severity::Low,
                "The policy does not forbid plug-ins (no object-src or default-src 'none')",
                strict,
                csp,
            ),
            Self::Frames => (
                "framing",
                Severity::Medium,
                "Other sites can put pages into a frame and let people click there without seeing it",
                own,
                frames,
            ),
            Self::OldFrames => {
                ("framing-old", Severity::Low, "Only X-Frame-Options says who may frame pages", own, frames)
            }
        };
        finding(id, severity, title, lines, fix, references)
    }
}

fn faults(page: &Exchange) -> Vec<(Fault, String)> {
    let policies: Vec<&str> =
        page.headers.get_all("content-security-policy").iter().filter_map(|value| value.to_str().ok()).collect();
    let policies: Vec<Policy> = policies.iter().flat_map(|field| field.split(',')).map(read).collect();
    let mut faults = Vec::new();
    // Several policies all hold: what one forbids is forbidden.
    let all = |fault: Judge| policies.iter().map(fault).collect::<Option<Vec<_>>>();
    if policies.is_empty() {
        if page.headers.contains_key("content-security-policy-report-only") {
            faults.push((Fault::ReportOnly, "only Content-Security-Policy-Report-Only".to_owned()));
        } else {
            faults.push((Fault::Missing, "no Content-Security-Policy".to_owned()));
        }
    } else {
        let judged: [(Fault, Judge); 5] = [
            (Fault::Inline, inline),
            (Fault::Anywhere, anywhere),
            (Fault::Eval, eval),
            (Fault::Base, base),
            (Fault::Objects, objects),
        ];
        for (fault, judge) in judged {
            if let Some(lines) = all(judge) {
                faults.push((fault, lines.join("; ")));
            }
        }
    }
    if !policies.iter().any(|policy| policy.contains_key("frame-ancestors")) {
        let old = page.header("x-frame-options").to_ascii_lowercase();
        if matches!(old.trim(), "deny" | "sameorigin") {
            faults.push((Fault::OldFrames, format!("X-Frame-Options: {old}")));
        } else {
            faults.push((Fault::Frames, "neither frame-ancestors nor X-Frame-Options".to_owned()));
        }
    }
    faults
}

/// Directives by name in lower case; of two of one name the first counts (CSP 3 2.2.1).
fn read(policy: &str) -> Policy {
    let mut directives = BTreeMap::new();
    for directive in policy.split(';') {
        let mut words = directive.split_ascii_whitespace();
        if let Some(name) = words.next() {
            directives.entry(name.to_ascii_lowercase()).or_insert_with(|| words.map(str::to_ascii_lowercase).collect());
        }
    }
    directives
}

fn scripts(policy: &Policy) -> Option<&Vec<String>> {
    policy.get("script-src").or_else(|| policy.get("default-src"))
}

fn is_exact(source: &str) -> bool {
    ["'nonce-", "'sha256-", "'sha384-", "'sha512-"].iter().any(|start| source.starts_with(start))
}

/// A nonce or a hash beside it switches `'unsafe-inline'` off.
fn inline(policy: &Policy) -> Option<String> {
    let sources = scripts(policy)?;
    let is_open = sources.iter().any(|source| source == "'unsafe-inline'")
        && !sources.iter().any(|source| is_exact(source) || source == "'strict-dynamic'");
    is_open.then(|| "script-src has 'unsafe-inline'".to_owned())
}

fn anywhere(policy: &Policy) -> Option<String> {
    let Some(sources) = scripts(policy) else { return Some("no script-src and no default-src".to_owned()) };
    if sources.iter().any(|source| source == "'strict-dynamic'") {
        return None;
    }
    let wide = sources.iter().find(|source| {
        matches!(source.as_str(), "*" | "https:" | "http:" | "data:" | "blob:" | "https://*" | "http://*")
    });
    wide.map(|source| format!("script-src has {source}"))
}

fn eval(policy: &Policy) -> Option<String> {
    scripts(policy)?.iter().any(|source| source == "'unsafe-eval'").then(|| "script-src has 'unsafe-eval'".to_owned())
}

fn base(policy: &Policy) -> Option<String> {
    (!policy.contains_key("base-uri")).then(|| "no base-uri".to_owned())
}

fn objects(policy: &Policy) -> Option<String> {
    let sources = policy.get("object-src").or_else(|| policy.get("default-src"));
    let none = sources.is_some_and(|sources| {
        sources.is_empty() || sources.iter().all(|source| source == "'none'" || source == "'self'")
    });
    (!none).then(|| "object-src is open".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strict_policy_has_no_fault_and_weak_ones_have_theirs() {
        let strict =
            read("default-src 'none'; script-src 'nonce-abc' 'strict-dynamic' 'unsafe-inline' https:; base-uri 'none'");
        assert!(
            [inline(&strict), anywhere(&strict), eval(&strict), base(&strict), objects(&strict)]
                .iter()
                .all(Option::is_none)
        );
        let weak = read("script-src 'self' 'unsafe-inline' 'unsafe-eval' https:");
        assert!([inline(&weak), anywhere(&weak), eval(&weak), base(&weak), objects(&weak)].iter().all(Option::is_some));
        assert!(anywhere(&read("img-src *")).is_some());
        // The first of two counts.
        assert!(inline(&read("script-src 'self'; script-src 'unsafe-inline'")).is_none());
    }
}
