//! A front door with TLS on loopback: it hands requests to the bank by host name, as the lab's does.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloakroom_browser::{Context, Page, Spki};
use cloakroom_lab_victims::{Bank, Deed, What};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(crate) const PASSWORD: &str = "amber kettle river";
pub(crate) const CANARY: &str = "CANARY-7391";

#[expect(clippy::disallowed_methods, reason = "browsers end cookies and date proofs by the wall clock")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

pub(crate) struct Door {
    pub(crate) bank: Bank,
    pub(crate) spki: Spki,
    port: u16,
}

impl Door {
    pub(crate) async fn open() -> Self {
        let key = KeyPair::generate().unwrap();
        let names = vec!["*.bank.localhost".to_owned(), "idp.localhost".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let bank = Bank::new(now);
        let serving = bank.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, bank) = (acceptor.clone(), serving.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request| answer(bank.clone(), request));
                    // A browser that goes away in the middle is no failure of the bank.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { bank, spki: Spki::of(&key.subject_public_key_info()), port }
    }

    pub(crate) fn at(&self, strategy: &str, path: &str) -> String {
        let bank = if strategy == "idp" { "" } else { ".bank" };
        format!("https://{}{bank}.localhost:{}{path}", strategy.to_lowercase(), self.port)
    }

    /// A customer's page at a bank, loaded and ready; her address is that of the strategy.
    pub(crate) async fn page(&self, context: &Context, strategy: &str, path: &str) -> Page {
        let page = context.page().await.unwrap();
        self.go(&page, strategy, path).await;
        page
    }

    pub(crate) async fn go(&self, page: &Page, strategy: &str, path: &str) {
        page.goto(&self.at(strategy, path)).await.unwrap_or_else(|error| panic!("{strategy}: {error:#}"));
        ready(page, strategy).await;
    }

    pub(crate) fn open_account(&self, strategy: &str) -> String {
        let email = format!("ann-{strategy}@bank.test");
        self.bank.open_account(strategy, &email, PASSWORD, CANARY);
        email
    }

    /// Waits for a deed of this customer.
    pub(crate) async fn deed(&self, email: &str, wanted: impl Fn(&What) -> bool) -> Deed {
        let mut seen = self.bank.watch();
        let found = || self.bank.deeds_of(email).into_iter().find(|deed| wanted(&deed.what));
        let waiting = async {
            loop {
                seen.mark_unchanged();
                if let Some(deed) = found() {
                    return deed;
                }
                seen.changed().await.unwrap();
            }
        };
        let deed = tokio::time::timeout(Duration::from_secs(30), waiting).await;
        deed.unwrap_or_else(|_| panic!("no such deed among {:#?}", self.bank.deeds_of(email)))
    }
}

/// Waits until the page has started.
pub(crate) async fn ready(page: &Page, strategy: &str) {
    page.wait_for("window.bank && document.body.dataset.state")
        .await
        .unwrap_or_else(|error| panic!("{strategy}: {error:#}"));
    page.eval("await window.bank.ready").await.unwrap_or_else(|error| panic!("{strategy}: {error:#}"));
}

async fn answer(
    bank: Bank,
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<hyper::Response<Full<hyper::body::Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.split('.').next().unwrap_or_default().to_owned();
    let strategies = Bank::strategies().iter().map(|info| info.id);
    let strategy = strategies.chain(["idp"]).find(|id| id.to_lowercase() == name).unwrap_or_default();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let answer = bank.answer(strategy, hyper::Request::from_parts(parts, body)).await;
    Ok(answer.map(Full::new))
}
