//! The meddling proxy: it stands between the browser and a Cloakroom and takes one defence out of what passes. Nothing of this
//! is in the server; there is no switch in it that would do the same.

mod form_token;
mod jar;
mod remembered;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{Request, Response};
use std::fmt::Write as _;

pub(crate) use form_token::{Asked, asks_for};
use jar::{bare, cookies, exact, first_only, jar, nude, rename, whole, without};
pub(crate) use remembered::Remembered;

/// What is taken away. They are applied in this order: what reads names leniently comes before what looks for doubled ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Meddle {
    HttpOnly,
    Secure,
    SameSite,
    HostPrefix,
    HttpPrefix,
    ExactNames,
    RefuseDoubled,
    RefreshPath,
    /// Needs [`Remembered`].
    RefreshCompany,
    /// Needs [`Remembered`].
    Rotation,
    PagePolicy,
    FrameAncestors,
    OpenerPolicy,
    ResourcePolicy,
    NoSniff,
    ReferrerPolicy,
    FetchSite,
    /// Needs [`asks_for`].
    FormToken,
    Embedding,
    ServiceWorker,
    WorkerScope,
    Trace,
    Hsts,
    NoStore,
    ClearSiteData,
    ForgetPages,
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
            "exact-names" => Self::ExactNames,
            "refresh-path" => Self::RefreshPath,
            "refresh-company" => Self::RefreshCompany,
            "refresh-rotation" => Self::Rotation,
            "csp-pages" => Self::PagePolicy,
            "frame-ancestors" => Self::FrameAncestors,
            "coop" => Self::OpenerPolicy,
            "corp" => Self::ResourcePolicy,
            "nosniff" => Self::NoSniff,
            "referrer-policy" => Self::ReferrerPolicy,
            "fetch-site" => Self::FetchSite,
            "form-token" => Self::FormToken,
            "embedding" => Self::Embedding,
            "service-worker" => Self::ServiceWorker,
            "service-worker-allowed" => Self::WorkerScope,
            "trace" => Self::Trace,
            "hsts" => Self::Hsts,
            "no-store" => Self::NoStore,
            "clear-site-data" => Self::ClearSiteData,
            "forget-pages" => Self::ForgetPages,
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
            Self::ExactNames => rename(headers, exact),
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
            Self::ForgetPages => drop_cookie(headers, "cloakroom-logged-out="),
            Self::WorkerScope if is_script(headers) => set(headers, "service-worker-allowed", "/"),
            Self::FetchSite
            | Self::FormToken
            | Self::Embedding
            | Self::ServiceWorker
            | Self::WorkerScope
            | Self::RefuseDoubled
            | Self::ExactNames
            | Self::RefreshCompany
            | Self::Rotation
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

fn is_script(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.contains("javascript"))
}

/// Drops the `Set-Cookie` lines in which this stands.
fn drop_cookie(headers: &mut HeaderMap, part: &str) {
    let is_other = |line: &&HeaderValue| !line.to_str().is_ok_and(|line| line.contains(part));
    let kept: Vec<_> = headers.get_all(SET_COOKIE).iter().filter(is_other).cloned().collect();
    headers.remove(SET_COOKIE);
    for line in kept {
        headers.append(SET_COOKIE, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::COOKIE;

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

    #[test]
    fn ck_13_a_lenient_parser_takes_other_spellings_for_ours() {
        let planted =
            "\u{2000}__Host-Http-cloakroom=a; \"__Secure-cloakroom-refresh\"=b; __host-http-CLOAKROOM=c; Theme=d";
        let request = Request::builder().header(COOKIE, HeaderValue::from_bytes(planted.as_bytes()).unwrap());
        let request = Meddle::ExactNames.request(request.body(Bytes::new()).unwrap());
        let expected = "__Host-Http-cloakroom=a; __Secure-cloakroom-refresh=b; __Host-Http-cloakroom=c; Theme=d";
        assert_eq!(request.headers()[COOKIE], expected);
    }

    #[test]
    fn the_cookie_of_a_log_out_is_dropped_and_the_others_stay() {
        let answer = Response::builder()
            .header(SET_COOKIE, "__Host-Http-cloakroom-logged-out=1; Path=/")
            .header(SET_COOKIE, LINE)
            .body(Bytes::new());
        let answer = Meddle::ForgetPages.response(answer.unwrap());
        let kept: Vec<_> = answer.headers().get_all(SET_COOKIE).iter().collect();
        assert_eq!(kept, [LINE]);
    }
}
