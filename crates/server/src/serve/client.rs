//! Who is at the other end: the peer of the connection, or what a listed proxy says about it. Nobody else's word counts.

use crate::network::Network;
use cloakroom_web::{Client, Slot};
use http::{HeaderMap, HeaderValue};
use std::net::IpAddr;

/// The client of a request, and the host that a trusted proxy says it asked for.
pub(super) fn client(
    peer: IpAddr,
    tls: bool,
    headers: &HeaderMap,
    trusted: &[Network],
) -> (Client, Option<HeaderValue>) {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let peer = peer.to_canonical();
    if trusted.is_empty() || !is_trusted(peer) {
        return (Client { address: peer, https: tls, by_proxy: false, slot: Slot::default() }, None);
    }
    // The nearest address that is not a proxy of ours: what lies left of it was written by the client.
    let mut address = peer;
    for said in hops(headers).rev() {
        let Some(said) = said else { break };
        address = said;
        if !is_trusted(said) {
            break;
        }
    }
    let last = |name: &str| {
        let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
        value.rsplit(',').next().map(|value| value.trim().to_owned())
    };
    // One family of headers or the other, never a mixture: what the proxy does not write, the client may have.
    let said = |name: &str, parameter: &str| if speaks_x(headers) { last(name) } else { forwarded(headers, parameter) };
    let (proto, host) = (said("x-forwarded-proto", "proto"), said("x-forwarded-host", "host"));
    let https = proto.map_or(tls, |proto| proto.eq_ignore_ascii_case("https"));
    (
        Client { address, https, by_proxy: true, slot: Slot::default() },
        host.and_then(|host| HeaderValue::from_str(&host).ok()),
    )
}

/// The addresses of `X-Forwarded-For`, or of `Forwarded` where there is none; `None` for what is no address.
fn hops(headers: &HeaderMap) -> impl DoubleEndedIterator<Item = Option<IpAddr>> {
    let list = |name: &str| -> Vec<String> {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(|hop| hop.trim().to_owned()).collect()
    };
    let hops = if speaks_x(headers) {
        list("x-forwarded-for")
    } else {
        list("forwarded").iter().map(|hop| parameter(hop, "for").unwrap_or_default()).collect()
    };
    hops.into_iter().map(|hop| address(&hop)).collect::<Vec<_>>().into_iter()
}

/// Whether the proxy speaks `X-Forwarded-*`, the usual family; else `Forwarded` counts (RFC 7239).
fn speaks_x(headers: &HeaderMap) -> bool {
    ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-method"].iter().any(|name| headers.contains_key(*name))
}

fn forwarded(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get_all("forwarded").iter().next_back()?.to_str().ok()?;
    parameter(value.rsplit(',').next()?, name)
}

/// A parameter of one element of `Forwarded` (RFC 7239 §4).
fn parameter(element: &str, name: &str) -> Option<String> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|rest| rest.split(']').next());
    let read = text.parse().ok().or_else(|| bare?.parse().ok());
    read.or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
        .map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, headers: &[(&'static str, &'static str)]) -> (String, bool) {
        let map = headers.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        let (client, _) = client(peer.parse().unwrap(), false, &map, &trusted);
        (client.address.to_string(), client.https)
    }

    #[test]
    fn only_a_listed_proxy_is_believed_and_only_about_its_own_client() {
        const XFF: &str = "x-forwarded-for";
        assert_eq!(seen("192.0.2.1", &[(XFF, "1.2.3.4"), ("x-forwarded-proto", "https")]), ("192.0.2.1".into(), false));
        assert_eq!(seen("10.0.0.1", &[(XFF, "1.2.3.4"), ("x-forwarded-proto", "https")]), ("1.2.3.4".into(), true));
        // What the client itself put in front is not believed.
        assert_eq!(seen("10.0.0.1", &[(XFF, "6.6.6.6, 1.2.3.4, 10.0.0.9")]).0, "1.2.3.4");
        assert_eq!(seen("10.0.0.1", &[(XFF, "6.6.6.6, nonsense, 10.0.0.9")]).0, "10.0.0.9");
        assert_eq!(seen("::1", &[("forwarded", "for=\"[2001:db8::7]:80\";proto=https")]), ("2001:db8::7".into(), true));
        assert_eq!(seen("::ffff:10.0.0.1", &[(XFF, "1.2.3.4:5678")]).0, "1.2.3.4");
        // Behind a proxy that speaks the one family, what a client wrote in the other counts for nothing.
        assert_eq!(
            seen("10.0.0.1", &[("forwarded", "for=6.6.6.6"), ("x-forwarded-proto", "https")]),
            ("10.0.0.1".into(), true)
        );
        assert_eq!(seen("10.0.0.1", &[("forwarded", "proto=https"), (XFF, "1.2.3.4")]), ("1.2.3.4".into(), false));
        assert_eq!(seen("10.0.0.1", &[]).0, "10.0.0.1");
    }
}
