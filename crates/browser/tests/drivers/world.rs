//! Sites of several names on one port of loopback, encrypted if wanted, which remember every request.

use std::sync::Arc;

use cloakroom_browser::Spki;
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// Of two sites: what follows `localhost` from the right counts.
const NAMES: [&str; 5] = ["localhost", "a.localhost", "b.localhost", "app.test", "evil.test"];

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) host: String,
    /// With its query.
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Arrival {
    /// The value of a field; empty if there is none.
    pub(crate) fn field(&self, name: &str) -> &str {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).next().unwrap_or_default()
    }
}

pub(crate) struct World {
    scheme: &'static str,
    port: u16,
    /// Of its certificate; for plain sites of nothing.
    pub(crate) spki: Spki,
    arrivals: watch::Receiver<Vec<Arrival>>,
}

impl World {
    pub(crate) async fn plain() -> Self {
        let (listener, port) = listen().await;
        let (log, arrivals) = watch::channel(Vec::new());
        let log = Arc::new(log);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&log)));
            }
        });
        Self { scheme: "http", port, spki: Spki::of(b""), arrivals }
    }

    pub(crate) async fn encrypted() -> Self {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = NAMES.map(str::to_owned).to_vec();
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (listener, port) = listen().await;
        let (log, arrivals) = watch::channel(Vec::new());
        let log = Arc::new(log);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, log) = (acceptor.clone(), Arc::clone(&log));
                tokio::spawn(async move { answer(acceptor.accept(stream).await?, log).await });
            }
        });
        Self { scheme: "https", port, spki: Spki::of(&key.subject_public_key_info()), arrivals }
    }

    /// An address on the site of this name, such as `a.localhost`.
    pub(crate) fn at(&self, host: &str, path: &str) -> String {
        format!("{}://{host}:{}{path}", self.scheme, self.port)
    }

    /// Waits for the first request that is as `wanted`.
    pub(crate) async fn arrival(&self, wanted: impl Fn(&Arrival) -> bool) -> Arrival {
        let mut arrivals = self.arrivals.clone();
        let waiting = arrivals.wait_for(|seen| seen.iter().any(&wanted));
        let seen = tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await;
        let Ok(Ok(seen)) = seen else { panic!("no such request among {:?}", self.arrivals.borrow()) };
        seen.iter().find(|arrival| wanted(arrival)).unwrap().clone()
    }

    /// Those that have come so far.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.borrow().clone()
    }
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// One request, one answer, closed.
async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    log: Arc<watch::Sender<Vec<Arrival>>>,
) -> std::io::Result<()> {
    let mut received = Vec::new();
    let arrival = loop {
        if let Some(arrival) = read(&received) {
            break arrival;
        }
        if received.len() > 1 << 20 || stream.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
    };
    log.send_modify(|arrivals| arrivals.push(arrival.clone()));
    let (path, query) = arrival.path.split_once('?').unwrap_or((&arrival.path, ""));
    if path == "/never" {
        return stream.read_to_end(&mut Vec::new()).await.map(|_| ());
    }
    let (fields, body) = content(path, query, &arrival);
    let origin = arrival.field("origin");
    let shared = if origin.is_empty() {
        String::new()
    } else {
        format!("Access-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Credentials: true\r\n")
    };
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{fields}{shared}Connection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// A whole request, once it is there.
fn read(received: &[u8]) -> Option<Arrival> {
    let text = String::from_utf8_lossy(received);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut arrival = Arrival {
        host: String::new(),
        path: head.split(' ').nth(1)?.to_owned(),
        head: head.to_owned(),
        body: body.to_owned(),
    };
    let host = arrival.field("host").split(':').next().unwrap_or_default().to_owned();
    arrival.host = host;
    let length = arrival.field("content-length").parse::<usize>().unwrap_or_default();
    (body.len() >= length).then_some(arrival)
}

/// Header fields and body of an answer. `query` is the address of a frame, or what is shown.
fn content(path: &str, query: &str, arrival: &Arrival) -> (String, String) {
    let html =
        |body: String| ("Content-Type: text/html; charset=utf-8\r\n".to_owned(), format!("<!doctype html>{body}"));
    let text =
        |fields: &str, body: String| (format!("{fields}Content-Type: text/plain\r\nCache-Control: no-store\r\n"), body);
    match path {
        "/set" => text(
            "Set-Cookie: none=n1; Path=/; Max-Age=3600; Secure; SameSite=None\r\n\
             Set-Cookie: unset=u1; Path=/; Max-Age=3600\r\n\
             Set-Cookie: lax=l1; Path=/; Max-Age=3600; SameSite=Lax\r\n\
             Set-Cookie: hidden=h1; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict\r\n",
            "set".to_owned(),
        ),
        // By another site's page, so a cookie of a third party.
        "/plant" => text("Set-Cookie: planted=p1; Path=/; Secure; SameSite=None\r\n", "planted".to_owned()),
        "/register" => text("", "{}".to_owned()),
        "/bound" => text(
            "Secure-Session-Registration: (ES256);path=\"/register\";challenge=\"c1\"\r\n\
             Set-Cookie: __Host-bound=b1; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax\r\n",
            "bound".to_owned(),
        ),
        "/echo" => text("", arrival.field("cookie").to_owned()),
        "/outer" => {
            html(format!("<title>Outer</title><h1>Outer</h1><iframe src=\"{query}\" width=400 height=300></iframe>"))
        }
        "/shows" => html(SHOWS.replace('@', query)),
        "/bait" => html(BAIT.replace('@', query)),
        "/button" => html(BUTTON.to_owned()),
        _ => html(format!("<title>Page</title><h1>{path}</h1><script>var here = '{path}'</script>")),
    }
}

/// Counts how it is shown.
const SHOWS: &str = "<title>@</title><h1>@</h1><script>
  window.shown = [];
  addEventListener('pageshow', event => { shown.push(event.persisted ? 'kept' : 'loaded') });
</script>";

/// A button that is seen, under a frame of another site that is not.
const BAIT: &str = "<style>body { margin: 0 } button, iframe { position: absolute; left: 50px; top: 50px; width: 200px; height: 100px }
  iframe { opacity: 0; border: 0 }</style>
<button id=bait onclick=\"window.baited = true\">Win</button><iframe src=\"@\"></iframe>";

/// Fills its frame.
const BUTTON: &str =
    "<style>body { margin: 0 } button { width: 100vw; height: 100vh }</style><button>Pay</button><script>
  document.querySelector('button').onclick = event =>
    fetch(`/paid?${event.isTrusted}-${navigator.userActivation?.isActive}`, { method: 'POST' });
</script>";
