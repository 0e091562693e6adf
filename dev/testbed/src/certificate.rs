//! A certificate for this machine, and an authority of its own that vouches for it: so a client has to be told whom to
//! believe, as with a server inside a company.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use std::path::Path;

/// The file of the authority's certificate.
pub(crate) const AUTHORITY: &str = "authority.pem";
/// The file of the server's certificate.
pub(crate) const CERTIFICATE: &str = "certificate.pem";
/// The file of the server's key.
pub(crate) const KEY: &str = "key.pem";

/// Writes the authority's certificate, the server's and the server's key into this folder, all as PEM.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "Cloakroom's test authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    let vouching = authority.self_signed(&authority_key)?;

    let mut server = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    server.distinguished_name.push(DnType::CommonName, "localhost");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key))?;

    std::fs::write(folder.join(AUTHORITY), pem("CERTIFICATE", vouching.der()))?;
    std::fs::write(folder.join(CERTIFICATE), pem("CERTIFICATE", certificate.der()))?;
    std::fs::write(folder.join(KEY), pem("PRIVATE KEY", &key.serialize_der()))?;
    Ok(())
}

/// RFC 7468: lines of 64 characters.
fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while let Some((line, more)) = rest.split_at_checked(64) {
        pem.extend([line, "\n"]);
        rest = more;
    }
    pem.extend([rest, "\n-----END ", label, "-----\n"]);
    pem
}
