//! What a deployment looks like from here, for `cloakroom doctor`: two events a second apart, so that a proxy which keeps them
//! back is seen. Nobody is told more than what they sent, and how it was judged.

use crate::call::Call;
use crate::content::Content;
use crate::problem::{Code, Problem};
use crate::{Response, Web};
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use serde_json::json;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// So many at once; each costs a connection for a second.
pub(crate) const MOST: usize = 16;

/// Long enough to tell a proxy that waits from a network that is slow.
const BETWEEN: Duration = Duration::from_secs(1);

/// Headers by which proxies tell of their clients.
const FORWARDING: [&str; 4] = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"];

/// `GET /auth/probe`.
pub(crate) async fn get(call: Call) -> Result<Response, Problem> {
    let room = Arc::clone(&call.web.probes).try_acquire_owned().map_err(|_| Code::Busy)?;
    let (headers, client) = (&call.parts.headers, &call.client);
    let named = headers.get(HOST).and_then(|host| host.to_str().ok());
    let named = named.or_else(|| call.parts.uri.authority().map(http::uri::Authority::as_str));
    let is_named = named.is_some_and(|name| call.web.site().origin.ends_with(&format!("://{name}")));
    let forwarded = match FORWARDING.iter().any(|name| headers.contains_key(*name)) {
        false => "none",
        true if client.by_proxy => "believed",
        true => "ignored",
    };
    let seen = json!({
        "v": 1,
        "time": call.web.app().clock().now().millis(),
        "scheme": if client.https { "https" } else { "http" },
        "host": if is_named { "expected" } else { "other" },
        "peer": if client.by_proxy { "trusted" } else { "untrusted" },
        "forwarded": forwarded,
        "client": class(client.address),
    });
    let first = Bytes::from(format!("event: seen\ndata: {seen}\n\n"));
    let begun = Instant::now();
    let web = Arc::clone(&call.web);
    let events = stream::unfold((Some(first), room, false), move |(next, room, over)| {
        let web = Arc::clone(&web);
        async move {
            if let Some(first) = next {
                return Some((first, (None, room, false)));
            }
            (!over && !is_stopped_meanwhile(&web).await).then(|| {
                let held = begun.elapsed().as_millis();
                (Bytes::from(format!("event: end\ndata: {{\"held_ms\":{held}}}\n\n")), (None, room, true))
            })
        }
    });
    let mut response = Response::new(Content::events(events));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

/// Waits, unless the server stops.
async fn is_stopped_meanwhile(web: &Web) -> bool {
    tokio::time::timeout(BETWEEN, web.stopping.cancelled()).await.is_ok()
}

/// Of an address only what kind it is.
fn class(address: IpAddr) -> &'static str {
    match address {
        _ if address.is_loopback() => "loopback",
        IpAddr::V4(v4) if v4.is_documentation() => "documentation",
        IpAddr::V4(v4) if v4.is_private() => "private",
        IpAddr::V4(v4) if v4.is_link_local() => "link-local",
        IpAddr::V4(v4) if v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast() => "other",
        // RFC 3849.
        IpAddr::V6(v6) if v6.segments().starts_with(&[0x2001, 0xdb8]) => "documentation",
        IpAddr::V6(v6) if v6.is_unique_local() => "private",
        IpAddr::V6(v6) if v6.is_unicast_link_local() => "link-local",
        IpAddr::V6(v6) if v6.is_unspecified() || v6.is_multicast() => "other",
        IpAddr::V4(_) | IpAddr::V6(_) => "public",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_by_its_kind_alone() {
        for (address, kind) in [
            ("192.0.2.77", "documentation"),
            ("2001:db8::1", "documentation"),
            ("127.0.0.1", "loopback"),
            ("::1", "loopback"),
            ("10.1.2.3", "private"),
            ("fd00::1", "private"),
            ("169.254.1.1", "link-local"),
            ("fe80::1", "link-local"),
            ("0.0.0.0", "other"),
            ("1.1.1.1", "public"),
            ("2606:4700::1", "public"),
        ] {
            assert_eq!(class(address.parse().unwrap()), kind, "{address}");
        }
    }
}
