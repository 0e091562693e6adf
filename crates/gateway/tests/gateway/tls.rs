//! https upstreams must prove who they are.

use std::sync::Arc;

use cloakroom_gateway::{Extras, Gateway, Limits, Routes, SetupError, Upstream};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use crate::harness::{Proxy, RESERVED, TestGate, field, problem, read_until, site, status, upstream};

const AUTHORITY: &[u8] = include_bytes!("tls/ca.pem");
const LEAF: &[u8] = include_bytes!("tls/leaf.pem");
const LEAF_KEY: &[u8] = include_bytes!("tls/leaf.key");

async fn tls_upstream() -> Upstream {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(LEAF).unwrap()],
            PrivateKeyDer::from_pem_slice(LEAF_KEY).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let address = upstream(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(tokio::io::AsyncReadExt::read_u8(&mut stream).await.unwrap());
            }
            let host = field(std::str::from_utf8(&request).unwrap(), "host").unwrap();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{host}", host.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    Upstream { to: format!("https://{address}").parse().ok(), ..site(address) }
}

fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(AUTHORITY).unwrap()).unwrap();
    roots
}

#[tokio::test]
async fn asvs_12_3_2_an_upstream_with_a_trusted_certificate_is_reached() {
    let upstream = tls_upstream().await;
    let host = upstream.to.as_ref().unwrap().authority().to_owned();
    let proxy = Proxy::trusting(upstream, roots()).await;
    let mut client = proxy.connect().await;
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert_eq!(status(&read_until(&mut client, &format!("\r\n\r\n{host}")).await), 200);
}

#[tokio::test]
async fn asvs_12_3_2_certificates_of_another_name_or_another_authority_are_refused() {
    let mut elsewhere = tls_upstream().await;
    elsewhere.to.as_mut().unwrap().set_host(Some("localhost")).unwrap();
    let proxy = Proxy::trusting(elsewhere, roots()).await;
    assert_eq!(problem(&proxy.get("/", "").await), (502, "upstream-unreachable".into()));

    let mut others = RootCertStore::empty();
    others.add(CertificateDer::from_pem_slice(LEAF).unwrap()).unwrap();
    let proxy = Proxy::trusting(tls_upstream().await, others).await;
    assert_eq!(problem(&proxy.get("/", "").await), (502, "upstream-unreachable".into()));
}

#[tokio::test]
async fn routes_with_https_can_come_later() {
    let gate = Arc::new(TestGate::default());
    let extras = Extras { roots: Some(roots()), ..Extras::default() };
    let none = Routes::new(Vec::new(), RESERVED).unwrap();
    let gateway = Gateway::with(none, Arc::clone(&gate), Limits::default(), extras).unwrap();
    let proxy = Proxy::serve(gateway, gate).await;
    assert_eq!(problem(&proxy.get("/", "").await), (404, "no-route".into()));
    let later = Routes::new(vec![tls_upstream().await], RESERVED).unwrap();
    let replaced: Result<(), SetupError> = proxy.gateway.replace_routes(later);
    replaced.unwrap();
    assert_eq!(status(&proxy.get("/", "").await), 200);
}
