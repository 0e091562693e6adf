//! The certificates of one world: an authority made for it alone, and one certificate for every name in it.

use anyhow::Result;
use cloakroom_browser::Spki;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData as _,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What a server shows, and what a client must believe.
pub(crate) struct Certificate {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) authority: CertificateDer<'static>,
    /// The server's public key: Chromium trusts by its hash.
    pub(crate) spki: Spki,
}

impl Certificate {
    /// A new one for these names. The error is that of key generation.
    pub(crate) fn issue(names: Vec<String>) -> Result<Self> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "cloakroom-lab");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate()?;
        let vouching = authority.self_signed(&authority_key)?.der().clone();

        let mut server = CertificateParams::new(names)?;
        server.distinguished_name.push(DnType::CommonName, "bank.test");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key))?;
        Ok(Self {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            authority: vouching,
            spki: Spki::of(&key.subject_public_key_info()),
        })
    }
}
