//! What came back for one question, whole and bounded, with the moments at which it came.

use http::{HeaderMap, StatusCode};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

/// An answer. No `Debug`: it may carry cookies.
pub(crate) struct Answer {
    /// What was asked, for evidence: `GET /auth/login`.
    pub(crate) asked: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// What was read of the body.
    pub(crate) body: Vec<u8>,
    /// When each piece of the body came, by the steady clock, and how long the body was with it.
    pub(crate) pieces: Vec<(Duration, usize)>,
    /// When the request began to be sent, by the wall clock, connecting excluded.
    pub(crate) asked_at: SystemTime,
    /// When the head of the answer was there.
    pub(crate) head_at: SystemTime,
}

impl Answer {
    /// Every value of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<Cow<'_, str>> {
        self.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect()
    }

    /// The first value of a header.
    pub(crate) fn first(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
    }

    /// Whether a header is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON, if it is that.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The code of a problem document of Cloakroom (RFC 9457), such as `https-required`.
    pub(crate) fn problem(&self) -> Option<String> {
        let problem = self.json()?;
        Some(problem.get("type")?.as_str()?.strip_prefix("urn:cloakroom:problem:")?.to_owned())
    }

    /// Whether it is Cloakroom's log-in page: the form's token is in it.
    pub(crate) fn is_log_in_page(&self) -> bool {
        let text = self.text();
        self.status == StatusCode::OK && text.contains(r#"name="cloakroom_csrf""#) && text.contains("/auth/login\"")
    }

    /// Whether it is a page, of which a compressed body shows no more.
    pub(crate) fn is_page(&self) -> bool {
        self.status == StatusCode::OK && self.first("content-type").is_some_and(|kind| kind.starts_with("text/html"))
    }

    /// Whether it is Cloakroom's answer to `GET /auth/csrf`.
    pub(crate) fn is_form_token(&self) -> bool {
        let header = self.json().and_then(|json| Some(json.get("header")?.as_str()? == "Cloakroom-Csrf"));
        self.status == StatusCode::OK && header == Some(true)
    }

    /// Whether it leads elsewhere, and where.
    pub(crate) fn leads_to(&self) -> Option<Cow<'_, str>> {
        self.first("location").filter(|_| self.status.is_redirection())
    }

    /// For evidence: `GET /auth/login: 308, Location: https://…`.
    pub(crate) fn shown(&self) -> String {
        // Writing into a String cannot fail.
        let mut shown = format!("{}: {}", self.asked, self.status.as_u16());
        if let Some(to) = self.leads_to() {
            let _ = write!(shown, ", Location: {}", without_query(&to));
        }
        if let Some(problem) = self.problem() {
            let _ = write!(shown, ", {problem}");
        }
        shown
    }

    /// For evidence of a header: `GET /auth/login: Server: nginx/1.25`.
    pub(crate) fn shown_header(&self, name: &str) -> String {
        let values = self.all(name);
        let name = title_case(name);
        match values.as_slice() {
            [] => format!("{}: no {name}", self.asked),
            values => {
                let lines: Vec<_> = values.iter().map(|value| format!("{name}: {value}")).collect();
                format!("{}: {}", self.asked, lines.join(" | "))
            }
        }
    }

    /// Made up, for tests.
    #[cfg(test)]
    pub(crate) fn made(asked: &str, status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap()))
            .collect();
        Self {
            asked: asked.to_owned(),
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: body.as_bytes().to_vec(),
            pieces: vec![(Duration::ZERO, body.len())],
            asked_at: SystemTime::UNIX_EPOCH,
            head_at: SystemTime::UNIX_EPOCH,
        }
    }
}

/// A query may carry what is nobody's business.
fn without_query(location: &str) -> String {
    match location.split_once('?') {
        Some((path, _)) => format!("{path}?…"),
        None => location.to_owned(),
    }
}

/// A name of a header as people write it.
fn title_case(name: &str) -> String {
    let parts = name.split('-').map(|part| {
        let mut chars = part.chars();
        chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
    });
    parts.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_cloakroom_are_known_by_what_no_other_program_says() {
        let problem =
            Answer::made("GET /x", 403, &[], r#"{"type":"urn:cloakroom:problem:https-required","status":403}"#);
        assert_eq!(problem.problem().as_deref(), Some("https-required"));
        assert_eq!(problem.shown(), "GET /x: 403, https-required");
        assert!(Answer::made("GET /x", 404, &[], r#"{"type":"about:blank"}"#).problem().is_none());
        assert!(Answer::made("GET /x", 200, &[], r#"{"csrf":"a","header":"Cloakroom-Csrf"}"#).is_form_token());
        let page = r#"<form action="/auth/login"><input name="cloakroom_csrf" value="x">"#;
        assert!(Answer::made("GET /x", 200, &[], page).is_log_in_page());
        assert!(!Answer::made("GET /x", 502, &[], page).is_log_in_page());
    }

    #[test]
    fn evidence_shows_headers_as_people_write_them_and_no_query() {
        let answer = Answer::made("GET /", 302, &[("location", "/a?token=T"), ("x-a", "1"), ("x-a", "2")], "");
        assert_eq!(answer.shown(), "GET /: 302, Location: /a?…");
        assert_eq!(answer.shown_header("x-a"), "GET /: X-A: 1 | X-A: 2");
        assert_eq!(answer.shown_header("x-b"), "GET /: no X-B");
    }
}
