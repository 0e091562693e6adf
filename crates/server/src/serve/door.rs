//! A door: accepts connections, speaks TLS if it is to, and serves each until it ends or the server drains.

use super::patience::Patient;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What all doors share.
#[derive(Clone)]
pub(super) struct Doors {
    pub(super) room: Arc<Semaphore>,
    pub(super) header_for: Duration,
    pub(super) max_header_bytes: usize,
    /// A client that does not read for so long is let go.
    pub(super) idle_for: Duration,
    pub(super) connections: TaskTracker,
    /// No new connections; open ones end after their request.
    pub(super) closing: CancellationToken,
    /// Open ones end now.
    pub(super) cut: CancellationToken,
}

/// How long a TLS handshake may take.
const HANDSHAKE_FOR: Duration = Duration::from_secs(10);

impl Doors {
    /// Accepts connections on a listener until the doors close. `handle` answers one request, given the peer's address
    /// and whether the connection is TLS.
    pub(super) fn open<H, F, B>(&self, listener: TcpListener, tls: Option<Arc<ArcSwap<ServerConfig>>>, handle: H)
    where
        H: Fn(Request<Incoming>, IpAddr, bool) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let doors = self.clone();
        self.connections.spawn(async move {
            let builder = doors.builder();
            while let Some((stream, peer, room)) = doors.next(&listener).await {
                let (doors, builder, handle) = (doors.clone(), builder.clone(), handle.clone());
                let acceptor = tls.as_ref().map(|tls| TlsAcceptor::from(tls.load_full()));
                doors.connections.clone().spawn(async move {
                    let encrypted = acceptor.is_some();
                    let asked = Arc::new(AtomicBool::new(false));
                    let notices = Arc::clone(&asked);
                    let service = service_fn(move |request| {
                        notices.store(true, Ordering::Relaxed);
                        let answer = handle(request, peer, encrypted);
                        async move { Ok::<_, Infallible>(answer.await) }
                    });
                    match acceptor {
                        None => doors.serve(&builder, stream, service, &asked).await,
                        Some(acceptor) => {
                            let agreed = tokio::select! {
                                agreed = timeout(HANDSHAKE_FOR, acceptor.accept(stream)) => agreed,
                                () = doors.closing.cancelled() => return,
                            };
                            if let Ok(Ok(stream)) = agreed {
                                doors.serve(&builder, stream, service, &asked).await;
                            }
                        }
                    }
                    drop(room);
                });
            }
        });
    }

    async fn next(&self, listener: &TcpListener) -> Option<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
        loop {
            let accepted = async {
                let room = Arc::clone(&self.room).acquire_owned().await.ok()?;
                Some((listener.accept().await, room))
            };
            let (accepted, room) = tokio::select! {
                accepted = accepted => accepted?,
                () = self.closing.cancelled() => return None,
            };
            match accepted {
                Ok((stream, peer)) => {
                    drop(stream.set_nodelay(true));
                    return Some((stream, peer.ip(), room));
                }
                Err(error) => {
                    // Out of file descriptors, mostly: open connections have to end first.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn builder(&self) -> Builder<TokioExecutor> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_for)
            .max_buf_size(self.max_header_bytes.max(16 * 1024));
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(100)
            .max_header_list_size(u32::try_from(self.max_header_bytes).unwrap_or(u32::MAX))
            .adaptive_window(true)
            .keep_alive_interval(Some(Duration::from_secs(30)));
        builder
    }

    async fn serve<I, S, B>(&self, builder: &Builder<TokioExecutor>, stream: I, service: S, asked: &AtomicBool)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let stream = TokioIo::new(Patient::new(stream, self.idle_for));
        let connection = builder.serve_connection_with_upgrades(stream, service);
        let mut connection = std::pin::pin!(connection);
        // What ends a connection early is the client's affair: it left, or spoke nonsense and was told.
        tokio::select! {
            _ = connection.as_mut() => return,
            () = self.unasked(asked) => {}
            () = self.closing.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = connection => {}
            () = self.unasked(asked) => {}
            () = self.cut.cancelled() => {}
        }
    }

    /// Ends when a connection has asked for nothing in the time of one head. hyper's own deadline begins only when it
    /// knows which version of HTTP it speaks, and HTTP/2 has none: a client that says nothing would keep its place for ever.
    async fn unasked(&self, asked: &AtomicBool) {
        tokio::time::sleep(self.header_for).await;
        if asked.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}
