//! JSON commands and events over one WebSocket: a background task reads, commands are answered by id, events go to every
//! listener in order. When the connection ends, every pending command and every listener ends with it, at once.
//! It knows nothing of either protocol except how an answer, an error and an event look.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// Screenshots and bodies come as one message.
const MAX_MESSAGE: usize = 256 << 20;

/// Why a command has no result.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum CallError {
    #[error("{method}: {message}")]
    Refused { method: String, message: String },
    #[error("{method}: no answer within {within:?}")]
    Late { method: String, within: Duration },
    #[error("{method}: the browser is gone")]
    Dead { method: String },
}

/// Something the browser said unasked.
#[derive(Debug)]
pub(super) struct Event {
    /// The `DevTools` session it belongs to; `BiDi` has none.
    pub(super) session: Option<String>,
    pub(super) method: String,
    pub(super) params: Value,
}

/// An item of a listener's queue.
pub(super) enum Heard {
    Event(Arc<Event>),
    /// Answered by the listener once everything queued before it has been handled.
    Barrier(oneshot::Sender<()>),
}

pub(super) struct Link {
    table: Arc<Mutex<Table>>,
    outbox: mpsc::UnboundedSender<Message>,
}

#[derive(Default)]
struct Table {
    last_id: u64,
    waiting: HashMap<u64, oneshot::Sender<Result<Value, String>>>,
    listeners: Vec<mpsc::UnboundedSender<Heard>>,
    dead: bool,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Link {
    /// Connects to a `ws://` address.
    pub(super) async fn open(address: &str) -> Result<Self> {
        let config = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
        let (socket, _) = connect_async_with_config(address, Some(config), true)
            .await
            .with_context(|| format!("cannot connect to {address}"))?;
        let table = Arc::new(Mutex::new(Table::default()));
        let (outbox, letters) = mpsc::unbounded_channel();
        tokio::spawn(run(socket, letters, Arc::clone(&table)));
        Ok(Self { table, outbox })
    }

    /// Sends a command and waits for its result.
    pub(super) async fn call(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
        within: Duration,
    ) -> Result<Value, CallError> {
        let dead = || CallError::Dead { method: method.to_owned() };
        let (answer, answered) = oneshot::channel();
        let id = {
            let mut table = lock(&self.table);
            if table.dead {
                return Err(dead());
            }
            table.last_id += 1;
            let id = table.last_id;
            table.waiting.insert(id, answer);
            id
        };
        let mut command = json!({ "id": id, "method": method, "params": params });
        if let (Some(session), Some(command)) = (session, command.as_object_mut()) {
            command.insert("sessionId".to_owned(), session.into());
        }
        self.outbox.send(Message::text(command.to_string())).map_err(|_| dead())?;
        match tokio::time::timeout(within, answered).await {
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(message))) => Err(CallError::Refused { method: method.to_owned(), message }),
            Ok(Err(_)) => Err(dead()),
            Err(_) => {
                lock(&self.table).waiting.remove(&id);
                Err(CallError::Late { method: method.to_owned(), within })
            }
        }
    }

    /// All events from now on, with a way to put a barrier behind those already queued.
    pub(super) fn listen(&self) -> (mpsc::UnboundedReceiver<Heard>, mpsc::WeakUnboundedSender<Heard>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let weak = sender.downgrade();
        let mut table = lock(&self.table);
        if !table.dead {
            table.listeners.push(sender);
        }
        (receiver, weak)
    }
}

async fn run(mut socket: Socket, mut letters: mpsc::UnboundedReceiver<Message>, table: Arc<Mutex<Table>>) {
    loop {
        tokio::select! {
            letter = letters.recv() => match letter {
                Some(letter) => if socket.send(letter).await.is_err() { break },
                // The link was dropped.
                None => break,
            },
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => receive(&table, &text),
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    let mut table = lock(&table);
    table.dead = true;
    table.waiting.clear();
    table.listeners.clear();
}

fn receive(table: &Mutex<Table>, text: &str) {
    let Ok(Value::Object(mut message)) = serde_json::from_str(text) else { return };
    let mut table = lock(table);
    if let Some(id) = message.get("id").and_then(Value::as_u64) {
        let Some(waiting) = table.waiting.remove(&id) else { return };
        let answer = match message.remove("error") {
            // DevTools: { code, message }. BiDi: a word, with the message beside it.
            Some(Value::String(word)) => {
                Err(format!("{word}: {}", message.get("message").and_then(Value::as_str).unwrap_or_default()))
            }
            Some(error) => Err(error["message"].as_str().map_or_else(|| error.to_string(), str::to_owned)),
            None => Ok(message.remove("result").unwrap_or_default()),
        };
        // The caller may have given up.
        let _ = waiting.send(answer);
    } else if let Some(Value::String(method)) = message.remove("method") {
        let session = message.remove("sessionId").and_then(|session| session.as_str().map(str::to_owned));
        let event = Arc::new(Event { session, method, params: message.remove("params").unwrap_or_default() });
        table.listeners.retain(|listener| listener.send(Heard::Event(Arc::clone(&event))).is_ok());
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
