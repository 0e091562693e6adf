//! Apache with `mod_auth_openidc`, the peer that is compared with: a proxy to the application for who has a session of its own.

use crate::http;
use crate::process::{Process, free};
use crate::tools::is_root;
use anyhow::{Context as _, Result, bail, ensure};
use cloakroom_providers::{Authentication, Client, OidcProvider, OidcSettings, Person, Whereabouts};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use url::Url;

const SECRET: &str = "a secret of this measurement alone 0123456789";

/// A running Apache with somebody logged in.
pub(crate) struct Apache {
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    /// The `Cookie` of a signed-in request.
    pub(crate) cookie: String,
    _provider: OidcProvider,
}

impl Apache {
    /// Starts it with a provider behind it (npm's `oidc-provider`), and logs somebody in. Its sessions are where they are by
    /// default, in shared memory.
    pub(crate) async fn start(folder: &Path, to: SocketAddr) -> Result<Self> {
        let address = free()?;
        let origin = format!("http://localhost:{}", address.port());
        let client = Client {
            id: "apache".to_owned(),
            authentication: Authentication::Secret(SECRET.to_owned()),
            redirect_uris: vec![format!("{origin}/redirect_uri")],
            post_logout_redirect_uris: vec![],
            backchannel_logout_url: None,
        };
        let ada = serde_json::json!({ "email": "ada@example.com", "email_verified": true });
        let provider = OidcProvider::start(OidcSettings {
            clients: vec![client],
            accounts: [("ada".to_owned(), ada)].into_iter().collect(),
            access_token: Duration::from_hours(1),
        })
        .await?;
        let file = folder.join("apache.conf");
        std::fs::write(&file, configuration(folder, address, to, &origin, provider.issuer()))?;
        let mut command = Command::new("/usr/sbin/apache2");
        command.arg("-d").arg(folder).arg("-f").arg(&file).args(["-D", "FOREGROUND"]);
        let log = folder.join("apache.log");
        let mut process = Process::start(&mut command, &log)?;
        let until = Instant::now() + Duration::from_secs(10);
        while http::Client::connect(address).is_err() {
            if let Some(status) = process.ended() {
                bail!("Apache ended ({status}): {}", std::fs::read_to_string(&log)?);
            }
            ensure!(Instant::now() < until, "Apache does not listen on {address}");
            std::thread::yield_now();
        }
        let cookie = log_in(&provider, &origin).await?;
        Ok(Self { address, process, cookie, _provider: provider })
    }
}

async fn log_in(provider: &OidcProvider, origin: &str) -> Result<String> {
    let mut ada = Person::new();
    let home: Url = format!("{origin}/x").parse()?;
    let Whereabouts::SentTo(there) = ada.open(&home).await? else {
        bail!("Apache asked nobody to log in");
    };
    let back = provider.log_in(&mut ada, &there, "ada").await?;
    let Whereabouts::At(page) = ada.open(&back).await? else { bail!("Apache led elsewhere after the log-in") };
    let is_in = page.answer.status == 200 && page.url.path() == home.path();
    // Its own error page comes with 200 as well.
    ensure!(is_in, "Apache answered {} at {} after the log-in", page.answer.status, page.url.path());
    ada.cookies(&home).context("Apache set no cookie")
}

/// `mpm_event` and the module with its defaults; no log, connections to the application kept.
fn configuration(folder: &Path, address: SocketAddr, to: SocketAddr, origin: &str, issuer: &str) -> String {
    let modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "proxy", "proxy_http"];
    let load =
        modules.map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")).concat();
    let user = if is_root() { "User www-data\nGroup www-data\n" } else { "" };
    let here = folder.display();
    format!(
        "{load}{user}ServerName localhost\nListen {address}\nPidFile {here}/apache.pid\nErrorLog {here}/error.log\nLogLevel error\n\
         KeepAlive On\nMaxKeepAliveRequests 0\n\
         OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration\nOIDCClientID apache\nOIDCClientSecret \"{SECRET}\"\n\
         OIDCRedirectURI {origin}/redirect_uri\nOIDCCryptoPassphrase \"{SECRET}\"\nOIDCScope \"openid email\"\nOIDCPKCEMethod S256\n\
         <Location />\nAuthType openid-connect\nRequire valid-user\n</Location>\n\
         ProxyPass /redirect_uri !\nProxyPass / http://{to}/\n"
    )
}
