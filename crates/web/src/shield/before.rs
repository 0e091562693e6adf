//! Before anything else happens to a request: methods that are refused everywhere, plain http on an https site, and
//! scripts that want to become a service worker.

use crate::door::{Door, host_name, host_of, is_for_approvals, is_own_path};
use crate::navigation::{is_navigation, text};
use crate::problem::{Code, Problem};
use crate::{Client, Response, Web};
use http::header::{CACHE_CONTROL, CONNECTION, LOCATION};
use http::request::Parts;
use http::{HeaderValue, StatusCode};

impl Web {
    /// Answers a request that must not go any further. `None` when it may.
    ///
    /// `told` is the host that a trusted proxy says the client asked for. It must lead to the same door as `Host`: else the
    /// application would be served on the origin of approvals.
    pub fn refuse_early(&self, request: &Parts, client: &Client, told: Option<&HeaderValue>) -> Option<Response> {
        let told = told.and_then(|told| told.to_str().ok()).map(|told| self.door_of(host_name(told)));
        if told.is_some_and(|told| told != self.door(request)) {
            return Some(self.problem(&Problem::new(Code::Misdirected), client));
        }
        // BR-13: an echo of cookies is worth nothing to anybody but a thief.
        let method = request.method.as_str();
        let echoes = ["TRACE", "TRACK", "CONNECT"].iter().any(|refused| refused.eq_ignore_ascii_case(method));
        // No route of ours has such a method, and the table knows which it has. RFC 9110 §15.5.6: Allow is a must; what an
        // upstream knows of a path, we do not.
        if echoes && !is_own_path(request.uri.path()) {
            let others = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS".to_owned();
            return Some(self.problem(&Problem::allowing(others), client));
        }
        // The keys are public, and services fetch them by whatever name they know us.
        let keys = request.uri.path() == "/.well-known/jwks.json";
        // A service beside us fetches the keys without a network between that anybody could listen on.
        let from_here = keys && client.address.is_loopback();
        if self.site.is_https() && !client.https && !from_here {
            return Some(self.to_https(request, client));
        }
        if self.door(request) == Door::Approval && !is_for_approvals(request.uri.path()) {
            // Whoever looks at its front page is led home; nothing else of the site is here.
            let looks = is_navigation(&request.method, &request.headers) && request.uri.path() == "/";
            let problem = Problem::new(Code::Misdirected);
            return Some(if looks {
                self.redirect_to_public("/")
            } else if is_navigation(&request.method, &request.headers) {
                let mut page = self.error_page(&problem, client.slot);
                self.finish(page.headers_mut(), client);
                page
            } else {
                self.problem(&problem, client)
            });
        }
        if !keys && !self.site.is_called(host_of(request)) && self.door(request) == Door::Public {
            return Some(self.problem(&Problem::new(Code::Misdirected), client));
        }
        if !keys && is_own_path(request.uri.path()) && self.is_cookie_free(host_of(request)) {
            return Some(self.problem(&Problem::new(Code::Misdirected), client));
        }
        let worker = request.headers.contains_key("service-worker")
            || text(&request.headers, "sec-fetch-dest") == Some("serviceworker");
        if worker && !self.site.service_workers.iter().any(|path| path == request.uri.path()) {
            return Some(self.problem(&Problem::new(Code::ServiceWorkerRefused), client));
        }
        None
    }

    /// Whether a host lies outside of the domain that cookies are set for: nobody can be logged in there, so nothing tries.
    fn is_cookie_free(&self, host: &str) -> bool {
        self.site.cookies.domain().is_some() && !self.site.shares_with(host) && self.site.is_listed(host)
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
        let location = HeaderValue::from_str(&format!("{}{target}", self.site_at(self.door(request)).origin));
        response.headers_mut().insert(LOCATION, location.unwrap_or(HeaderValue::from_static("/")));
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        // A browser that kept it would go on in a circle after a proxy was mended.
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.finish(response.headers_mut(), client);
        response
    }
}
