//! The gateway in front of one upstream, for load tests: `relay 127.0.0.1:8080 http://127.0.0.1:9000`.
//! Everybody is signed in.

use std::convert::Infallible;
use std::sync::Arc;

use cloakroom_gateway::{Access, Admission, ClientInfo, Gate, Gateway, Identity, Limits, Routes, Upstream};
use http::HeaderValue;
use http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

struct Everybody(HeaderValue);

impl Gate for Everybody {
    async fn admit(&self, _request: &Parts, _upstream: &Upstream, _client: ClientInfo) -> Admission {
        Admission::Pass(Identity { authorization: Some(self.0.clone()), authenticated: true, ended: None })
    }

    fn is_own_cookie(&self, name: &[u8]) -> bool {
        name == b"__Host-Http-cloakroom"
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (listen, to) = arguments.next().zip(arguments.next()).ok_or("usage: relay ADDRESS URL")?;
    let routes = Routes::new(vec![Upstream::new("site", "/", to.parse()?, Access::SignedIn)], &["/auth"])
        .map_err(|errors| format!("{errors:?}"))?;
    let gate = Arc::new(Everybody(HeaderValue::try_from(format!("Bearer {}", "t".repeat(600)))?));
    let gateway = Arc::new(Gateway::new(routes, gate, Limits::default())?);
    let listener = tokio::net::TcpListener::bind(listen).await?;
    loop {
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let gateway = Arc::clone(&gateway);
        tokio::spawn(async move {
            let service = service_fn(|request| async {
                let client = ClientInfo { address: peer.ip(), https: false, host: None };
                Ok::<_, Infallible>(gateway.handle(request, client).await)
            });
            let server = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
            if let Err(error) = server.with_upgrades().await {
                tracing::debug!(%error, "connection");
            }
        });
    }
}
