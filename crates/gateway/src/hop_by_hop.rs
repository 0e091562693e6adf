//! Fields that belong to one connection (RFC 9110 §7.6.1) are not forwarded in either direction.

use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};

use crate::identity_headers::is_framing;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Removes `Connection`, every field that it nominates, and the ones that are always of one connection. `Trailer` is
/// reduced to names that may be trailers: it is what lets trailers pass (RFC 9110 §6.6.2). Returns whether `TE: trailers`
/// was there.
pub(crate) fn remove(headers: &mut HeaderMap) -> bool {
    let trailers = headers.get_all(TE).iter().any(|value| has_token(value, "trailers"));
    if headers.contains_key(CONNECTION) {
        remove_nominated(headers);
    }
    headers.remove(TE);
    headers.remove(TRANSFER_ENCODING);
    headers.remove(UPGRADE);
    headers.remove(KEEP_ALIVE);
    headers.remove(PROXY_CONNECTION);
    if headers.contains_key(TRAILER) {
        keep_legal_trailer_names(headers);
    }
    trailers
}

/// Whether a comma-separated list holds a token, letter case aside.
pub(crate) fn has_token(value: &HeaderValue, token: &str) -> bool {
    tokens(value.as_bytes()).any(|one| one.eq_ignore_ascii_case(token.as_bytes()))
}

/// Removes from trailers what would mean something else there (RFC 9110 §6.5.1): framing, routing, identity, cookies.
pub(crate) fn clean_trailers(trailers: &mut HeaderMap) {
    let illegal: Vec<HeaderName> = trailers.keys().filter(|name| is_framing(name.as_str())).cloned().collect();
    for name in illegal {
        trailers.remove(name);
    }
}

fn remove_nominated(headers: &mut HeaderMap) {
    let mut nominated: Vec<HeaderName> = Vec::new();
    for value in headers.get_all(CONNECTION) {
        for token in tokens(value.as_bytes()) {
            let usual = [&b"keep-alive"[..], b"close", b"upgrade", b"te"];
            if !usual.iter().any(|one| token.eq_ignore_ascii_case(one)) {
                nominated.extend(HeaderName::from_bytes(token).ok());
            }
        }
    }
    headers.remove(CONNECTION);
    for name in nominated {
        headers.remove(name);
    }
}

fn keep_legal_trailer_names(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> = headers
        .get_all(TRAILER)
        .iter()
        .flat_map(|value| tokens(value.as_bytes()))
        .filter_map(|token| HeaderName::from_bytes(token).ok())
        .filter(|name| !is_framing(name.as_str()))
        .collect();
    headers.remove(TRAILER);
    for name in names {
        headers.append(TRAILER, HeaderValue::from(name));
    }
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}
