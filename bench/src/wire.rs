//! What a script of the site's pages sends, and what came back, in words.

use crate::http::Answer;

/// A password that the policy takes.
pub(crate) const PASSWORD: &str = "amber kettle river thimble";

/// What a script of the site's own pages sends.
pub(crate) const SAME_ORIGIN: [(&str, &str); 2] = [("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")];

/// An answer that was not expected, for the report.
pub(crate) fn told(answer: &Answer) -> String {
    format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body))
}
