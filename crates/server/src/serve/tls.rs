//! TLS from files, read again on SIGHUP.

use crate::config::Tls;
use anyhow::Context as _;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;

/// Reads certificate and key. TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1.
pub(crate) fn load(files: &Tls) -> anyhow::Result<Arc<ServerConfig>> {
    let certificate = files.certificate_file.display();
    let key = files.key_file.display();
    let chain: Vec<_> = CertificateDer::pem_file_iter(&files.certificate_file)
        .and_then(Iterator::collect)
        .with_context(|| format!("cannot read certificates from {certificate}"))?;
    anyhow::ensure!(!chain.is_empty(), "there is no certificate in {certificate}");
    let private = PrivateKeyDer::from_pem_file(&files.key_file)
        .with_context(|| format!("cannot read a private key from {key}"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .with_context(|| format!("{certificate} and {key} do not belong together"))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
