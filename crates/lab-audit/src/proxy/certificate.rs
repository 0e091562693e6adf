//! Certificates by which the proxy stands for the audited hosts, before the one browser that was started to believe them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use cloakroom_browser::Spki;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, PublicKeyData as _};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// One key for all names, since browsers are told of the key. It is never written down.
pub(super) struct Authority {
    key: KeyPair,
    /// The serial number of the last certificate: no two of one issuer have the same (RFC 5280 4.1.2.2).
    serial: AtomicU64,
}

impl Authority {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { key: KeyPair::generate()?, serial: AtomicU64::new(1) })
    }

    /// What the browser is told to believe.
    pub(super) fn spki(&self) -> Spki {
        Spki::of(&self.key.subject_public_key_info())
    }

    /// A server of this name.
    pub(super) fn acceptor(&self, host: &str) -> Result<TlsAcceptor> {
        let mut params = CertificateParams::new(vec![host.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "cloakroom-lab audit");
        params.serial_number = Some(self.serial.fetch_add(1, Ordering::Relaxed).into());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.self_signed(&self.key)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
