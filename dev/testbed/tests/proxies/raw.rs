//! Requests as no well-behaved client writes them.

use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Long enough for a loaded machine; nothing waits so long when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Sends these bytes, and reads until the other side closes. With the status.
pub(crate) async fn exchange(port: u16, request: &[u8]) -> (u16, String) {
    let answer = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        // Who refuses a request may reset the connection behind the answer.
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut piece).await {
            answer.extend_from_slice(&piece[..read]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    };
    let answer = tokio::time::timeout(PATIENCE, answer).await.unwrap();
    (answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0), answer)
}
