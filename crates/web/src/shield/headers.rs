//! Headers of every response. Ours replace nothing that an upstream says more strictly, except where a weaker word of an
//! upstream would undo a promise of ours (HSTS, nosniff).

use crate::{Client, Web};
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

impl Web {
    /// Completes the headers of any response, the last thing that happens to it.
    pub fn finish(&self, headers: &mut HeaderMap, client: &Client) {
        let policy = &self.site.headers;
        if client.https {
            headers.insert(STRICT_TRANSPORT_SECURITY, policy.hsts.clone());
        } else {
            headers.remove(STRICT_TRANSPORT_SECURITY);
        }
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let html = headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
        if html
            && !headers.contains_key(CONTENT_SECURITY_POLICY)
            && let Some(csp) = &policy.upstream_csp
        {
            headers.append(CONTENT_SECURITY_POLICY, csp.clone());
        }
        // A second policy only ever narrows the first (CSP3 §8.1).
        let framed = headers
            .get_all(CONTENT_SECURITY_POLICY)
            .iter()
            .any(|csp| csp.to_str().is_ok_and(|csp| csp.contains("frame-ancestors")));
        if !framed {
            headers.append(CONTENT_SECURITY_POLICY, policy.frame_ancestors.clone());
        }
        if html {
            headers.entry(COOP).or_insert(SAME_ORIGIN);
        }
        headers.entry(CORP).or_insert(SAME_ORIGIN);
        headers.entry(REFERRER_POLICY).or_insert_with(|| policy.referrer.clone());
        headers.entry(PERMISSIONS).or_insert_with(|| policy.permissions.clone());
    }
}
