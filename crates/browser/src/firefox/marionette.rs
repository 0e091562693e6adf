//! Firefox's older protocol, for the one thing that `BiDi` has no command for: virtual authenticators.
//!
//! Messages are JSON arrays, each after its length in bytes and a colon. No session is opened: the commands used here need
//! none, and there may be only one, which is `BiDi`'s.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::driver::COMMAND_DEADLINE;

/// Where it writes its port, below the profile.
pub(super) const PORT_FILE: &str = "MarionetteActivePort";
/// How often it is looked there.
const ASK_AGAIN: Duration = Duration::from_millis(20);
/// Credentials of one authenticator come as one message.
const MAX_MESSAGE: usize = 1 << 20;

pub(super) struct Marionette {
    profile: PathBuf,
    /// Opened when it is first needed. It stays for as long as the browser: its end would end the `BiDi` session, too.
    connection: Mutex<Option<Connection>>,
}

impl Marionette {
    pub(super) fn of(profile: &Path) -> Self {
        Self { profile: profile.to_owned(), connection: Mutex::default() }
    }

    /// A command of `WebAuthn`, as [`crate::driver::TabDriver::web_authn`] describes it.
    pub(super) async fn web_authn(&self, command: &str, mut params: Value) -> Result<Value> {
        // It says "credentials" where it means one.
        if let Some(credential) = params.as_object_mut().and_then(|params| params.remove("credential")) {
            params["credentials"] = credential;
        }
        let name = format!("WebAuthn:{command}");
        let answer = tokio::time::timeout(COMMAND_DEADLINE, self.call(&name, params)).await;
        let mut answer = answer.map_err(|_| anyhow!("{command}: no answer within {COMMAND_DEADLINE:?}"))??;
        // A bare value comes as `value`, a list as itself.
        Ok(match command {
            "AddVirtualAuthenticator" => json!({ "authenticatorId": answer["value"].take() }),
            "GetCredentials" => {
                json!({ "credentials": if answer.is_array() { answer } else { answer["value"].take() } })
            }
            _ => answer,
        })
    }

    async fn call(&self, command: &str, params: Value) -> Result<Value> {
        let mut connection = self.connection.lock().await;
        let connection = match &mut *connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(&self.profile).await?),
        };
        connection.call(command, params).await
    }
}

struct Connection {
    stream: BufStream<TcpStream>,
    last_id: u64,
}

impl Connection {
    async fn open(profile: &Path) -> Result<Self> {
        // It says so nowhere else, and maybe not yet. Whoever calls has a deadline.
        let mut again = tokio::time::interval(ASK_AGAIN);
        let port = loop {
            again.tick().await;
            let written = std::fs::read_to_string(profile.join(PORT_FILE)).unwrap_or_default();
            if let Ok(port) = written.trim().parse::<u16>() {
                break port;
            }
        };
        let stream = BufStream::new(TcpStream::connect(("127.0.0.1", port)).await?);
        let mut connection = Self { stream, last_id: 0 };
        let greeting = connection.receive().await?;
        if greeting["marionetteProtocol"] != 3 {
            bail!("Firefox speaks another protocol: {greeting}");
        }
        Ok(connection)
    }

    async fn call(&mut self, command: &str, params: Value) -> Result<Value> {
        self.last_id += 1;
        let message = json!([0, self.last_id, command, params]).to_string();
        self.stream.write_all(format!("{}:{message}", message.len()).as_bytes()).await?;
        self.stream.flush().await?;
        loop {
            // [1, id, error, result]; the answer to a command that nobody waited for may come first.
            let mut answer = self.receive().await?;
            if answer[1] != self.last_id {
                continue;
            }
            if answer[2].is_object() {
                bail!("{command}: {}: {}", answer[2]["error"], answer[2]["message"]);
            }
            return Ok(answer[3].take());
        }
    }

    async fn receive(&mut self) -> Result<Value> {
        let mut length = Vec::new();
        (&mut self.stream).take(10).read_until(b':', &mut length).await?;
        let length =
            std::str::from_utf8(&length)?.trim_end_matches(':').parse::<usize>().context("the browser is gone")?;
        if length > MAX_MESSAGE {
            bail!("a message of {length} bytes");
        }
        let mut message = vec![0; length];
        self.stream.read_exact(&mut message).await.context("the browser is gone")?;
        Ok(serde_json::from_slice(&message)?)
    }
}
