//! Addresses and networks, as operators list their proxies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address or a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: u128,
    bits: u32,
    v4: bool,
}

/// Neither an address nor a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    /// Reads `10.0.0.0/8`, `192.0.2.7`, `2001:db8::/32`.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let (base, width, v4) = number(address);
        let bits = bits.map_or(Ok(width), |bits| bits.parse().map_err(|_| NotANetwork))?;
        (bits <= width).then_some(Self { base, bits, v4 }).ok_or(NotANetwork)
    }
}

impl Network {
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        let (number, width, v4) = number(address);
        if v4 != self.v4 {
            return false;
        }
        let shift = width - self.bits;
        shift == width || number >> shift == self.base >> shift
    }
}

fn number(address: IpAddr) -> (u128, u32, bool) {
    // `::ffff:10.0.0.1` is 10.0.0.1 that came through a socket for both.
    match address.to_canonical() {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), Ipv4Addr::BITS, true),
        IpAddr::V6(v6) => (v6.to_bits(), Ipv6Addr::BITS, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_read_what_operators_write() {
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0", "example.com", "10.0.0.0/"] {
            assert_eq!(bad.parse::<Network>(), Err(NotANetwork), "{bad}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("203.0.113.9".parse().unwrap()) && !all.contains("::1".parse().unwrap()));
    }
}
