//! What every examination begins with, and most checks judge: the log-in page, twice, and a form token. From these it is
//! known whether Cloakroom answers at all.

use crate::answer::Answer;
use crate::finding::Judged;
use crate::options::Options;
use crate::set_cookie::SetCookie;
use crate::wire::{Ask, Door, Handshake, Silence, Wire};
use http::StatusCode;

/// A visit, as far as all checks share it.
pub(crate) struct Visit {
    pub(crate) wire: Wire,
    /// Of a site over TLS.
    pub(crate) handshake: Option<Handshake>,
    /// `GET /auth/csrf`, as a program asks.
    pub(crate) csrf: Answer,
    /// `GET /auth/login`, as a browser asks that comes for the first time and takes no compression.
    pub(crate) login: Answer,
    /// The same from a browser that shows the device cookie, and takes compression.
    pub(crate) again: Result<Answer, Silence>,
    /// Where people come by plain http, if that is known.
    pub(crate) http_door: Option<Door>,
    /// Where the admin listener would be.
    pub(crate) admin_port: u16,
}

/// The path of the log-in page.
pub(crate) const LOG_IN: &str = "/auth/login";
/// The path of form tokens.
pub(crate) const FORM_TOKEN: &str = "/auth/csrf";

impl Visit {
    /// Visits. `Err` says why there is nothing to examine: nobody answers, or somebody else does.
    pub(crate) async fn begin(wire: Wire, handshake: Option<Handshake>, options: &Options) -> Result<Self, NoVisit> {
        let csrf = wire.ask(Ask::get(FORM_TOKEN)).await.map_err(NoVisit::Silent)?;
        let login = wire.ask(Ask::page(LOG_IN)).await.map_err(NoVisit::Silent)?;
        if !is_cloakroom(&csrf, &login) {
            return Err(NoVisit::Stranger(stranger(&csrf, &login)));
        }
        let mut ask = Ask::page(LOG_IN).with("accept-encoding", "gzip, br");
        if let Some(device) = cookies(&login).into_iter().find(is_device) {
            ask = ask.with("cookie", device.sent_back());
        }
        let again = wire.ask(ask).await;
        let usual = (wire.target.is_https() && wire.target.is_on_usual_port()).then_some(80);
        let http_port = options.http_port.or(usual).filter(|_| wire.target.is_https());
        let http_door = http_port.map(|port| Door { is_encrypted: false, port });
        Ok(Self { wire, handshake, csrf, login, again, http_door, admin_port: options.admin_port })
    }

    /// The log-in page, or why a check that needs it can tell nothing.
    pub(crate) fn page(&self) -> Result<&Answer, Judged> {
        page(&self.login)
    }
}

/// A page that came as it should; else what a check says that needs one.
pub(crate) fn page(login: &Answer) -> Result<&Answer, Judged> {
    if login.is_log_in_page() {
        return Ok(login);
    }
    Err(Judged::unknown(format!("the log-in page does not come ({}); public-url says more", login.shown())))
}

/// Why there is no visit.
pub(crate) enum NoVisit {
    /// Nobody answers.
    Silent(Silence),
    /// Somebody answers who is not Cloakroom; what was seen.
    Stranger(String),
}

/// Whether what answers is Cloakroom, as far as its answers show.
fn is_cloakroom(csrf: &Answer, login: &Answer) -> bool {
    let speaks = |answer: &Answer| answer.problem().is_some() || answer.is_form_token() || answer.is_log_in_page();
    speaks(csrf) || speaks(login)
}

/// What to say about a stranger: where the request probably ended.
fn stranger(csrf: &Answer, login: &Answer) -> String {
    let why = match csrf.status {
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            "something in front answers that it does not reach what is behind it. Does Cloakroom run, and does the proxy \
             lead to server.listen?"
        }
        StatusCode::NOT_FOUND => "nothing is there. Does the proxy pass /auth on to Cloakroom, like every other path?",
        status if status.is_redirection() => {
            "it leads elsewhere. Name the origin that people arrive at, as in server.public_url"
        }
        _ => "another program answers. Name the origin that people type, as in server.public_url",
    };
    format!("{why} ({}; {})", csrf.shown(), login.shown())
}

/// The cookies that an answer sets.
pub(crate) fn cookies(answer: &Answer) -> Vec<SetCookie> {
    answer.all("set-cookie").iter().filter_map(|line| SetCookie::parse(line)).collect()
}

/// Whether a cookie is Cloakroom's for a device, with any prefix.
pub(crate) fn is_device(cookie: &SetCookie) -> bool {
    unprefixed(&cookie.name) == "cloakroom-device"
}

/// A name without the prefixes that browsers enforce (RFC 6265bis §4.1.3).
pub(crate) fn unprefixed(name: &str) -> &str {
    let prefixes = ["__Host-Http-", "__Http-", "__Host-", "__Secure-"];
    prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What Cloakroom answers to a browser that comes for the first time, over TLS.
    pub(crate) fn log_in_page(change: impl Fn(&str, &str) -> Vec<String>) -> Answer {
        let headers = [
            ("content-type", "text/html; charset=utf-8"),
            (
                "content-security-policy",
                "default-src 'none'; script-src 'nonce-AAAA'; form-action 'self' ; frame-ancestors 'none'",
            ),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("permissions-policy", "camera=()"),
            ("cache-control", "no-store"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            (
                "set-cookie",
                "__Secure-cloakroom-device=S3CRET; Path=/auth; HttpOnly; Secure; SameSite=Lax; Max-Age=34560000",
            ),
        ];
        let mut changed = Vec::new();
        for (name, value) in headers {
            changed.extend(change(name, value).into_iter().map(|value| (name, value)));
        }
        // Headers that the change adds.
        for line in change("", "") {
            if let Some((name, value)) = line.split_once(": ") {
                changed.push((Box::leak(name.to_owned().into_boxed_str()), value.to_owned()));
            }
        }
        let headers: Vec<_> = changed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Answer::made("GET /auth/login", 200, &headers, PAGE)
    }

    pub(crate) const PAGE: &str =
        r#"<form method="post" action="/auth/login"><input name="cloakroom_csrf" value="x"></form>"#;

    /// The same as it left Cloakroom.
    pub(crate) fn untouched() -> Answer {
        log_in_page(|name, value| if name.is_empty() { vec![] } else { vec![value.to_owned()] })
    }

    /// The same without a header.
    pub(crate) fn stripped(of: &str) -> Answer {
        log_in_page(|name, value| if name.is_empty() || name == of { vec![] } else { vec![value.to_owned()] })
    }

    /// The same with another value of a header.
    pub(crate) fn changed(header: &str, to: &str) -> Answer {
        log_in_page(|name, value| match name {
            "" => vec![],
            name if name == header => vec![to.to_owned()],
            _ => vec![value.to_owned()],
        })
    }

    /// The same with one more header.
    pub(crate) fn with(line: &str) -> Answer {
        log_in_page(|name, value| vec![if name.is_empty() { line.to_owned() } else { value.to_owned() }])
    }

    #[test]
    fn cloakroom_is_known_by_its_answers_and_nobody_else_is() {
        let page = untouched();
        let other = Answer::made("GET /auth/csrf", 404, &[("content-type", "text/html")], "<h1>Not found</h1>");
        let problem = Answer::made("GET /auth/csrf", 421, &[], r#"{"type":"urn:cloakroom:problem:misdirected"}"#);
        assert!(is_cloakroom(&other, &page) && is_cloakroom(&problem, &other));
        assert!(!is_cloakroom(&other, &other));
        assert!(stranger(&other, &other).contains("/auth"));
        let bad_gateway = Answer::made("GET /auth/csrf", 502, &[], "");
        assert!(stranger(&bad_gateway, &bad_gateway).contains("server.listen"));
    }

    #[test]
    fn prefixes_of_cookies_are_no_part_of_their_kind() {
        for name in ["cloakroom-device", "__Secure-cloakroom-device", "__Host-Http-cloakroom-device"] {
            assert_eq!(unprefixed(name), "cloakroom-device");
        }
    }
}
