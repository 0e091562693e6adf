//! SHA-256, for values that have enough entropy of their own to be kept as a plain hash; SHA-512, for what others hash.

use aws_lc_rs::digest::{SHA256, SHA512, digest};

/// The hash of some bytes (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    // The two have one length; `zip` has no way to fail.
    for (to, from) in hash.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    hash
}

/// The longer hash of some bytes (FIPS 180-4): the one that goes with Ed25519 (RFC 8032 §5.1).
pub fn sha512(bytes: &[u8]) -> [u8; 64] {
    let mut hash = [0; 64];
    // As above.
    for (to, from) in hash.iter_mut().zip(digest(&SHA512, bytes).as_ref()) {
        *to = *from;
    }
    hash
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_hashes_of_nothing_are_those_of_fips_180_4() {
        let hash = super::sha256(b"");
        assert_eq!(hash[..4], [0xe3, 0xb0, 0xc4, 0x42]);
        assert_eq!(hash[28..], [0x78, 0x52, 0xb8, 0x55]);
        let hash = super::sha512(b"");
        assert_eq!(hash[..4], [0xcf, 0x83, 0xe1, 0x35]);
        assert_eq!(hash[60..], [0xf9, 0x27, 0xda, 0x3e]);
    }
}
