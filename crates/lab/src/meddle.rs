//! The meddling proxy: it stands between the browser and a Cloakroom and takes one defence out of what passes. Nothing of this
//! is in the server; there is no switch in it that would do the same.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    SET_COOKIE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{Request, Response};
use std::fmt::Write as _;

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meddle {
    HttpOnly,
    Secure,
    SameSite,
    HostPrefix,
    HttpPrefix,
    RefuseDoubled,
    RefreshPath,
    PagePolicy,
    FrameAncestors,
    OpenerPolicy,
    ResourcePolicy,
    NoSniff,
    ReferrerPolicy,
    FetchSite,
    Embedding,
    ServiceWorker,
    Trace,
    Hsts,
    NoStore,
    ClearSiteData,
    Revocation,
}

impl Meddle {
    /// By the id that the catalogue of defences uses. None for what a proxy cannot take away.
    pub(crate) fn of(id: &str) -> Option<Self> {
        Some(match id {
            "http-only" => Self::HttpOnly,
            "secure" => Self::Secure,
            "same-site" => Self::SameSite,
            "host-prefix" => Self::HostPrefix,
            "http-prefix" => Self::HttpPrefix,
            "refuse-doubled" => Self::RefuseDoubled,
            "refresh-path" => Self::RefreshPath,
            "csp-pages" => Self::PagePolicy,
            "frame-ancestors" => Self::FrameAncestors,
            "coop" => Self::OpenerPolicy,
            "corp" => Self::ResourcePolicy,
            "nosniff" => Self::NoSniff,
            "referrer-policy" => Self::ReferrerPolicy,
            "fetch-site" => Self::FetchSite,
            "embedding" => Self::Embedding,
            "service-worker" => Self::ServiceWorker,
            "trace" => Self::Trace,
            "hsts" => Self::Hsts,
            "no-store" => Self::NoStore,
            "clear-site-data" => Self::ClearSiteData,
            "revocation" => Self::Revocation,
            _ => return None,
        })
    }

    /// What the proxy answers by itself, instead of handing the request on.
    pub(crate) fn instead(self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        match self {
            // RFC 9110 9.3.8.
            Self::Trace if request.method() == http::Method::TRACE => {
                let mut text = format!("TRACE {}\r\n", request.uri());
                for (name, value) in request.headers() {
                    let _ = write!(text, "{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
                }
                Response::builder().header(CONTENT_TYPE, "message/http").body(Bytes::from(text)).ok()
            }
            // A log-out that only empties the browser, as many do.
            Self::Revocation if request.uri().path().starts_with("/auth/logout") => {
                let mut answer = Response::builder().status(http::StatusCode::NO_CONTENT);
                for (name, _) in jar(request.headers()) {
                    answer = answer.header(SET_COOKIE, format!("{name}=; Path=/; Max-Age=0; Secure; HttpOnly"));
                }
                answer.body(Bytes::new()).ok()
            }
            _ => None,
        }
    }

    /// A request on its way in.
    pub(crate) fn request(self, mut request: Request<Bytes>) -> Request<Bytes> {
        let is_read = request.method().is_safe();
        let headers = request.headers_mut();
        match self {
            Self::FetchSite => {
                set(headers, "sec-fetch-site", "same-origin");
                let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
                if headers.contains_key(ORIGIN) {
                    set(headers, "origin", &format!("https://{host}"));
                }
            }
            // What changes something is another defence's (`FetchSite`).
            Self::Embedding if is_read => {
                set(headers, "sec-fetch-site", "none");
                set(headers, "sec-fetch-mode", "navigate");
                set(headers, "sec-fetch-dest", "document");
            }
            Self::ServiceWorker => {
                headers.remove("service-worker");
                if headers.get("sec-fetch-dest").is_some_and(|dest| dest == "serviceworker") {
                    set(headers, "sec-fetch-dest", "script");
                }
            }
            // The jar knows other names than the server.
            Self::HostPrefix | Self::HttpPrefix | Self::HttpOnly | Self::Secure => rename(headers, whole),
            Self::RefuseDoubled => first_only(headers),
            _ => {}
        }
        request
    }

    /// An answer on its way out.
    pub(crate) fn response(self, mut answer: Response<Bytes>) -> Response<Bytes> {
        let headers = answer.headers_mut();
        match self {
            // A browser that knows these prefixes keeps such a cookie only with all that they promise.
            Self::HttpOnly => cookies(headers, |line| without(&bare(line, "__Host-Http-", "__Host-"), "httponly")),
            Self::Secure => cookies(headers, |line| without(&nude(line), "secure")),
            Self::SameSite => cookies(headers, |line| format!("{}; SameSite=None", without(line, "samesite"))),
            Self::HostPrefix => cookies(headers, nude),
            Self::HttpPrefix => cookies(headers, |line| bare(line, "__Host-Http-", "__Host-")),
            Self::RefreshPath => cookies(headers, |line| {
                if line.contains("-refresh=") { format!("{}; Path=/", without(line, "path")) } else { line.to_owned() }
            }),
            Self::PagePolicy => drop(headers.remove(CONTENT_SECURITY_POLICY)),
            Self::FrameAncestors => {
                headers.remove(CONTENT_SECURITY_POLICY);
                headers.remove(X_FRAME_OPTIONS);
            }
            Self::OpenerPolicy => drop(headers.remove("cross-origin-opener-policy")),
            Self::ResourcePolicy => drop(headers.remove("cross-origin-resource-policy")),
            Self::NoSniff => drop(headers.remove(X_CONTENT_TYPE_OPTIONS)),
            Self::ReferrerPolicy => set(headers, "referrer-policy", "unsafe-url"),
            Self::Hsts => drop(headers.remove(STRICT_TRANSPORT_SECURITY)),
            Self::NoStore => drop(headers.remove(CACHE_CONTROL)),
            Self::ClearSiteData => drop(headers.remove("clear-site-data")),
            Self::FetchSite
            | Self::Embedding
            | Self::ServiceWorker
            | Self::RefuseDoubled
            | Self::Trace
            | Self::Revocation => {}
        }
        answer
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// The line without any prefix of its cookie's name.
fn nude(line: &str) -> String {
    bare(&bare(&bare(line, "__Host-Http-", ""), "__Host-", ""), "__Secure-", "")
}

/// Rewrites every `Set-Cookie`.
fn cookies(headers: &mut HeaderMap, change: impl Fn(&str) -> String) {
    let lines: Vec<_> = headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok().map(&change)).collect();
    headers.remove(SET_COOKIE);
    for line in lines {
        if let Ok(line) = HeaderValue::from_str(&line) {
            headers.append(SET_COOKIE, line);
        }
    }
}

/// The line with another prefix of its cookie's name.
fn bare(line: &str, prefix: &str, instead: &str) -> String {
    line.strip_prefix(prefix).map_or_else(|| line.to_owned(), |rest| format!("{instead}{rest}"))
}

/// The line without an attribute.
fn without(line: &str, attribute: &str) -> String {
    let is_other =
        |part: &&str| part.split('=').next().is_some_and(|name| !name.trim().eq_ignore_ascii_case(attribute));
    let mut parts = line.split(';');
    let pair = parts.next().unwrap_or_default();
    std::iter::once(pair).chain(parts.filter(is_other)).map(str::trim).collect::<Vec<_>>().join("; ")
}

/// Gives a cookie's name back the prefix that it lost on the way out; other sites' cookies keep theirs.
fn whole(name: &str) -> String {
    let bare = ["__Host-Http-", "__Http-", "__Host-", "__Secure-"].iter().find_map(|prefix| name.strip_prefix(prefix));
    match bare.unwrap_or(name) {
        ours if ours.starts_with("cloakroom-refresh") || ours.starts_with("cloakroom-device") => {
            format!("__Secure-{ours}")
        }
        ours if ours.starts_with("cloakroom-claims") => format!("__Host-{ours}"),
        ours if ours.starts_with("cloakroom") => format!("__Host-Http-{ours}"),
        _ => name.to_owned(),
    }
}

fn rename(headers: &mut HeaderMap, change: impl Fn(&str) -> String) {
    let jar = jar(headers);
    let jar: Vec<_> = jar.iter().map(|(name, value)| format!("{}={value}", change(name))).collect();
    put(headers, &jar.join("; "));
}

/// Of two cookies with one name, the first alone: what a server does that does not look.
fn first_only(headers: &mut HeaderMap) {
    let mut seen: Vec<(String, String)> = Vec::new();
    for (name, value) in jar(headers) {
        if !seen.iter().any(|(known, _)| *known == name) {
            seen.push((name, value));
        }
    }
    let jar: Vec<_> = seen.iter().map(|(name, value)| format!("{name}={value}")).collect();
    put(headers, &jar.join("; "));
}

fn jar(headers: &HeaderMap) -> Vec<(String, String)> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split("; ")).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn put(headers: &mut HeaderMap, jar: &str) {
    headers.remove(COOKIE);
    if let (false, Ok(value)) = (jar.is_empty(), HeaderValue::from_str(jar)) {
        headers.insert(COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "__Host-Http-cloakroom=abc; Path=/; HttpOnly; Secure; SameSite=Lax";

    fn through(meddle: Meddle) -> String {
        let answer = Response::builder().header(SET_COOKIE, LINE).body(Bytes::new()).unwrap();
        let answer = meddle.response(answer);
        answer.headers()[SET_COOKIE].to_str().unwrap().to_owned()
    }

    #[test]
    fn one_attribute_goes_and_the_others_stay() {
        assert_eq!(through(Meddle::SameSite), "__Host-Http-cloakroom=abc; Path=/; HttpOnly; Secure; SameSite=None");
        assert_eq!(through(Meddle::HttpOnly), "__Host-cloakroom=abc; Path=/; Secure; SameSite=Lax");
        assert_eq!(through(Meddle::HostPrefix), "cloakroom=abc; Path=/; HttpOnly; Secure; SameSite=Lax");
    }

    #[test]
    fn a_name_that_lost_its_prefix_gets_it_back_on_the_way_in() {
        let request = Request::builder().header(COOKIE, "cloakroom=abc; cloakroom-refresh=x; theme=dark");
        let request = Meddle::HostPrefix.request(request.body(Bytes::new()).unwrap());
        assert_eq!(request.headers()[COOKIE], "__Host-Http-cloakroom=abc; __Secure-cloakroom-refresh=x; theme=dark");
    }
}
