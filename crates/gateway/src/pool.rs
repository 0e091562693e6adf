//! Connections to one upstream: opened when needed, kept while idle, lent to one exchange at a time.
//!
//! hyper-util's pooled client does the same for any number of hosts; one host needs no map, no boxed future and no task
//! per request, and knows what to retry: a request goes out again only if its kept connection turned out closed before a
//! byte of it was written, so nothing can happen twice. The addresses of a name are tried one after the other. No HTTP/2.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::limits::Limits;
use crate::upload::Upload;

/// Where an upstream listens.
pub(crate) struct Door {
    /// Name or address, IPv6 without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// For TCP and TLS together.
    pub(crate) connect_for: Duration,
    pub(crate) tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// The connections.
pub(crate) struct Pool {
    door: Door,
    /// Ready ones, the latest used last.
    idle: Mutex<Vec<Idle>>,
    is_reaped: AtomicBool,
    max_idle: usize,
    keep_for: Duration,
}

struct Idle {
    sender: SendRequest<Upload>,
    since: Instant,
}

/// Why there was no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    Connect(io::Error),
    Exchange(hyper::Error),
}

/// A connection in use. Goes back to the pool when dropped, once it is ready for the next request.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    sender: Option<SendRequest<Upload>>,
}

impl Pool {
    pub(crate) fn new(door: Door, limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            door,
            idle: Mutex::default(),
            is_reaped: AtomicBool::new(false),
            max_idle: limits.max_idle_connections,
            keep_for: limits.keep_for,
        })
    }

    /// Sends a request (origin form, with its `Host`) and waits for the head of the answer. The lease belongs to the
    /// answer's body: dropped earlier, the connection is waited for.
    pub(crate) async fn send(
        self: &Arc<Self>,
        mut request: Request<Upload>,
    ) -> Result<(Response<Incoming>, Lease), Failure> {
        loop {
            let (mut sender, is_kept) = match self.take() {
                Some(sender) => (sender, true),
                None => (Box::pin(self.connect()).await.map_err(Failure::Connect)?, false),
            };
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, Lease { pool: Arc::clone(self), sender: Some(sender) })),
                Err(mut error) => match error.take_message() {
                    Some(unsent) if is_kept => request = unsent,
                    _ => return Err(Failure::Exchange(error.into_error())),
                },
            }
        }
    }

    fn take(&self) -> Option<SendRequest<Upload>> {
        let mut idle = self.idle();
        while let Some(last) = idle.pop() {
            if last.sender.is_ready() && last.since.elapsed() < self.keep_for {
                return Some(last.sender);
            }
        }
        None
    }

    fn put(self: &Arc<Self>, sender: SendRequest<Upload>) {
        let mut idle = self.idle();
        if idle.len() < self.max_idle {
            idle.push(Idle { sender, since: Instant::now() });
            drop(idle);
            if !self.is_reaped.swap(true, Ordering::AcqRel) {
                tokio::spawn(reap(Arc::downgrade(self), self.keep_for));
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        // Nothing panics while it is held; and if it did, the list would still be one of connections.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> io::Result<SendRequest<Upload>> {
        let connecting = async {
            let stream = TcpStream::connect((self.door.host.as_str(), self.door.port)).await?;
            stream.set_nodelay(true)?;
            match &self.door.tls {
                None => shake(stream).await,
                Some((connector, name)) => shake(connector.connect(name.clone(), stream).await?).await,
            }
        };
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        tokio::time::timeout(self.door.connect_for, connecting).await.map_err(late)?
    }
}

/// Begins HTTP/1.1 on a stream, and drives it in a task of its own.
async fn shake<S>(stream: S) -> io::Result<SendRequest<Upload>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_BUFFER)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "connection to an upstream");
        }
    });
    sender.ready().await.map_err(io::Error::other)?;
    Ok(sender)
}

/// Closes what was idle for too long, until nothing is left or the pool is gone.
async fn reap(pool: Weak<Pool>, keep_for: Duration) {
    loop {
        tokio::time::sleep(keep_for).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle();
        idle.retain(|one| !one.sender.is_closed() && one.since.elapsed() < keep_for);
        if idle.is_empty() {
            pool.is_reaped.store(false, Ordering::Release);
            return;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut sender) = self.sender.take() else { return };
        if sender.is_ready() {
            self.pool.put(sender);
        } else if !sender.is_closed()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            // Its task has not yet seen the end of the exchange, or the request is still being sent.
            let pool = Arc::clone(&self.pool);
            runtime.spawn(async move {
                if sender.ready().await.is_ok() {
                    pool.put(sender);
                }
            });
        }
    }
}

/// What a connection may hold of a request that its upstream does not read yet, in bytes.
const MAX_BUFFER: usize = 64 * 1024;
