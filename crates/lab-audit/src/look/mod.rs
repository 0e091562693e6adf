//! Judges what a visit has shown, without a request of its own. Each file looks at one thing.

mod address;
mod answers;
mod caching;
mod cookies;
mod forms;
mod headers;
mod policy;
mod readable;

pub(crate) use self::forms::is_same;
use crate::finding::Finding;
use crate::seen::Seen;

/// Everything that was found.
pub(crate) fn all(seen: &Seen) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(readable::look(seen));
    found.extend(answers::look(seen));
    found.extend(cookies::look(seen));
    found.extend(address::look(seen));
    found.extend(forms::look(seen));
    found.extend(caching::look(seen));
    found.extend(policy::look(seen));
    found.extend(headers::look(seen));
    found
}

/// Takes back what was said for lack of knowledge about requests that have been forged since.
pub(crate) fn settle(findings: &mut Vec<Finding>, forged: &[String]) {
    for finding in findings.iter_mut().filter(|finding| forms::GUESSES.contains(&finding.id)) {
        let is_known = |line: &String| forged.iter().any(|forged| line.split(" (").next() == Some(forged));
        finding.evidence.retain(|line| !is_known(line));
    }
    findings.retain(|finding| !finding.evidence.is_empty());
}

/// A finding if there is evidence of it.
fn finding(
    id: &'static str,
    severity: crate::finding::Severity,
    title: &str,
    lines: impl IntoIterator<Item = String>,
    fix: &'static str,
    references: &'static [&'static str],
) -> Option<Finding> {
    let evidence = crate::seen::evidence(lines);
    (!evidence.is_empty()).then(|| Finding { id, severity, title: title.to_owned(), evidence, fix, references })
}
