//! Private keys in files, with which Cloakroom proves itself to others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_jose::{Algorithm, Jwk, SigningKey, sha256};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use zeroize::Zeroizing;

/// No key is longer, in bytes of PEM: RSA with 8192 bits.
const LARGEST_FILE: u64 = 16 * 1024;

/// Reads a private key from a file: PKCS#8 in PEM, Ed25519, P-256 or RSA, as `openssl genpkey` makes them. Its name (`kid`) is its
/// thumbprint (RFC 7638), which whoever knows the public key can work out. The error says what is wrong, and never what is in it.
pub(crate) fn private_key(path: &Path) -> Result<SigningKey, String> {
    let mut pem = Zeroizing::new(Vec::new());
    let read = std::fs::File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut pem));
    let length = read.map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let wrong = || {
        format!(
            "{} holds no private key: it must be PKCS#8 in PEM, Ed25519, P-256 or RSA with 2048 bits and more (openssl genpkey \
             -algorithm ed25519)",
            path.display()
        )
    };
    if length as u64 > LARGEST_FILE {
        return Err(wrong());
    }
    let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).map_err(|_| wrong())?;
    [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256]
        .into_iter()
        .find_map(|algorithm| named(algorithm, der.secret_pkcs8_der()))
        .ok_or_else(wrong)
}

fn named(algorithm: Algorithm, der: &[u8]) -> Option<SigningKey> {
    let key = SigningKey::from_secret_bytes(algorithm, "unnamed", der).ok()?;
    SigningKey::from_secret_bytes(algorithm, &thumbprint(&key.public_jwk()?)?, der).ok()
}

/// RFC 7638 §3: the members that make the key, in lexicographic order, without blanks.
fn thumbprint(jwk: &Jwk) -> Option<String> {
    let all = serde_json::to_value(jwk).ok()?;
    let members: &[&str] = match all.get("kty")?.as_str()? {
        "RSA" => &["e", "kty", "n"],
        "EC" => &["crv", "kty", "x", "y"],
        _ => &["crv", "kty", "x"],
    };
    let members: BTreeMap<_, _> = members.iter().map(|name| Some((*name, all.get(name)?))).collect::<Option<_>>()?;
    Some(URL_SAFE_NO_PAD.encode(sha256(serde_json::to_string(&members).ok()?.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_the_one_of_rfc_7638() {
        // §3.1
        let jwk: Jwk = serde_json::from_str(concat!(
            r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"#,
            r#"tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI"#,
            r#"SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#
        ))
        .unwrap();
        assert_eq!(thumbprint(&jwk).unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn what_openssl_makes_is_read_and_what_is_no_key_is_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.pem");
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
            let key = SigningKey::generate(algorithm, "x").unwrap();
            let text = base64::engine::general_purpose::STANDARD.encode(&*key.to_secret_bytes());
            let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line)).collect();
            let begin = "-----BEGIN PRIVATE KEY-----";
            let end = "-----END PRIVATE KEY-----";
            std::fs::write(&file, format!("{begin}\n{}\n{end}\n", lines.join("\n"))).unwrap();
            let read = private_key(&file).unwrap();
            assert_eq!((read.algorithm(), read.kid().len()), (algorithm, 43));
            let same = |jwk: Jwk| Jwk { kid: None, ..jwk };
            let texts = [&read, &key].map(|key| serde_json::to_string(&same(key.public_jwk().unwrap())).unwrap());
            assert_eq!(texts[0], texts[1]);
        }
        std::fs::write(&file, "hunter2").unwrap();
        let error = private_key(&file).err().unwrap();
        assert!(error.contains("holds no private key") && !error.contains("hunter2"), "{error}");
    }
}
