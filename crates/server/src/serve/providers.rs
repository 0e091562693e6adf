//! Providers on the network: one bounded question at a time. Follows no redirect, keeps no cookie, reads no proxy from the
//! environment.

use crate::config::{Config, Nobody, ProviderConfig, ServiceConfig};
use anyhow::Context as _;
use bytes::Bytes;
use cloakroom_app::provider::Provider;
use cloakroom_oidc::{Fetch, FetchError, FetchRequest, FetchResponse, Method};
use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Somebody waits in front of a browser meanwhile.
const ANSWER_FOR: Duration = Duration::from_secs(8);
const CONNECT_FOR: Duration = Duration::from_secs(4);
/// A connection that the other side has forgotten looks alive for a while: only what was used just now is used again.
const KEEP_FOR: Duration = Duration::from_secs(5);

/// Opens the providers of a configuration; connects to nobody yet.
pub(crate) fn open(config: &Config) -> anyhow::Result<Vec<Arc<Provider>>> {
    let open = |provider: &ProviderConfig| {
        let network = Network::new(provider.ca_file.as_deref())?;
        Ok(Arc::new(provider.open(Arc::new(network))?))
    };
    let opened = config.providers.iter().map(|provider| {
        open(provider).map_err(|error: anyhow::Error| error.context(format!("provider {:?}", provider.id)))
    });
    opened.collect()
}

/// Opens the clients of a configuration; connects to nobody yet.
pub(crate) fn open_clients(config: &Config) -> anyhow::Result<Vec<Arc<cloakroom_app::service::Client>>> {
    let open = |client: &ServiceConfig| {
        let network: Arc<dyn Fetch> =
            if client.is_remote() { Arc::new(Network::new(client.ca_file.as_deref())?) } else { Arc::new(Nobody) };
        Ok(Arc::new(client.open(network)?))
    };
    let opened = config.clients.iter().map(|client| {
        open(client)
            .map_err(|error: anyhow::Error| error.context(format!("client {:?}", client.registration.id.as_str())))
    });
    opened.collect()
}

struct Network(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Network {
    /// Trusts the certificates in this file and no others, or those of the machine.
    fn new(ca_file: Option<&Path>) -> anyhow::Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let tls = match ca_file {
            Some(file) => tls.with_root_certificates(roots(file)?),
            None => tls.with_native_roots().context("the authorities that this machine trusts cannot be read")?,
        };
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_FOR));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.with_no_client_auth())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new()).pool_idle_timeout(KEEP_FOR).pool_max_idle_per_host(2);
        Ok(Self(client.build(connector)))
    }

    async fn ask(&self, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        let method = match request.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
        };
        let named = concat!("cloakroom/", env!("CARGO_PKG_VERSION"));
        let mut asks = Request::builder().method(method).uri(&request.url).header(USER_AGENT, named);
        for (name, value) in &request.headers {
            asks = asks.header(*name, value);
        }
        if !request.headers.iter().any(|(name, _)| *name == ACCEPT.as_str()) {
            asks = asks.header(ACCEPT, "application/json");
        }
        let asks = asks.body(Full::from(request.body)).map_err(|error| FetchError::Exchange(error.to_string()))?;
        let answer = self.0.request(asks).await.map_err(|error| FetchError::Exchange(chain(&error)))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, request.limit).collect().await.map_err(|error| {
            match error.downcast_ref::<hyper::Error>() {
                Some(error) => FetchError::Exchange(chain(error)),
                None => FetchError::TooLarge,
            }
        })?;
        let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(FetchResponse { status: head.status.as_u16(), content_type, body: body.to_bytes().to_vec() })
    }
}

#[async_trait::async_trait]
impl Fetch for Network {
    async fn fetch(&self, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        tokio::time::timeout(ANSWER_FOR, self.ask(request)).await.map_err(|_| FetchError::Late)?
    }
}

fn roots(file: &Path) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let unreadable = || format!("{} holds no certificates in PEM", file.display());
    for certificate in CertificateDer::pem_file_iter(file).with_context(unreadable)? {
        roots.add(certificate.with_context(unreadable)?).with_context(unreadable)?;
    }
    anyhow::ensure!(!roots.is_empty(), unreadable());
    Ok(roots)
}

/// An error with its causes: hyper's own text alone says only "client error (Connect)".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
