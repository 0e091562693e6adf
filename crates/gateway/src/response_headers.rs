//! The header that the client gets: nothing of the upstream's connection, none of our cookies, no caching of what is
//! personal. `Server` and `Clear-Site-Data` are the upstream's to say.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, VARY,
};

use crate::cookies;
use crate::hop_by_hop;
use crate::upstream::{Access, CachePolicy, Upstream};

const SERVICE_WORKER_ALLOWED: HeaderName = HeaderName::from_static("service-worker-allowed");
const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");
const SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");

/// Removes what an upstream says about who may read its answer: another page must not, because an upstream reflects
/// every `Origin`. Names of headers that may be read stay; without permission they say nothing.
pub(crate) fn close_cors(headers: &mut HeaderMap) {
    for name in [
        ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_MAX_AGE,
    ] {
        headers.remove(name);
    }
    headers.remove("access-control-allow-private-network");
}

/// Cleans an upstream's header in place.
pub(crate) fn clean(
    headers: &mut HeaderMap,
    upstream: &Upstream,
    authenticated: bool,
    is_own_cookie: impl Fn(&[u8]) -> bool,
) {
    hop_by_hop::remove(headers);
    headers.remove(PROXY_AUTHENTICATE);
    // BR-12: it would let a script that an upstream serves rule the paths of others.
    headers.remove(SERVICE_WORKER_ALLOWED);
    cookies::remove_own_set_cookies(headers, is_own_cookie);
    if authenticated || upstream.access != Access::Public {
        match upstream.cache {
            CachePolicy::NoStore => {
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                // These overrule Cache-Control where they are known (RFC 9213).
                headers.remove(CDN_CACHE_CONTROL);
                headers.remove(SURROGATE_CONTROL);
            }
            CachePolicy::Upstream => {
                headers.append(VARY, HeaderValue::from_static("cookie"));
            }
        }
    }
}
