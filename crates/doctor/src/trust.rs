//! Whom to believe about certificates, and what a certificate will be worth later. There is no way to believe anybody.

use crate::clock::Clock;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use thiserror::Error;
use tokio_rustls::TlsConnector;

/// More than this is no list of authorities, in bytes.
const LARGEST_LIST: usize = 1 << 20;

/// Why no certificate could be judged at all.
#[derive(Debug, Error)]
pub enum Untrusted {
    /// The list of authorities is not one of certificates in PEM.
    #[error("the authorities cannot be read: {0}")]
    Unreadable(String),
    /// There is nobody to believe.
    #[error("there is no certificate of an authority to believe; name one with --ca FILE")]
    Nobody,
    /// The TLS library refuses to begin.
    #[error("TLS cannot be set up: {0}")]
    Unusable(String),
}

/// Certificates are judged by this.
pub(crate) struct Trust {
    verifier: Arc<WebPkiServerVerifier>,
    pub(crate) connector: TlsConnector,
}

impl Trust {
    /// `authorities` is PEM; without it this machine's are believed.
    pub(crate) fn new(authorities: Option<&[u8]>, clock: &Clock) -> Result<Self, Untrusted> {
        let mut roots = RootCertStore::empty();
        match authorities {
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
            Some(list) if list.len() > LARGEST_LIST => {
                return Err(Untrusted::Unreadable("the list is larger than 1 MiB".to_owned()));
            }
            Some(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let certificate = certificate.map_err(|error| Untrusted::Unreadable(error.to_string()))?;
                    roots.add(certificate).map_err(|error| Untrusted::Unreadable(error.to_string()))?;
                }
            }
        }
        if roots.is_empty() {
            return Err(Untrusted::Nobody);
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| Untrusted::Unusable(error.to_string()))?;
        let mut config = ClientConfig::builder_with_details(provider, Arc::new(clock.clone()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Untrusted::Unusable(error.to_string()))?
            .with_webpki_verifier(Arc::clone(&verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { verifier, connector: TlsConnector::from(Arc::new(config)) })
    }

    /// Whether a chain that is good now is good at another time.
    pub(crate) fn judge_at(
        &self,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        at: UnixTime,
    ) -> Result<(), rustls::Error> {
        let (leaf, rest) = chain.split_first().ok_or(rustls::Error::NoCertificatesPresented)?;
        self.verifier.verify_server_cert(leaf, rest, name, &[], at).map(drop)
    }
}
