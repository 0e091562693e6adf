//! Random bytes from the cryptographic library's generator. Decides nothing about what they are for.

use crate::KeyError;

/// `N` bytes nobody can predict. Fails only when the operating system gives no entropy.
pub fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn random_bytes_differ_from_call_to_call() {
        assert_ne!(super::random::<32>().unwrap(), super::random::<32>().unwrap());
    }
}
