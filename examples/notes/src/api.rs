//! The JSON API: its configuration, its routes, and what each does. Every route takes a [`Caller`], and a
//! caller only ever reaches the notes of the `sub` that its token names.

use std::future::Future;
use std::io::{Error, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::bearer::Caller;
use crate::book::{Book, Note, Saved};
use crate::coins::{Coins, Purse, Till};
use crate::file::File;
use crate::keys::Keys;
use crate::live;
use crate::problem::Problem;
use crate::state::{Api, MAX_BODY};

/// All that the API is told.
#[derive(Clone)]
pub struct ApiConfig {
    /// Where the issuer publishes its keys: an absolute `http://` URL.
    pub jwks_url: String,
    /// The issuer's name, compared byte for byte with `iss`.
    pub issuer: String,
    /// This API's own name, as the issuer writes it into `aud`.
    pub audience: String,
    /// The JSON file that keeps the notes over a restart, in a folder that exists. Without it they are in memory only.
    pub data: Option<PathBuf>,
    /// What time it is, in Unix seconds.
    pub now: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// Serves the API until `stop` is ready; open streams end then too.
///
/// The error is that of a `jwks_url` that is not an absolute http URL, of a data file that cannot be read, or of the
/// listener.
pub async fn serve_api(
    listener: TcpListener,
    config: ApiConfig,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (close, closing) = watch::channel(false);
    let file = config.data.map(File::new);
    let saved = match &file {
        Some(file) => file.load().await?,
        None => Saved::default(),
    };
    let api = Arc::new(Api {
        keys: Keys::new(http_url(&config.jwks_url)?, Arc::clone(&config.now)),
        issuer: config.issuer,
        audience: config.audience,
        now: config.now,
        book: Book::open(saved),
        till: Till::default(),
        closing,
        file,
    });
    axum::serve(listener, routes(api))
        .with_graceful_shutdown(async move {
            stop.await;
            let _nobody = close.send(true);
        })
        .await
}

fn routes(api: Arc<Api>) -> Router {
    Router::new()
        .route("/api/notes", get(list).post(add))
        .route("/api/notes/{id}", delete(remove))
        .route("/api/coins", get(coins).post(transfer))
        .route("/api/events", get(live::events))
        .route("/api/live", get(live::live))
        .fallback(async || Problem::NotFound)
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(axum::middleware::map_response(async |mut response: axum::response::Response| {
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            response
        }))
        .with_state(api)
}

#[derive(Serialize)]
struct List {
    /// The last change that the list shows: a page that listens skips changes up to it.
    seq: u64,
    notes: Vec<Note>,
}

/// `GET /api/notes`
async fn list(caller: Caller, State(api): State<Arc<Api>>) -> Json<List> {
    let (seq, notes) = api.book.list(&caller.sub);
    Json(List { seq, notes })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewNote {
    text: String,
}

/// `POST /api/notes`
async fn add(
    caller: Caller,
    State(api): State<Arc<Api>>,
    body: Result<Json<NewNote>, JsonRejection>,
) -> Result<(StatusCode, Json<Note>), Problem> {
    let Json(new) = body.map_err(|refused| unreadable(&refused, Problem::BadNote))?;
    Ok((StatusCode::CREATED, Json(api.add(&caller.sub, &new.text).await?)))
}

/// `DELETE /api/notes/{id}`
async fn remove(caller: Caller, State(api): State<Arc<Api>>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = id.parse().map_err(|_| Problem::NotFound)?;
    api.book.delete(&caller.sub, id)?;
    api.save().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/coins`
async fn coins(caller: Caller, State(api): State<Arc<Api>>) -> Json<Coins> {
    Json(api.till.of(&caller.sub))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Transfer {
    to: Purse,
    amount: u32,
}

/// `POST /api/coins`
async fn transfer(
    caller: Caller,
    State(api): State<Arc<Api>>,
    body: Result<Json<Transfer>, JsonRejection>,
) -> Result<Json<Coins>, Problem> {
    let Json(Transfer { to, amount }) = body.map_err(|refused| unreadable(&refused, Problem::BadTransfer))?;
    Ok(Json(api.till.move_to(&caller.sub, to, amount)?))
}

/// What is wrong with a body; `otherwise` where it is neither its size nor its type.
fn unreadable(refused: &JsonRejection, otherwise: Problem) -> Problem {
    match refused.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::NotJson,
        _ => otherwise,
    }
}

impl Api {
    pub(crate) async fn add(&self, sub: &str, text: &str) -> Result<Note, Problem> {
        let note = self.book.add(sub, text, (self.now)())?;
        self.save().await?;
        Ok(note)
    }

    async fn save(&self) -> Result<(), Problem> {
        let Some(file) = &self.file else { return Ok(()) };
        file.save(&self.book).await.map_err(|error| {
            tracing::error!(%error, "notes not saved");
            Problem::NotSaved
        })
    }
}

fn http_url(text: &str) -> std::io::Result<Uri> {
    match text.parse::<Uri>() {
        Ok(uri) if uri.scheme_str() == Some("http") && uri.host().is_some() => Ok(uri),
        _ => Err(Error::new(ErrorKind::InvalidInput, "jwks_url must be an absolute http:// URL")),
    }
}
