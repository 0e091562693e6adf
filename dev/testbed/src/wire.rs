//! The wire between one node and its Postgres, in plain sight: it can swallow notifications, and it can be cut.
//!
//! Deliberately absent: TLS. The URL that it gives out asks for none, because what is swallowed has to be read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

/// The wire. It ends with the runtime.
pub struct Wire {
    url: String,
    state: Arc<State>,
}

struct State {
    is_deaf: AtomicBool,
    swallowed: AtomicUsize,
    is_cut: watch::Sender<bool>,
}

impl Wire {
    /// Lays one to the server of this URL.
    pub async fn to(url: &str) -> Self {
        let mut url: Url = url.parse().unwrap();
        let server = (url.host_str().unwrap().to_owned(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_query(Some("sslmode=disable"));
        let state = Arc::new(State {
            is_deaf: AtomicBool::new(false),
            swallowed: AtomicUsize::new(0),
            is_cut: watch::Sender::new(false),
        });
        let carrier = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((node, _)) = listener.accept().await {
                let (carrier, server) = (Arc::clone(&carrier), server.clone());
                tokio::spawn(async move { carrier.carry(node, &server).await });
            }
        });
        Self { url: url.into(), state }
    }

    /// The URL of the same database over this wire.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on no notification gets through. Everything else does.
    pub fn swallow_notifications(&self) {
        self.state.is_deaf.store(true, Ordering::SeqCst);
    }

    /// How many notifications were swallowed.
    pub fn swallowed(&self) -> usize {
        self.state.swallowed.load(Ordering::SeqCst)
    }

    /// Ends every connection, and every new one at once, until [`Self::mend`].
    pub fn cut(&self) {
        self.state.is_cut.send_replace(true);
    }

    /// New connections get through again.
    pub fn mend(&self) {
        self.state.is_cut.send_replace(false);
    }
}

impl State {
    async fn carry(&self, node: TcpStream, server: &(String, u16)) {
        let mut is_cut = self.is_cut.subscribe();
        if *is_cut.borrow() {
            return;
        }
        let Ok(server) = TcpStream::connect((server.0.as_str(), server.1)).await else { return };
        drop((node.set_nodelay(true), server.set_nodelay(true)));
        let ((mut from_node, to_node), (from_server, mut to_server)) = (node.into_split(), server.into_split());
        // Whichever side ends first ends the other.
        tokio::select! {
            _ = copy(&mut from_node, &mut to_server) => {}
            _ = self.hear(from_server, to_node) => {}
            _ = is_cut.wait_for(|cut| *cut) => {}
        }
    }

    /// Passes on what the server says, message by message: a type, a length that counts itself, the rest (protocol 3.0).
    async fn hear(&self, from: OwnedReadHalf, mut to: OwnedWriteHalf) -> std::io::Result<()> {
        const NOTIFICATION: u8 = b'A';
        let mut from = BufReader::new(from);
        loop {
            let kind = from.read_u8().await?;
            let length = from.read_u32().await?;
            let mut message = vec![kind];
            message.extend_from_slice(&length.to_be_bytes());
            (&mut from).take(u64::from(length).saturating_sub(4)).read_to_end(&mut message).await?;
            if kind == NOTIFICATION && self.is_deaf.load(Ordering::SeqCst) {
                self.swallowed.fetch_add(1, Ordering::SeqCst);
            } else {
                to.write_all(&message).await?;
            }
        }
    }
}
