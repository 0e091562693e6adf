//! The npm package `oidc-provider`: starts `dev/providers/oidc-provider/provider.mjs`, and fills in its forms.
//!
//! It keeps everything in memory, asks for no password that could be wrong, and shares no line of code with
//! [`Keycloak`](crate::Keycloak): what works with both is more than what works with one.

use crate::client::{Authentication, Client};
use crate::person::{Person, Whereabouts};
use crate::process::{Process, Start};
use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Mutex;
use url::Url;

/// A second on an idle machine; a busy one takes its time.
const DEADLINE: Duration = Duration::from_mins(1);
const READY: &str = "listening on ";
/// A log-in has two forms: who, and whether the client may know.
const FORMS: usize = 4;

/// Who is there, and how long things live.
#[derive(Clone)]
pub struct OidcSettings {
    /// The applications that log people in by it.
    pub clients: Vec<Client>,
    /// Claims of accounts (`email`, `email_verified`, `groups`, `name`) by their `sub`, which is what is typed into the form.
    /// Who is not listed can log in too, and has no claims.
    pub accounts: Map<String, Value>,
    /// How long access tokens and ID tokens live, in whole seconds.
    pub access_token: Duration,
}

/// A running provider. Dropping it ends it.
pub struct OidcProvider {
    issuer: String,
    port: u16,
    settings: OidcSettings,
    process: Mutex<Option<Process>>,
    // Behind the process: it is ended before its folder goes.
    folder: TempDir,
}

impl OidcProvider {
    /// Starts one on a free port of 127.0.0.1, with a signing key (RS256) of its own. It takes requests when this returns.
    pub async fn start(settings: OidcSettings) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("cloakroom-oidc-provider-").tempdir()?;
        let (process, issuer) = open(folder.path(), &settings, 0).await?;
        let port = issuer.parse::<Url>()?.port().context("an issuer without a port")?;
        Ok(Self { issuer, port, settings, process: Mutex::new(Some(process)), folder })
    }

    /// `iss`: `http://127.0.0.1:` and a port.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Ends it; with it everything that it knew. Nobody listens on its port until [`Self::start_again`].
    pub async fn stop(&self) {
        let process = self.process.lock().await.take();
        if let Some(process) = process {
            process.stop().await;
        }
    }

    /// Starts it again after [`Self::stop`], on the same port, with the same settings and another signing key; sessions and
    /// tokens of before are unknown to it. Does nothing if it runs.
    pub async fn start_again(&self) -> Result<()> {
        let mut process = self.process.lock().await;
        if process.is_none() {
            *process = Some(open(self.folder.path(), &self.settings, self.port).await?.0);
        }
        Ok(())
    }

    /// Lets somebody log in: opens `url` (an authorization request), fills in the forms that come, agrees to what the client
    /// asks for, and gives the URL of the relying party that the browser is then sent to, with `code` or with `error`. It is
    /// not opened. Who has a session and has agreed before is not asked.
    pub async fn log_in(&self, person: &mut Person, url: &Url, name: &str) -> Result<Url> {
        let mut at = person.open(url).await?;
        for _ in 0..FORMS {
            let page = match at {
                Whereabouts::SentTo(url) => return Ok(url),
                Whereabouts::At(page) => page,
            };
            at = if page.form(&["login"]).is_some() {
                person.fill(&page, &[("login", name), ("password", "any")]).await?
            } else if page.form(&["prompt"]).is_some_and(|form| form.value("prompt") == Some("consent")) {
                person.fill(&page, &[("prompt", "consent")]).await?
            } else {
                bail!("nobody was logged in: {} of {}", page.answer.status, page.url.path());
            };
        }
        bail!("nobody was logged in: there is no end of forms");
    }
}

/// Starts the program, on this port or (0) on a free one, and tells its issuer.
async fn open(folder: &Path, settings: &OidcSettings, port: u16) -> Result<(Process, String)> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("oidc-provider");
    if !package.join("node_modules/oidc-provider").is_dir() {
        bail!("oidc-provider is not installed: `cargo xtask test` does it, or `npm ci` in {}", package.display());
    }
    let program: PathBuf = package.join("provider.mjs");
    let settings = json!({
        "port": port,
        "clients": settings.clients.iter().map(client).collect::<Vec<_>>(),
        "accounts": settings.accounts,
        "access_token_seconds": settings.access_token.as_secs(),
    });
    let start = Start {
        name: "oidc-provider",
        program: "node".as_ref(),
        arguments: vec![program.display().to_string()],
        environment: vec![("HOME", folder.display().to_string()), ("PROVIDER", settings.to_string())],
        folder,
        ready: |line| Some(line.strip_prefix(READY)?.trim().to_owned()),
        deadline: DEADLINE,
    };
    start.process().await
}

/// A client in the words of `OpenID` Connect Dynamic Client Registration 1.0, 2.
fn client(client: &Client) -> Value {
    let mut metadata = json!({
        "client_id": client.id,
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    });
    match &client.authentication {
        Authentication::Secret(secret) => {
            metadata["token_endpoint_auth_method"] = json!("client_secret_basic");
            metadata["client_secret"] = json!(secret);
        }
        Authentication::PrivateKeyJwt(keys) => {
            metadata["token_endpoint_auth_method"] = json!("private_key_jwt");
            metadata["jwks"] = keys.clone();
        }
    }
    if let Some(url) = &client.backchannel_logout_url {
        metadata["backchannel_logout_uri"] = json!(url);
        metadata["backchannel_logout_session_required"] = json!(true);
    }
    metadata
}
