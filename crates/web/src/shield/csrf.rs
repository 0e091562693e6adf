//! CSRF in two layers (design §3.5). First: where does it come from? Second: could a plain form have sent it? An
//! application's own service worker can launder a cross-site form post into a same-origin one, `SameSite=Strict` cookies
//! included (BR-02, observed in Chromium and Firefox), so what a form could have sent also needs a form token.

use crate::Site;
use crate::navigation::text;
use crate::problem::Code;
use http::header::{CONTENT_TYPE, ORIGIN, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Method};

/// What the headers of a request allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// It changes nothing, or comes from our own page in a way that no form can imitate.
    Pass,
    /// It needs a form token that belongs to the session or the device.
    TokenNeeded,
}

/// Judges an unsafe method or a WebSocket handshake; everything else passes. `has_body` is what the framing says: over
/// HTTP/2 a body may come without any header that tells of it.
pub(crate) fn judge(site: &Site, request: &Parts, has_body: bool) -> Result<Judged, Code> {
    let upgrade = request.headers.contains_key(UPGRADE);
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&request.method);
    if safe && !upgrade {
        return Ok(Judged::Pass);
    }
    let known = came_from(site, &request.headers)?;
    if upgrade && safe {
        // Every browser that speaks WebSocket sends `Origin`; a form cannot shake hands.
        return if known { Ok(Judged::Pass) } else { Err(Code::CrossSite) };
    }
    Ok(if known && !a_form_could_send(request, has_body) { Judged::Pass } else { Judged::TokenNeeded })
}

/// `true` when the browser says that it comes from here, `false` when the client says nothing at all.
fn came_from(site: &Site, headers: &HeaderMap) -> Result<bool, Code> {
    let origin = headers.contains_key(ORIGIN).then(|| text(headers, ORIGIN.as_str()).unwrap_or("null"));
    let origin_is_trusted = origin.map(|origin| site.trusts(origin));
    match (text(headers, "sec-fetch-site"), origin_is_trusted) {
        // A lie about either is refused: `Origin: null` never passes, whatever else is claimed (BR-15).
        (_, Some(false)) => Err(Code::CrossSite),
        (Some("same-origin"), _) | (Some("same-site") | None, Some(true)) => Ok(true),
        (Some(_), _) => Err(Code::CrossSite),
        (None, None) if headers.contains_key("sec-fetch-site") => Err(Code::CrossSite),
        (None, None) => Ok(false),
    }
}

/// The three content types of forms, and a body without any (v5.0.0-3.5.2). A body-less call is none: a form always
/// has a content type.
pub(crate) fn a_form_could_send(request: &Parts, has_body: bool) -> bool {
    let headers = &request.headers;
    if request.method != Method::POST {
        return false;
    }
    if headers.contains_key(CONTENT_TYPE) {
        let Some(content_type) = text(headers, CONTENT_TYPE.as_str()) else { return true };
        let essence = content_type.split([';', ',']).next().unwrap_or_default().trim().to_ascii_lowercase();
        let form = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
        return !essence.contains('/') || form.contains(&essence.as_str()) || content_type.contains(',');
    }
    has_body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CookieNames, HeaderPolicy, SameSite};

    fn site() -> Site {
        Site {
            origin: "https://app.example.com".into(),
            approval_origin: None,
            hosts: vec![],
            trusted_origins: vec!["https://admin.example.com".into()],
            readers: None,
            cookies: CookieNames::SECURE,
            slots: 1,
            same_site: SameSite::Lax,
            headers: HeaderPolicy::default(),
            service_workers: vec![],
            jwks_max_age: cloakroom_core::time::Lifetime::from_secs(300),
        }
    }

    fn judged(method: &str, headers: &[(&str, &str)]) -> Result<Judged, Code> {
        let mut request = http::Request::builder().method(method).uri("/x");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let has_body = headers
            .iter()
            .any(|(name, value)| *name == "transfer-encoding" || (*name == "content-length" && *value != "0"));
        judge(&site(), &request.body(()).unwrap().into_parts().0, has_body)
    }

    const JSON: (&str, &str) = ("content-type", "application/json");
    const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");
    const OURS: (&str, &str) = ("origin", "https://app.example.com");

    #[test]
    fn br_01_where_it_comes_from_decides() {
        for pass in [vec![JSON, SAME], vec![JSON, OURS], vec![JSON, SAME, OURS], vec![SAME]] {
            assert_eq!(judged("POST", &pass), Ok(Judged::Pass), "{pass:?}");
        }
        for refused in [
            vec![JSON, ("sec-fetch-site", "cross-site")],
            vec![JSON, ("sec-fetch-site", "same-site")],
            vec![JSON, ("sec-fetch-site", "none")],
            vec![JSON, ("sec-fetch-site", "Same-Origin")],
            vec![JSON, SAME, SAME],
            vec![JSON, ("origin", "null")],
            vec![JSON, SAME, ("origin", "null")],
            vec![JSON, SAME, ("origin", "https://evil.example")],
            vec![JSON, OURS, ("origin", "https://evil.example")],
            vec![JSON, ("origin", "https://app.example.com.evil.example")],
            vec![JSON, ("origin", "http://app.example.com")],
            vec![JSON, OURS, ("sec-fetch-site", "cross-site")],
        ] {
            assert_eq!(judged("POST", &refused), Err(Code::CrossSite), "{refused:?}");
        }
    }

    #[test]
    fn a_listed_sibling_passes_and_only_with_its_origin() {
        let sibling = ("origin", "https://admin.example.com");
        assert_eq!(judged("PUT", &[JSON, sibling, ("sec-fetch-site", "same-site")]), Ok(Judged::Pass));
        assert_eq!(judged("PUT", &[JSON, ("sec-fetch-site", "same-site")]), Err(Code::CrossSite));
    }

    #[test]
    fn asvs_3_5_2_what_a_form_could_send_needs_a_token_even_from_here() {
        for content_type in [
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/plain",
            "TEXT/PLAIN;charset=utf-8",
            "json",
            "application/json, text/plain",
            "",
        ] {
            let headers = [SAME, OURS, ("content-type", content_type), ("content-length", "5")];
            assert_eq!(judged("POST", &headers), Ok(Judged::TokenNeeded), "{content_type}");
        }
        assert_eq!(judged("POST", &[SAME, ("content-length", "5")]), Ok(Judged::TokenNeeded));
        assert_eq!(judged("POST", &[SAME, ("transfer-encoding", "chunked")]), Ok(Judged::TokenNeeded));
        assert_eq!(judged("POST", &[SAME, ("content-length", "0")]), Ok(Judged::Pass));
        // No form sends PUT, PATCH or DELETE.
        assert_eq!(judged("DELETE", &[SAME, ("content-type", "text/plain")]), Ok(Judged::Pass));
    }

    #[test]
    fn a_client_that_says_nothing_needs_a_token_and_a_handshake_needs_an_origin() {
        assert_eq!(judged("POST", &[JSON]), Ok(Judged::TokenNeeded));
        assert_eq!(judged("DELETE", &[]), Ok(Judged::TokenNeeded));
        assert_eq!(judged("GET", &[("upgrade", "websocket")]), Err(Code::CrossSite));
        assert_eq!(judged("GET", &[("upgrade", "websocket"), OURS]), Ok(Judged::Pass));
        assert_eq!(
            judged("GET", &[("upgrade", "websocket"), ("origin", "https://evil.example")]),
            Err(Code::CrossSite)
        );
        assert_eq!(judged("GET", &[("sec-fetch-site", "cross-site")]), Ok(Judged::Pass));
    }
}
