//! Devices that an account was used on, and whether a log-in comes from a new one. A device is a browser that keeps a cookie of
//! ours: that is what can be known, and no more is pretended.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A device of an account, by the secret in its cookie (which is kept as a hash, elsewhere).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What its owner calls it, if they named it; at most [`Device::MAX_NAME`] characters.
    pub name: Option<String>,
    /// Browser and system, such as `Firefox on Linux`.
    pub family: String,
    /// Networks that it logged in from, the newest last, at most [`Device::MAX_PREFIXES`].
    pub prefixes: Vec<String>,
    /// Milliseconds since the epoch of the first log-in.
    pub first_seen: i64,
    /// Milliseconds since the epoch of the last log-in.
    pub last_seen: i64,
    /// Whether its owner trusts it: other networks are no news then.
    pub trusted: bool,
}

/// Why a log-in is told to the owner of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No cookie of a device of this account came along.
    UnknownDevice,
    /// No device of the account has this browser and system; or this very device had others.
    OtherKind,
    /// No device of the account was in this network.
    OtherNetwork,
}

impl Reason {
    /// A sentence for its owner.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::UnknownDevice => "This browser has not logged in to your account before.",
            Self::OtherKind => "None of your devices used this browser and system before.",
            Self::OtherNetwork => "None of your devices used this network before.",
        }
    }
}

impl Device {
    /// More networks than this are not remembered.
    pub const MAX_PREFIXES: usize = 8;
    /// Longer names are cut, in characters.
    pub const MAX_NAME: usize = 60;

    /// A device at its first log-in.
    pub fn first_seen(family: String, prefix: String, now: Timestamp) -> Self {
        let (first_seen, last_seen) = (now.millis(), now.millis());
        Self { name: None, family, prefixes: vec![prefix], first_seen, last_seen, trusted: false }
    }

    /// The same after a log-in.
    #[must_use]
    pub fn seen(mut self, family: &str, prefix: &str, now: Timestamp) -> Self {
        family.clone_into(&mut self.family);
        self.prefixes.retain(|known| known != prefix);
        self.prefixes.push(prefix.to_owned());
        let over = self.prefixes.len().saturating_sub(Self::MAX_PREFIXES);
        self.prefixes.drain(..over);
        self.last_seen = self.last_seen.max(now.millis());
        self
    }
}

/// Why a log-in is news: `known` is the device whose cookie came along, `all` are those of the account. Nothing is news on
/// the first device of an account that was just opened: nobody is there yet who could be told. Where an older account has none, they
/// were forgotten, perhaps by who would rather not be told of.
pub fn reasons(
    known: Option<&Device>,
    all: &[Device],
    is_new_account: bool,
    family: &str,
    prefix: &str,
) -> Vec<Reason> {
    let network = all.iter().any(|device| device.prefixes.iter().any(|one| one == prefix));
    let kind = all.iter().any(|device| device.family == family);
    let candidates = match known {
        _ if all.is_empty() && is_new_account => vec![],
        None => vec![(true, Reason::UnknownDevice), (!kind, Reason::OtherKind), (!network, Reason::OtherNetwork)],
        Some(device) => {
            vec![(device.family != family, Reason::OtherKind), (!network && !device.trusted, Reason::OtherNetwork)]
        }
    };
    candidates.into_iter().filter_map(|(is_news, reason)| is_news.then_some(reason)).collect()
}

/// The network of an address: 24 bits of IPv4, 64 of IPv6, whoever has one of it has many.
pub fn prefix(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// The network around that of [`prefix`]: 16 bits of IPv4, 48 of IPv6, of which one customer of a provider can have all (RFC
/// 6177 §2).
pub fn wide_prefix(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            format!("{a}.{b}.0.0/16")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn device(family: &str, prefix: &str) -> Device {
        Device::first_seen(family.into(), prefix.into(), NOW)
    }

    #[test]
    fn asvs_6_3_5_what_is_new_is_named() {
        let phone = device("Safari on iOS", "203.0.113.0/24");
        let all = [phone.clone(), device("Firefox on Linux", "198.51.100.0/24")];
        let say = |known: Option<&Device>, family, prefix| reasons(known, &all, true, family, prefix);
        assert_eq!(
            say(None, "Chrome on Windows", "192.0.2.0/24"),
            [Reason::UnknownDevice, Reason::OtherKind, Reason::OtherNetwork]
        );
        assert_eq!(say(None, "Safari on iOS", "203.0.113.0/24"), [Reason::UnknownDevice]);
        assert_eq!(say(Some(&phone), "Safari on iOS", "198.51.100.0/24"), []);
        assert_eq!(say(Some(&phone), "Safari on iOS", "192.0.2.0/24"), [Reason::OtherNetwork]);
        assert_eq!(say(Some(&phone), "Chrome on Windows", "203.0.113.0/24"), [Reason::OtherKind]);
        let trusted = Device { trusted: true, ..phone.clone() };
        assert_eq!(say(Some(&trusted), "Safari on iOS", "192.0.2.0/24"), []);
        assert_eq!(reasons(None, &[], true, "Safari on iOS", "192.0.2.0/24"), []);
        let forgotten = reasons(None, &[], false, "Safari on iOS", "192.0.2.0/24");
        assert_eq!(forgotten, [Reason::UnknownDevice, Reason::OtherKind, Reason::OtherNetwork]);
    }

    #[test]
    fn a_device_remembers_its_last_networks() {
        let mut one = device("a", "0");
        for n in 1..20 {
            one = one.seen("b", &n.to_string(), NOW);
        }
        assert_eq!(one.prefixes.len(), Device::MAX_PREFIXES);
        assert_eq!(one.prefixes.last().unwrap(), "19");
        assert_eq!(one.seen("b", "15", NOW).prefixes.last().unwrap(), "15");
    }

    #[test]
    fn networks_are_24_bits_of_ipv4_and_64_of_ipv6() {
        let of = |text: &str| prefix(text.parse().unwrap());
        assert_eq!(of("203.0.113.77"), "203.0.113.0/24");
        assert_eq!(of("::ffff:203.0.113.77"), "203.0.113.0/24");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(of("::1"), "::/64");
        let around = |text: &str| wide_prefix(text.parse().unwrap());
        assert_eq!(around("::ffff:203.0.113.77"), "203.0.0.0/16");
        assert_eq!(around("2001:db8:1:2:3:4:5:6"), "2001:db8:1::/48");
    }
}
