//! TLS from files, and what becomes of requests that come without it.

use crate::house::{House, Port};
use crate::line::{Line, encrypted};
use crate::upstream::Upstream;
use crate::visitor::full;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::CertificateDer;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A certificate that vouches for itself, with its key.
pub(crate) struct Certificate {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Certificate {
    /// A new one.
    pub(crate) fn for_localhost() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self { certificate: made.cert.der().clone(), key: made.signing_key.serialize_der() }
    }

    /// Writes both files.
    pub(crate) fn write(&self, folder: &Path) {
        self.write_only("certificate.pem", folder);
        self.write_only("key.pem", folder);
    }

    /// Writes one of the files.
    pub(crate) fn write_only(&self, file: &str, folder: &Path) {
        let (label, bytes) =
            if file == "key.pem" { ("PRIVATE KEY", self.key.as_slice()) } else { ("CERTIFICATE", &*self.certificate) };
        let body = BASE64_STANDARD.encode(bytes);
        std::fs::write(folder.join(file), format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")).unwrap();
    }

    /// Opens a connection that believes this certificate only.
    pub(crate) async fn connect(&self, port: u16, protocol: &str) -> std::io::Result<TlsStream<TcpStream>> {
        encrypted(port, self.certificate.clone(), protocol).await
    }
}

/// A house that speaks TLS.
pub(crate) fn encrypted_house(upstream: SocketAddr) -> (House, Certificate) {
    let mut house = House::before(upstream);
    let certificate = Certificate::for_localhost();
    certificate.write(house.folder());
    house.config["server"]["public_url"] = json!(format!("https://localhost:{}", house.port()));
    house.config["server"]["tls"] = json!({ "certificate_file": "certificate.pem", "key_file": "key.pem" });
    (house, certificate)
}

#[tokio::test]
async fn both_versions_of_http_are_agreed_on_in_the_handshake_and_hsts_is_sent() {
    let upstream = Upstream::start("first").await;
    let (house, certificate) = encrypted_house(upstream.address);
    let server = house.serve().await;
    for protocol in ["http/1.1", "h2"] {
        let stream = certificate.connect(house.port(), protocol).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
        let mut line = if protocol == "h2" { Line::two(stream).await } else { Line::one(stream).await };
        for path in ["/x", "/auth/login", "/auth/me", "/nowhere/at/all"] {
            let answer = line.get(&format!("https://localhost:{}{path}", house.port()), &[]).await.unwrap();
            let hsts = answer.header("strict-transport-security").unwrap_or_default();
            assert!(hsts.starts_with("max-age=31536000"), "{protocol} {path}: {hsts:?}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn plain_http_to_an_https_site_leads_people_on_and_tells_programs() {
    let upstream = Upstream::start("first").await;
    let (mut house, _) = encrypted_house(upstream.address);
    let redirect = Port::free();
    house.config["server"]["tls"]["redirect_listen"] = json!([redirect.address()]);
    let server = house.serve().await;
    let visitor = crate::visitor::Visitor::at(redirect.number());
    let person = [("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    for path in ["/", "/app/x?y=1", "/auth/login?return_to=%2F"] {
        let mut line = Line::plain(redirect.number()).await;
        let url = format!("http://anything.example{path}");
        let answer = line.get(&url, &person).await.unwrap();
        assert_eq!(answer.status, 308, "{}", answer.text());
        let wanted = format!("https://localhost:{}{}", house.port(), path.split('?').next().unwrap());
        assert!(answer.header("location").unwrap().starts_with(&wanted), "{:?}", answer.headers);
        assert_eq!(answer.header("strict-transport-security"), None, "never over plain http");
    }
    for (method, path) in [("GET", "/app/x"), ("POST", "/auth/login"), ("POST", "/count"), ("GET", "/auth/client.js")] {
        let answer = visitor.ask(method, path, &[], full("")).await.unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (403, "https-required"), "{method} {path}");
        assert_eq!(answer.header("strict-transport-security"), None, "never over plain http");
        assert!(answer.headers.get("set-cookie").is_none());
    }
    // The keys, and only to this machine: there is no network between that could change them.
    let keys = visitor.ask("GET", "/.well-known/jwks.json", &[], full("")).await.unwrap();
    assert_eq!(keys.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_its_word_on_https_counts_and_nobody_elses() {
    let upstream = Upstream::start("first").await;
    let mut house = House::before(upstream.address);
    house.config["server"]["public_url"] = json!("https://app.example.com");
    house.config["server"]["trusted_proxies"] = json!(["127.0.0.1"]);
    let server = house.serve().await;
    let mut line = Line::plain(house.port()).await;
    let url = "http://app.example.com/x";
    let through = line.get(url, &[("x-forwarded-proto", "https")]).await.unwrap();
    assert_eq!((through.status, through.header("strict-transport-security").is_some()), (200, true));
    let clear = line.get(url, &[("x-forwarded-proto", "http")]).await.unwrap();
    assert_eq!((clear.status, clear.code().as_str()), (403, "https-required"));
    server.stop().await;

    house.config["server"]["trusted_proxies"] = json!(["192.0.2.1"]);
    let server = house.serve().await;
    let mut line = Line::plain(house.port()).await;
    let claimed = line.get(url, &[("x-forwarded-proto", "https")]).await.unwrap();
    assert_eq!((claimed.status, claimed.code().as_str()), (403, "https-required"));
    server.stop().await;
}

#[tokio::test]
async fn plain_http_to_the_port_of_tls_is_no_reason_to_fall() {
    let upstream = Upstream::start("first").await;
    let (house, certificate) = encrypted_house(upstream.address);
    let server = house.serve().await;
    let mut line = Line::plain(house.port()).await;
    let url = format!("http://localhost:{}/x", house.port());
    assert!(line.get(&url, &[]).await.is_err());
    let mut line = Line::one(certificate.connect(house.port(), "http/1.1").await.unwrap()).await;
    assert_eq!(line.get(&url.replace("http", "https"), &[]).await.unwrap().status, 200);
    server.stop().await;
}
