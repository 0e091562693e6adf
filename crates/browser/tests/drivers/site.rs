//! A tiny site on loopback.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const FORM: &str = r#"<!doctype html><title>Form</title><h1>Form</h1>
<form action="/two"><input id="name" name="name"><button>Go</button></form>
<div style="height: 4000px"></div><button id="far" disabled>Far</button>
<script>
  let inputsTrusted = true;
  document.querySelector('#name').addEventListener('input', event => { inputsTrusted &&= event.isTrusted });
  const far = document.querySelector('#far');
  far.onclick = event => { alert('hello'); window.clicked = event.isTrusted ? 'trusted' : 'made up' };
  setTimeout(() => { far.disabled = false }, 100);
</script>"#;

const TWO: &str = r#"<!doctype html><title>Two</title><h1>Two</h1><p>Second page <a href="/form">to the form</a></p>
<style>@media (prefers-color-scheme: dark) { body { background: #000; color: #fff } }</style>"#;

const PASSKEY: &str = r#"<!doctype html><title>Passkey</title><button id="create">Create</button> <button id="get">Get</button>
<p id="out"></p>
<script>
  const out = document.querySelector('#out');
  const on = (id, run) => { document.querySelector(id).onclick = () => { out.innerText = ''; run().then(text => { out.innerText = text }, error => { out.innerText = error.name }) } };
  const challenge = crypto.getRandomValues(new Uint8Array(32));
  on('#create', async () => {
    const made = await navigator.credentials.create({ publicKey: {
      challenge, rp: { name: 'Test' }, user: { id: new Uint8Array([1, 2, 3, 4]), name: 'zoe', displayName: 'Zoe' },
      pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' }, timeout: 20000,
    } });
    return `made ${made.id}`;
  });
  on('#get', async () => {
    const used = await navigator.credentials.get({ publicKey: { challenge, userVerification: 'required', timeout: 20000 } });
    // Flags come after the hash of the domain (WebAuthn 3, 6.1): bit 2 is UV.
    return `used ${used.id}${new Uint8Array(used.response.authenticatorData)[32] & 4 ? ' verified' : ''}`;
  });
</script>"#;

/// `@` is where a mistake can be.
const STRICT: &str = r#"<!doctype html><html lang="en"><title>Strict</title><main><h1>Strict</h1>@</main></html>"#;

const MISTAKES: &str =
    r#"<img src="/x.png"><input name="a"><p style="color: #ccc; background: #fff">Pale text that nobody can read</p>"#;

const STORE: &str = r#"<!doctype html><title>Store</title><div id="box"></div><input name="field">"#;

/// Evaluated, not part of the page: its own source must not be what the census finds.
pub(crate) const PLANT: &str = r"(async () => {
  localStorage.setItem('key', 'PLANTED-local');
  sessionStorage.setItem('key', 'PLANTED-session');
  const opening = indexedDB.open('PLANTED-database-name', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore('things').put({ deep: ['PLANTED-database-value'] }, 'PLANTED-database-key');
  await new Promise(done => { opening.onsuccess = done });
  const cache = await caches.open('PLANTED-cache-name');
  await cache.put('/thing', new Response('PLANTED-cache-body'));
  const folder = await navigator.storage.getDirectory();
  const writer = await (await folder.getFileHandle('file', { create: true })).createWritable();
  await writer.write('PLANTED-file');
  await writer.close();
  document.cookie = 'visible=PLANTED-cookie';
  window.token = 'PLANTED-global';
  window.app = { state: { user: { token: 'PLANTED-deep' } }, map: new Map([['k', 'PLANTED-map']]), bytes: new TextEncoder().encode('PLANTED-bytes') };
  window.app.self = window.app;
  window.run = () => {};
  window.run.secret = 'PLANTED-function';
  window.status = 'PLANTED-status';
  window.name = 'PLANTED-window-name';
  history.replaceState({ token: 'PLANTED-state' }, '', '#PLANTED-state-url');
  performance.mark('PLANTED-mark');
  document.querySelector('#box').dataset.secret = 'PLANTED-attribute';
  document.querySelector('input').value = 'PLANTED-field';
})()";

/// A server on a free port of loopback for as long as the test's runtime lives; gives its origin.
pub(crate) async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    origin
}

/// One request, one answer, closed: browsers also open connections that they then do not use.
async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let target = request.split(' ').nth(1).unwrap_or_default();
    let cookies = request
        .lines()
        .find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("cookie")))
        .map_or("", |(_, value)| value);
    let html = |body: &str| ("200 OK", "Content-Type: text/html; charset=utf-8\r\n".to_owned(), body.to_owned());
    let (status, headers, body) = match target.split('?').next().unwrap_or_default() {
        "/form" => html(FORM),
        "/two" => html(TWO),
        "/store" => html(STORE),
        "/passkey" => html(PASSKEY),
        "/strict" => (
            "200 OK",
            "Content-Type: text/html; charset=utf-8\r\n\
             Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; require-trusted-types-for 'script'\r\n"
                .to_owned(),
            STRICT.replace('@', if target.contains("broken") { MISTAKES } else { "" }),
        ),
        "/bounce" => html("<!doctype html><script>location.replace('/two?bounced')</script>"),
        "/redirect" => ("302 Found", "Location: /two\r\n".to_owned(), String::new()),
        "/echo" => ("200 OK", "Content-Type: text/plain\r\n".to_owned(), format!("cookies: {cookies}")),
        "/set" => (
            "200 OK",
            "Content-Type: text/plain\r\nX-Test: yes\r\n\
             Set-Cookie: open=o1; Path=/; Max-Age=3600; SameSite=Lax\r\n\
             Set-Cookie: hidden=h2; Path=/echo; HttpOnly\r\n\
             Set-Cookie: __Host-Http-sess=s3; Path=/; Secure; HttpOnly; SameSite=Strict\r\n"
                .to_owned(),
            "cookies are set".to_owned(),
        ),
        "/stream" => {
            // Never ends by itself.
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n").await?;
            return stream.read_to_end(&mut Vec::new()).await.map(|_| ());
        }
        _ => ("404 Not Found", String::new(), String::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}Connection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await
}
