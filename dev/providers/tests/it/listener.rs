//! Somebody who listens: takes requests, answers 200, and hands over their bodies.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A provider that has not called after this will not.
const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) struct Listener {
    pub(crate) url: String,
    bodies: UnboundedReceiver<String>,
}

impl Listener {
    pub(crate) async fn start() -> Self {
        let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://127.0.0.1:{}/backchannel", socket.local_addr().unwrap().port());
        let (sender, bodies) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let sender = sender.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let sender = sender.clone();
                    async move {
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        sender.send(String::from_utf8(body.to_vec()).unwrap()).unwrap();
                        Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, bodies }
    }

    /// The value of a field of the form that comes next.
    pub(crate) async fn next(&mut self, field: &str) -> String {
        let body = tokio::time::timeout(DEADLINE, self.bodies.recv()).await.unwrap().unwrap();
        let mut fields = url::form_urlencoded::parse(body.as_bytes());
        fields.find(|(name, _)| name == field).unwrap().1.into_owned()
    }
}
