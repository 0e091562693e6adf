//! Is an RSA public key one to trust signatures to? Sizes, and the mark of a generator whose keys were factored.

use crate::KeyError;

/// The shortest modulus, in bits (RFC 7518 §3.3).
const SHORTEST: usize = 2048;

/// The longest, in bits; verification gets slow beyond.
const LONGEST: usize = 8192;

/// Judges a modulus and a public exponent: big-endian, without leading zeros (RFC 7518 §6.3.1).
pub(crate) fn check(modulus: &[u8], exponent: &[u8]) -> Result<(), KeyError> {
    let bits = match modulus.first() {
        None | Some(0) => return Err(KeyError::Malformed),
        Some(first) => modulus.len().saturating_mul(8).saturating_sub(first.leading_zeros() as usize),
    };
    if bits < SHORTEST {
        return Err(KeyError::TooShort);
    }
    if bits > LONGEST {
        return Err(KeyError::TooLarge);
    }
    let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    if !odd(modulus) || !odd(exponent) || exponent.first() == Some(&0) {
        return Err(KeyError::Malformed);
    }
    // FIPS 186-5 §5.1 wants more than 2^16; aws-lc takes at most 33 bits, and nobody uses more than 32.
    if exponent.len() > 4 || exponent.iter().fold(0_u32, |value, byte| (value << 8) | u32::from(*byte)) <= 1 << 16 {
        return Err(KeyError::Weak);
    }
    if is_roca(modulus) { Err(KeyError::Weak) } else { Ok(()) }
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 §A.1.1) as aws-lc writes it: a SEQUENCE of two INTEGERs in DER.
pub(crate) fn components(document: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, []) = element(0x30, document)? else { return None };
    let (modulus, rest) = element(0x02, sequence)?;
    let (exponent, []) = element(0x02, rest)? else { return None };
    // A zero octet keeps a number with its highest bit set from being negative.
    let unsigned = |number| <[u8]>::strip_prefix(number, &[0]).unwrap_or(number);
    Some((unsigned(modulus), unsigned(exponent)))
}

/// The content of the element with this tag, and what follows it.
fn element(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match bytes {
        [first, 0x82, high, low, rest @ ..] if *first == tag => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        [first, 0x81, length, rest @ ..] if *first == tag => (usize::from(*length), rest),
        [first, length @ ..=0x7f, rest @ ..] if *first == tag => (usize::from(*length), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// CVE-2017-15361: primes of the form k * M + (65537^a mod M) leave a modulus that is a power of 65537 modulo each of
/// the small primes in M. For other moduli the chance is below 2^-27.
fn is_roca(modulus: &[u8]) -> bool {
    /// Those where 65537 generates few of the residues.
    const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];
    PRIMES.into_iter().all(|prime| {
        let rest = modulus.iter().fold(0, |rest, byte| ((rest << 8) | u32::from(*byte)) % prime);
        std::iter::successors(Some(1), |power| Some(power * 65537 % prime))
            .take(prime as usize)
            .any(|power| power == rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const E: [u8; 3] = [1, 0, 1];

    fn modulus(bytes: usize) -> Vec<u8> {
        let mut modulus = vec![0x5a; bytes];
        modulus[0] = 0x80;
        modulus[bytes - 1] = 3;
        modulus
    }

    #[test]
    fn j87_08_a_modulus_below_2048_bits_or_above_8192_is_refused() {
        assert_eq!(check(&modulus(256), &E), Ok(()));
        assert_eq!(check(&modulus(1024), &E), Ok(()));
        assert_eq!(check(&modulus(1025), &E), Err(KeyError::TooLarge));
        assert_eq!(check(&modulus(255), &E), Err(KeyError::TooShort));
        let mut bits_2047 = modulus(256);
        bits_2047[0] = 0x7f;
        assert_eq!(check(&bits_2047, &E), Err(KeyError::TooShort));
        assert_eq!(check(&[], &E), Err(KeyError::Malformed));
    }

    #[test]
    fn j87_08_leading_zeros_even_numbers_and_small_exponents_are_refused() {
        let good = modulus(256);
        let padded: Vec<u8> = std::iter::once(0).chain(good.iter().copied()).collect();
        assert_eq!(check(&padded, &E), Err(KeyError::Malformed));
        let mut even = good.clone();
        even[255] = 2;
        assert_eq!(check(&even, &E), Err(KeyError::Malformed));
        for (exponent, expected) in [
            (&[][..], KeyError::Malformed),
            (&[0, 1, 0, 1], KeyError::Malformed),
            (&[1, 0, 0], KeyError::Malformed),
            (&[1], KeyError::Weak),
            (&[3], KeyError::Weak),
            (&[1, 0, 0, 0, 1], KeyError::Weak),
        ] {
            assert_eq!(check(&good, exponent), Err(expected), "{exponent:?}");
        }
    }

    #[test]
    fn j87_08_a_modulus_with_the_mark_of_cve_2017_15361_is_refused() {
        // 65537^300 as an integer is a power of 65537 modulo every prime: the mark without the key.
        let mut marked = vec![1_u8];
        while marked.len() < 600 {
            let mut carry = 0_u32;
            let shifted: Vec<u8> = [0, 0].into_iter().chain(marked.iter().copied()).collect();
            marked.resize(shifted.len(), 0);
            for (digit, add) in marked.iter_mut().zip(shifted) {
                carry += u32::from(*digit) + u32::from(add);
                *digit = (carry & 0xff) as u8;
                carry >>= 8;
            }
            if carry > 0 {
                marked.push(1);
            }
        }
        marked.reverse();
        assert!(is_roca(&marked));
        assert_eq!(check(&marked, &E), Err(KeyError::Weak));
        *marked.last_mut().unwrap() ^= 2;
        assert!(!is_roca(&marked));
    }
}
