//! Before anything else happens to a request: methods that are refused everywhere, plain http on an https site, and
//! scripts that want to become a service worker.

use crate::navigation::{is_navigation, text};
use crate::problem::{Code, Problem};
use crate::{Client, Response, Web};
use http::header::{CACHE_CONTROL, CONNECTION, HOST, LOCATION};
use http::request::Parts;
use http::{HeaderValue, StatusCode};

/// The host that a request asks for, without its port: of the target where it names one (HTTP/2, absolute form), else of
/// the one `Host` field.
fn host_of(request: &Parts) -> &str {
    let authority = request.uri.authority().map(http::uri::Authority::as_str);
    let authority = authority.or_else(|| text(&request.headers, HOST.as_str())).unwrap_or_default();
    let name = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    name.map_or(authority, |(name, _)| name)
}

impl Web {
    /// Answers a request that must not go any further. `None` when it may.
    pub fn refuse_early(&self, request: &Parts, client: &Client) -> Option<Response> {
        // BR-13: an echo of cookies is worth nothing to anybody but a thief.
        let method = request.method.as_str();
        if ["TRACE", "TRACK", "CONNECT"].iter().any(|refused| refused.eq_ignore_ascii_case(method)) {
            return Some(self.problem(&Problem::new(Code::MethodNotAllowed), client));
        }
        // The keys are public, and services fetch them by whatever name they know us.
        let keys = request.uri.path() == "/.well-known/jwks.json";
        // A service beside us fetches the keys without a network between that anybody could listen on.
        let from_here = keys && client.address.is_loopback();
        if self.site.is_https() && !client.https && !from_here {
            return Some(self.to_https(request, client));
        }
        if !keys && !self.site.is_called(host_of(request)) {
            return Some(self.problem(&Problem::new(Code::Misdirected), client));
        }
        let worker = request.headers.contains_key("service-worker")
            || text(&request.headers, "sec-fetch-dest") == Some("serviceworker");
        if worker && !self.site.service_workers.iter().any(|path| path == request.uri.path()) {
            return Some(self.problem(&Problem::new(Code::ServiceWorkerRefused), client));
        }
        None
    }

    /// K7: a person who typed the address is brought to https; a program that sent data in clear is told, not helped.
    fn to_https(&self, request: &Parts, client: &Client) -> Response {
        if !is_navigation(&request.method, &request.headers) {
            return self.problem(&Problem::new(Code::HttpsRequired), client);
        }
        // Built from the configuration, never from `Host`.
        let target = request.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut response = Response::default();
        *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
        let location = HeaderValue::from_str(&format!("{}{target}", self.site.origin));
        response.headers_mut().insert(LOCATION, location.unwrap_or(HeaderValue::from_static("/")));
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        // A browser that kept it would go on in a circle after a proxy was mended.
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.finish(response.headers_mut(), client);
        response
    }
}
