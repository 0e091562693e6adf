//! `cloakroom demo`: a complete working system on this machine, nothing to configure. The same server as `serve`, with a
//! configuration made here, and behind it the sample "Notes", which knows nothing of Cloakroom but the address of its JWKS.
//! Mails are files, shown on a page.

mod mails;

use crate::config::{self, Config, Delivery, MailConfig};
use crate::serve::{Running, Sockets, start};
use crate::terminal::{Ending, StopSignals, answer, master_from_environment};
use crate::{log, master_key};
use anyhow::Context as _;
use clap::Args;
use cloakroom_app::{Clock, SystemClock};
use cloakroom_mail::Folder;
use cloakroom_notes::ApiConfig;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The command's options.
#[derive(Args)]
pub(crate) struct Demo {
    /// The port to click on.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Where accounts, notes and sessions are kept.
    #[arg(long, value_name = "FOLDER", default_value = "demo-data")]
    data: PathBuf,
    /// How sessions live in the browser; the page is the same for all. See docs/strategies.
    #[arg(long, value_name = "STRATEGY", default_value = "cookie",
          value_parser = ["cookie", "ticket", "split", "split-bearer", "memory"])]
    strategy: String,
}

/// The audience of the sample API's tokens.
const AUDIENCE: &str = "notes-api";

impl Demo {
    pub(crate) fn run(&self) -> anyhow::Result<Ending> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut stop = StopSignals::listen()?;
            let system = System::start(self.port, &self.data, &self.strategy, Arc::new(SystemClock)).await?;
            system.tell(&self.data);
            stop.recv().await;
            answer("\nStopping. Sessions stay alive for the next start.");
            system.stop().await?;
            Ok(Ending::Done)
        })
    }
}

/// Everything that the demo runs.
pub struct System {
    running: Running,
    port: u16,
    app: SocketAddr,
    api: SocketAddr,
    mails: SocketAddr,
    stop: CancellationToken,
    samples: Vec<tokio::task::JoinHandle<std::io::Result<()>>>,
}

impl System {
    /// Starts it. Port 0 takes any free one.
    pub async fn start(port: u16, data: &Path, strategy: &str, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        std::fs::create_dir_all(data).with_context(|| format!("cannot make the folder {}", data.display()))?;
        let public = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("port {port} is taken: choose another one with --port"))?;
        let port = public.local_addr()?.port();
        // `localhost` is ::1 first for many programs; a machine without IPv6 does without.
        let public = [Some(public), TcpListener::bind(("::1", port)).await.ok()].into_iter().flatten().collect();
        let (app, api, mails) = (free().await?, free().await?, free().await?);
        let (page_at, api_at, mails_at) = (app.local_addr()?, api.local_addr()?, mails.local_addr()?);
        let config = configuration(port, page_at, api_at, data, strategy)?;
        log::start(&config);

        let sockets = Sockets { public, redirect: Vec::new(), forward_auth: Vec::new(), admin: free().await? };
        let master = master_key::load_for(&config, master_from_environment().as_deref())?;
        // Before the server does: opening a folder tidies it up.
        let folder = mail_folder(&config)?;
        let running = start(&config, sockets, master, Arc::clone(&clock)).await?;
        let stop = CancellationToken::new();
        let notes = ApiConfig {
            jwks_url: format!("http://127.0.0.1:{port}/.well-known/jwks.json"),
            issuer: config.site.origin.clone(),
            audience: AUDIENCE.into(),
            data: Some(data.join("notes.json")),
            now: Arc::new(move || clock.now().unix_seconds()),
        };
        let samples = vec![
            tokio::spawn(cloakroom_notes::serve_api(api, notes, stop.clone().cancelled_owned())),
            tokio::spawn(cloakroom_notes::serve_app(app, stop.clone().cancelled_owned())),
            tokio::spawn(mails::serve(mails, folder, stop.clone().cancelled_owned())),
        ];
        Ok(Self { running, port, app: page_at, api: api_at, mails: mails_at, stop, samples })
    }

    /// What to type into a browser.
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Where mails can be read.
    pub fn mails(&self) -> String {
        format!("http://localhost:{}", self.mails.port())
    }

    /// The server, for who wants to look inside.
    pub fn server(&self) -> &Running {
        &self.running
    }

    fn tell(&self, data: &Path) {
        let Self { port, app, api, running, .. } = self;
        answer(&format!(
            "\n  Cloakroom demo is running.\n\n    \
             Click here       http://localhost:{port}\n\n    \
             The page         {app}  single-page app, behind the gateway at /\n    \
             Its API          {api}  verifies tokens by itself, behind the gateway at /api\n    \
             Keys             http://localhost:{port}/.well-known/jwks.json\n    \
             Admin            http://{admin}/metrics, /healthz, /readyz\n    \
             Mails            {mails}  every mail that would be sent, to confirm an address for instance\n    \
             Data             {data}\n\n  \
             Sign up with any address, confirm it on the page of mails, add a note, send some coins. Ctrl-C stops it.\n",
            mails = self.mails(),
            admin = running.admin,
            data = data.display(),
        ));
    }

    /// Stops it: the gateway first, then what it stands in front of.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.running.stop().await?;
        self.stop.cancel();
        for sample in self.samples {
            sample.await??;
        }
        Ok(())
    }
}

async fn free() -> anyhow::Result<TcpListener> {
    Ok(TcpListener::bind(("127.0.0.1", 0)).await?)
}

/// The folder that the configuration names, for the page that shows it.
fn mail_folder(config: &Config) -> anyhow::Result<Folder> {
    let Some(MailConfig { from, site, delivery: Delivery::Folder(path) }) = &config.mail else {
        anyhow::bail!("the demo keeps mails in a folder");
    };
    Folder::new(path, site.clone(), from.clone()).with_context(|| format!("cannot keep mails in {}", path.display()))
}

/// The demo's configuration, read like anybody's.
fn configuration(port: u16, app: SocketAddr, api: SocketAddr, data: &Path, strategy: &str) -> anyhow::Result<Config> {
    let text = toml::to_string(&serde_json::json!({
        "server": {
            "public_url": format!("http://localhost:{port}"),
            "approval_url": format!("http://approve.localhost:{port}"),
            "drain_for": "3s",
        },
        "mail": { "from": "Notes <no-reply@localhost>", "folder": data.join("mails").to_string_lossy() },
        "store": { "url": format!("sqlite:{}", data.join("cloakroom.db").display()) },
        "session": { "strategy": strategy, "acknowledge_weaker": strategy == "memory" },
        "log": { "level": "warn", "requests": false },
        "upstream": [
            { "name": "notes-app", "path": "/", "to": format!("http://{app}"), "access": "public" },
            {
                "name": "notes-api",
                "path": "/api",
                "to": format!("http://{api}"),
                "access": "signed-in",
                "audience": AUDIENCE,
                "step_up": [{ "method": "POST", "path": "/api/coins", "show": ["to", "amount"] }],
            },
        ],
    }))?;
    config::parse(&text, std::iter::empty()).map_err(|mistakes| {
        anyhow::anyhow!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })
}
