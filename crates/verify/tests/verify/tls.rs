//! Keys over https: from a provider that a trusted authority vouches for, and from nobody else.

use std::sync::Arc;

use cloakroom_jose::JwkSet;
use cloakroom_verify::{Refusal, Verifier};
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::issuer::{AUDIENCE, Issuer, key, refusal};

/// A provider of keys with a certificate for `localhost`; answers its URL and the certificate.
async fn provider() -> (String, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], secret)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let keys = serde_json::to_string(&JwkSet::new(vec![key(1).public_jwk().unwrap()])).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {}
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", keys.len());
            drop(stream.write_all(format!("{head}{keys}").as_bytes()).await);
            drop(stream.shutdown().await);
        }
    });
    (format!("https://localhost:{port}/jwks"), certificate)
}

#[tokio::test]
async fn keys_are_taken_from_a_trusted_provider_only() {
    let issuer = Issuer::start().await;
    let (url, certificate) = provider().await;
    let (_, another) = provider().await;
    for (trusted, is_good) in [(certificate, true), (another, false)] {
        let mut roots = RootCertStore::empty();
        roots.add(trusted).unwrap();
        let verifier = Verifier::builder(&issuer.url, AUDIENCE)
            .jwks_uri(&url)
            .roots(roots)
            .clock(issuer.clock.clone())
            .build()
            .unwrap();
        let judged = verifier.verify(&issuer.token()).await;
        if is_good {
            judged.unwrap();
        } else {
            assert!(matches!(refusal(judged), Refusal::KeysUnavailable { .. }));
        }
    }
}
